"""The first fill of the smallest level, which settles what belongs in the hole."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.pyramid import PATCH, RADIUS, Level, sources_of
from overpaint.values import Mask

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width (x channels)
Index: TypeAlias = npt.NDArray[np.intp]

BUSY_WEIGHT = 3.0
LOCALITY = 60.0  # what a source a whole window away costs, root of a squared distance
ALIKE = 15.0  # of 255 a channel; patches that differ by less are of one kind
STRANGENESS = 0.3  # how much a source costs that is like nothing round the hole
COMMON = 0.03  # of the ring; what is as frequent costs nothing
RAREST = 3e-3  # of what is common; nothing costs more
MOST_RING = 400  # patches


def favour_of(shape: tuple[int, ...], rng: np.random.Generator) -> Plane:
    """A smooth random cost on sources, so that another seed tells another story."""
    noise = rng.standard_normal((6, 6)).astype(np.float32)
    smooth = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(LOCALITY**2 * smooth, np.float32)


def strangeness(described: Plane, hole: Mask) -> Plane:
    """What a source costs for being rare round the hole: an eye near it is not repeated in it.

    described: height * width x n, whose squared differences are those of patches. The cost is the
    negative logarithm of the density of patches in a ring round the hole. Returns
    height x width, 0 for the commonest.
    """
    sources = sources_of(hole)
    solid = hole.astype(np.uint8)
    away = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    at = np.flatnonzero(sources)
    ring = at[away.ravel()[at] <= 2 * RADIUS + 1]
    if not len(ring):
        return np.zeros(hole.shape, np.float32)
    ring = ring[:: len(ring) // MOST_RING + 1]
    one, two = described[at], described[ring]
    squared = (one**2).sum(1)[:, None] + (two**2).sum(1) - 2 * one @ two.T  # sources x ring
    spread = np.float32(2 * 3 * PATCH**2 * ALIKE**2)
    share = np.exp(-np.maximum(squared, 0) / spread).mean(1)
    cost = np.zeros(hole.size, np.float32)
    cost[at] = -STRANGENESS * spread * np.log(np.clip(share / COMMON, RAREST, 1))
    return cost.reshape(hole.shape)


def peel(level: Level, favour: Plane) -> Plane:
    """Fill the hole ring by ring from the rim inwards, each pixel from the best matching patch.

    Patches are compared where the target is known or already filled. favour: height x width, a
    cost a source. Returns height x width x 5.
    """
    hole = level.hole
    height, width = hole.shape
    weight = np.array([1, 1, 1, BUSY_WEIGHT, BUSY_WEIGHT], np.float32)
    image = np.pad(level.image * weight, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)))
    known = np.pad(~hole, RADIUS)
    image[~known] = 0
    side = np.arange(PATCH)
    patch = (side[:, None] * known.shape[1] + side).ravel()

    def rows(plane: Plane | Mask, ys: Index, xs: Index) -> Plane:
        at = (ys * known.shape[1] + xs)[:, None] + patch
        values = plane.reshape(known.size, -1)[at].reshape(len(ys), -1)
        return np.asarray(values, np.float32)

    ys, xs = np.nonzero(sources_of(hole))
    source = rows(image, ys, xs)
    squared = (source**2).reshape(len(ys), PATCH**2, -1).sum(2)
    inner = known[RADIUS:-RADIUS, RADIUS:-RADIUS]  # a view
    while not inner.all():
        near = cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        rim_ys, rim_xs = np.nonzero(near & ~inner)
        seen = rows(known, rim_ys, rim_xs)
        target = rows(image, rim_ys, rim_xs)  # zero where not seen
        away = (rim_ys[:, None] - ys) ** 2 + (rim_xs[:, None] - xs) ** 2
        cost = seen @ squared.T - 2 * target @ source.T
        cost *= PATCH**2 / seen.sum(1, keepdims=True)
        cost += away * np.float32(LOCALITY / max(height, width)) ** 2 + favour[ys, xs]
        best = cost.argmin(1)
        image[rim_ys + RADIUS, rim_xs + RADIUS] = image[ys[best] + RADIUS, xs[best] + RADIUS]
        inner[rim_ys, rim_xs] = True
    return np.asarray(image[RADIUS:-RADIUS, RADIUS:-RADIUS] / weight, np.float32)
