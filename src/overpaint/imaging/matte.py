"""Cut the object out of the caller's own reference picture: `cut_out`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.guided import guided
from overpaint.imaging.oklab import Plane, nearest_colour, palette, to_oklab
from overpaint.imaging.texture import shrunk
from overpaint.values import Mask, Rgb8, Rgba8

#: The cut is found at this long side, px, and refined at the picture's own.
_ANALYSIS_SIDE = 256
#: A cut with less or more of the picture than this is taken for a failure.
_PLAUSIBLE = (0.02, 0.98)
#: A longer reference is scaled down to this, px: more than any engine paints.
_LONGEST = 1280
#: An alpha below this says that the caller has cut the object out already.
_SEEN_THROUGH = 250
#: How near the border a piece reaches it, px at the analysis's size.
_RIM = 3
#: Tones that the object is told apart into.
_TONES = 4
#: A piece at the border this far from the rest, in OKLab, is not of the object.
_GLARE_CONTRAST = 0.3

_Codes: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """An object on its own."""

    pixels: Rgba8  # cropped to what is visible; straight alpha
    corner: tuple[int, int] = (0, 0)  # its top row and left column in the picture, as scaled
    note: str | None = None  # what the caller should know, where it went otherwise than hoped


def cut_out(picture: Rgb8 | Rgba8, *, seed: int = 0) -> CutOut:
    """Return the object in H x W x 3 or 4 uint8 `picture`, cropped, with a soft edge.

    Alpha that hides something is believed. Otherwise the border tells what the background looks
    like; GrabCut (Rother, Kolmogorov, Blake 2004) divides the rest, a guided filter (He, Sun,
    Tang 2010) makes the edge soft, and the background's colour is taken out of it. If next to
    nothing or next to all is left, the whole picture comes back opaque with a note. A picture
    longer than 1280 px is scaled down to that.
    """
    picture = _within_longest(picture)
    rgb = np.ascontiguousarray(picture[..., :3])
    if picture.shape[2] == 4 and (picture[..., 3] < _SEEN_THROUGH).any():
        if not (picture[..., 3] > 0).any():
            return CutOut(pixels=_opaque(rgb), note="the reference is transparent everywhere")
        return _cropped(picture)
    inside = _object(rgb, seed)
    share = float(inside.mean())
    if not _PLAUSIBLE[0] <= share <= _PLAUSIBLE[1]:
        note = "no object stands out from the reference's background; the whole picture is used"
        return CutOut(pixels=_opaque(rgb), note=note)
    alpha = _soft_edge(rgb, inside)
    color = _decontaminated(rgb, alpha)
    pixels = np.dstack([color, np.rint(alpha * 255).astype(np.uint8)])
    return _cropped(pixels)


def _within_longest(picture: Rgb8 | Rgba8) -> Rgb8 | Rgba8:
    height, width = picture.shape[:2]
    scale = _LONGEST / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return shrunk(picture, size)


def _opaque(rgb: Rgb8) -> Rgba8:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, dtype=np.uint8)])


def _cropped(pixels: Rgba8) -> CutOut:
    rows = np.nonzero((pixels[..., 3] > 0).any(axis=1))[0]
    columns = np.nonzero((pixels[..., 3] > 0).any(axis=0))[0]
    visible = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    return CutOut(pixels=visible, corner=(int(rows[0]), int(columns[0])))


def _object(rgb: Rgb8, seed: int) -> Mask:
    """Return H x W bool: the object, at the picture's size."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _ANALYSIS_SIDE / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small: Rgb8 = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    distance = _unlike_border(small)
    found = _divided(small, _first_guess(distance), distance, seed)
    if not 0.06 <= found.mean() <= 0.85:  # the border told nothing: trust the centre instead
        found = _divided(small, _centre_guess(found.shape), distance, seed)
        if _contrast(small, found) < 0.015 or np.mean(found[_rim(found.shape)]) > 0.35:
            found = np.zeros_like(found)
    grown = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown > 0.5, dtype=np.bool_)


