"""Continue the background of a photograph into the masked part, from what lies around it."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.patchmatch import fill_from_patches
from overpaint.imaging.sparse import fill_sparse
from overpaint.values import Mask, OnStep, Rgb8, Step

THIN_RADIUS = 5.0  # px; holes whose inscribed circle is no larger are strokes
NEAR = 16  # px; islands closer than twice this are filled together
LEAST_MARGIN, MOST_MARGIN = 64, 320  # px of surroundings to learn from
MOST_MASKED = 0.75  # of a window; beyond it the whole picture is looked at


def continue_background(
    pixels: Rgb8, mask: Mask, *, seed: int = 0, on_step: OnStep | None = None
) -> Rgb8:
    """Fill the masked part of `pixels` from what lies around it.

    pixels: height x width x 3, uint8. mask: height x width, bool, True = fill.
    Returns a new array; pixels outside the mask are those of `pixels`, and what `pixels` holds
    under the mask does not matter. The same seed gives the same pixels; another seed another
    completion, where there is a choice. Where nothing is known the result is middle gray.
    Thin holes are filled by sparsity (`sparse.py`), others from patches (`patchmatch.py`).
    """
    filled = pixels.copy()
    islands = _islands(mask)
    for done, island in enumerate(islands):
        rows, cols = _window(mask, island)
        rng = np.random.default_rng(seed)
        painted = _fill(pixels[rows, cols], mask[rows, cols], rng)
        here = island[rows, cols]
        filled[rows, cols][here] = painted[here]
        if on_step is not None:
            on_step(Step(stage="erase", done=done + 1, total=len(islands)))
    return filled


def _islands(mask: Mask) -> list[Mask]:
    """Parts of the mask, those that lie close together as one; each height x width."""
    side = 2 * NEAR + 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8))
    count, labels = cv2.connectedComponents(near)
    return [(labels == label) & mask for label in range(1, count)]


def _window(mask: Mask, island: Mask) -> tuple[slice, slice]:
    """The rows and columns that an island is filled from."""
    ys, xs = np.flatnonzero(island.any(1)), np.flatnonzero(island.any(0))
    extent = max(ys[-1] - ys[0], xs[-1] - xs[0]) + 1
    margin = int(np.clip(0.6 * extent, LEAST_MARGIN, MOST_MARGIN))
    rows = slice(max(0, int(ys[0]) - margin), int(ys[-1]) + 1 + margin)
    cols = slice(max(0, int(xs[0]) - margin), int(xs[-1]) + 1 + margin)
    if mask[rows, cols].mean() > MOST_MASKED:
        return slice(None), slice(None)
    return rows, cols


def _fill(pixels: Rgb8, mask: Mask, rng: np.random.Generator) -> Rgb8:
    if mask.all():
        return np.full_like(pixels, 128)
    known = np.where(mask[..., None], 0, pixels).astype(np.uint8)  # nothing leaks from under it
    radius = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5).max()
    if radius <= THIN_RADIUS and min(mask.shape) > 1:
        return fill_sparse(known, mask, rng)
    filled = fill_from_patches(known, mask, rng)
    if filled is None:  # no patch outside is whole
        return np.asarray(cv2.inpaint(known, mask.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)
    return filled
