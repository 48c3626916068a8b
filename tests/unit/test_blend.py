from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.imaging.blend import blend, feather_weight, match_tone
from overpaint.values import Box, Mask, Pixels, Weight

WHOLE = Box(top=0, left=0, height=40, width=50)


def picture(seed: int, channels: int = 3, dtype: type = np.uint8) -> Pixels:
    rng = np.random.default_rng(seed)
    drawn: Pixels = rng.integers(0, np.iinfo(dtype).max + 1, (40, 50, channels)).astype(dtype)
    return drawn


def disc(radius: float = 12) -> Mask:
    ys, xs = np.mgrid[0:40, 0:50]
    return np.asarray(np.hypot(ys - 20, xs - 25) <= radius)


def slow_blend(base: Pixels, mask: Mask, layer: Pixels, opacity: Weight) -> Pixels:
    """Pixel by pixel, in plain Python, in double precision."""
    result = base.copy()
    full = float(np.iinfo(base.dtype).max)
    for y, x in np.argwhere(mask):
        share = float(opacity[y, x])
        alpha = float(base[y, x, 3]) / full if base.shape[2] == 4 else 1.0
        union = share + alpha * (1 - share)
        for c in range(3):
            below, above = float(base[y, x, c]), float(layer[y, x, c])
            result[y, x, c] = round(below + (above - below) * (share / union if union else 0))
        if base.shape[2] == 4:
            result[y, x, 3] = round(union * full)
    return result


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_equals_a_plain_per_pixel_loop(channels: int, dtype: type) -> None:
    base, layer = picture(1, channels, dtype), picture(2, 3, dtype)
    mask = disc()
    coverage = np.random.default_rng(3).random((40, 50), np.float32)
    fast = blend(base, mask, WHOLE, layer, coverage, feather=3)
    slow = slow_blend(base, mask, layer, feather_weight(mask, 3) * coverage)
    difference = np.abs(fast.astype(np.int64) - slow.astype(np.int64))
    assert difference.max() <= 1  # float32 against double, at a rounding edge
    assert np.array_equal(fast[~mask], base[~mask])


@given(seed=st.integers(0, 2**32), feather=st.floats(0, 30), alpha=st.booleans())
def test_outside_the_mask_nothing_changes(seed: int, feather: float, alpha: bool) -> None:
    rng = np.random.default_rng(seed)
    base, layer = picture(seed, 4 if alpha else 3, np.uint16), picture(seed + 1, 3, np.uint16)
    mask = rng.random((40, 50)) < rng.random()
    result = blend(base, mask, WHOLE, layer, feather=feather)
    assert np.array_equal(result[~mask], base[~mask])


def test_does_not_touch_its_inputs_and_returns_a_new_array() -> None:
    base, layer, mask = picture(1), picture(2), disc()
    before = base.copy(), layer.copy(), mask.copy()
    result = blend(base, mask, WHOLE, layer)
    assert all(np.array_equal(a, b) for a, b in zip(before, (base, layer, mask), strict=True))
    assert not np.shares_memory(result, base)


def test_a_transparent_base_becomes_as_opaque_as_the_layer() -> None:
    base = picture(1, 4)
    base[..., 3] = 0
    layer = picture(2)
    coverage = np.full((40, 50), 0.5, np.float32)
    result = blend(base, disc(), WHOLE, layer, coverage, feather=0)
    assert result[20, 25, 3] == 128
    assert np.array_equal(result[20, 25, :3], layer[20, 25])  # nothing of what was invisible


def test_a_layer_without_coverage_changes_nothing() -> None:
    base = picture(1, 4, np.uint16)
    nothing = np.zeros((40, 50), np.float32)
    assert np.array_equal(blend(base, disc(), WHOLE, picture(2, 3, np.uint16), nothing), base)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("feather", [None, 3])
