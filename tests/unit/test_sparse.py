"""Filling thin holes by sparsity."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from overpaint.imaging.sparse import BLOCK, OPPONENTS, dct_basis, fill_sparse
from overpaint.values import Mask, Rgb8


def _waves(side: int) -> Rgb8:
    y, x = np.mgrid[:side, :side]
    luma = 128 + 60 * np.sin(0.35 * x + 0.2 * y)
    return np.dstack([luma, luma * 0.8, 255 - luma]).astype(np.uint8)


def _lines(side: int) -> Mask:
    mask = np.zeros((side, side), np.bool_)
    mask[20:25, 8:-8] = True
    mask[8:-8, 60:65] = True
    return mask


@pytest.mark.parametrize("size", [7, BLOCK])
def test_the_dct_basis_is_orthonormal_and_that_of_opencv(size: int) -> None:
    basis = dct_basis(size)
    np.testing.assert_allclose(basis @ basis.T, np.eye(size), atol=1e-5)
    if size % 2 == 0:  # OpenCV transforms even sizes only
        block = np.random.default_rng(0).uniform(0, 255, (size, size)).astype(np.float32)
        np.testing.assert_allclose(basis @ block @ basis.T, cv2.dct(block), atol=1e-2)


def test_opponent_colours_are_orthonormal() -> None:
    np.testing.assert_allclose(OPPONENTS @ OPPONENTS.T, np.eye(3), atol=1e-6)


def test_waves_go_on_through_thin_holes_far_better_than_by_diffusion() -> None:
    picture, mask = _waves(96), _lines(96)
    filled = fill_sparse(picture, mask, np.random.default_rng(0))
    plain = cv2.inpaint(picture, mask.astype(np.uint8), 3, cv2.INPAINT_NS)
    error = np.mean((filled[mask].astype(float) - picture[mask]) ** 2)
    assert error < 0.25 * np.mean((np.asarray(plain)[mask].astype(float) - picture[mask]) ** 2)
    assert np.array_equal(filled[~mask], picture[~mask])


def test_many_blocks_are_filled_as_well() -> None:
    picture = _waves(420)
    mask = np.zeros((420, 420), np.bool_)
    mask[::14] = True
    filled = fill_sparse(picture, mask, np.random.default_rng(0))
    assert np.abs(filled[mask].astype(float) - picture[mask]).mean() < 4


def test_a_picture_smaller_than_a_block_is_filled() -> None:
    picture = np.full((9, 5, 3), (10, 200, 90), np.uint8)
    mask = np.zeros((9, 5), np.bool_)
    mask[3:6] = True
    picture[mask] = 0
    filled = fill_sparse(picture, mask, np.random.default_rng(0))
    assert np.abs(filled.astype(int) - (10, 200, 90)).max() <= 1
