"""The joint of what is copied and what is kept."""

from __future__ import annotations

import numpy as np

from overpaint.imaging.melding import meld
from overpaint.imaging.patchmatch import Index, Plane
from overpaint.values import Mask


def _copied(picture: Plane, hole: Mask, right: int) -> tuple[Plane, Index]:
    """The hole filled from `right` px to the right."""
    origin = np.arange(hole.size).reshape(hole.shape)
    near = np.zeros_like(hole)
    near[15:49, 15:49] = True
    origin[near] += right
    filled = picture.copy()
    filled[hole] = picture.reshape(-1, 3)[origin[hole]]
    return filled, origin


def _square() -> Mask:
    hole = np.zeros((64, 128), np.bool_)
    hole[16:48, 16:48] = True
    return hole


def _ramp(slope: float) -> Plane:
    row = 20 + slope * np.arange(128, dtype=np.float32)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (64, 128, 3)))


def test_a_piece_of_a_ramp_copied_from_elsewhere_continues_the_ramp() -> None:
    picture, hole = _ramp(0.1), _square()
    filled, origin = _copied(picture, hole, 50)
    assert np.abs(filled - picture).max() > 4.9
    assert np.abs(meld(filled, hole, origin) - picture).max() < 0.6


def test_texture_keeps_its_contrast() -> None:
    grain = np.random.default_rng(0).normal(0, 20, (64, 128, 3)).astype(np.float32)
    picture, hole = 128 + grain, _square()
    filled, origin = _copied(picture, hole, 50)
    melded = meld(filled, hole, origin)
    assert np.array_equal(melded[~hole], picture[~hole])
    inner = np.s_[20:44, 20:44]
    assert 0.9 < melded[inner].std() / filled[inner].std() < 1.1
    assert np.corrcoef(melded[inner].ravel(), filled[inner].ravel())[0, 1] > 0.95


def test_a_step_that_is_meant_does_not_bleed() -> None:
    picture, hole = _ramp(0), _square()
    picture[:, 60:] = 220
    filled, origin = _copied(picture, hole, 50)
    assert np.abs(meld(filled, hole, origin) - filled).max() < 2
