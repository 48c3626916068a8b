from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import EngineFailed
from overpaint.imaging.region import (
    MIN_CONTEXT,
    fit_back,
    fit_to_size,
    mask_box,
    placed,
    plan_region,
    take_mask,
    take_pixels,
)
from overpaint.values import Box, EngineInfo, Mask, PaintedRegion, Picture, Step

ANY_SIZE = EngineInfo(name="any", summary="", max_side=400)
NATIVE = EngineInfo(name="native", summary="", native_sizes=(256, 512))


def mask_of(shape: tuple[int, int], box: Box) -> Mask:
    mask = np.zeros(shape, bool)
    mask[box.slices] = True
    return mask


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    height, width = draw(st.integers(257, 900)), draw(st.integers(257, 900))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    box = Box(
        top=top,
        left=left,
        height=draw(st.integers(1, height - top)),
        width=draw(st.integers(1, width - left)),
    )
    return mask_of((height, width), box)


def test_mask_box_is_the_smallest() -> None:
    box = Box(top=3, left=7, height=11, width=2)
    assert mask_box(mask_of((40, 50), box)) == box


@given(mask=masks(), info=st.sampled_from([ANY_SIZE, NATIVE]))
def test_the_region_holds_the_mask_lies_in_the_picture_and_has_the_engine_s_size(
    mask: Mask, info: EngineInfo
) -> None:
    region = plan_region(mask, info)
    box, inner = region.box, mask_box(mask)
    assert 0 <= box.top <= inner.top
    assert 0 <= box.left <= inner.left
    assert inner.top + inner.height <= box.top + box.height <= mask.shape[0]
    assert inner.left + inner.width <= box.left + box.width <= mask.shape[1]
    size = region.height + region.pad_bottom, region.width + region.pad_right
    if info.native_sizes:
        assert size[0] == size[1]
        assert size[0] in info.native_sizes
    else:
        assert max(size) <= info.max_side
    assert take_mask(mask, region).shape == size
    assert take_mask(mask, region).any()
    rgb = np.zeros((box.height, box.width, 3), np.uint8)
    assert take_pixels(rgb, region).shape == (*size, 3)


def test_context_surrounds_the_mask_where_the_picture_has_it() -> None:
    mask = mask_of((1000, 1000), Box(top=480, left=490, height=30, width=20))
    box = plan_region(mask, ANY_SIZE).box
    assert 480 - box.top == MIN_CONTEXT
    assert box.height == 30 + 2 * MIN_CONTEXT


def test_what_the_border_cuts_off_goes_to_the_other_side() -> None:
    mask = mask_of((1000, 1000), Box(top=0, left=950, height=50, width=50))
    box = plan_region(mask, ANY_SIZE).box
    assert (box.height, box.width) == (50 + 2 * MIN_CONTEXT, 50 + 2 * MIN_CONTEXT)
    assert (box.top, box.left + box.width) == (0, 1000)


def test_a_small_mask_costs_the_same_in_a_large_picture() -> None:
    box = Box(top=100, left=100, height=60, width=60)
    small = plan_region(mask_of((300, 300), box), ANY_SIZE)
    large = plan_region(mask_of((4000, 4000), box), ANY_SIZE)
    assert (small.height, small.width) == (large.height, large.width)


def test_a_pixel_that_is_touched_at_all_is_repainted_in_a_scaled_mask() -> None:
    mask = np.zeros((2000, 2000), bool)
    mask[10, 10] = mask[1900, 1900] = True
    region = plan_region(mask, ANY_SIZE)
    assert take_mask(mask, region).sum() >= 2


def test_fit_back_of_the_same_size_keeps_every_pixel() -> None:
    mask = mask_of((300, 300), Box(top=100, left=100, height=60, width=60))
    region = plan_region(mask, ANY_SIZE)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (region.height, region.width, 3), np.uint8)
    coverage = rng.random((region.height, region.width), np.float32)
    fitted = fit_back(PaintedRegion(pixels=pixels, coverage=coverage, notes=("x",)), region)
    assert np.array_equal(fitted.pixels, pixels)
    assert fitted.coverage is not None
    assert np.array_equal(fitted.coverage, coverage)
    assert fitted.notes == ("x",)


def test_fit_back_enlarges_without_bleeding_of_what_is_transparent() -> None:
    mask = np.ones((800, 800), bool)
    region = plan_region(mask, ANY_SIZE)
    pixels = np.zeros((400, 400, 3), np.uint8)
    pixels[:, 200:] = 200
    coverage = np.zeros((400, 400), np.float32)
    coverage[:, 200:] = 1  # black lies under the transparent half
    fitted = fit_back(PaintedRegion(pixels=pixels, coverage=coverage), region)
    assert fitted.coverage is not None
    visible = fitted.coverage > 0.3
    assert fitted.pixels.shape == (800, 800, 3)
    assert fitted.pixels[visible].min() >= 198


