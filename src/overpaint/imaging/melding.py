"""Join copied pieces without a seam: keep their slopes, let their tone be the surroundings'.

Perez, Gangnet, Blake, "Poisson Image Editing", SIGGRAPH 2003; Darabi, Shechtman, Barnes, Goldman,
Sen, "Image Melding", SIGGRAPH 2012 (slopes of patches instead of a pasted picture). What is solved
for is only the correction to the fill, by multigrid: a smooth one takes a few cycles.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width (x channels)
Index: TypeAlias = npt.NDArray[np.intp]

REAL_EDGE = 12.0  # of 255; a step that differs by more than this is meant, and stays
CYCLES = 5
SWEEPS = 3
DAMPING = 0.8
COARSEST = 4  # px
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)


def meld(image: Plane, hole: Mask, origin: Index) -> Plane:
    """Correct the tone of a fill so that its slopes are those of the places it was copied from.

    image: height x width x 3, 0 to 255, filled. hole: height x width. origin: height x width, for
    each hole pixel and its neighbours, the place (row * width + column) that it was copied from;
    its own place where it was not copied. Pixels outside the hole are kept.
    """
    width = hole.shape[1]
    flat = image.reshape(-1, image.shape[2])
    last = len(flat) - 1
    divergence = np.zeros_like(image)
    for axis, step in ((1, 1), (0, width)):
        here = (slice(None), slice(None, -1)) if axis else (slice(None, -1), slice(None))
        next_ = (slice(None), slice(1, None)) if axis else (slice(1, None), slice(None))
        ys, xs = np.nonzero(hole[here] | hole[next_])
        one = ys * width + xs
        two = one + step
        from_one, from_two = origin.ravel()[one], origin.ravel()[two]
        wanted = flat[np.minimum(from_one + step, last)] - flat[from_one]
        wanted += flat[from_two] - flat[np.maximum(from_two - step, 0)]
        lack = wanted / 2 - (flat[two] - flat[one])  # n x 3, what the step is short of
        lack /= 1 + (np.abs(lack).max(1, keepdims=True) / np.float32(REAL_EDGE)) ** 4
        # one step to the right or down: each pixel is named once
        divergence.reshape(flat.shape)[one] += lack
        divergence.reshape(flat.shape)[two] -= lack
    left, top, wide, high = cv2.boundingRect(hole.astype(np.uint8))
    box = np.s_[max(0, top - 1) : top + high + 1, max(0, left - 1) : left + wide + 1]
    weight = hole[box].astype(np.float32)[..., None]
    correction = np.zeros_like(image[box])
    for _ in range(CYCLES):
        correction = _cycle(correction, divergence[box], weight)
    melded = image.copy()
    melded[box] += correction
    return melded


def _cycle(value: Plane, divergence: Plane, weight: Plane) -> Plane:
    """One multigrid cycle nearer to: Laplacian of value = divergence where weight is 1, else 0.

    The picture's own border is free: there the slope is 0.
    """
    value = _relaxed(value, divergence, weight)
    height, width = value.shape[:2]
    if min(height, width) > COARSEST:
        size = ((width + 1) // 2, (height + 1) // 2)
        lack = (divergence - _laplacian(value)) * weight
        coarse = 4 * _halved(lack, size)
        inside = np.asarray(_halved(weight, size)[..., None] > 0.7, np.float32)
        if inside.any():
            change = _cycle(np.zeros_like(coarse), coarse, inside)
            back = cv2.resize(change, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR)
            value = _relaxed(value + back[:height, :width] * weight, divergence, weight)
    return value


def _halved(plane: Plane, size: tuple[int, int]) -> Plane:
    odd = (0, plane.shape[0] % 2, 0, plane.shape[1] % 2)
    even = cv2.copyMakeBorder(plane, *odd, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.float32)


def _laplacian(value: Plane) -> Plane:
    return np.asarray(
        cv2.filter2D(value, cv2.CV_32F, LAPLACE, borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _relaxed(value: Plane, divergence: Plane, weight: Plane) -> Plane:
    for _ in range(SWEEPS):
        value = value + (_laplacian(value) - divergence) * (weight * np.float32(DAMPING / 4))
    return value
