"""Continue the background of a photograph into the masked part, from what lies around it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from overpaint.imaging.patchmatch import fill_from_patches
from overpaint.imaging.sparse import BLOCK, fill_sparse
from overpaint.values import Mask, OnStep, Rgb8, Step

THIN_RADIUS = 6.0  # px; half the width of the widest stroke that sparsity fills unseen
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
    if mask.all() or not mask.any():
        return np.where(mask[..., None], np.uint8(128), pixels)
    thin = _thin_parts(mask)
    thick = mask & ~thin
    filled = np.where(mask[..., None], np.uint8(0), pixels)  # nothing leaks from under the mask
    near = cv2.dilate(thick.astype(np.uint8), np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(near)
    for label in range(1, count):
        window = _window(mask, boxes[label])
        island = (labels[window] == label) & thick[window]
        painted = _fill(filled[window], mask[window], np.random.default_rng(seed))
        filled[window][island] = painted[island]
        if on_step is not None:
            on_step(Step(stage="erase", done=label, total=count))
    if thin.any():  # last, for strokes may touch what was thick
        box = cv2.boundingRect(thin.astype(np.uint8))
        window = _grown((box[1], box[0], box[3], box[2]), BLOCK)
        filled[window] = _fill_thin(filled[window], thin[window], np.random.default_rng(seed))
    if on_step is not None:
        on_step(Step(stage="erase", done=count, total=count))
    return filled


def _grown(box: tuple[int, int, int, int], margin: int) -> tuple[slice, slice]:
    """box: top, left, height, width."""
    top, left, height, width = box
    return (
        slice(max(0, top - margin), top + height + margin),
        slice(max(0, left - margin), left + width + margin),
    )


def _window(mask: Mask, stats: Sequence[int]) -> tuple[slice, slice]:
    """The rows and columns that an island is filled from; stats: left, top, width, height, ..."""
    left, top, width, height = (int(value) for value in stats[:4])
    margin = int(np.clip(0.6 * (max(height, width) - 2 * NEAR), LEAST_MARGIN, MOST_MARGIN)) - NEAR
    window = _grown((top, left, height, width), margin)
    return window if mask[window].mean() < MOST_MASKED else (slice(None), slice(None))


def _fill(pixels: Rgb8, mask: Mask, rng: np.random.Generator) -> Rgb8:
    filled = fill_from_patches(pixels, mask, rng)
    return _fill_thin(pixels, mask, rng) if filled is None else filled  # no patch outside is whole


def _fill_thin(pixels: Rgb8, mask: Mask, rng: np.random.Generator) -> Rgb8:
    if min(mask.shape) == 1:  # a line of pixels has no blocks
        return np.asarray(cv2.inpaint(pixels, mask.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)
    return fill_sparse(pixels, mask, rng)


def _thin_parts(mask: Mask) -> Mask:
    """The connected parts that are strokes, all of whose pixels are close to known ones."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    flat = np.asarray(labels, np.intp).ravel()
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5).ravel()
    deepest = np.zeros(count)
    np.maximum.at(deepest, flat, depth)
    # a disc's mean depth is a third of its radius; a stroke stays thin where it crosses itself
    mean = np.bincount(flat, depth, count) / np.maximum(np.bincount(flat, minlength=count), 1)
    is_thin = np.minimum(deepest, 3 * (mean - 0.5)) <= THIN_RADIUS
    is_thin[0] = False
    return np.asarray(is_thin[labels], np.bool_)
