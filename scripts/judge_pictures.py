"""Drawings to train the judge on, from sets of which nothing is in the concept library.

Nothing of them is shipped; some may not be (OpenMoji and Emoji One 1 are CC BY-SA). Three sets
come from hands that also drew for the library, in another manner: Emoji One 1 and its one-colour
edition, and the high-contrast edition of Fluent Emoji.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import resvg_py
from PIL import Image
from scripts.concept_names import Named, read_names, slug
from scripts.concept_packages import Package, Packages, Source
from scripts.concept_pictures import Icons, document, measure

SIDE = 72  # px a drawing is kept at
VARIANTS = ("", "-fill", "-duotone", "-bold", "-filled", "-face", "-1", "-flat")  # of icon names


def _set(name: str, version: str, sha512: str, drawing: str, licence: str) -> Source:
    return Source(
        id=name,
        drawing=drawing,
        package=Package(name=f"@iconify-json/{name}", version=version, sha512=sha512),
        title=name,
        author="",
        licence=licence,
        url="",
    )


SETS = (
    _set(
        "openmoji",
        "1.2.29",
        "vXdhkqcXVSO6suy+m9LbcUM3OdVyuNOtpV8/als/WqfkQIRxevL5Geb/g+6GH/Qwnq1OqksEmaDGTCmZ5nFKJQ==",
        "flat",
        "CC-BY-SA-4.0",
    ),
    _set(
        "emojione-v1",
        "1.2.3",
        "UjI2VQEXVtGlPBvQuxEizro7QCgBcJDOYwKUupquvvZ8UV4xOlvm45IU82JYWegiAWLerY79gFLMZ26U6Ms+ww==",
        "flat",
        "CC-BY-SA-4.0",
    ),
    _set(
        "streamline-emojis",
        "1.2.4",
        "iNr9T9XuZVTyQPJO8ZlLxBzPkpi7qMl+z1l0C31vpEMqhPMelth3n7CeWQYtixdetDPdI81yeG4ROqjWpYJE6A==",
        "flat",
        "CC-BY-4.0",
    ),
    _set(
        "fluent-emoji-high-contrast",
        "1.2.6",
        "esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w==",
        "outline",
        "MIT",
    ),
    _set(
        "emojione-monotone",
        "1.2.1",
        "cZSNcPsuiAD6HCzCh/2dYKGh3pNI0jJlxBxQWfC33cQsPtqYZqulGBvlkThXYNvDl8VxgVHT9u+izyX/yeEIkA==",
        "outline",
        "CC-BY-4.0",
    ),
    _set(
        "game-icons",
        "1.2.4",
        "/HDDZxowXgDJcOEwPspUCq5RuDdl25OyZKdtxqqiPJQNTrWIym7r4StLzIVs77DyNzOWWhH5wDqwYR3WHeDfkg==",
        "outline",
        "CC-BY-3.0",
    ),
    _set(
        "ph",
        "1.2.2",
        "PgkEZNtqa8hBGjHXQa4pMwZa93hmfu8FUSjs/nv4oUU6yLsgv+gh9nu28Kqi8Fz9CCVu4hj1MZs9/60J57IzFw==",
        "outline",
        "MIT",
    ),
    _set(
        "tabler",
        "1.2.41",
        "GHg+H/cnr0anaCoV383JONiOMxZQOdojWYNLgL3x0fRE07YW7c+AHiYmIhXet//oq26T830qitdP7l43ojiCXw==",
        "outline",
        "MIT",
    ),
    _set(
        "streamline-kameleon-color",
        "1.2.2",
        "6vFS3ILSmy3w6R1v2nVolNFf9pLuUihOUqyUNVXp0HliWIR6RpJIsWue0Fc6MVri7wde+SWzMJeLAXWU3zE43g==",
        "flat",
        "CC-BY-4.0",
    ),
    _set(
        "streamline-color",
        "1.2.2",
        "+ypc4kzeKTFbHVM2uNWFqt1iR7E4XeMTI3Wa3LcmeHLPjyk6u6e9NJqqOHUU02rpA8GaN80XHySXzX+4DuZbzA==",
        "flat",
        "CC-BY-4.0",
    ),
    _set(
        "streamline-plump-color",
        "1.2.2",
        "nMLbsfwKt/IJCUDpndY7sW5aZsFUOhQGS2Jdeap+CAfbQMDIzsyEHqe8m3u65wM23q1jBlWoblE7oUXukcvTvw==",
        "flat",
        "CC-BY-4.0",
    ),
    _set(
        "flat-color-icons",
        "1.2.3",
        "KcmJ7CY0TKFv5GuBjiS4/v++jEcNXna1jfY+yq014tnw/MN/jMI2oYpoMHGuIpYtUqDu7eove+WySnOYO8nS3w==",
        "flat",
        "MIT",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One drawing of a concept."""

    concept_id: str
    source: str  # id of its set
    mirrorable: bool
    is_plain: bool  # of one colour, which says nothing
    pixels: npt.NDArray[np.uint8]  # SIDE x SIDE x 4, straight alpha, centred, long side SIDE


def drawings(cache: Path, concepts: frozenset[str]) -> Iterator[Drawing]:
    """Every drawing that the sets have of the concepts of these ids."""
    packages = Packages(cache)
    sets = [(source, Icons(packages, source)) for source in SETS]
    for concept in read_names(packages):
        if concept.id not in concepts:
            continue
        for source, icons in sets:
            for name in names_of(concept, icons, by_code=source.drawing == "flat"):
                body, canvas = icons.drawing(name)
                pixels = rasterise(body.replace("currentColor", "#000"), canvas)
                if pixels is not None:
                    yield Drawing(
                        concept_id=concept.id,
                        source=source.id,
                        mirrorable=concept.mirrorable,
                        is_plain=source.drawing == "outline",
                        pixels=pixels,
                    )


def names_of(concept: Named, icons: Icons, *, by_code: bool) -> list[str]:
    """The icons of a set that show a concept, by its emoji and by what it is called."""
    found: list[str] = []
    for code, names in zip(concept.emoji, concept.unicode_names, strict=True):
        name = icons.name_of(code, names)
        found += [name] if name is not None else []
    if not found or not by_code:
        called = [slug(word) for word in concept.words_en[:3]]
        for word in called:
            known = [word + end for end in VARIANTS if icons.name_of("", (word + end,))]
            found += known[:3]
            if known:
                break
    return list(dict.fromkeys(found))


def rasterise(body: str, canvas: tuple[float, ...]) -> npt.NDArray[np.uint8] | None:
    """SIDE x SIDE x 4, cut to what shows and centred; None if nothing does."""
    left, top, width, height = canvas
    box = measure(document(body, (left, top, width, height)))
    if box is None:
        return None
    scale = SIDE / max(box[2:])
    columns, rows = (max(1, round(side * scale)) for side in box[2:])
    svg = f'<svg width="{columns}" height="{rows}"{document(body, box)[4:]}'
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return np.array(square)
