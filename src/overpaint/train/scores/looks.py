"""Whether a painted thing belongs where it is: its seam, its edges, its tone, its grain.

Each is nought for what cannot be told from the rest of the picture, and grows with the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from overpaint.imaging.oklab import to_oklab
from overpaint.train.scores.fidelity import Plane, luma
from overpaint.values import Mask, Rgb8

RING = 24  # px around a mask that count as its surroundings
EDGES = 90  # percentile of slope from which the surroundings' pixels are edges
QUANTILES = np.linspace(0.05, 0.95, 19)
FLAT = 40  # percentile of slope up to which pixels are flat enough to show grain
LEAST = 30  # pixels without which nothing is said


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """How far a painted area is from its surroundings; 0 is not at all."""

    seam: float  # of the mask's boundary, as `seam`
    edge: float  # of the painted thing's outline, as `edge_mismatch`
    tone: float  # as `tone_mismatch`
    grain: float  # as `grain_mismatch`


def belonging(picture: Rgb8, mask: Mask, thing: Mask) -> Belonging:
    """Measure a picture painted inside `mask`, where the new thing covers `thing`."""
    return Belonging(
        seam=seam(picture, mask),
        edge=edge_mismatch(picture, mask, thing),
        tone=tone_mismatch(picture, mask, thing),
        grain=grain_mismatch(picture, mask, thing),
    )


def ring_of(mask: Mask, width: int = RING) -> Mask:
    """The pixels outside `mask` that are at most `width` px from it, in city blocks' diagonal."""
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((2 * width + 1, 2 * width + 1), np.uint8))
    return grown.astype(bool) & ~mask


def steps_across(picture: Rgb8, mask: Mask) -> tuple[Plane, Plane]:
    """Steps of colour between neighbours: those across the mask's boundary, those in its ring.

    A step is the length of the difference of two horizontal or vertical neighbours in OKLab.
    """
    lab, ring = to_oklab(picture), ring_of(mask)
    across, around = [], []
    for axis in (0, 1):
        step = np.linalg.norm(np.diff(lab, axis=axis), axis=2)
        first = mask[:-1] if axis == 0 else mask[:, :-1]
        second = mask[1:] if axis == 0 else mask[:, 1:]
        both = (ring[:-1] & ring[1:]) if axis == 0 else (ring[:, :-1] & ring[:, 1:])
        across.append(step[first != second])
        around.append(step[both])
    return np.concatenate(across), np.concatenate(around)


def seam(picture: Rgb8, mask: Mask) -> float:
    """How much larger steps are across the mask's boundary than around it.

    max(0, log2(mean step across / mean step in the ring)): the boundary's gradient against the
    picture's own statistics, after the gradient domain that Perez, Gangnet, Blake, "Poisson Image
    Editing" (SIGGRAPH 2003) make continuous there. 0 = none to be seen; 1 = twice as steep.
    """
    across, around = steps_across(picture, mask)
    if not len(across) or len(around) < LEAST:
        return 0.0
    return max(0.0, float(np.log2((across.mean() + 1e-3) / (around.mean() + 1e-3))))


def slopes(picture: Rgb8) -> Plane:
    """Height x width: length of the gradient of luma by Sobel, 0 to about 255 a px."""
    plane = luma(picture)
    dx, dy = (cv2.Sobel(plane, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(dx, dy), np.float32)


def edge_mismatch(picture: Rgb8, mask: Mask, thing: Mask) -> float:
    """How unlike the picture's own edges the outline of the thing is in sharpness.

    |log2(s_thing / s_own)|, s being the width-free sharpness of edges: the steepest slope within
    3 px over the range of luma there (an ideal step gives 1/2 to 1, a blurred one less). After the
    edge-width measures of blur, Marziliano et al., "A no-reference perceptual blur metric", ICIP
    2002. `s_own` is the median over the pixels outside the mask that are edges.
    """
    outline = cv2.morphologyEx(thing.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    slope, sharp = slopes(picture), _sharpness(picture)
    outside = ~mask
    if not outside.any():
        return 0.0
    strong = slope >= max(4.0, float(np.percentile(slope[outside], EDGES)))
    drawn = outline.astype(bool) & (slope >= 4.0)
    own = outside & strong
    if drawn.sum() < LEAST or own.sum() < LEAST:
        return 0.0
    return abs(float(np.log2(np.median(sharp[drawn]) / np.median(sharp[own]))))


def _sharpness(picture: Rgb8) -> Plane:
    window = np.ones((7, 7), np.uint8)
    plane = luma(picture)
    extent = np.asarray(cv2.dilate(plane, window) - cv2.erode(plane, window), np.float32)
    steepest = np.asarray(cv2.dilate(slopes(picture), np.ones((3, 3), np.uint8)), np.float32)
    return np.asarray((steepest + 0.5) / (extent + 4), np.float32)


def tone_mismatch(picture: Rgb8, mask: Mask, thing: Mask) -> float:
    """How unlike its surroundings a thing is in lightness and chroma.

    Mean of the 1-Wasserstein distances of OKLab lightness and of OKLab chroma between the thing
    and the ring around the mask, times 100. Lightness and saturation are what Xue et al.,
    "Understanding and Improving the Realism of Image Composites" (SIGGRAPH 2012), found to matter
    most. A thing may be of another colour rightly, so hue is not counted.
    """
    ring = ring_of(mask, 2 * RING)
    if thing.sum() < LEAST or ring.sum() < LEAST:
        return 0.0
    lab = to_oklab(picture)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    distances = [
        np.abs(np.quantile(plane[thing], QUANTILES) - np.quantile(plane[ring], QUANTILES)).mean()
        for plane in (lab[..., 0], chroma)
    ]
    return 100 * float(np.mean(distances))


def grain_mismatch(picture: Rgb8, mask: Mask, thing: Mask) -> float:
    """|log2| of the grain of the thing over that of the picture outside the mask."""
    inner = cv2.erode(thing.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    outside = cv2.erode((~mask).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if inner.sum() < LEAST or outside.sum() < LEAST:
        return 0.0
    return abs(float(np.log2(grain(picture, inner) / grain(picture, outside))))


def grain(picture: Rgb8, where: Mask) -> float:
    """Standard deviation of the noise of luma, 0 to 255, at least 0.25.

    Immerkaer, "Fast Noise Variance Estimation", CVIU 64(2), 1996, on the flatter pixels of
    `where`, so that texture is not taken for noise.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    plane = luma(picture)
    second = np.abs(cv2.filter2D(plane, cv2.CV_32F, kernel))
    smooth = slopes(np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8))[where]
    flat = second[where][smooth <= np.percentile(smooth, FLAT)]
    return max(0.25, float(np.sqrt(np.pi / 2) * flat.mean() / 6))
