from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.imaging.placement import (
    MOST_ISLANDS,
    Placement,
    measure_slot,
    place_object,
    split_slots,
    warp_object,
)
from overpaint.values import Mask, Rgba8, Weight


def ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0) -> Mask:
    canvas = np.zeros((300, 400), np.uint8)
    cv2.ellipse(canvas, ((cx, cy), (2 * rx, 2 * ry), angle), 1, -1)
    return canvas.astype(bool)


def block(height: int, width: int) -> Weight:
    return np.ones((height, width), np.float32)


def drawn(alpha: Weight, placement: Placement) -> Weight:
    solid: Rgba8 = np.full((*alpha.shape, 4), 255, np.uint8)
    solid[..., 3] = np.rint(alpha * 255)
    return np.asarray(warp_object(solid, placement, (300, 400))[..., 3])


@given(
    cx=st.floats(60, 340),
    cy=st.floats(60, 240),
    rx=st.floats(25, 100),
    ry=st.floats(15, 60),
    angle=st.floats(-90, 90),
    wide=st.integers(20, 90),
    tall=st.integers(20, 90),
    stands=st.booleans(),
)
def test_an_object_is_as_large_as_its_slot_allows(
    cx: float, cy: float, rx: float, ry: float, angle: float, wide: int, tall: int, stands: bool
) -> None:
    mask = ellipse(cx, cy, rx, ry, angle)
    alpha = block(tall, wide)
    placed = place_object(alpha, measure_slot(mask), stands=stands)
    larger = replace(placed, width=1.4 * placed.width, height=1.4 * placed.height)

    def outside(placement: Placement) -> float:
        shown = drawn(alpha, placement)
        whole = placement.width * placement.height  # what the picture's border cuts off too
        return 1 - float(shown[mask].sum()) / whole

    assert outside(placed) < 0.1
    assert outside(larger) > 0.04


@pytest.mark.parametrize("angle", [-40, -20, 0, 20, 40])
def test_a_long_object_lies_along_a_tilted_slot(angle: float) -> None:
    slot = measure_slot(ellipse(200, 150, 120, 40, angle))
    placed = place_object(block(20, 60), slot)
    assert placed.tilt == pytest.approx(angle, abs=3)


def slanting() -> Weight:
    """A stick drawn from the lower left to the upper right."""
    drawn = np.zeros((80, 80), np.float32)
    cv2.line(drawn, (6, 73), (73, 6), 1.0, 9)
    return drawn


@pytest.mark.parametrize("angle", [-80, -45, -10, 0, 30, 60, 90])
@pytest.mark.parametrize("stands", [True, False])
def test_a_slanting_stick_is_laid_along_its_slot(angle: float, stands: bool) -> None:
    mask = ellipse(200, 150, 110, 22, angle)
    placed = place_object(slanting(), measure_slot(mask), stands=stands)
    shown = drawn(slanting(), placed) > 0.5
    along = abs(measure_slot(shown).angle - angle) % 180
    assert min(along, 180 - along) < 8
    assert measure_slot(shown).length > 130


def test_what_stands_is_hardly_tilted_and_goes_to_the_bottom() -> None:
    slot = measure_slot(ellipse(200, 150, 50, 110, 30))
    placed = place_object(block(50, 40), slot, stands=True)
    assert placed.tilt == 0
    floating = place_object(block(50, 40), slot)
    assert placed.y >= floating.y


def test_a_shaky_hand_is_no_tilt() -> None:
    assert place_object(block(20, 60), measure_slot(ellipse(200, 150, 120, 40, 2))).tilt == 0


def test_scale_shrinks_and_lean_turns() -> None:
    slot = measure_slot(ellipse(200, 150, 100, 60))
    whole = place_object(block(20, 30), slot)
    small = place_object(block(20, 30), slot, scale=0.5)
    assert small.width == pytest.approx(whole.width / 2)
    assert place_object(block(20, 30), slot, lean=7).tilt == 7


def test_the_smallest_masks_get_an_object_too() -> None:
    mask = np.zeros((300, 400), bool)
    mask[100, 100] = True
    placed = place_object(block(20, 30), measure_slot(mask))
    assert placed.width > 0
    mask[100, 100:300] = True
    assert place_object(block(20, 30), measure_slot(mask)).width > 0


def test_the_slot_is_measured_as_an_oriented_box() -> None:
    slot = measure_slot(ellipse(200, 150, 100, 30, 25))
    assert slot.length == pytest.approx(200, abs=6)
    assert slot.breadth == pytest.approx(60, abs=6)
    assert slot.angle == pytest.approx(25, abs=2)
    upright = measure_slot(ellipse(200, 150, 30, 100))
    assert abs(abs(upright.angle) - 90) < 2


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_a_mask_is_shared_out_without_overlap(count: int) -> None:
    mask = ellipse(200, 150, 150, 80, 10)
    slots = split_slots(mask, count)
    assert len(slots) == count
    together = sum(slot.mask.astype(int) for slot in slots)
    assert np.array_equal(together, mask.astype(int))
    areas = [int(slot.mask.sum()) for slot in slots]
    assert min(areas) > 0.05 * max(areas)


def test_each_object_gets_an_island_of_its_own() -> None:
    mask = ellipse(80, 150, 40, 40) | ellipse(300, 150, 40, 40)
    two = split_slots(mask, 2)
    assert [round(slot.x, -1) for slot in two] == [80, 300]
    one = split_slots(mask, 1)
    assert len(one) == 2  # one thing named, two places painted: it goes into both


def test_dust_is_no_island() -> None:
    mask = ellipse(200, 150, 80, 80)
    mask[5:8, 5:8] = True
    assert len(split_slots(mask, 1)) == 1


def test_of_many_islands_the_largest_count() -> None:
    mask: Mask = np.zeros((300, 400), bool)
    for x in range(10, 380, 4):
        mask[10:290:4, x] = True
    mask[100:104, 100:102] = mask[200:204, 300:302] = True  # two of a few px among thousands of one
    assert [round(slot.x, -1) for slot in split_slots(mask, 2)] == [100, 300]
    mask[100:104, 100:102] = mask[200:204, 300:302] = False
    assert len(split_slots(mask, 1)) == MOST_ISLANDS


def test_warping_keeps_colour_at_soft_edges() -> None:
    red: Rgba8 = np.zeros((40, 60, 4), np.uint8)
    red[..., 0] = 255
    red[5:-5, 5:-5, 3] = 255
    placed = Placement(x=200, y=150, width=150, height=100, tilt=20)
    canvas = warp_object(red, placed, (300, 400))
    alpha = canvas[..., 3]
    soft = (alpha > 0.1) & (alpha < 0.9)
    assert soft.any()
    assert np.allclose(canvas[..., 0][soft], alpha[soft], atol=0.02)  # premultiplied pure red
    assert not canvas[..., 1:3].any()


def test_warping_puts_the_centre_where_it_was_asked_for() -> None:
    solid: Rgba8 = np.full((33, 47, 4), 255, np.uint8)
    for tilt in (0.0, 30.0, -75.0):
        placed = Placement(x=170.0, y=120.0, width=90, height=50, tilt=tilt)
        alpha = warp_object(solid, placed, (300, 400))[..., 3]
        ys, xs = np.mgrid[0:300, 0:400] + 0.5
        assert float((xs * alpha).sum() / alpha.sum()) == pytest.approx(170, abs=0.3)
        assert float((ys * alpha).sum() / alpha.sum()) == pytest.approx(120, abs=0.3)
        assert float(alpha.sum()) == pytest.approx(90 * 50, rel=0.03)
