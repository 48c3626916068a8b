from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overpaint.errors import FontMissing
from overpaint.imaging.watermark import TOO_SMALL, watermark
from overpaint.values import Mask, Pixels


def ground(value: int, channels: int = 3, dtype: type = np.uint8) -> Pixels:
    full: Pixels = np.full((300, 400, channels), value, dtype)
    if channels == 4:
        full[..., 3] = 0
    return full


def block() -> Mask:
    mask = np.zeros((300, 400), bool)
    mask[100:250, 60:330] = True
    return mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_mark_is_legible_on_light_and_dark_and_stays_inside(dtype: type, channels: int) -> None:
    top = np.iinfo(dtype).max
    for value in (0, top // 2, top):
        pixels = ground(value, channels, dtype)
        before = pixels.copy()
        marked, notes = watermark(pixels, block())
        assert notes == ()
        assert marked.dtype == dtype
        assert np.array_equal(pixels, before)
        assert np.array_equal(marked[~block()], pixels[~block()])
        spread = marked[block()][:, :3].astype(float)
        assert (spread.max() - spread.min()) / top > 0.4
        if channels == 4:
            assert marked[..., 3].max() > 0.9 * top


def test_letters_are_5_percent_of_the_short_side() -> None:
    marked, _ = watermark(ground(0), block())
    bright = np.argwhere((marked > 200).all(axis=2))
    height = np.ptp(bright[:, 0]) + 1
    assert 14 <= height <= 17  # 5 % of 300, give or take the anti-aliasing
    assert np.ptp(bright[:, 1]) > 2.5 * height  # "AI 生成", not just "AI"


def test_mark_sits_low_and_far_right() -> None:
    marked, _ = watermark(ground(0), block())
    rows, columns = np.nonzero(marked.any(axis=2))
    assert rows.min() > 200
    assert columns.min() > 260


def test_mark_shrinks_into_a_small_mask() -> None:
    mask = np.zeros((300, 400), bool)
    mask[50:68, 70:100] = True
    marked, notes = watermark(ground(0), mask)
    assert notes == ()
    assert marked.any()
    assert not marked[~mask].any()


def test_without_a_chinese_font_the_mark_is_in_latin(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(text: str) -> None:
        raise FontMissing

    with_font, _ = watermark(ground(0), block())
    monkeypatch.setattr("overpaint.imaging.watermark.find_font", missing)
    without, notes = watermark(ground(0), block())
    assert notes == ()
    assert 0 < without.any(axis=2).sum() < with_font.any(axis=2).sum()


def test_mask_too_small_for_letters_gets_a_note() -> None:
    mask = np.zeros((300, 400), bool)
    mask[50:55, :] = True  # a stroke
    marked, notes = watermark(ground(90), mask)
    assert notes == (TOO_SMALL,)
    assert np.array_equal(marked, ground(90))


def test_large_picture_finds_its_place_on_a_coarser_grid() -> None:
    mask = np.zeros((2100, 2300), bool)
    mask[301:1501, 401:1801] = True
    marked, notes = watermark(np.zeros((2100, 2300, 3), np.uint8), mask)
    assert notes == ()
    assert marked.any()
    assert not marked[~mask].any()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_pixel_outside_any_mask_changes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((257, 300), bool)
    for _ in range(int(rng.integers(1, 5))):
        row, column = int(rng.integers(0, 257)), int(rng.integers(0, 300))
        mask[row : row + int(rng.integers(1, 120)), column : column + int(rng.integers(1, 120))] = 1
    pixels = rng.integers(0, 256, (257, 300, 4), dtype=np.uint8)
    marked, notes = watermark(pixels, mask)
    assert np.array_equal(marked[~mask], pixels[~mask])
    assert (notes == ()) == bool((marked != pixels).any())
