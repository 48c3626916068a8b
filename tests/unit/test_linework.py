from __future__ import annotations

import cv2
import numpy as np
import pytest

from overpaint.errors import InvalidOption
from overpaint.imaging.linework import decode_sketch, take_lines
from overpaint.values import Box, Region, Rgba8

SIZE = (300, 400)
BOX = Box(top=100, left=150, height=60, width=90)


def drawing(size: tuple[int, int] = SIZE) -> np.ndarray:
    lines = np.zeros(size, np.uint8)
    cv2.ellipse(
        lines, (size[1] // 2, size[0] // 2), (size[1] // 4, size[0] // 4), 0, 0, 360, 255, 3
    )
    return lines


def clear(lines: np.ndarray) -> Rgba8:
    return np.dstack([np.full_like(lines, 40)] * 3 + [lines])


def test_black_on_white_white_on_black_and_strokes_on_clear_say_the_same() -> None:
    lines = drawing()
    read = [
        decode_sketch(source, size=SIZE, box=BOX)
        for source in (255 - lines, lines, clear(lines), np.dstack([255 - lines // 2] * 3))
    ]
    for one in read:
        assert np.array_equal(one, lines)


def test_a_sketch_of_another_size_but_the_same_shape_is_laid_over_the_picture() -> None:
    read = decode_sketch(drawing((600, 800)), size=SIZE, box=BOX)
    reference = decode_sketch(drawing(), size=SIZE, box=BOX)
    assert read.shape == SIZE
    assert read.max() == 255
    near = cv2.dilate(reference, np.ones((5, 5), np.uint8)) > 0
    assert (read[~near] == 0).all()


def test_a_sketch_of_the_shape_of_the_mask_s_box_is_laid_over_that() -> None:
    read = decode_sketch(255 - drawing((120, 180)), size=SIZE, box=BOX)
    outside = read.copy()
    outside[BOX.slices] = 0
    assert (outside == 0).all()
    assert read[BOX.slices].max() == 255
    assert (read[130, 150:240] > 128).sum() >= 2  # both sides of the ellipse


@pytest.mark.parametrize(
    ("sketch", "message"),
    [
        (drawing((300, 300)), r"sketch: must have the shape of the base \(400 x 300 px\) or of"),
        (np.full(SIZE, 255, np.uint8), "sketch: must show lines: .* got a contrast of 0 of 255"),
        (np.full(SIZE, 255, np.uint8) - drawing() // 10, "sketch: must show lines"),
    ],
)
def test_each_mistake_is_named(sketch: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        decode_sketch(sketch, size=SIZE, box=BOX)


def test_lines_keep_their_strength_in_a_region_scaled_down() -> None:
    lines = decode_sketch(drawing(), size=SIZE, box=BOX)
    box = Box(top=0, left=0, height=300, width=400)
    region = Region(box=box, height=75, width=100, pad_bottom=25, pad_right=0)
    taken = take_lines(lines, region)
    assert taken.shape == (100, 100)
    assert taken.dtype == np.float32
    assert taken.max() == 1
    assert (taken[75:] == 0).all()