def test_fit_back_drops_the_padding_of_a_native_size() -> None:
    mask = mask_of((300, 900), Box(top=0, left=0, height=300, width=900))
    region = plan_region(mask, NATIVE)
    assert region.pad_bottom > 0
    square = np.zeros((512, 512, 3), np.uint8)
    square[: region.height] = 77
    fitted = fit_back(PaintedRegion(pixels=square), region)
    assert fitted.pixels.shape == (300, 900, 3)
    assert (fitted.pixels == 77).all()


def test_a_preview_is_told_where_it_lies_without_its_padding() -> None:
    mask = mask_of((300, 900), Box(top=0, left=0, height=300, width=900))
    region = plan_region(mask, NATIVE)
    seen: list[Step] = []
    tell = placed(seen.append, region)
    assert tell is not None
    for side in (512, 64):  # engines show it at any size
        square = np.zeros((side, side, 3), np.uint8)
        tell(Step(stage="paint", done=1, total=2, preview=square))
        shown = seen[-1].preview
        assert shown is not None
        assert shown.shape[1] == side
        assert abs(shown.shape[0] / side - region.height / 512) < 1 / side
        assert seen[-1].box == Box(top=0, left=0, height=300, width=900)


def test_a_step_without_a_preview_is_told_as_it_is() -> None:
    mask = mask_of((300, 400), Box(top=10, left=10, height=30, width=30))
    region = plan_region(mask, NATIVE)
    seen: list[Step] = []
    tell = placed(seen.append, region)
    assert tell is not None
    step = Step(stage="paint", done=1, total=2)
    tell(step)
    assert seen == [step]
    assert placed(None, region) is None


@pytest.mark.parametrize(
    ("pixels", "coverage", "message"),
    [
        (np.zeros((9, 9, 3), np.uint8), None, "must return 156 x 156 x 3 uint8, got 9 x 9 x 3"),
        (np.zeros((156, 156, 3), np.uint16), None, "got 156 x 156 x 3 uint16"),
        (
            np.zeros((156, 156, 3), np.uint8),
            np.zeros((2, 2), np.float32),
            "coverage of 156 x 156 float32, got 2 x 2 float32",
        ),
        (
            np.zeros((156, 156, 3), np.uint8),
            np.full((156, 156), 1.5, np.float32),
            "coverage between 0 and 1",
        ),
        (
            np.zeros((156, 156, 3), np.uint8),
            np.full((156, 156), np.nan, np.float32),
            "coverage between 0 and 1",
        ),
    ],
)
def test_an_engine_that_returns_nonsense_is_refused(
    pixels: np.ndarray, coverage: np.ndarray | None, message: str
) -> None:
    region = plan_region(mask_of((300, 300), Box(top=100, left=100, height=60, width=60)), ANY_SIZE)
    with pytest.raises(EngineFailed, match=message):
        fit_back(PaintedRegion(pixels=pixels, coverage=coverage), region)


def picture_of(shape: tuple[int, ...], dtype: type = np.uint8) -> Picture:
    rng = np.random.default_rng(0)
    return Picture(pixels=rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype))


@given(
    mask=masks(),
    width=st.integers(64, 700),
    height=st.integers(64, 700),
)
def test_fit_to_size_gives_exactly_that_and_keeps_the_mask_in_view(
    mask: Mask, width: int, height: int
) -> None:
    picture = picture_of((*mask.shape, 3))
    fitted, cut = fit_to_size(picture, mask, width=width, height=height)
    assert (fitted.width, fitted.height) == (width, height)
    assert cut.shape == (height, width)
    assert cut.any()


def test_fit_to_size_of_the_same_size_changes_nothing() -> None:
    picture = picture_of((300, 400, 4), np.uint16)
    mask = mask_of((300, 400), Box(top=10, left=20, height=30, width=40))
    fitted, cut = fit_to_size(picture, mask, width=400, height=300)
    assert np.array_equal(fitted.pixels, picture.pixels)
    assert np.array_equal(cut, mask)
    assert not fitted.notes


def test_the_window_follows_a_mask_at_the_border() -> None:
    mask = mask_of((300, 900), Box(top=100, left=800, height=80, width=90))
    picture = picture_of((300, 900, 3))
    fitted, cut = fit_to_size(picture, mask, width=300, height=300)
    assert cut.sum() == mask.sum()  # all of it is in view, at the same scale
    assert np.array_equal(fitted.pixels, picture.pixels[:, 600:])
    assert fitted.notes == ("cropped to 300 x 300 of 900 x 300 px, for the size 300 x 300",)


def test_transparent_colours_do_not_bleed_when_resized() -> None:
    pixels = np.zeros((400, 400, 4), np.uint16)
    pixels[..., 0] = 65535  # red, invisible
    pixels[:, 200:] = (0, 65535, 0, 65535)  # green, visible
    mask = mask_of((400, 400), Box(top=10, left=10, height=30, width=30))
    fitted, _ = fit_to_size(Picture(pixels=pixels), mask, width=333, height=333)
    visible = fitted.pixels[fitted.pixels[..., 3] > 2000]
    assert visible[:, 0].max() < 700
    assert fitted.pixels.dtype == np.uint16
