"""The first fill, and which sources it forbears from."""

from __future__ import annotations

import numpy as np

from overpaint.imaging.patchmatch import Match, Plane
from overpaint.imaging.peeling import favour_of, peel, strangeness
from overpaint.imaging.pyramid import Level
from overpaint.values import Mask


def _image(height: int, width: int, channels: int, seed: int = 0) -> Plane:
    values = np.random.default_rng(seed).uniform(0, 255, (height, width, channels))
    return values.astype(np.float32)


def _hole(height: int, width: int) -> Mask:
    hole = np.zeros((height, width), np.bool_)
    hole[height // 3 : height // 3 + 6, width // 3 : width // 3 + 8] = True
    return hole


def test_peeling_fills_everything_with_colours_from_outside() -> None:
    hole = np.zeros((40, 40), np.bool_)
    hole[12:28, 0:20] = True
    image = _image(40, 40, 5)
    peeled = peel(Level(image=image, hole=hole), np.zeros((40, 40), np.float32))
    np.testing.assert_allclose(peeled[~hole], image[~hole], rtol=1e-5)
    outside = {tuple(np.rint(colour).astype(int)) for colour in image[~hole]}
    assert all(tuple(np.rint(colour).astype(int)) in outside for colour in peeled[hole])


def test_what_is_like_nothing_round_the_hole_costs_as_a_source() -> None:
    hole = _hole(60, 60)
    image = np.full((60, 60, 5), 0, np.float32)
    image[..., :3] = 120 + _image(60, 60, 3) / 20
    image[42:52, 42:52, :3] = 250  # an eye, say
    cost = strangeness(Match(hole).describe(image), hole)
    assert cost.shape == hole.shape
    assert cost[47, 47] > 50_000
    assert np.median(cost) == 0
    assert cost[hole].max() == 0


def test_nothing_is_strange_where_no_ring_is_known() -> None:
    hole = np.ones((40, 40), np.bool_)
    hole[:3, :3] = False
    assert not strangeness(np.zeros((1600, 4), np.float32), hole).any()


def test_another_seed_favours_other_sources() -> None:
    one, two = (favour_of((30, 40), np.random.default_rng(seed)) for seed in (0, 1))
    assert one.shape == (30, 40)
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] < 0.5
