"""The smooth light round a hole, where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from overpaint.imaging.shading import shade_of
from overpaint.values import Mask, Rgb8

Y, X = np.mgrid[:160, :160].astype(np.float32)


def _rgb(luma: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Rgb8:
    planes = np.dstack([luma, 0.8 * luma, 250 - luma])
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def _disc(row: float, col: float, radius: float) -> Mask:
    return np.asarray(np.hypot(Y - row, X - col) < radius, np.bool_)


SKIES = {
    "linear": 40 + 0.3 * X + 0.5 * Y,
    "radial": 220 - ((Y - 60) ** 2 + (X - 90) ** 2) / 150,
}


@pytest.mark.parametrize("sky", SKIES)
def test_a_smooth_sky_is_known_under_the_hole(sky: str) -> None:
    picture, mask = _rgb(SKIES[sky]), _disc(80, 80, 40)
    shade = shade_of(np.where(mask[..., None], np.uint8(0), picture), mask)
    assert shade is not None
    assert np.abs(shade - picture)[mask].max() < 2


def test_a_tree_at_some_distance_does_not_bend_the_sky() -> None:
    picture, mask = _rgb(SKIES["linear"]), _disc(80, 80, 30)
    scene = picture.copy()
    scene[125:] = 20
    shade = shade_of(scene, mask)
    assert shade is not None
    assert np.abs(shade - picture)[mask].max() < 2


def test_a_sky_at_the_border_goes_on_straight() -> None:
    picture, mask = _rgb(SKIES["linear"]), _disc(0, 80, 40)
    shade = shade_of(picture, mask)
    assert shade is not None
    assert np.abs(shade - picture)[mask].max() < 2


@pytest.mark.parametrize("what", ["texture", "an edge", "little"])
def test_there_is_no_shade_in(what: str) -> None:
    picture, mask = _rgb(SKIES["linear"]), _disc(80, 80, 30)
    if what == "texture":
        noise = np.random.default_rng(0).integers(0, 99, picture.shape, dtype=np.uint8)
        picture = picture // 2 + noise
    elif what == "an edge":
        picture[:, 80:] = 20
    else:
        mask = np.ones_like(mask)
        mask[:5, :5] = False
    assert shade_of(picture, mask) is None
