"""A small visible mark that says so, inside the repainted part only."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from overpaint.values import Mask, Pixels

#: GB 45438-2025, 5.3: the label's text is at least 5 % of the picture's shorter side high.
SHARE_OF_SHORT_SIDE = 0.05
SMALLEST = 9  # px; lower letters cannot be read
LARGEST_STRENGTH = 0.92  # opacity of the letters
_SEARCH_SIDE = 1024  # the place is looked for in the mask scaled to this, px

TOO_SMALL = "the repainted part is too small for the visible mark"


def watermark(pixels: Pixels, mask: Mask) -> tuple[Pixels, tuple[str, ...]]:
    """Set the mark "AI" into the repainted part; no pixel outside the mask changes.

    Light letters with a dark rim, so that they are read on any ground, as low and as far right in
    the mask as they fit. Of RGBA the marked pixels become as opaque as the mark.

    Returns:
        New pixels of the same shape and dtype, and notes: a part in which letters of 9 px do not
        fit stays without a mark, and a note says so.
    """
    marked = pixels.copy()
    wanted = max(SMALLEST, round(SHARE_OF_SHORT_SIDE * min(mask.shape)))
    for height in _heights(wanted):
        letters, rim = _glyphs(height)  # both box height x box width, 0 to 1
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


def _heights(wanted: int) -> list[int]:
    """Letter heights to try, px, from the wanted one down to the smallest."""
    heights = [wanted]
    while heights[-1] > SMALLEST:
        heights.append(max(SMALLEST, int(heights[-1] * 0.8)))
    return heights


@lru_cache(maxsize=32)
def _glyphs(height: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw the letters, this many px high, and the rim around them, with a margin."""
    text = "AI"
    font = ImageFont.load_default(size=height * 1.4)  # its capitals are 0.7 em high
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
