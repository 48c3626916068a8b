"""Artefacts of the user's own concepts: what they must be like, taken apart and put together."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from PIL import Image, UnidentifiedImageError

from overpaint.concepts.artefact import Artefact, Exemplars, Source
from overpaint.concepts.concept import DRAWINGS, OWN, PLACEMENTS, Concept, Drawing
from overpaint.concepts.library import VISIBLE
from overpaint.concepts.naming import OWN_ID, check_keywords, check_names, id_for, words
from overpaint.errors import InvalidOption, OperationFailed
from overpaint.values import Rgba8

MAX_PICTURES = 32  # of one concept
LONGEST = 4095  # px, a side of a picture


def made(concept: Concept, drawing: Drawing, pictures: Sequence[Rgba8], added: str) -> Artefact:
    """The artefact of one concept. Its pictures are kept without loss.

    Args:
        concept: what it is; its exemplars are filled in.
        drawing: how it is drawn, in all pictures.
        pictures: each height x width x 4, straight alpha.
        added: when, ISO 8601.
    """
    files = {f"{concept.id}/{n}.webp": _webp(one) for n, one in enumerate(pictures)}
    exemplars = _exemplars(concept.id, drawing, len(pictures))
    source = Source(
        id=concept.id,
        drawing=drawing,
        title=concept.name_en,
        author="",
        licence="LicenseRef-own",
        url="",
        package="",
    )
    return Artefact(
        name=concept.id,
        sources=(source,),
        concepts={concept.id: replace(concept, exemplars=exemplars)},
        more={},
        read=files.__getitem__,
        rendered=frozenset(DRAWINGS),
        added={concept.id: added},
    )


def checked(artefact: Artefact, *, decode: bool = False) -> Artefact:
    """An artefact that is fit to lie on a shelf, or `OperationFailed` with what is wrong.

    Every picture is read, which finds damage; with `decode` it is decoded too.
    """
    try:
        concepts = {
            id_: _checked(artefact, concept, decode) for id_, concept in artefact.concepts.items()
        }
    except (AttributeError, TypeError, ValueError, OSError, InvalidOption) as error:
        raise OperationFailed(str(error)) from error
    if not concepts or artefact.more or artefact.rendered != frozenset(DRAWINGS):
        raise OperationFailed("it does not hold concepts of a user's own")
    return replace(artefact, concepts=concepts)


def parted(artefact: Artefact) -> Iterator[Artefact]:
    """One artefact for each concept of a checked one."""
    for id_, concept in artefact.concepts.items():
        yield replace(
            artefact,
            name=id_,
            sources=tuple(source for source in artefact.sources if source.id == id_),
            concepts={id_: concept},
            added={id_: artefact.added[id_]},
        )


def joined(artefacts: Sequence[Artefact]) -> Artefact:
    """One artefact of several checked ones, which have no concept in common."""
    homes = {id_: one for one in artefacts for id_ in one.concepts}
    return Artefact(
        name="own concepts",
        sources=tuple(source for one in artefacts for source in one.sources),
        concepts={id_: one.concepts[id_] for id_, one in homes.items()},
        more={},
        read=lambda member: homes[member.partition("/")[0]].read(member),
        rendered=frozenset(DRAWINGS),
        added={id_: one.added[id_] for id_, one in homes.items()},
    )


def members(artefact: Artefact) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each picture of a checked artefact."""
    for id_, concept in artefact.concepts.items():
        for number in range(len(concept.exemplars)):
            name = f"{id_}/{number}.webp"
            yield name, artefact.read(name)


def _checked(artefact: Artefact, concept: Concept, decode: bool) -> Concept:
    """A concept with nothing in it but what `made` would have put there; raises."""
    id_ = concept.id
    sources = [source for source in artefact.sources if source.id == id_]
    english = concept.name_en if concept.words_en else ""
    chinese = concept.name_zh if concept.words_zh else ""
    if OWN_ID.fullmatch(id_) is None or len(sources) != 1 or concept.group != OWN:
        raise ValueError(f"{id_} is not a concept of a user's own")
    if check_names(english, chinese) != (english, chinese) or id_for(english, chinese) != id_:
        raise ValueError(f"{id_} is not called so")
    (source,) = sources
    count = len(concept.exemplars)
    if source.drawing not in DRAWINGS or concept.placement not in PLACEMENTS:
        raise ValueError(f"{id_} is drawn or placed in an unknown way")
    if not 1 <= count <= MAX_PICTURES or concept.exemplars != _exemplars(
        id_, source.drawing, count
    ):
        raise ValueError(f"{id_} must have 1 to {MAX_PICTURES} pictures of its own, has {count}")
    datetime.fromisoformat(artefact.added.get(id_, ""))
    keywords_en, keywords_zh = check_keywords((*concept.keywords_en, *concept.keywords_zh))
    alone = replace(artefact, concepts={id_: concept})
    for member, data in members(alone):
        _check_picture(member, data, decode)
    return replace(
        concept,
        words_en=words(english),
        words_zh=words(chinese),
        keywords_en=keywords_en,
        keywords_zh=keywords_zh,
    )


def shows_something(pixels: Rgba8) -> bool:
    """Whether anything of height x width x 4 `pixels` can be seen."""
    return bool((pixels[..., 3] >= VISIBLE).any())


def _exemplars(id_: str, drawing: Drawing, count: int) -> Exemplars:
    """Drawing and key of each of `count` pictures, as `artefact` numbers them."""
    copies: Iterable[str] = ("" if n == 1 else f"-{n}" for n in range(1, count + 1))
    return tuple((drawing, f"{id_}/{id_}{copy}") for copy in copies)


def _webp(pixels: Rgba8) -> bytes:
    """Encode without loss; colours under full transparency too."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True, quality=50, method=3)
    return file.getvalue()


def _check_picture(member: str, data: bytes, decode: bool) -> None:
    """Raise `ValueError` or `OSError` unless `data` is a picture that can be shown."""
    try:
        picture = Image.open(io.BytesIO(data), formats=["WEBP"])
    except UnidentifiedImageError:
        raise ValueError(f"{member} is not a WEBP picture") from None
    with picture:
        if max(picture.size) > LONGEST:
            raise ValueError(f"{member} must have sides of at most {LONGEST} px")
        if decode and not shows_something(np.asarray(picture.convert("RGBA"))):
            raise ValueError(f"{member} shows nothing")
