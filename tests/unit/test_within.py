from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.within import thing_within
from overpaint.values import Mask, Rgb8

SHAPE = (240, 320)


def floor() -> Rgb8:
    rng = np.random.default_rng(0)
    boards = 150 + 12 * (np.arange(SHAPE[1]) // 40 % 2)
    gray = boards[None, :, None] * np.array([1, 0.85, 0.65]) + rng.normal(0, 4, (*SHAPE, 1))
    return np.asarray(np.clip(gray, 0, 255), np.uint8)


def shirt() -> Mask:
    drawn = np.zeros(SHAPE, np.uint8)
    cv2.rectangle(drawn, (120, 60), (200, 190), 1, -1)
    cv2.fillPoly(drawn, [np.array([[120, 60], [80, 90], [95, 115], [125, 95]])], 1)
    cv2.fillPoly(drawn, [np.array([[200, 60], [240, 90], [225, 115], [195, 95]])], 1)
    return drawn > 0


def scene(color: tuple[int, int, int]) -> Rgb8:
    rows, columns = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    light = 0.85 + 0.15 * np.sin(columns / 9 + rows / 23)
    cloth = np.array(color) * light[..., None]
    return np.where(shirt()[..., None], cloth, floor()).astype(np.uint8)


def rough(reach: int = 25) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(shirt().astype(np.uint8), disc)) > 0


def test_a_garment_is_found_in_a_rough_mask() -> None:
    for color in ((40, 80, 190), (250, 250, 250), (30, 30, 32), (190, 40, 60)):
        found = thing_within(scene(color), rough()) > 0.5
        assert (found & shirt()).sum() / (found | shirt()).sum() > 0.95, color


def test_a_tight_mask_is_taken_as_it_is() -> None:
    coverage = thing_within(scene((40, 80, 190)), shirt())
    assert np.array_equal(coverage, shirt().astype(np.float32))


def test_a_mask_over_a_part_of_it_keeps_to_that_part() -> None:
    part = np.zeros(SHAPE, bool)
    part[80:170, 100:180] = True
    coverage = thing_within(scene((40, 80, 190)), part)
    assert (coverage[~part] == 0).all()
    inside = part & cv2.erode(shirt().astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert coverage[inside].mean() > 0.97
    assert coverage[part & ~rough(4)].mean() < 0.1


def test_where_nothing_stands_out_all_of_the_mask_is_it() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[60:180, 80:240] = True
    assert np.array_equal(thing_within(floor(), mask), mask.astype(np.float32))


def test_the_whole_picture_and_single_pixels_are_no_trouble() -> None:
    everything = np.ones(SHAPE, bool)
    assert (thing_within(floor(), everything) == 1).all()
    dot = np.zeros(SHAPE, bool)
    dot[5, 5] = True
    assert thing_within(floor(), dot).sum() == 1


def test_the_edge_is_soft_and_repeats() -> None:
    coverage = thing_within(scene((40, 80, 190)), rough())
    assert coverage.dtype == np.float32
    assert ((coverage > 0.05) & (coverage < 0.95)).any()
    assert np.array_equal(coverage, thing_within(scene((40, 80, 190)), rough()))