def _divided(small: Rgb8, codes: _Codes, distance: Plane, seed: int) -> Mask:
    """Let GrabCut divide the picture from a first guess, and tidy up."""
    guess: Mask = (codes == cv2.GC_FGD) | (codes == cv2.GC_PR_FGD)
    if guess.sum() < 8 or (~guess).sum() < 8:
        return guess
    cv2.setRNGSeed(seed & 0x7FFFFFFF)  # GrabCut seeds its k-means from it
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    whole = (0, 0, small.shape[1], small.shape[0])  # unused with a mask
    cv2.grabCut(small, codes, whole, back, front, 3, cv2.GC_INIT_WITH_MASK)
    found = _tidied((codes == cv2.GC_FGD) | (codes == cv2.GC_PR_FGD), distance > 1.0)
    return _without_glare(small, found)


def _without_glare(small: Rgb8, found: Mask) -> Mask:
    """Drop what comes in from the picture's border in a colour of its own: a window's reflection.

    The border's colours cannot tell it from the object. A piece of one tone goes if it reaches the
    border, is the lesser part, and the rest has next to nothing of its tone.
    """
    rim = np.ones(found.shape, dtype=np.bool_)
    rim[_RIM:-_RIM, _RIM:-_RIM] = False
    if not (found & rim).any():
        return found
    lab = to_oklab(small)
    tones = palette(lab[found], np.ones(int(found.sum()), dtype=np.float32), _TONES)
    label = np.zeros(found.shape, dtype=np.uint8)
    label[found] = 1 + nearest_colour(lab[found], tones)
    kept = found.copy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))  # a stripe of the object stays
    for tone in range(1, len(tones) + 1):
        plane = cv2.morphologyEx((label == tone).astype(np.uint8), cv2.MORPH_OPEN, kernel)
        _, part, stats, _ = cv2.connectedComponentsWithStats(plane)
        for index in np.unique(part[rim & (part > 0)]):
            piece = part == index
            area = int(stats[index, cv2.CC_STAT_AREA])
            if not 0.01 * found.sum() < area < 0.4 * found.sum():
                continue
            rest = found & ~piece
            away = np.linalg.norm(np.median(lab[rest], axis=0) - np.median(lab[piece], axis=0))
            alike = int((label[rest] == tone).sum())
            if away > _GLARE_CONTRAST and alike < 0.25 * area:
                kept[piece] = False
    if kept.sum() == found.sum():
        return found
    return _tidied(kept, np.zeros_like(kept))


def _contrast(small: Rgb8, found: Mask) -> float:
    """Return how far, in OKLab, the colours on both sides of the cut lie apart."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    inside = found & (cv2.erode(found.astype(np.uint8), kernel) == 0)
    outside = ~found & (cv2.dilate(found.astype(np.uint8), kernel) > 0)
    if not inside.any() or not outside.any():
        return 0.0
    lab = to_oklab(small)
    return float(np.linalg.norm(np.median(lab[inside], axis=0) - np.median(lab[outside], axis=0)))


def _centre_guess(shape: tuple[int, ...]) -> _Codes:
    """Return GrabCut's starting codes where only the place tells: an ellipse in the middle."""
    height, width = shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    away = np.sqrt(rows**2 + columns**2)
    codes = np.where(away < 0.8, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    codes[away < 0.2] = cv2.GC_FGD
    codes[np.maximum(np.abs(rows), np.abs(columns)) > 0.93] = cv2.GC_BGD
    return codes


def _rim(shape: tuple[int, ...]) -> Mask:
    """Return True on the outermost pixels."""
    rim = np.ones(shape, dtype=np.bool_)
    rim[1:-1, 1:-1] = False
    return rim


def _unlike_border(small: Rgb8) -> Plane:
    """Return how unlike the border each pixel is; 1 is the limit of likeness.

    The border's colours, smoothly continued inward row by row, take a gradient of light with
    them; what is left over is measured in units of the border's own variation.
    """
    lab = to_oklab(small) * np.array((0.6, 1.4, 1.4), dtype=np.float32)  # shadows count less
    lab = cv2.GaussianBlur(lab, (0, 0), 1.0)
    frame = _frame(lab.shape[:2])
    rows, columns = np.mgrid[-1 : 1 : lab.shape[0] * 1j, -1 : 1 : lab.shape[1] * 1j]
    basis = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2], -1)
    left, right = basis[frame], lab[frame].astype(np.float64)
    keep = np.ones(len(left), dtype=np.bool_)
    for _ in range(4):  # robust fit: what crosses the border is left out
        plane, *_ = np.linalg.lstsq(left[keep], right[keep], rcond=None)
        residual = np.linalg.norm(right - left @ plane, axis=1)
        keep = residual <= max(2.5 * float(np.median(residual)), 0.01)
    smooth = np.linalg.norm(lab - (basis @ plane).astype(np.float32), axis=-1)
    spread = float(np.quantile(residual[keep], 0.9))
    # a patterned border is several colours rather than one gradient
    tones = palette(lab[frame], np.ones(int(frame.sum()), dtype=np.float32), 5)
    label = nearest_colour(lab[frame], tones)
    common = tones[np.bincount(label, minlength=len(tones)) > 0.08 * len(label)]
    nearest = np.min(np.stack([np.linalg.norm(lab - tone, axis=-1) for tone in common]), axis=0)
    away = np.minimum(smooth / max(2.5 * spread, 0.045), nearest / max(2.0 * spread, 0.05))
    return np.asarray(away, dtype=np.float32)


