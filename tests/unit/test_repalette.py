from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.imaging.repalette import repalette
from overpaint.values import Rgba8

RED, GREEN, BLUE, YELLOW = (217, 37, 37), (46, 158, 63), (31, 99, 216), (249, 215, 28)


def apple() -> Rgba8:
    """A red body with a green leaf and a black pip."""
    picture: Rgba8 = np.zeros((120, 120, 4), np.uint8)
    cv2.circle(picture, (60, 70), 44, (*RED, 255), -1)
    cv2.ellipse(picture, (75, 20), (22, 10), -20, 0, 360, (*GREEN, 255), -1)
    cv2.circle(picture, (60, 90), 6, (20, 20, 22, 255), -1)
    return picture


def hue_off(pixel: np.ndarray, color: tuple[int, int, int]) -> float:
    _, a, b = to_oklab(pixel[None, None, :3])[0, 0]
    aim = oklab_of(color)
    turn = np.arctan2(b, a) - np.arctan2(aim[2], aim[1])
    return float(abs(np.degrees(np.angle(np.exp(1j * turn)))))


def test_the_body_takes_the_first_colour_and_another_part_the_next() -> None:
    drawn = repalette(apple(), [BLUE, YELLOW])
    assert hue_off(drawn[60, 60], BLUE) < 8
    assert hue_off(drawn[20, 75], YELLOW) < 12
    assert drawn[90, 60, :3].max() < 60  # what is black stays
    assert np.array_equal(drawn[..., 3], apple()[..., 3])


def test_one_colour_goes_to_every_part_that_has_a_hue() -> None:
    drawn = repalette(apple(), [BLUE])
    assert hue_off(drawn[60, 60], BLUE) < 8
    assert hue_off(drawn[20, 75], BLUE) < 12


def test_the_order_says_which_is_the_body_s() -> None:
    drawn = repalette(apple(), [YELLOW, BLUE])
    assert hue_off(drawn[60, 60], YELLOW) < 8
    assert hue_off(drawn[20, 75], BLUE) < 12


def test_a_thing_of_one_colour_takes_the_first() -> None:
    disc: Rgba8 = np.zeros((60, 60, 4), np.uint8)
    cv2.circle(disc, (30, 30), 25, (*GREEN, 255), -1)
    assert hue_off(repalette(disc, [BLUE, YELLOW])[30, 30], BLUE) < 8