def test_levels_are_opacities(channels: int, dtype: type, feather: float | None) -> None:
    base, layer = picture(1, channels, dtype), picture(2, 3, dtype)
    levels = np.random.default_rng(3).integers(0, 256, (40, 50), np.uint8)
    levels[5:10] = 0
    mask = levels > 0
    fast = blend(base, mask, WHOLE, layer, feather=feather, levels=levels)
    opacity = (feather_weight(mask, feather or 0) * (levels / 255)).astype(np.float32)
    slow = slow_blend(base, mask, layer, opacity)
    assert np.abs(fast.astype(np.int64) - slow.astype(np.int64)).max() <= 1
    assert np.array_equal(fast[~mask], base[~mask])
    if feather is None:
        assert np.array_equal(fast[levels == 255, :3], layer[levels == 255])


def test_feather_rises_inwards_only() -> None:
    mask = disc()
    weight = feather_weight(mask, 6)
    assert not weight[~mask].any()
    row = weight[20, 13:26]
    assert (np.diff(row) >= 0).all()
    assert 0 < row[0] < 0.2
    assert row[-1] == 1


def test_feather_is_narrower_in_a_thin_stroke_so_that_its_middle_is_painted() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:15, 5:45] = True  # 5 px
    mask[25:26, 5:45] = True  # 1 px
    weight = feather_weight(mask, 30)
    assert weight[12, 25] == 1
    assert weight[25, 25] == 1


def test_each_island_has_a_feather_of_its_own() -> None:
    mask = np.zeros((60, 120), bool)
    mask[5:55, 5:55] = True
    mask[28:31, 70:110] = True
    weight = feather_weight(mask, 12)
    assert weight[29, 90] == 1
    assert weight[6, 30] < 0.2


def test_the_border_of_the_picture_is_no_edge() -> None:
    mask = np.zeros((40, 50), bool)
    mask[:, :25] = True
    weight = feather_weight(mask, 5)
    assert (weight[:, 0] == 1).all()
    assert feather_weight(np.ones((40, 50), bool), 5).min() == 1


def test_feather_zero_is_a_hard_edge() -> None:
    mask = disc()
    assert np.array_equal(feather_weight(mask, 0), mask.astype(np.float32))


def test_a_colour_cast_of_the_engine_is_taken_off() -> None:
    ys, xs = np.mgrid[0:80, 0:100]
    smooth = np.dstack([120 + xs, 80 + ys, 100 + (xs + ys) / 2]).astype(np.uint8)
    mask = np.asarray(np.hypot(ys - 40, xs - 50) < 20)
    cast = (smooth.astype(np.int16) + np.array([9, -12, 6])).astype(np.uint8)
    matched = match_tone(cast, smooth, mask)
    error = np.abs(matched.astype(int) - smooth)[mask]
    assert error.max() <= 2
    assert np.abs(cast.astype(int) - smooth)[mask].max() == 12


def test_a_varying_cast_is_carried_into_the_mask() -> None:
    flat = np.full((80, 100, 3), 128, np.uint8)
    slope = np.linspace(-20, 20, 100)[None, :, None]
    painted = (flat + slope).astype(np.uint8)
    ys, xs = np.mgrid[0:80, 0:100]
    mask = np.asarray(np.hypot(ys - 40, xs - 50) < 20)
    matched = match_tone(painted, flat, mask)
    left, right = mask & (xs < 40), mask & (xs > 60)
    assert abs(float(matched[left].mean()) - 128) < 4
    assert abs(float(matched[right].mean()) - 128) < 4


def test_an_engine_that_kept_the_context_is_left_alone() -> None:
    original = picture(1).astype(np.uint8)
    mask = disc()
    layer = np.where(mask[..., None], picture(2), original).astype(np.uint8)
    assert np.array_equal(match_tone(layer, original, mask), layer)


def test_no_seam_is_left_at_the_edge() -> None:
    ys, xs = np.mgrid[0:120, 0:120]
    base = np.full((120, 120, 3), 90, np.uint8)
    layer = np.full((120, 120, 3), 170, np.uint8)
    mask = np.asarray(np.hypot(ys - 60, xs - 60) < 40)
    box = Box(top=0, left=0, height=120, width=120)

    def steepest(feather: float) -> float:
        result = blend(base, mask, box, layer, feather=feather)[..., 0].astype(np.float32)
        return float(np.abs(cv2.Sobel(result, cv2.CV_32F, 1, 0, scale=0.125)).max())

    assert steepest(12) < 0.35 * steepest(0)
