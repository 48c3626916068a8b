"""Whether a result does what was asked: hue, palette, lines, detail kept, variety."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.train.scores.fidelity import Plane, luma
from overpaint.values import Mask, Rgb8

GRAY = 0.045  # OKLab chroma below which a pixel has no colour
HUE_WIDTH = 32.0  # degrees either way that still count as the colour asked for
MOST = 0.5  # share of a thing that has to be of the colour
CHANGED = 0.06  # OKLab distance from which a pixel was painted
NEAR = 3  # px that two lines may be apart
BINS = 4  # a channel, of the colour histogram
DETAIL = 4.0  # px; coarser than this is not detail


def changed(before: Rgb8, after: Rgb8, mask: Mask, least: float = CHANGED) -> Mask:
    """Where inside the mask two pictures differ to be seen, without specks and pinholes."""
    apart = np.linalg.norm(to_oklab(before) - to_oklab(after), axis=2)
    rough = ((apart > least) & mask).astype(np.uint8)
    opened = cv2.morphologyEx(rough, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return closed.astype(bool) & mask


def share_of_color(picture: Rgb8, where: Mask, rgb: tuple[int, int, int]) -> float:
    """The share of `where` that is of a colour, 0 to 1.

    Of a colour with a hue: the share of all chroma within HUE_WIDTH degrees of its hue in OKLab
    (Ottosson 2020), pixels weighed by their chroma, so that highlights and black parts do not
    count, times whether there is any chroma to speak of. Of white, gray and black: the share of
    pixels that have next to no chroma and are on its side of two lightness bounds.
    """
    lab = to_oklab(picture)[where]
    if not len(lab):
        return 0.0
    light, a, b = oklab_of(rgb)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    if np.hypot(a, b) < GRAY:
        low, high = (0.0, 0.45) if light < 0.4 else (0.72, 2.0) if light > 0.85 else (0.35, 0.85)
        return float(((chroma < 2 * GRAY) & (lab[:, 0] >= low) & (lab[:, 0] <= high)).mean())
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]) - np.arctan2(b, a))
    near = np.abs((hue + 180) % 360 - 180) <= HUE_WIDTH
    coloured = chroma >= GRAY
    if coloured.mean() < 0.15:  # a gray thing with a coloured dot
        return float(coloured.mean() * near[coloured].mean()) if coloured.any() else 0.0
    return float(chroma[near & coloured].sum() / chroma[coloured].sum())


def has_color(picture: Rgb8, where: Mask, rgb: tuple[int, int, int]) -> bool:
    """Whether most of `where` is of a colour."""
    return share_of_color(picture, where, rgb) >= MOST


def histogram(picture: Rgb8, where: Mask) -> npt.NDArray[np.float64]:
    """Share of the pixels in each of BINS^3 cells of sRGB, softly; sums to 1."""
    cells = picture[where].astype(np.float64) / 255 * (BINS - 1)
    total = np.zeros((BINS, BINS, BINS))
    low = np.minimum(cells.astype(int), BINS - 2)
    part = cells - low
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner), part, 1 - part), axis=1)
        np.add.at(total, tuple((low + np.array(corner)).T), weight)
    return np.asarray(total.ravel() / max(total.sum(), 1e-9), np.float64)


def histogram_distance(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> float:
    """0 for the same, 1 for nothing in common: half of the sum of differences (Swain, Ballard
    1991, "Color Indexing", intersection subtracted from 1)."""
    return float(np.abs(one - two).sum() / 2)


def line_agreement(picture: Rgb8, lines: Mask, where: Mask) -> float:
    """F-measure of the edges of a picture against drawn lines inside `where`, 0 to 1.

    Edges by Canny (1986) with thresholds at its own slopes' quantiles; a pixel agrees if the other
    has one within NEAR px, as boundary benchmarks count it (Martin, Fowlkes, Malik, PAMI 2004).
    """
    smooth = cv2.GaussianBlur(luma(picture).astype(np.uint8), (0, 0), 1.2)
    edges = cv2.Canny(smooth, 40, 100).astype(bool) & where
    lines = lines & where
    if not edges.any() or not lines.any():
        return 0.0
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    near_lines = cv2.dilate(lines.astype(np.uint8), window).astype(bool)
    near_edges = cv2.dilate(edges.astype(np.uint8), window).astype(bool)
    precision = float(near_lines[edges].mean())
    recall = float(near_edges[lines].mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def detail_kept(before: Rgb8, after: Rgb8, where: Mask) -> float:
    """Correlation of fine luma, -1 to 1: how much of what was under a mask can still be seen."""
    one, two = _fine(before)[where], _fine(after)[where]
    spread = float(one.std() * two.std())
    return (
        float(((one - one.mean()) * (two - two.mean())).mean() / spread) if spread > 1e-6 else 0.0
    )


def _fine(picture: Rgb8) -> Plane:
    plane = luma(picture)
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), DETAIL), np.float32)


def variety(pictures: Sequence[Rgb8]) -> float:
    """Mean distance of all pairs of crops of one thing: OKLab RMS of 32 px thumbnails, times 100.

    The thumbnail stands in for LPIPS (Zhang et al. 2018), whose weights are not to be had freely.
    """
    small = [
        to_oklab(np.asarray(cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA), np.uint8))
        for one in pictures
    ]
    apart = [
        float(np.sqrt(((one - two) ** 2).sum(2).mean()))
        for number, one in enumerate(small)
        for two in small[:number]
    ]
    return 100 * float(np.mean(apart)) if apart else 0.0
