"""Drawing styles."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import pytest

from overpaint.errors import InvalidOption
from overpaint.imaging.stylize import stylize
from overpaint.imaging.texture import (
    dome,
    filled,
    kuwahara,
    lit,
    noise,
    shrunk,
    smear,
    soft,
    stroke_direction,
)
from overpaint.values import STYLES, Rgba8, Style

DRAWN: tuple[Style, ...] = tuple(style for style in STYLES if style != "auto")


def _apple(size: int = 192, *, shaded: bool = True) -> Rgba8:
    """Draw a red ball with a green leaf and a gray stalk."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    depth = np.hypot(rows - 0.55, columns - 0.5)
    light = 1.1 - 0.9 * np.hypot(rows - 0.4, columns - 0.35) if shaded else np.ones_like(rows)
    picture = np.zeros((size, size, 4), dtype=np.uint8)
    picture[..., :3] = np.clip(np.array((215, 45, 40)) * light[..., None], 0, 255)
    picture[..., 3] = np.clip((0.4 - depth) * size + 0.5, 0, 1) * 255
    leaf = np.hypot((rows - 0.14) * 2, columns - 0.64) < 0.12
    picture[leaf] = (60, 160, 50, 255)
    return picture


def _inside(picture: Rgba8) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(cv2.erode((picture[..., 3] == 255).astype(np.uint8), np.ones((9, 9))) > 0)


def _busy(picture: Rgba8) -> float:
    """Return the mean step between neighbours well inside the object, 0 to 255."""
    gray = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(np.diff(gray, axis=1))[_inside(picture)[:, 1:]].mean())


def test_auto_is_a_copy() -> None:
    picture = _apple()
    result = stylize(picture, "auto")
    np.testing.assert_array_equal(result, picture)
    assert not np.shares_memory(result, picture)


@pytest.mark.parametrize("style", DRAWN)
def test_a_style_changes_the_picture_and_keeps_its_size(style: Style) -> None:
    picture = _apple()
    before = picture.copy()
    result = stylize(picture, style)
    assert result.shape == picture.shape
    assert result.dtype == np.uint8
    inside = _inside(picture)
    assert np.abs(result[inside].astype(int) - picture[inside]).mean() > 1.5
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("style", DRAWN)
def test_the_same_seed_gives_the_same_pixels(style: Style) -> None:
    picture = _apple(96)
    np.testing.assert_array_equal(stylize(picture, style, seed=3), stylize(picture, style, seed=3))


@pytest.mark.parametrize("style", ["oil painting", "watercolor", "sketch", "chinese painting"])
def test_another_seed_gives_another_hand(style: Style) -> None:
    picture = _apple(96)
    assert (stylize(picture, style, seed=3) != stylize(picture, style, seed=4)).any()


@pytest.mark.parametrize("style", DRAWN)
def test_the_silhouette_stays_about_the_same(style: Style) -> None:
    picture = _apple()
    before, after = picture[..., 3] > 127, stylize(picture, style)[..., 3] > 127
    assert (before & after).sum() / (before | after).sum() > 0.93


@pytest.mark.parametrize("style", DRAWN)
def test_what_is_far_from_the_object_stays_clear(style: Style) -> None:
    picture = _apple()
    far = cv2.dilate(picture[..., 3], np.ones((25, 25))) == 0
    assert (stylize(picture, style)[far, 3] == 0).all()


@pytest.mark.parametrize("style", ["anime", "oil painting", "watercolor", "3d cartoon"])
def test_a_coloured_style_keeps_red_red_and_green_green(style: Style) -> None:
    result = stylize(_apple(), style).astype(int)
    red, leaf = result[110, 96, :3], result[27, 123, :3]
    assert red[0] > red[1] + 40
    assert red[0] > red[2] + 20
    assert leaf[1] > leaf[0] + 20


@pytest.mark.parametrize("style", DRAWN)
@pytest.mark.parametrize("shape", [(64, 64), (16, 64), (64, 3), (1, 1)])
def test_small_and_thin_objects_are_no_trouble(style: Style, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 4), 255, dtype=np.uint8)
    picture[..., 1] = 90
    assert stylize(picture, style).shape == picture.shape


@pytest.mark.parametrize("style", DRAWN)
def test_nothing_visible_comes_back_as_it_was(style: Style) -> None:
    empty = np.zeros((40, 30, 4), dtype=np.uint8)
    np.testing.assert_array_equal(stylize(empty, style), empty)


@pytest.mark.parametrize("style", DRAWN)
def test_colours_hidden_under_alpha_do_not_show(style: Style) -> None:
    picture = _apple(96)
    other = picture.copy()
    other[other[..., 3] == 0, :3] = (0, 255, 255)
    first, second = (stylize(p, style).astype(int) for p in (picture, other))
    seen = first[..., 3] > 0
    assert np.abs(first[seen] - second[seen]).max() <= 2


def test_a_sketch_is_gray_on_paper() -> None:
    picture = _apple()
    result = stylize(picture, "sketch")[_inside(picture)].astype(int)
    assert (result[:, :3].max(axis=1) - result[:, :3].min(axis=1)).max() < 16
    assert np.quantile(result[:, 0], 0.95) > 220
    assert np.quantile(result[:, 0], 0.05) < 150
    assert (result[:, 3] == 255).all()


