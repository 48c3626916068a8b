from __future__ import annotations

import cv2
import numpy as np
import pytest

from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.imaging.tint import tint
from overpaint.values import Rgb8, Weight

RGB = tuple[int, int, int]
COLORS: dict[str, RGB] = {
    "red": (217, 37, 37),
    "blue": (31, 99, 216),
    "yellow": (249, 215, 28),
    "white": (247, 247, 245),
    "black": (28, 28, 30),
}
ALL: Weight = np.ones((120, 120), np.float32)


def cloth(color: RGB) -> Rgb8:
    """A piece of cloth of this colour with folds across it."""
    rows, columns = np.mgrid[0:120, 0:120]
    light = 0.75 + 0.2 * np.sin(columns / 7 + rows / 19) + 0.05 * np.sin(rows / 2)
    lit: Rgb8 = np.rint(np.array(color) * light[..., None]).astype(np.uint8)
    return lit


def folds(pixels: Rgb8) -> np.ndarray:
    lightness = to_oklab(pixels)[..., 0]
    return np.asarray(lightness - cv2.GaussianBlur(lightness, (0, 0), 12))


@pytest.mark.parametrize("source", COLORS)
@pytest.mark.parametrize("target", COLORS)
def test_the_colour_is_reached_and_the_folds_stay(source: str, target: str) -> None:
    before = cloth(COLORS[source])
    after = tint(before, ALL, COLORS[target])
    assert np.corrcoef(folds(before).ravel(), folds(after).ravel())[0, 1] > 0.9
    lab = np.median(to_oklab(after).reshape(-1, 3), axis=0)
    aim = np.array(oklab_of(COLORS[target]))
    assert abs(lab[0] - aim[0]) < 0.13  # folds take some of white's lightness
    assert np.linalg.norm(lab[1:] - aim[1:]) < 0.035


def test_highlights_stay_white_and_black_stays_black() -> None:
    picture = cloth((60, 60, 70))
    picture[40:44, 40:44] = 255
    picture[80:84, 40:44] = 0
    after = tint(picture, ALL, COLORS["red"], prints=False)
    assert after[42, 42].min() > 235
    assert after[82, 42].max() < 10


def test_a_blown_out_white_does_not_glitter_when_it_turns_black() -> None:
    picture = cloth((255, 255, 255))
    picture[60:64, 60:64] = 255
    after = tint(picture, ALL, COLORS["black"])
    assert after.max() < 140  # a soft shine, no white


def test_a_print_stays_unless_the_whole_is_asked_for() -> None:
    picture = cloth((30, 80, 200))
    picture[50:70, 40:80] = (250, 250, 250)
    after = tint(picture, ALL, COLORS["red"])
    assert np.abs(after[55:65, 45:75].astype(int) - 250).max() < 12
    whole = tint(picture, ALL, COLORS["black"], prints=False)
    assert whole[10, 10].max() < 90


def test_a_pattern_takes_the_colour_everywhere() -> None:
    stripes = np.where((np.arange(120) // 10 % 2)[:, None, None], (30, 40, 160), (230, 230, 235))
    picture = np.broadcast_to(stripes, (120, 120, 3)).astype(np.uint8)
    lab = to_oklab(tint(picture, ALL, COLORS["red"]))
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    aim = oklab_of(COLORS["red"])
    assert np.abs(hue - np.degrees(np.arctan2(aim[2], aim[1]))).max() < 25
    assert lab[5, 5, 0] > lab[15, 5, 0] + 0.1  # the stripes are still there


def test_nothing_to_tint_is_a_copy() -> None:
    before = cloth((9, 99, 199))
    after = tint(before, np.zeros_like(ALL), COLORS["red"])
    assert np.array_equal(before, after)
    assert after is not before
