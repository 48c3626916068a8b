from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from overpaint.imaging.harmonize import (
    Surroundings,
    cast_shadow,
    contact_shadow,
    harmonize,
    observe,
)
from overpaint.values import Mask, Rgb8

DAYLIGHT = Surroundings(
    white=0.95, black=0.1, cast=(0, 0), colorless=False, blur=0.5, grain=0, light=(0, -1)
)


def scene(*, level: float = 1.0, tint: tuple[float, float, float] = (1, 1, 1)) -> Rgb8:
    """Gray stripes and edges at many levels, lit and tinted."""
    ys, xs = np.mgrid[0:200, 0:300]
    gray = ((xs // 20 * 37 + ys // 25 * 53) % 200 + 40).astype(np.float64)
    pixels: Rgb8 = np.clip(gray[..., None] * level * np.array(tint), 0, 255).astype(np.uint8)
    return pixels


def hole() -> Mask:
    mask = np.zeros((200, 300), bool)
    mask[70:130, 110:190] = True
    return mask


def ball(rgb: tuple[int, int, int] = (200, 60, 60)) -> npt.NDArray[np.float32]:
    """A disc on a transparent canvas, premultiplied."""
    canvas = np.zeros((200, 300, 4), np.float32)
    cv2.circle(canvas, (150, 100), 30, (rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, 1.0), -1)
    return canvas


def mean_of(layer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(layer[90:110, 140:160, :3].mean(axis=(0, 1)) * 255)


def test_what_is_under_the_mask_is_not_looked_at() -> None:
    one, other = scene(), scene()
    other[hole()] = (255, 0, 255)
    assert observe(one, hole()) == observe(other, hole())


def test_a_mask_over_everything_is_survived() -> None:
    everything = np.ones((200, 300), bool)
    assert observe(scene(), everything).white > 0


@pytest.mark.parametrize("sigma", [0, 3, 6])
def test_grain_is_measured(sigma: float) -> None:
    flat = np.full((200, 300, 3), 120.0)
    noise = np.random.default_rng(0).normal(0, sigma, (200, 300, 1))
    grainy = np.clip(flat + noise, 0, 255).astype(np.uint8)
    assert observe(grainy, hole()).grain == pytest.approx(sigma, abs=0.8)


def test_blur_is_measured() -> None:
    sharp = observe(scene(), hole()).blur
    soft = observe(cv2.GaussianBlur(scene(), (0, 0), 2).astype(np.uint8), hole()).blur
    assert sharp < 0.8
    assert soft == pytest.approx(2, abs=0.5)


def test_the_light_comes_from_the_brighter_side() -> None:
    slope = np.linspace(0.4, 1.2, 300)[None, :, None]
    lit = np.clip(scene() * slope, 0, 255).astype(np.uint8)
    assert observe(lit, hole()).light[0] > 0.3
    assert observe(lit[:, ::-1].copy(), hole()).light[0] < -0.3


def test_an_object_gets_darker_in_a_dark_scene() -> None:
    dark = observe(scene(level=0.3), hole())
    assert mean_of(harmonize(ball(), dark)).mean() < 0.75 * mean_of(ball()).mean()


def test_an_object_takes_on_the_colour_of_the_light() -> None:
    gray = ball((150, 150, 150))
    warm = mean_of(harmonize(gray, observe(scene(tint=(1, 0.92, 0.8)), hole())))
    cold = mean_of(harmonize(gray, observe(scene(tint=(0.85, 0.93, 1)), hole())))
    assert warm[0] - warm[2] > 8
    assert cold[2] - cold[0] > 4


def test_a_black_and_white_scene_takes_the_colour() -> None:
    result = mean_of(harmonize(ball(), observe(scene(), hole())))
    assert np.ptp(result) < 3


def test_grain_is_added_by_seed_and_only_to_the_object() -> None:
    grainy = Surroundings(**{**DAYLIGHT.__dict__, "grain": 5.0})
    one, same = harmonize(ball(), grainy, seed=1), harmonize(ball(), grainy, seed=1)
    other = harmonize(ball(), grainy, seed=2)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    smooth = harmonize(ball(), DAYLIGHT)
    assert float((one - smooth)[90:110, 140:160, 0].std() * 255) == pytest.approx(5, rel=0.35)
    assert not one[:40].any()


def test_edges_get_as_soft_as_the_scene_s() -> None:
    soft = Surroundings(**{**DAYLIGHT.__dict__, "blur": 2.0})
    steep = np.abs(np.diff(harmonize(ball(), DAYLIGHT)[100, :, 3])).max()
    gentle = np.abs(np.diff(harmonize(ball(), soft)[100, :, 3])).max()
    assert gentle < 0.5 * steep


def test_the_result_stays_premultiplied_and_in_range() -> None:
    grainy = Surroundings(**{**DAYLIGHT.__dict__, "grain": 10.0, "blur": 2.0})
    result = harmonize(ball((255, 255, 255)), grainy)
    assert result.min() >= 0
    assert (result[..., :3] <= result[..., 3:] + 1e-6).all()


def test_an_empty_layer_stays_empty() -> None:
    empty = np.zeros((50, 60, 4), np.float32)
    assert not harmonize(empty, DAYLIGHT).any()
    assert not contact_shadow(empty[..., 3], light=(0, -1), softness=4).any()


def test_a_worn_thing_s_shadow_falls_away_from_the_light() -> None:
    alpha = ball()[..., 3]
    shadow = cast_shadow(alpha, light=(-0.8, -0.6), reach=10)
    ys, xs = np.mgrid[0:200, 0:300]
    assert float((xs * shadow).sum() / shadow.sum()) > 155
    assert float((ys * shadow).sum() / shadow.sum()) > 103


def test_a_standing_thing_s_shadow_lies_at_its_foot() -> None:
    shadow = contact_shadow(ball()[..., 3], light=(0, -1), softness=4)
    ys, _ = np.mgrid[0:200, 0:300]
    assert float((ys * shadow).sum() / shadow.sum()) == pytest.approx(129, abs=5)
    assert shadow.max() > 0.5
    assert shadow.max() <= 1
