"""A small visible mark that says so, inside the repainted part only."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from overpaint.errors import FontMissing
from overpaint.imaging.fonts import find_font
from overpaint.values import Mask, Pixels

#: GB 45438-2025, 5.3: the label's text is at least 5 % of the picture's shorter side high.
SHARE_OF_SHORT_SIDE = 0.05
SMALLEST = 9  # px; lower letters cannot be read
SMALLEST_IDEOGRAPH = 12  # px; the same for Chinese
LARGEST_STRENGTH = 0.92  # opacity of the letters
_SEARCH_SIDE = 1024  # the place is looked for in the mask scaled to this, px

TOO_SMALL = "the repainted part is too small for the visible mark"


def watermark(pixels: Pixels, mask: Mask) -> tuple[Pixels, tuple[str, ...]]:
    """Set the mark "AI 生成" into the repainted part; no pixel outside the mask changes.

    Where that does not fit, or no font has it, "AI" is set. Light letters with a dark rim, so that
    they are read on any ground, as low and as far right in the mask as they fit. Of RGBA the
    marked pixels become as opaque as the mark.

    Returns:
        New pixels of the same shape and dtype, and notes: a part in which letters of 9 px do not
        fit stays without a mark, and a note says so.
    """
    marked = pixels.copy()
    wanted = max(SMALLEST, round(SHARE_OF_SHORT_SIDE * min(mask.shape)))
    for text, height in _tries(wanted):
        letters, rim = _glyphs(text, height)  # both box height x box width, 0 to 1
        corner = _place(mask, letters.shape)
        if corner is not None:
            break
    else:
        return marked, (TOO_SMALL,)
    top, left = corner
    rows, columns = slice(top, top + letters.shape[0]), slice(left, left + letters.shape[1])
    full = 255 if pixels.dtype == np.uint8 else 65535
    patch = marked[rows, columns].astype(np.float32)
    for ink, opacity in ((0.0, rim * 0.6), (1.0, letters * LARGEST_STRENGTH)):
        opacity = opacity[..., None]
        patch[..., :3] += (ink * full - patch[..., :3]) * opacity
        if patch.shape[2] == 4:
            patch[..., 3:] = np.maximum(patch[..., 3:], opacity * full)
    inside = mask[rows, columns]
    marked[rows, columns][inside] = np.rint(patch).astype(pixels.dtype)[inside]
    return marked, ()


def _tries(wanted: int) -> list[tuple[str, int]]:
    """List texts with letter heights in px: the whole text first, from the wanted height down."""
    texts = [("AI 生成", SMALLEST_IDEOGRAPH), ("AI", SMALLEST)]
    try:
        find_font(texts[0][0])
    except FontMissing:
        del texts[0]
    tries = []
    for text, smallest in texts:
        height = max(wanted, smallest)
        while height > smallest:
            tries.append((text, height))
            height = int(height * 0.8)
        tries.append((text, smallest))
    return tries


def _font(text: str, size: float) -> ImageFont.FreeTypeFont:
    """Load a font that has the text; at worst the Latin one inside Pillow."""
    try:
        face = find_font(text)
    except FontMissing:
        return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))
    return ImageFont.truetype(str(face.path), size, index=face.index)


@lru_cache(maxsize=64)
def _glyphs(text: str, height: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw the text, its ink this many px high, and the rim around it, with a margin."""
    font = _font(text, 100)
    _, top, _, bottom = font.getbbox(text)
    font = _font(text, height * 100 / (bottom - top))
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    rim = max(1, round(height * 0.09))
    margin = rim + max(1, round(height * 0.25))
    size = (right - left + 2 * margin, bottom - top + 2 * margin)
    layers = []
    for stroke in (0, rim):
        layer = Image.new("L", size, 0)
        ImageDraw.Draw(layer).text(
            (margin - left, margin - top), text, fill=255, font=font, stroke_width=stroke
        )
        layers.append(np.asarray(layer).astype(np.float32) / np.float32(255))
    letters, around = (layer.astype(np.float32) for layer in layers)
    return letters, around


def _place(mask: Mask, box: tuple[int, ...]) -> tuple[int, int] | None:
    """Find top and left of a box that lies wholly in the mask, low and far right; None if none."""
    scale = max(1, -(-max(mask.shape) // _SEARCH_SIDE))
    rows, columns = mask.shape[0] // scale, mask.shape[1] // scale
    # a cell counts when all of its pixels do: rows x scale x columns x scale -> rows x columns
    cells = mask[: rows * scale, : columns * scale].reshape(rows, scale, columns, scale)
    whole = cells.all(axis=(1, 3)).astype(np.uint8)
    height, width = (-(-side // scale) for side in box[:2])
    if height > rows or width > columns:
        return None
    sums = cv2.integral(np.asarray(whole))  # (rows + 1) x (columns + 1), int32
    filled = (sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]) + sums[
        :-height, :-width
    ]
    tops, lefts = np.nonzero(filled == height * width)
    if not tops.size:
        return None
    best = int(np.argmax(tops + lefts))
    return cast(tuple[int, int], (int(tops[best]) * scale, int(lefts[best]) * scale))
