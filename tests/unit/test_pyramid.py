"""Levels of a picture with a hole."""

from __future__ import annotations

import numpy as np
import pytest

from overpaint.imaging.pyramid import RADIUS, busyness, halved, pyramid, sources_of
from overpaint.values import Mask


def _hole(height: int, width: int) -> Mask:
    hole = np.zeros((height, width), np.bool_)
    hole[height // 3 : height // 3 + 6, width // 3 : width // 3 + 8] = True
    return hole


def test_sources_are_the_patches_without_a_hole() -> None:
    hole = _hole(24, 30)
    sources = sources_of(hole)
    for row in range(24):
        for col in range(30):
            inside = RADIUS <= row < 24 - RADIUS and RADIUS <= col < 30 - RADIUS
            touched = hole[row - 3 : row + 4, col - 3 : col + 4].any()
            assert sources[row, col] == (inside and not touched)


@pytest.mark.parametrize("shape", [(40, 50), (41, 51)])
def test_halving_takes_the_mean_of_known_pixels_only(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 5), 77, np.float32)
    hole = _hole(*shape)
    image[hole] = 1e6
    half, half_hole = halved(image, hole)
    assert half.shape == ((shape[0] + 1) // 2, (shape[1] + 1) // 2, 5)
    assert half[~half_hole] == pytest.approx(77)


def test_levels_halve_until_the_hole_is_small() -> None:
    mask = np.zeros((256, 300), np.bool_)
    mask[100:160, 100:160] = True
    sizes = [level.hole.shape for level in pyramid(np.zeros((256, 300, 3), np.uint8), mask)]
    assert sizes == [(256, 300), (128, 150), (64, 75), (32, 38)]


def test_busyness_is_the_mean_slope_of_known_pixels() -> None:
    luma = np.tile(np.arange(40, dtype=np.uint8) * 5, (40, 1))
    pixels = np.dstack([luma] * 3)
    mask = _hole(40, 40)
    busy = busyness(np.where(mask[..., None], np.uint8(255), pixels), mask)
    assert busy.shape == (40, 40, 2)
    assert busy[:, 10:-10, 0] == pytest.approx(5)
    assert busy[:, 10:-10, 1] == pytest.approx(0)
