"""A picture with a hole at full, half, quarter ... size, for `patchmatch.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgb8

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width (x channels)

RADIUS = 3  # patches are 7 x 7
PATCH = 2 * RADIUS + 1
BUSY_SIDE = 17  # px; busyness is a mean over a square of this side
COARSEST_SIDE = 32  # px; the pyramid ends above this, or
COARSEST_RADIUS = 3.0  # px; where the hole's inscribed circle is this small
FEWEST_SOURCES = 16  # a level with fewer source patches is not used


@dataclass(frozen=True, kw_only=True)
class Level:
    """One size of the pyramid."""

    image: Plane  # height x width x 5: red, green, blue 0 to 255, busyness along x, along y
    hole: Mask  # height x width


def pyramid(pixels: Rgb8 | Plane, mask: Mask) -> list[Level]:
    """The picture at full, half, quarter ... size, finest first; empty when all is hole."""
    levels: list[Level] = []
    image = np.dstack([pixels.astype(np.float32), busyness(pixels, mask)])
    hole = mask
    while np.count_nonzero(sources_of(hole)) >= FEWEST_SOURCES:
        levels.append(Level(image=image, hole=hole))
        radius = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max()
        if radius <= COARSEST_RADIUS or min(hole.shape) < 2 * COARSEST_SIDE:
            break
        image, hole = halved(image, hole)
    return levels


def halved(image: Plane, hole: Mask) -> tuple[Plane, Mask]:
    """Half the size, of known pixels only; a pixel is hole where most of its four were."""
    height, width = hole.shape
    known = (~hole).astype(np.float32)
    odd = (0, height % 2, 0, width % 2)
    size = ((width + 1) // 2, (height + 1) // 2)

    def half(plane: Plane) -> Plane:
        even = cv2.copyMakeBorder(plane, *odd, cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.float32)

    weight = half(known)
    planes = [half(plane * known) / np.maximum(weight, 1e-6) for plane in cv2.split(image)]
    return np.asarray(np.dstack(planes), np.float32), np.asarray(weight < 0.5)


def busyness(pixels: Rgb8 | Plane, mask: Mask) -> Plane:
    """Mean slope of luma along x and along y round each pixel, outside the mask.

    height x width x 2, float32, 0 to 255.
    """
    luma = pixels.astype(np.float32).mean(2)
    side = (BUSY_SIDE, BUSY_SIDE)
    planes = []
    for axis in (1, 0):
        last = np.s_[:, -1:] if axis else np.s_[-1:]
        slope = np.abs(np.diff(luma, axis=axis, append=luma[last]))
        hidden = np.roll(mask, -1, axis)
        hidden[last] = True
        fair = (~(mask | hidden)).astype(np.float32)
        planes.append(cv2.blur(slope * fair, side) / np.maximum(cv2.blur(fair, side), 1e-6))
    return np.asarray(np.dstack(planes), np.float32)


def sources_of(hole: Mask) -> Mask:
    """Centres of the patches that lie wholly inside the picture and outside the hole."""
    free = cv2.erode(
        (~hole).astype(np.uint8),
        np.ones((PATCH, PATCH), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return free.astype(bool)
