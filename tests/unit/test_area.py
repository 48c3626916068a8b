from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import EmptyMask
from overpaint.imaging.area import fit_levels, grow_levels, read_area
from overpaint.imaging.mask import grow_mask
from overpaint.imaging.region import fit_to_size
from overpaint.values import Levels, Picture

SIZE = (60, 70)


def spot(high: int = 255) -> Levels:
    """A round spot, its rim soft."""
    ys, xs = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    share = np.clip(1.5 - np.hypot(ys - 25, xs - 40) / 12, 0, 1)
    return np.asarray(np.rint(share * high), np.uint8)


def slow_grow(levels: Levels, px: int) -> Levels:
    """The highest level of each disc, pixel by pixel."""
    grown = levels.copy()
    ys, xs = np.mgrid[0 : levels.shape[0], 0 : levels.shape[1]]
    for y, x in np.ndindex(*levels.shape):
        near = levels[(ys - y) ** 2 + (xs - x) ** 2 <= px * px]
        grown[y, x] = near.max()
    return grown


@given(px=st.integers(0, 9), seed=st.integers(0, 2**32), share=st.floats(0, 0.2))
def test_growing_takes_the_highest_level_of_a_disc(px: int, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (17, 23), np.uint8) * (rng.random((17, 23)) < share)
    grown = grow_levels(levels.astype(np.uint8), px)
    assert np.array_equal(grown, slow_grow(levels, px))
    assert np.array_equal(grown > 0, grow_mask(levels > 0, px))
    shrunk = grow_levels((255 - levels).astype(np.uint8), -px)
    assert np.array_equal(shrunk, 255 - slow_grow(levels, px))
    assert np.array_equal(shrunk > 0, grow_mask(levels < 255, -px))


@given(px=st.integers(-80, 80), seed=st.integers(0, 2**32))
def test_a_hard_mask_grows_as_any_other(px: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random(SIZE) < 0.01
    mask[20:40, :30] = True
    grown = grow_levels(mask.astype(np.uint8) * np.uint8(255), px)
    assert np.array_equal(grown, grow_mask(mask, px) * np.uint8(255))


def test_growing_writes_into_nothing_that_it_was_given() -> None:
    levels = spot()
    for px in (-3, 0, 3):
        before = levels.copy()
        assert not np.shares_memory(grow_levels(levels, px), levels)
        assert np.array_equal(levels, before)


def test_without_soft_the_mask_is_cut_in_the_middle() -> None:
    area, levels = read_area(spot(), size=SIZE)
    assert levels is None
    assert np.array_equal(area, spot() >= 128)


def test_a_soft_mask_reaches_to_its_lowest_level() -> None:
    area, levels = read_area(spot(), size=SIZE, soft=True)
    assert levels is not None
    assert np.array_equal(levels, spot())
    assert np.array_equal(area, spot() > 0)


def test_a_soft_mask_may_be_inverted_and_grown() -> None:
    area, levels = read_area(spot(), size=SIZE, soft=True, invert=True, grow=-2)
    assert levels is not None
    assert np.array_equal(levels, 255 - grow_levels(spot(), 2))
    assert np.array_equal(area, levels > 0)


@pytest.mark.parametrize("soft", [False, True])
def test_shrinking_to_nothing_is_refused(soft: bool) -> None:
    message = r"^grow: must leave something of the mask to repaint, got -40$"
    with pytest.raises(EmptyMask, match=message):
        read_area(spot(), size=SIZE, soft=soft, grow=-40)


def test_levels_are_scaled_and_cropped_as_the_picture_is() -> None:
    levels = spot()
    area = levels > 0
    picture = Picture(pixels=np.repeat(levels[..., None], 3, axis=2))
    fitted, _ = fit_to_size(picture, area, width=90, height=120)
    cut, scaled = fit_levels(levels, area, width=90, height=120)
    assert np.array_equal(scaled, fitted.pixels[..., 0])
    assert np.array_equal(cut, scaled > 0)


def test_a_faint_stroke_is_left_when_the_picture_gets_much_smaller() -> None:
    levels = np.zeros((600, 700), np.uint8)
    levels[300, 350] = 3
    area, scaled = fit_levels(levels, levels > 0, width=70, height=60)
    assert area.any()
    assert scaled.max() == 3
    assert np.array_equal(area, scaled > 0)
