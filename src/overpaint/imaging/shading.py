"""The smooth light round a hole: a sky, a wall, a backdrop, without what is small on it."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgb8

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width x 3

RING = 8  # px round the hole that must be smooth
SMOOTH_ROUGHNESS = 3.0  # of 255; root mean square, of what is left in the ring, blurred
OUTLIER = 4.0  # of 255; what lies further off does not belong to the shade
FEWEST_INSIDE = 0.97  # of the ring
MOST_SAMPLES = 6000
ROUNDS = 6
BLUR = 1.5  # px


def shade_of(pixels: Rgb8, mask: Mask) -> Plane | None:
    """A cubic surface through the surroundings of the hole, or None where they are not smooth.

    pixels: height x width x 3. mask: height x width, True = unknown. Returns height x width x 3,
    float32, 0 to 255. A hole at the picture's border gets a plane: a cubic would run away there.
    """
    known = ~mask
    away = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 5)
    radius = float(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5).max())
    blind = (known[..., None] * pixels).astype(np.float32)
    share = cv2.GaussianBlur(known.astype(np.float32), (0, 0), BLUR)
    soft = cv2.GaussianBlur(blind, (0, 0), BLUR) / np.maximum(share, 1e-6)[..., None]
    ring = known & (away <= RING)
    at_border = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    ys, xs = np.nonzero(known & (away <= RING + radius))
    if len(ys) < 100:
        return None
    every = len(ys) // MOST_SAMPLES + 1
    ys, xs = ys[::every], xs[::every]
    inside_ys, inside_xs = np.nonzero(mask)
    centre = np.array([inside_ys.mean(), inside_xs.mean()])
    unit = max(int(np.ptp(inside_ys)), int(np.ptp(inside_xs)), 8) / 2
    degree = 1 if at_border else 3
    terms = _terms((ys - centre[0]) / unit, (xs - centre[1]) / unit, degree)
    target = soft[ys, xs].astype(np.float64)
    near = np.exp(-away[ys, xs] / (RING + radius / 2))
    trust = np.ones(len(ys))
    for _ in range(ROUNDS):
        weighted = terms * (near * trust)[:, None]
        normal = weighted.T @ terms + 1e-6 * near.sum() * np.eye(terms.shape[1])
        surface = np.linalg.solve(normal, weighted.T @ target)
        off = np.abs(target - terms @ surface).max(1)
        trust = 1 / (1 + (off / OUTLIER) ** 2) ** 2
    ys, xs = np.nonzero(ring)
    off = soft[ys, xs] - _terms((ys - centre[0]) / unit, (xs - centre[1]) / unit, degree) @ surface
    inside = np.abs(off).max(1) < 3 * OUTLIER
    if inside.mean() < FEWEST_INSIDE or np.sqrt((off**2).mean()) > SMOOTH_ROUGHNESS:
        return None
    rows, cols = np.arange(mask.shape[0]), np.arange(mask.shape[1])
    y, x = np.meshgrid((rows - centre[0]) / unit, (cols - centre[1]) / unit, indexing="ij")
    shade = np.clip(_terms(y, x, degree) @ surface, 0, 255)
    return np.asarray(shade, np.float32)


def _terms(
    y: npt.NDArray[np.float64], x: npt.NDArray[np.float64], degree: int
) -> npt.NDArray[np.float64]:
    """The products of powers of y and x up to a degree, along a new last axis."""
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack([y**i * x**j for i, j in powers], axis=-1)
