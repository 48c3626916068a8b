"""What is repainted, and how strongly: the mask as it is read, grown and fitted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np
import numpy.typing as npt

from overpaint.errors import EmptyMask
from overpaint.imaging.marking import Colour
from overpaint.imaging.mask import decode_levels, decode_mask, grow_mask
from overpaint.imaging.region import fit_to_size, mask_box
from overpaint.imaging.source import Source
from overpaint.values import Levels, Mask, Picture


def read_area(
    source: Source,
    *,
    size: tuple[int, int],
    colors: Sequence[Colour] = (),
    invert: bool = False,
    grow: int = 0,
    soft: bool = False,
) -> tuple[Mask, Levels | None]:
    """Decode a mask for a picture of this size (height, width; upright) and grow it.

    Returns:
        Where is repainted, height x width; and of a soft mask how strongly, else None. The first
        is True where the second is over 0, and never nowhere.

    Raises:
        InvalidInput: as `decode_mask` does.
        EmptyMask: `grow` is negative and leaves nothing.
    """
    if soft:
        levels = grow_levels(decode_levels(source, size=size, colors=colors, invert=invert), grow)
        area: Mask = levels > 0
    else:
        levels = None
        area = grow_mask(decode_mask(source, size=size, colors=colors, invert=invert), grow)
    check_left(area, grow)
    return area, levels


def check_left(area: Mask, grow: int) -> None:
    """Raise `EmptyMask` where growing (by a negative number of px) left nothing."""
    if not area.any():
        raise EmptyMask("grow", "must leave something of the mask to repaint", grow)


def grow_levels(levels: Levels, px: int) -> Levels:
    """Grow a soft mask: each pixel gets the highest level within this radius, in px.

    A negative radius shrinks it by the lowest. A mask of 0 and 255 grows as `grow_mask` grows it,
    beyond the picture's border too. The highest level in a disc is taken row by row: of windows
    as wide as the disc is there, each from two windows of half a power of two's width.
    """
    if px < 0:
        return np.subtract(np.uint8(255), grow_levels(np.subtract(np.uint8(255), levels), -px))
    grown = levels.copy()
    if px == 0 or not levels.any():
        return grown
    inner = mask_box(levels > 0)
    rows = slice(max(inner.top - px, 0), inner.top + inner.height + px)
    columns = slice(max(inner.left - px, 0), inner.left + inner.width + px)
    target = grown[rows, columns]  # a view: what is written here is the result
    height, width = target.shape
    # doubled[:, x] is the highest of `span` levels from column x - px on
    doubled = np.pad(levels[rows, columns], ((0, 0), (px, px)))
    span = 1
    for off in range(px, -1, -1):  # the disc's rows from its rim to its middle, ever wider
        half = isqrt(px * px - off * off)
        while 2 * span <= 2 * half + 1:
            doubled = np.maximum(doubled[:, :-span], doubled[:, span:])
            span *= 2
        left, right = px - half, px + half + 1 - span
        row = np.maximum(doubled[:, left : left + width], doubled[:, right : right + width])
        if off < height:
            _raise(target[: height - off], row[off:])
            _raise(target[off:], row[: height - off])
    return grown


def _raise(target: Levels, by: Levels) -> None:
    np.maximum(target, by, out=target)


def fit_gray(
    gray: npt.NDArray[np.uint8], area: Mask, *, width: int, height: int
) -> npt.NDArray[np.uint8]:
    """Scale and crop what lies over a picture, height x width, as `fit_to_size` does the picture.

    `area` is the picture's mask, which says what is cropped.
    """
    drawn = Picture(pixels=np.repeat(gray[..., None], 3, axis=2))
    fitted, _ = fit_to_size(drawn, area, width=width, height=height)
    return np.ascontiguousarray(fitted.pixels[..., 0], np.uint8)


def fit_levels(levels: Levels, area: Mask, *, width: int, height: int) -> tuple[Mask, Levels]:
    """Scale and crop a soft mask as the picture is; its area, too, and that is never empty."""
    fitted = fit_gray(levels, area, width=width, height=height)
    if not fitted.any():  # strokes too faint for the scale
        share = fit_gray(area.astype(np.uint8) * np.uint8(255), area, width=width, height=height)
        fitted = np.where(share == share.max(), levels.max(), np.uint8(0)).astype(np.uint8)
    return fitted > 0, fitted
