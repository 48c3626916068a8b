"""The thing in a rough mask: which of the masked pixels are it, and which its surroundings."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.guided import guided
from overpaint.imaging.oklab import Plane, to_oklab
from overpaint.values import Mask, Rgb8, Weight

#: The thing is found at this long side, px, and its edge refined at the picture's own.
SIDE = 288
#: Width of the ring round the mask that tells what the surroundings look like, share of its size.
RING = 0.14
#: How far inward, as a share of the way to the middle, the mask is taken for the thing.
CORE = 0.4
#: Size of a cell of the colour histograms, in OKLab: lightness, a, b.
CELL = np.array([0.035, 0.014, 0.014], np.float32)
#: Share of the mask from which on the thing fills it, and under which none was found.
FULL = 0.93
NOTHING = 0.06
#: The edge is moved outward a little: the thing's colour is in the mixed pixels there too.
OUTWARD = 1.5
#: A piece smaller than this share of the largest is not of the thing.
PIECE = 0.04
#: A hole smaller than this share of the thing is a button or a print on it.
HOLE = 0.02


def thing_within(pixels: Rgb8, mask: Mask) -> Weight:
    """Find the thing that a rough mask was painted over.

    The ring outside the mask tells what the surroundings look like; what is unlike them is the
    thing. GrabCut (Rother, Kolmogorov, Blake 2004) divides the mask, a guided filter (He, Sun,
    Tang 2010) makes the edge soft. Where next to all or next to nothing stands out, all of the
    mask is the thing.

    Args:
        pixels: height x width x 3, with something of the surroundings outside the mask.
        mask: height x width, True somewhere.

    Returns:
        height x width, 0 to 1: how much of each pixel is the thing; 0 outside the mask.
    """
    whole: Weight = mask.astype(np.float32)
    rows, columns = _window(mask)
    near, inside = pixels[rows, columns], mask[rows, columns]
    scale = min(1.0, SIDE / max(inside.shape))
    size = (max(8, round(inside.shape[1] * scale)), max(8, round(inside.shape[0] * scale)))
    small = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_AREA), np.uint8)
    share = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    coarse: Mask = np.asarray(share) > 0.5
    found = _found(small, coarse)
    if found is None:
        return whole
    grown = cv2.resize(found.astype(np.float32), inside.shape[::-1], interpolation=cv2.INTER_CUBIC)
    edge = max(1, round(0.6 / scale))
    soft = np.asarray(cv2.GaussianBlur(grown, (0, 0), edge), np.float32)
    solid = np.clip(OUTWARD * soft, 0, 1)
    radius = max(2, round(2.5 / scale))
    guide = near.astype(np.float32) / np.float32(255)
    alpha = np.clip((guided(solid, guide, radius, 2e-4) - 0.06) / 0.55, 0, 1)
    far = np.asarray(cv2.blur(grown, (4 * radius + 1, 4 * radius + 1)), np.float32)
    alpha = np.where(far > 0.99, 1, np.where(far < 0.01, 0, alpha))
    result: Weight = np.zeros_like(whole)
    result[rows, columns] = alpha * inside
    return result


def _window(mask: Mask) -> tuple[slice, slice]:
    """The mask's box with the ring round it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    room = _reach(mask) + 2
    return (
        slice(max(0, int(rows[0]) - room), int(rows[-1]) + room + 1),
        slice(max(0, int(columns[0]) - room), int(columns[-1]) + room + 1),
    )


def _reach(mask: Mask) -> int:
    return max(4, round(RING * math.sqrt(float(mask.sum()))))


def _found(small: Rgb8, inside: Mask) -> Mask | None:
    """The thing at the analysis's size; None where it is all of the mask."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _reach(inside) + 1,) * 2)
    ring = (np.asarray(cv2.dilate(inside.astype(np.uint8), disc)) > 0) & ~inside
    area = int(inside.sum())
    if ring.sum() < 20 or area < 40:
        return None
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inward = np.clip(depth / max(1.0, float(depth.max())), 0, 1)
    odds = _odds(small, inside & (inward > CORE), ring)
    guess = odds + 0.25 * (inward - CORE) > 0.5
    if (guess & inside).sum() < NOTHING * area:
        return None
    codes = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    codes[inside & (odds > 0.85) & (inward > 0.3)] = cv2.GC_FGD
    codes[inside & (odds < 0.1)] = cv2.GC_BGD
    codes[~inside & (odds < 0.5)] = cv2.GC_BGD  # else it is the thing, reaching out of the mask
    found = _divided(small, codes) & inside
    found = _tidied(found)
    if found.sum() > FULL * area or found.sum() < NOTHING * area:
        return None
    return found


def _divided(small: Rgb8, codes: npt.NDArray[np.uint8]) -> Mask:
    cv2.setRNGSeed(0)  # GrabCut seeds its k-means from it
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    whole = (0, 0, small.shape[1], small.shape[0])  # unused with a mask
    cv2.grabCut(small, codes, whole, back, front, 4, cv2.GC_INIT_WITH_MASK)
    return np.asarray((codes == cv2.GC_FGD) | (codes == cv2.GC_PR_FGD), np.bool_)


def _odds(small: Rgb8, core: Mask, ring: Mask) -> Plane:
    """How much more often each pixel's colour is in the core than in the ring, 0 to 1."""
    lab = np.asarray(cv2.GaussianBlur(to_oklab(small), (0, 0), 0.8), np.float32)
    cells = np.rint(lab / CELL).astype(np.int64)  # h x w x 3
    cells -= cells.min(axis=(0, 1)) - 2  # from 2, so that the kernel stays inside
    shape = tuple(int(extent) for extent in cells.max(axis=(0, 1)) + 3)
    index = np.ravel_multi_index((cells[..., 0], cells[..., 1], cells[..., 2]), shape)  # h x w
    core_density, ring_density = (
        _smooth(np.bincount(index[part], minlength=math.prod(shape)).reshape(shape))
        / max(1, int(part.sum()))
        for part in (core, ring)
    )
    floor = 1e-4  # what neither has is neither
    odds = (core_density + floor) / (core_density + ring_density + 2 * floor)
    return np.asarray(odds.ravel()[index], np.float32)


def _smooth(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """A histogram blurred by two cells along each axis."""
    total = counts.astype(np.float64)
    for axis in range(3):
        beside = np.roll(total, 1, axis) + np.roll(total, -1, axis)
        beyond = np.roll(total, 2, axis) + np.roll(total, -2, axis)
        total = (6 * total + 4 * beside + beyond) / 16
    return total


def _tidied(found: Mask) -> Mask:
    """Without crumbs, and with small holes filled."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    solid = np.asarray(cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel), np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count > 1:
        sizes = np.asarray(stats[1:, cv2.CC_STAT_AREA])
        solid = np.concatenate([[False], sizes >= PIECE * sizes.max()])[label].astype(np.uint8)
    _, label, stats, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    areas = np.asarray(stats[:, cv2.CC_STAT_AREA])
    holes = (areas < HOLE * solid.sum())[label] & (solid == 0)
    return np.asarray((solid > 0) | holes, np.bool_)
