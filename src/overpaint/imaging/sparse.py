"""Fill thin holes (scratches, strokes, small text) with what keeps the picture sparse in the DCT.

Guleryuz, "Nonlinear Approximation Based Image Recovery Using Adaptive Sparse Reconstructions and
Iterated Denoising", IEEE Transactions on Image Processing 15(3), 2006: transform overlapping
blocks, drop the small coefficients, keep what that says of the missing pixels, lower the bar,
repeat. The block grid moves from round to round, so that no block edge stays.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgb8

Plane: TypeAlias = npt.NDArray[np.float32]

BLOCK = 24  # px
STRIDE, WIDE_STRIDE = 11, 16  # px between blocks; wide when there are many of them
ROUNDS, FEWEST_ROUNDS = 60, 8  # fewer rounds the more blocks there are
MANY_BLOCKS = 1000
CHUNK = 1000  # blocks at a time, to keep memory small
FIRST_BAR, LAST_BAR = 120.0, 6.0  # the size below which a DCT coefficient is dropped
#: Rows: luma and two opponent colours, orthonormal.
OPPONENTS = np.array(
    [[3**-0.5, 3**-0.5, 3**-0.5], [2**-0.5, 0, -(2**-0.5)], [6**-0.5, -2 * 6**-0.5, 6**-0.5]],
    np.float32,
)


def dct_basis(size: int) -> Plane:
    """Orthonormal DCT-II, size x size, a row a frequency, lowest first."""
    n = np.arange(size)
    basis = np.cos(np.pi * (n + 0.5) * n[:, None] / size) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


def fill_sparse(pixels: Rgb8, mask: Mask, rng: np.random.Generator) -> Rgb8:
    """Fill `mask` (height x width, bool, some of it False) in `pixels` (height x width x 3).

    Only pixels under the mask change. Good while no hole pixel is far from a known one.
    """
    start = cv2.inpaint(pixels, mask.astype(np.uint8), 3, cv2.INPAINT_NS)
    padding = (BLOCK, BLOCK, BLOCK, BLOCK)
    picture = cv2.copyMakeBorder(
        cv2.transform(start.astype(np.float32), OPPONENTS), *padding, cv2.BORDER_REFLECT
    )
    hole = np.pad(mask, BLOCK)
    flat = picture.reshape(-1, 3)  # a view: filling it fills the picture
    missing = np.flatnonzero(hole)
    number = np.full(hole.size, -1, np.intp)  # pixel -> place among the missing
    number[missing] = np.arange(len(missing))
    side = np.arange(BLOCK)
    block = (side[:, None] * hole.shape[1] + side).ravel()
    # blocks, by their top left corner, that hold a missing pixel
    touches = cv2.dilate(
        hole.astype(np.uint8), np.ones((BLOCK, BLOCK), np.uint8), anchor=(0, 0)
    ).astype(bool)
    touches[-BLOCK:], touches[:, -BLOCK:] = False, False
    basis = dct_basis(BLOCK)
    many = np.count_nonzero(touches) > MANY_BLOCKS * STRIDE**2
    stride = WIDE_STRIDE if many else STRIDE
    blocks = np.count_nonzero(touches) / stride**2
    rounds = int(np.clip(ROUNDS * MANY_BLOCKS / max(blocks, 1), FEWEST_ROUNDS, ROUNDS))
    for bar in np.geomspace(FIRST_BAR, LAST_BAR, rounds):
        top, left = rng.integers(0, stride, 2)
        grid = np.zeros_like(touches)
        grid[top::stride, left::stride] = touches[top::stride, left::stride]
        corners = np.flatnonzero(grid)
        weight, total = np.zeros((3, len(missing))), np.zeros((3, len(missing)))
        for part in np.array_split(corners, len(corners) // CHUNK + 1):
            index = part[:, None] + block  # blocks x BLOCK**2
            owner = number[index]
            inside = owner >= 0
            owner = owner[inside]
            for channel in range(3):
                terms = basis @ flat[index, channel].reshape(-1, BLOCK, BLOCK) @ basis.T
                kept = np.abs(terms) > bar
                kept[:, 0, 0] = True
                said = (basis.T @ (terms * kept) @ basis).reshape(index.shape)[inside]
                trust = np.repeat(1 / kept.sum((1, 2)), BLOCK**2).reshape(index.shape)[inside]
                weight[channel] += np.bincount(owner, trust, len(missing))
                total[channel] += np.bincount(owner, trust * said, len(missing))
        seen = weight[0] > 0
        flat[missing[seen]] = (total[:, seen] / weight[:, seen]).T
    back = cv2.transform(picture[BLOCK:-BLOCK, BLOCK:-BLOCK], np.ascontiguousarray(OPPONENTS.T))
    filled = pixels.copy()
    filled[mask] = np.clip(np.rint(back[mask]), 0, 255).astype(np.uint8)
    return filled
