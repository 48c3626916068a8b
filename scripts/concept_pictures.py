"""The pictures of each concept, cut to what is visible, from all sources.

A vector drawing becomes an SVG document on one line whose viewBox is the tight box of what shows,
so that rasterising it at any size needs no cropping afterwards.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np
import resvg_py
from PIL import Image
from scripts.concept_names import Named, slug
from scripts.concept_packages import SOURCES, Packages, Source

PROBE_PX = 256  # side at which the visible box is measured
VISIBLE = 12  # alpha from which a pixel counts as visible, of 255
LEAST_AREA = 0.015  # of the canvas; less is an empty picture

#: A tag of SVG: closing one, or one that is closed at once.
TAG = re.compile(r'<(?P<close>/?)[\w:]+(?:[^>"]|"[^"]*")*?(?P<alone>/?)>')

#: Left, top, width, height in the units of a drawing.
ViewBox: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One picture of a concept."""

    source: Source
    data: bytes  # WebP, or an SVG document without line breaks

    @property
    def is_vector(self) -> bool:
        """Whether `data` is SVG."""
        return self.data.startswith(b"<svg")


class Pictures:
    """All sources, opened."""

    def __init__(self, packages: Packages) -> None:
        self._vectors = {
            source.id: Icons(packages, source) for source in SOURCES if source.id != "fluent-3d"
        }
        self._boxes = Boxes(packages.cache / "boxes.json")
        rendered = next(source for source in SOURCES if source.id == "fluent-3d")
        self._rendered = rendered
        self._webp = {
            PurePosixPath(name).stem.replace("-fe0f", ""): data
            for name, data in packages.files(
                rendered.package, lambda name: name.startswith("assets/")
            )
        }

    def close(self) -> None:
        """Keep what was measured for the next run."""
        self._boxes.save()

    def of(self, concept: Named) -> Iterator[Drawn]:
        """Every usable picture of a concept, in the order of the sources."""
        for code in concept.emoji:
            if code in self._webp and self._rendered.id not in concept.without:
                yield Drawn(source=self._rendered, data=self._webp[code])
        for source in SOURCES:
            icons = self._vectors.get(source.id)
            if icons is None or source.id in concept.without:
                continue
            if source.drawing == "outline":
                names = [icons.checked(name) for name in concept.outline]
            else:
                found = (
                    icons.name_of(code, names)
                    for code, names in zip(concept.emoji, concept.unicode_names, strict=True)
                )
                names = [name for name in found if name is not None]
            for name in dict.fromkeys(names):
                body, canvas = icons.drawing(name)
                body = line_drawing(body) if source.drawing == "outline" else body
                body = without_parts(body, concept.bare.get(source.id, ()))
                box = self._boxes.of(document(body, canvas))
                if box is not None:
                    yield Drawn(source=source, data=document(body, box).encode())


class Icons:
    """One icon set of Iconify, by emoji or name."""

    def __init__(self, packages: Packages, source: Source) -> None:
        self._data: dict[str, Any]
        self._data, self._chars = packages.json(source.package, "icons.json", "chars.json")
        squeezed = source.id == "fxemoji"
        self._key: Callable[[str], str] = (lambda n: slug(n).replace("-", "")) if squeezed else slug

    def name_of(self, code: str, names: tuple[str, ...]) -> str | None:
        """The icon of an emoji, by its code where the set has a table, else by its names."""
        if self._chars:
            name = self._chars.get(code)
            return name if name is not None and self._has(name) else None
        return next((key for key in map(self._key, names) if key and self._has(key)), None)

    def checked(self, name: str) -> str:
        """The name itself; raises SystemExit if there is no such icon."""
        if not self._has(name):
            raise SystemExit(f"{name} is no icon of {self._data['prefix']}")
        return name

    def _has(self, name: str) -> bool:
        return name in self._data["icons"] or name in self._data.get("aliases", {})

    def drawing(self, name: str) -> tuple[str, ViewBox]:
        """SVG body and its canvas."""
        icon = dict(self._data["icons"].get(name) or {})
        if not icon:
            alias = self._data["aliases"][name]
            if set(alias) - {"parent"}:
                raise SystemExit(f"{name} is a turned or flipped alias, which is not handled")
            return self.drawing(alias["parent"])
        return icon["body"], (
            icon.get("left", 0),
            icon.get("top", 0),
            icon.get("width", self._data["width"]),
            icon.get("height", self._data["height"]),
        )


