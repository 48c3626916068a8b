from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.likeness import likeness
from overpaint.values import Mask, Rgb8


def lawn() -> Rgb8:
    noise = np.random.default_rng(0).normal(0, 12, (240, 320, 3))
    pixels: Rgb8 = np.clip(np.array([90, 140, 60]) + noise, 0, 255).astype(np.uint8)
    return pixels


def disc(radius: int = 50) -> Mask:
    drawn = np.zeros((240, 320), np.uint8)
    cv2.circle(drawn, (160, 120), radius, 1, -1)
    return drawn.astype(bool)


def test_a_lawn_is_like_a_lawn() -> None:
    assert likeness(lawn(), disc()) > 0.99


def test_a_ball_on_a_lawn_is_not() -> None:
    pixels = lawn()
    cv2.circle(pixels, (160, 120), 40, (220, 40, 40), -1)
    assert likeness(pixels, disc()) < 0.6


def test_a_small_thing_in_a_wide_mask_is_seen() -> None:
    pixels = lawn()
    cv2.circle(pixels, (160, 120), 12, (240, 240, 240), -1)
    assert likeness(pixels, disc()) < 0.97


def test_an_edge_that_crosses_the_mask_is_surroundings() -> None:
    pixels = lawn()
    pixels[:, 150:] = (120, 130, 150)
    assert likeness(pixels, disc()) > 0.97


def test_masks_without_surroundings_or_core_are_taken_for_surroundings() -> None:
    assert likeness(lawn(), np.ones((240, 320), bool)) == 1
    thin = np.zeros((240, 320), bool)
    thin[100, 20:300] = True
    assert likeness(lawn(), thin) == 1


def test_large_pictures_are_judged_like_small_ones() -> None:
    pixels = lawn()
    cv2.circle(pixels, (160, 120), 40, (220, 40, 40), -1)
    large = np.asarray(cv2.resize(pixels, None, fx=5, fy=5), np.uint8)
    mask = cv2.resize(disc().astype(np.uint8), None, fx=5, fy=5).astype(bool)
    assert abs(likeness(large, mask) - likeness(pixels, disc())) < 0.1
