"""Whether what is under a mask is more of what is around it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.oklab import to_oklab
from overpaint.values import Mask, Rgb8

#: Pictures are looked at in this long side, px.
SIDE = 256
#: Width of the ring round the mask, as a share of the mask's size, and at least, px of that.
RING = 0.08
MIN_RING = 3
#: Size of a cell of the colour histogram, in OKLab: lightness, a, b.
CELL = np.array([0.07, 0.035, 0.035], np.float32)
#: A cell counts as a colour of the ring from this share of the ring's pixels on.
SUPPORT = 0.01


def likeness(pixels: Rgb8, mask: Mask) -> float:
    """The share of masked pixels whose colour is found in the ring round the mask.

    Near 1 where the mask lies on a table, in the sky, on a lawn; low where it covers a thing
    that stands out from them. Texture is averaged away first; neighbouring cells of the
    histogram count as the same colour.

    Args:
        pixels: height x width x 3, sRGB.
        mask: height x width, True somewhere.

    Returns:
        0 to 1; 1 where nothing is around the mask.
    """
    scale = min(1.0, SIDE / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    share = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    inside: Mask = np.asarray(share, np.uint8) > 0
    if not inside.any():  # thinner than the scale keeps
        return 1.0
    reach = max(MIN_RING, round(RING * math.sqrt(float(inside.sum()))))
    ring = _grown(inside, reach) & ~inside
    core = ~_grown(~inside, 2 * reach)
    if not ring.any() or not core.any():
        return 1.0
    smooth = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.uint8)
    cells = np.floor(to_oklab(smooth) / CELL).astype(np.int64)  # h x w x 3
    cells -= cells.min(axis=(0, 1)) - 1  # from 1, so that every cell has neighbours
    shape = tuple(int(extent) for extent in cells.max(axis=(0, 1)) + 2)
    index = np.ravel_multi_index((cells[..., 0], cells[..., 1], cells[..., 2]), shape)  # h x w
    counts = np.bincount(index[ring], minlength=math.prod(shape)).reshape(shape)
    known = _with_neighbours(counts) >= max(2, SUPPORT * int(ring.sum()))
    return float(known.ravel()[index[core]].mean())


def _grown(mask: Mask, reach: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask.view(np.uint8), disc), np.uint8) > 0


def _with_neighbours(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each cell's count with those of the cells beside it along each axis."""
    total = counts.copy()
    for axis in range(3):
        total += np.roll(counts, 1, axis) + np.roll(counts, -1, axis)
    return total