def without_parts(body: str, paths: Collection[str]) -> str:
    """A drawing without its elements at `paths`: "2" is the third, "2.0" the first inside that.

    Emoji often come with a sky, a tile or a strip of water behind the thing that is asked for.
    Raises SystemExit if there is no such element.
    """
    spans: dict[str, tuple[int, int]] = {}
    open_elements: list[tuple[str, int]] = []  # path and start
    children = [0]  # seen so far of each open element, that of the body first
    for tag in TAG.finditer(body):
        if tag["close"]:
            path, start = open_elements.pop()
            children.pop()
            spans[path] = (start, tag.end())
            continue
        path = ".".join([*(path for path, _ in open_elements[-1:]), str(children[-1])])
        children[-1] += 1
        if tag["alone"]:
            spans[path] = tag.span()
        else:
            open_elements.append((path, tag.start()))
            children.append(0)
    missing = set(paths) - set(spans)
    if missing:
        raise SystemExit(f"a drawing has no parts {sorted(missing)}: {body[:200]}")
    for start, end in sorted((spans[path] for path in paths), reverse=True):
        body = body[:start] + body[end:]
    return body


def line_drawing(body: str) -> str:
    """An icon of IconPark, black with blue areas and white details, as black lines on white."""
    black = re.sub(r"#fff(?:fff)?\b", "#000", body, flags=re.IGNORECASE)
    return re.sub(r"#2f88ff|#43ccf8", "#fff", black, flags=re.IGNORECASE)


def document(body: str, view_box: ViewBox) -> str:
    """An SVG document on one line."""
    box = " ".join(f"{number:.3f}".rstrip("0").rstrip(".") for number in view_box)
    xlink = ' xmlns:xlink="http://www.w3.org/1999/xlink"' if "xlink:" in body else ""
    flat_body = re.sub(r"\s*\n\s*", " ", body)
    return f'<svg xmlns="http://www.w3.org/2000/svg"{xlink} viewBox="{box}">{flat_body}</svg>'


class Boxes:
    """The visible boxes of documents; measured once, then kept in the cache folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, ViewBox | None] = {}
        if path.exists():
            self._known = json.loads(path.read_text())

    def of(self, svg: str) -> ViewBox | None:
        """The tight box of what a document shows; None if it shows next to nothing."""
        key = hashlib.sha256(f"{PROBE_PX} {VISIBLE} {LEAST_AREA} {svg}".encode()).hexdigest()
        if key not in self._known:
            self._known[key] = measure(svg)
        return self._known[key]

    def save(self) -> None:
        """Keep what was measured for the next run."""
        self._path.write_text(json.dumps(self._known))


def measure(svg: str) -> ViewBox | None:
    """The tight box of what a document shows at PROBE_PX; None if it shows next to nothing."""
    left, top, width, height = view_box(svg)
    scale = PROBE_PX / max(width, height)
    sized = f'<svg width="{round(width * scale)}" height="{round(height * scale)}"{svg[4:]}'
    png = resvg_py.svg_to_bytes(svg_string=sized, skip_system_fonts=True)
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3] >= VISIBLE
    if shown.mean() < LEAST_AREA:
        return None
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    return (
        left + float(columns[0]) / scale,
        top + float(rows[0]) / scale,
        float(columns[-1] + 1 - columns[0]) / scale,
        float(rows[-1] + 1 - rows[0]) / scale,
    )


def view_box(svg: str) -> ViewBox:
    """What `document` was given."""
    left, top, width, height = svg.split('viewBox="', 1)[1].split('"', 1)[0].split()
    return float(left), float(top), float(width), float(height)