def _frame(shape: tuple[int, ...]) -> Mask:
    """Return True on the outer 4 % of each side."""
    edge = max(2, round(0.04 * max(shape[:2])))
    frame = np.ones(shape[:2], dtype=np.bool_)
    frame[edge:-edge, edge:-edge] = False
    return frame


def _first_guess(distance: Plane) -> _Codes:
    """Return GrabCut's starting codes: sure at the extremes, a centre prior in between."""
    height, width = distance.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = np.exp(-(rows**2 + columns**2) / (2 * 0.55**2))
    score = np.log2(np.maximum(distance, 1e-3)) + 0.9 * (centre - 0.45)
    codes = np.where(score > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    codes[(score > 1.3) & (centre > 0.25)] = cv2.GC_FGD
    codes[distance < 0.45] = cv2.GC_BGD
    codes[_rim(codes.shape) & (distance < 1)] = cv2.GC_BGD
    return codes


def _tidied(found: Mask, unlike: Mask) -> Mask:
    """Keep the large pieces, and fill holes unless the background shows through them."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    solid = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count > 1:
        sizes = stats[1:, cv2.CC_STAT_AREA]
        keep = np.concatenate([[False], sizes >= 0.12 * sizes.max()])
        solid = keep[label].astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    for index in range(1, count):
        hole = label == index
        touches = hole[0].any() or hole[-1].any() or hole[:, 0].any() or hole[:, -1].any()
        small = stats[index, cv2.CC_STAT_AREA] < 0.004 * solid.sum()
        if not touches and (small or unlike[hole].mean() > 0.5):
            solid[hole] = 1
    return np.asarray(solid > 0, dtype=np.bool_)


def _soft_edge(rgb: Rgb8, inside: Mask) -> Plane:
    """Return alpha 0 to 1: the mask, its edge taken from the picture by a guided filter."""
    radius = max(2, round(0.008 * max(inside.shape)))
    guide = rgb.astype(np.float32) / 255
    alpha = guided(inside.astype(np.float32), guide, radius, 1e-4)
    alpha = np.clip((alpha - 0.12) / 0.76, 0, 1)
    near = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7 * radius)
    alpha = np.where(near > 0.97, 1, np.where(near < 0.03, 0, alpha))
    return np.asarray(alpha, dtype=np.float32)


def _decontaminated(rgb: Rgb8, alpha: Plane) -> Rgb8:
    """Take the background's colour out of the edge: there the colour of the inside goes on."""
    color = rgb.astype(np.float32)
    core = (alpha > 0.97).astype(np.float32)
    around = color
    for sigma in (6.0, 2.0):
        weight = cv2.GaussianBlur(core, (0, 0), sigma)[..., None]
        near = cv2.GaussianBlur(color * core[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)
        trust = np.clip(weight * 20, 0, 1)
        around = near * trust + around * (1 - trust)
    mixed = around + (color - around) * (alpha**3)[..., None]
    return np.asarray(np.rint(np.clip(mixed, 0, 255)), dtype=np.uint8)
