"""What a caller may give as a palette: names of colours, their codes, or a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from overpaint.concepts.atoms import fold
from overpaint.concepts.vocabulary import Rgb, hex_rgb, shade, vocabulary
from overpaint.errors import InvalidOption
from overpaint.imaging.decode import decode_reference
from overpaint.imaging.oklab import from_oklab, nearest_colour, palette, to_oklab
from overpaint.imaging.source import Source

MOST_COLORS = 8
#: Pictures are looked at in this long side, px.
SIDE = 96
#: A picture's colour counts from this share of its visible pixels on.
LEAST_SHARE = 0.02
#: Two colours of a picture nearer than this are one (OKLab).
DISTINCT = 0.045
_WORDS = 'must be colours ("red,#ffcc00")'
_SEPARATORS = re.compile(r"[,，、;；|]")


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours to paint with."""

    colors: tuple[Rgb, ...]  # sRGB, each 0 to 255; most weight first; 1 to 8
    weights: tuple[float, ...]  # one a colour, sum 1


def read_palette(palette: object, *, field: str = "palette", pictures: bool = True) -> Palette:
    """Read a palette.

    Args:
        palette: "red,#ffcc00,浅蓝色": names that prompts know, in Chinese or English, and hex
            codes, at most 8, all of the same weight; a list of these or of (r, g, b); or a
            picture (path, bytes, PIL image, array), whose main colours are taken, by area.
        field: what messages call it.
        pictures: whether a picture will do.

    Raises:
        InvalidOption: it is neither.
        InvalidImage: it is a picture that cannot be used.
    """
    parts = _parts(palette)
    words = f"{_WORDS} or a picture" if pictures else _WORDS
    if parts is None and pictures:
        return _of_picture(cast(Source, palette), field)
    if parts is None:
        raise InvalidOption(field, words, repr(palette))
    found = [_color(part) for part in parts]
    for color, part in zip(found, parts, strict=True):
        if color is None:
            raise InvalidOption(field, words, repr(part))
    if not 1 <= len(parts) <= MOST_COLORS:
        raise InvalidOption(field, f"must have 1 to {MOST_COLORS} colours", len(parts))
    colors = tuple(dict.fromkeys(color for color in found if color is not None))
    return Palette(colors=colors, weights=(1 / len(colors),) * len(colors))


def names_a_file(palette: object) -> bool:
    """Whether text given as a palette is the path of a picture rather than colours.

    A path is told by a dot or a slash.
    """
    return isinstance(palette, str) and _parts(palette) is None


def _parts(palette: object) -> Sequence[object] | None:
    """What is given as single colours, or None where a picture is."""
    if isinstance(palette, str):
        parts = [part.strip() for part in _SEPARATORS.split(palette) if part.strip()]
        if any(_color(part) is not None for part in parts) or not parts:
            return parts
        return None if re.search(r"[./\\]", palette) else parts
    return palette if isinstance(palette, list | tuple) else None


def _color(part: object) -> Rgb | None:
    if isinstance(part, str):
        text = fold(part).strip()
        if re.fullmatch(r"#(?:[0-9a-f]{3}){1,2}|[0-9a-f]{6}", text):
            return hex_rgb(text)
        return _named(text)
    levels = part if isinstance(part, list | tuple) else ()
    good = [int(v) for v in levels if isinstance(v, int | np.integer) and 0 <= v <= 255]
    return (good[0], good[1], good[2]) if len(good) == len(levels) == 3 else None


def _named(text: str) -> Rgb | None:
    """The colour of a name, with or without light, dark or bright before it."""
    known = vocabulary()
    name = known.words.get(text, {}).get("color")
    if name is not None:
        return known.colors[name]
    for end in range(len(text) - 1, 0, -1):
        kind = known.words.get(text[:end].rstrip(" -"), {}).get("shade")
        name = known.words.get(text[end:].lstrip(" -"), {}).get("color")
        if kind is not None and name is not None:
            return known.colors.get(f"{kind} {name}") or shade(known.colors[name], kind)
    return None


def _of_picture(source: Source, field: str) -> Palette:
    """The main colours of a picture and their shares of its visible area."""
    pixels = decode_reference(source, field=field)
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    seen = small[..., 3] > 127
    if not seen.any():
        raise InvalidOption(field, "must be a picture in which something is visible", "none")
    points = to_oklab(np.ascontiguousarray(small[..., :3]))[seen]  # n x 3
    colours = palette(points, np.ones(len(points), np.float32), MOST_COLORS)
    kept: list[int] = []
    label = nearest_colour(points, colours)
    share = np.bincount(label, minlength=len(colours)) / len(points)
    for index in np.argsort(-share, kind="stable"):
        apart = [float(np.linalg.norm(colours[index] - colours[other])) for other in kept]
        if share[index] >= LEAST_SHARE and min(apart, default=1.0) >= DISTINCT:
            kept.append(int(index))
    chosen = colours[kept]
    share = np.bincount(nearest_colour(points, chosen), minlength=len(kept)) / len(points)
    order = np.argsort(-share, kind="stable")
    rgb = from_oklab(chosen[order][None])[0]
    return Palette(
        colors=tuple((int(red), int(green), int(blue)) for red, green, blue in rgb),
        weights=tuple(float(part) for part in share[order]),
    )