def test_a_flat_illustration_has_few_colours() -> None:
    picture = _apple()
    result = stylize(picture, "flat illustration")[_inside(picture)][:, :3]
    colours, counts = np.unique(result.reshape(-1, 3), axis=0, return_counts=True)
    assert np.sort(counts)[-7:].sum() > 0.85 * counts.sum()
    assert len(colours) > 2


def test_anime_has_a_dark_line_round_the_object() -> None:
    picture = _apple()
    result = stylize(picture, "anime")
    edge = (picture[..., 3] == 255) & ~(cv2.erode(picture[..., 3], np.ones((3, 3))) == 255)
    assert np.median(result[edge, :3].mean(axis=1)) < 0.55 * np.median(
        picture[edge, :3].mean(axis=1)
    )


def test_anime_has_few_tones() -> None:
    picture = _apple()
    body = np.zeros(picture.shape[:2], dtype=np.bool_)
    body[70:150, 50:140] = True
    tones = np.bincount(stylize(picture, "anime")[body, 0] // 6)
    assert np.sort(tones)[-4:].sum() > 0.7 * tones.sum()


def test_paint_has_strokes_and_washes_are_pale() -> None:
    picture = _apple()
    assert _busy(stylize(picture, "oil painting")) > 3 * _busy(picture)
    inside = _inside(picture)
    assert stylize(picture, "watercolor")[inside, :3].mean() > picture[inside, :3].mean() + 15
    assert stylize(picture, "chinese painting")[inside, :3].mean() > picture[inside, :3].mean() + 15


def test_a_flat_drawing_gets_volume_from_3d_cartoon() -> None:
    flat = _apple(shaded=False)
    result = stylize(flat, "3d cartoon").astype(int)
    assert result[75, 60, :3].sum() > result[150, 135, :3].sum() + 40  # lit from the top left


@pytest.mark.parametrize("style", DRAWN)
def test_strokes_scale_with_the_object(style: Style) -> None:
    """At twice the size, and looked at from twice as far, it is about the same picture."""
    small, large = stylize(_apple(160), style), stylize(_apple(320), style)
    back = shrunk(large, (160, 160))
    inside = _inside(_apple(160))
    busy = [
        soft(p[..., :3].astype(np.float32).mean(axis=-1), 2.0)[inside].std() for p in (small, back)
    ]
    assert 0.6 < busy[0] / busy[1] < 1.6


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        InvalidOption, match=r"style: must be one of auto, 3d cartoon, .*got cubism"
    ):
        stylize(_apple(64), cast(Style, "cubism"))


def test_kuwahara_flattens_noise_and_keeps_edges() -> None:
    rng = np.random.default_rng(0)
    step = np.where(np.arange(64) < 32, 0.2, 0.8)[None, :, None] * np.ones((64, 1, 3))
    noisy = (step + 0.05 * rng.standard_normal(step.shape)).astype(np.float32)
    result = kuwahara(noisy, 4)
    assert result[:, :28].std() < 0.5 * noisy[:, :28].std()
    assert (result[:, 33] - result[:, 30]).mean() > 0.5


def test_strokes_run_along_edges() -> None:
    rows, columns = np.mgrid[0:64, 0:64].astype(np.float32)
    stripes = np.sin((rows + columns) / 4)  # run up to the right
    x, y = stroke_direction(stripes, 3)
    assert np.abs(x[20:44, 20:44] + y[20:44, 20:44]).max() < 0.1
    smeared = smear(stripes, (x, y), 8)
    assert np.corrcoef(smeared[16:48, 16:48].ravel(), stripes[16:48, 16:48].ravel())[0, 1] > 0.98


def test_noise_has_the_asked_grain() -> None:
    fine, coarse = (noise((96, 96), cell, np.random.default_rng(1)) for cell in (3, 24))
    for plane in (fine, coarse):
        assert abs(plane.mean()) < 0.01
        assert abs(plane.std() - 1) < 0.01
    assert np.abs(np.diff(fine)).mean() > 3 * np.abs(np.diff(coarse)).mean()


def test_a_dome_rises_inwards_and_is_lit_from_the_top_left() -> None:
    rows, columns = np.mgrid[0:80, 0:80]
    disk = (np.hypot(rows - 40, columns - 40) < 30).astype(np.float32)
    height = dome(disk, 20)
    assert height[40, 40] > height[40, 14] > height[40, 5]
    light = lit(height, 15)
    assert light[22, 30] > light[40, 40] > light[58, 50]


def test_colour_goes_on_past_the_silhouette() -> None:
    picture = np.zeros((40, 40, 4), dtype=np.uint8)
    picture[10:30, 10:30] = (200, 100, 50, 255)
    rgb, alpha = filled(picture)
    np.testing.assert_allclose(rgb * 255, np.broadcast_to((200, 100, 50), (40, 40, 3)), atol=3)
    assert alpha.sum() == 400
