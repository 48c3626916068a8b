"""The fast patch distance, sources, search and votes against slow, plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from overpaint.imaging.patchmatch import (
    Match,
    Plane,
    describe,
    fill_from_patches,
)
from overpaint.imaging.pyramid import PATCH, RADIUS, pyramid
from overpaint.values import Mask


def _image(height: int, width: int, channels: int, seed: int = 0) -> Plane:
    values = np.random.default_rng(seed).uniform(0, 255, (height, width, channels))
    return values.astype(np.float32)


def _hole(height: int, width: int) -> Mask:
    hole = np.zeros((height, width), np.bool_)
    hole[height // 3 : height // 3 + 6, width // 3 : width // 3 + 8] = True
    return hole


def _patch(image: Plane, row: int, col: int) -> Plane:
    return image[row - RADIUS : row + RADIUS + 1, col - RADIUS : col + RADIUS + 1]


def test_descriptors_with_all_terms_have_the_distance_of_the_patches() -> None:
    image = _image(20, 24, 3)
    described = np.dstack(describe(image, 2 * PATCH, 2 * PATCH))
    assert described.shape == (20, 24, 3 * PATCH**2)
    for one, two in (((5, 6), (14, 17)), ((3, 3), (16, 20)), ((9, 9), (9, 10))):
        plain = ((_patch(image, *one) - _patch(image, *two)) ** 2).sum()
        fast = ((described[one] - described[two]) ** 2).sum()
        assert fast == pytest.approx(plain, rel=1e-4)


def test_descriptors_with_few_terms_never_overstate_the_distance() -> None:
    image = _image(20, 24, 3)
    described = np.dstack(describe(image))
    for row in range(3, 17):
        plain = ((_patch(image, row, 4) - _patch(image, 10, 12)) ** 2).sum()
        assert ((described[row, 4] - described[10, 12]) ** 2).sum() <= plain * 1.0001


def test_votes_are_the_weighted_mean_over_every_patch_on_a_pixel() -> None:
    hole = _hole(26, 30)
    image = _image(26, 30, 5)
    match = Match(hole)
    rng = np.random.default_rng(1)
    match.scatter(rng)
    match.cost = rng.uniform(0, 5000, len(match.rows)).astype(np.float32)
    scale = np.percentile(match.cost, 75)
    weight = np.exp(-match.cost / (2 * scale)) * match.trust
    total, mass = np.zeros((26, 30, 5)), np.zeros((26, 30, 1))
    for row, col, at, w in zip(match.rows, match.cols, match.at, weight, strict=True):
        for down in range(-RADIUS, RADIUS + 1):
            for right in range(-RADIUS, RADIUS + 1):
                if 0 <= row + down < 26 and 0 <= col + right < 30:
                    total[row + down, col + right] += w * image[at // 30 + down, at % 30 + right]
                    mass[row + down, col + right] += w
    voted = match.vote(image)
    assert np.array_equal(voted[~hole], image[~hole])
    np.testing.assert_allclose(voted[hole], (total / np.maximum(mass, 1e-12))[hole], rtol=1e-3)


def test_search_of_all_finds_the_nearest_source() -> None:
    hole = _hole(26, 30)
    match = Match(hole)
    described = match.describe(_image(26, 30, 5))
    match.search_all(described)
    sources = np.flatnonzero(match.sources)
    for place in range(0, len(match.rows), 7):
        wanted = described[match.rows[place] * 30 + match.cols[place]]
        plain = ((described[sources] - wanted) ** 2).sum(1).min()
        assert match.cost[place] == pytest.approx(plain, rel=1e-3)


def test_search_never_makes_a_match_worse_and_stays_on_sources() -> None:
    hole = _hole(60, 64)
    match = Match(hole)
    rng = np.random.default_rng(3)
    match.scatter(rng)
    described = match.describe(_image(60, 64, 5))
    here = described[match.rows * 64 + match.cols]
    before = ((described[match.at] - here) ** 2).sum(1)
    match.search(described, rng, far=True)
    assert (match.cost <= before * 1.0001).all()
    assert match.cost.mean() < 0.9 * before.mean()
    assert match.sources.ravel()[match.at].all()


def test_a_finer_match_points_to_the_same_place() -> None:
    coarse_hole = _hole(32, 36)
    fine_hole = np.repeat(np.repeat(coarse_hole, 2, 0), 2, 1)
    match = Match(coarse_hole)
    match.scatter(np.random.default_rng(0))
    fine = match.finer(fine_hole, np.random.default_rng(0))
    where = {(r, c): a for r, c, a in zip(match.rows, match.cols, match.at, strict=True)}
    same = [
        (at // 72 // 2, at % 72 // 2) == divmod(where[(row // 2, col // 2)], 36)
        for row, col, at in zip(fine.rows, fine.cols, fine.at, strict=True)
    ]
    assert np.mean(same) > 0.95  # some coarse sources lie too near the border of the fine picture
    assert fine.sources.ravel()[fine.at].all()


def test_the_pyramid_is_empty_where_no_patch_is_whole() -> None:
    mask = np.ones((40, 40), np.bool_)
    mask[::5] = False
    pixels = np.zeros((40, 40, 3), np.uint8)
    assert pyramid(pixels, mask) == []
    assert fill_from_patches(pixels, mask, np.random.default_rng(0)) is None
