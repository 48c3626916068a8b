"""What of a painted picture counts as marked: the dialects that masks come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.errors import InvalidMask
from overpaint.imaging.source import BAND_ROWS

Colour: TypeAlias = tuple[int, int, int]
#: Gives rows first to last as height x width x channels, uint8.
Rows: TypeAlias = Callable[[int, int], npt.NDArray[np.uint8]]

MIDDLE = 128  # a mask that uses the whole range is cut here
FULL_DARK, FULL_LIGHT = 64, 191  # beyond both, a mask counts as using the whole range
LEAST_CONTRAST = 48  # a mask flatter than this has no two sides to tell apart
SAME_COLOUR = 8  # how far a brush's colour may vary, per channel
_BLACK = 16  # ink with no channel over this is black
_WHICH = (
    "must say which side repaints where black stands beside transparency"
    " (the transparent part: --invert-mask; the black part: --mask-color 000000)"
)


def judge(
    rows: Rows,
    *,
    height: int,
    channels: int,
    colors: Sequence[Colour] = (),
    tolerance: int = 0,
    invert: bool = False,
    soft: bool = False,
    field: str,
) -> tuple[Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]], bool]:
    """Choose what is asked of bands, and whether the answer is a level still to be cut.

    With `soft` strokes on a clear canvas are answered with their opacity, 0 to 255.

    Raises `InvalidMask` for black beside transparency, in which editors that repaint what is black
    and those that repaint what is clear mean the opposite, unless `colors` or `invert` decide.
    """
    if colors:
        return lambda band: _is_one_of(band, colors, tolerance), False
    ink = _ink_of_strokes(rows, height) if channels == 4 else None
    if ink is not None:
        if max(ink) <= _BLACK and not invert:
            raise InvalidMask(field, _WHICH, "only black and transparency")
        if soft:
            return lambda band: band[..., 3], False
        return lambda band: (band[..., 3] >= MIDDLE).view(np.uint8), False
    return _whiteness, True


def _is_one_of(
    band: npt.NDArray[np.uint8], colors: Sequence[Colour], tolerance: int
) -> npt.NDArray[np.uint8]:
    """Return 255 where an opaque pixel has one of the colours, else 0."""
    rgb = np.repeat(band, 3, axis=2) if band.shape[2] == 1 else np.ascontiguousarray(band[..., :3])
    found = np.zeros(band.shape[:2], np.uint8)
    for color in colors:
        low = np.clip(np.subtract(color, tolerance), 0, 255).astype(np.uint8)
        high = np.clip(np.add(color, tolerance), 0, 255).astype(np.uint8)
        cv2.bitwise_or(found, cv2.inRange(rgb, low, high), dst=found)
    if band.shape[2] == 4:
        found[band[..., 3] < MIDDLE] = 0
    return found


def _ink_of_strokes(rows: Rows, height: int) -> Colour | None:
    """Return the one colour of all that is opaque, if there is but one and part is transparent."""
    clear = False
    low, high = np.full(3, 255), np.zeros(3, int)
    for first in range(0, height, BAND_ROWS):
        band = rows(first, min(first + BAND_ROWS, height))
        opaque = band[..., 3] >= MIDDLE
        clear = clear or not opaque.all()
        visible = band[..., :3][opaque]
        if visible.size:
            low = np.minimum(low, visible.min(axis=0))
            high = np.maximum(high, visible.max(axis=0))
        if (high - low).max() > SAME_COLOUR:
            return None
    if not clear or (high < low).any():
        return None
    red, green, blue = map(int, high)
    return red, green, blue


def _whiteness(band: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The smallest channel, over black: height x width, 0 to 255."""
    if band.shape[2] == 1:
        return band[..., 0]
    red, green, blue, *alpha = cv2.split(band)
    white = cv2.min(cv2.min(red, green), blue)
    if alpha:
        white = cv2.multiply(white, alpha[0], scale=1 / 255)  # rounded
    return cast(npt.NDArray[np.uint8], white)


def histogram(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Count each of 256 levels; float32 counts are exact to 2**24, more than any mask has."""
    return cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel().astype(np.int64)


def threshold(counts: npt.NDArray[np.int64]) -> int:
    """Return the least level that repaints, from how often each of 256 levels occurs."""
    levels = np.flatnonzero(counts)
    low, high = int(levels[0]), int(levels[-1])
    if high == 1:  # 0 and 1, or all ones
        return 1
    if high - low < LEAST_CONTRAST or (low < FULL_DARK and high > FULL_LIGHT):
        return MIDDLE
    # Otsu: the cut with the greatest variance between its two sides
    below = np.cumsum(counts)[:-1].astype(np.float64)  # 255 cuts
    total = float(counts.sum())
    mass = np.cumsum(counts * np.arange(256))
    below_mass = mass[:-1].astype(np.float64)
    above = total - below
    valid = (below > 0) & (above > 0)
    spread = np.zeros(255)
    mean_below = below_mass[valid] / below[valid]
    mean_above = (mass[-1] - below_mass[valid]) / above[valid]
    spread[valid] = below[valid] * above[valid] * (mean_above - mean_below) ** 2
    best = np.flatnonzero(spread == spread.max())
    return int((best[0] + best[-1]) // 2) + 1
