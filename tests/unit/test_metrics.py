"""The metrics, on pictures made so that one knows what they have to say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from overpaint.train.scores import follows, looks
from overpaint.train.scores.fidelity import fidelity
from overpaint.train.scores.holes import KINDS, hole_of
from overpaint.values import Mask, Rgb8

SIDE = 160


@pytest.fixture
def photo() -> Rgb8:
    """Soft blobs with grain: as even in its statistics as a picture can be."""
    rng = np.random.default_rng(1)
    blobs = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE, 3)), (0, 0), 6)
    plane = 120 + 30 * blobs / blobs.std() + rng.normal(0, 3, (SIDE, SIDE, 3))
    return np.asarray(np.clip(plane, 0, 255), np.uint8)


@pytest.fixture
def mask() -> Mask:
    area = np.zeros((SIDE, SIDE), bool)
    area[50:110, 50:110] = True
    return area


def test_a_seam_raises_the_boundary_score(photo: Rgb8, mask: Mask) -> None:
    brighter = np.where(mask[..., None], np.clip(photo + 60.0, 0, 255), photo).astype(np.uint8)

    assert looks.seam(photo, mask) < 0.2
    assert looks.seam(brighter, mask) > looks.seam(photo, mask) + 1


def test_a_mask_of_everything_has_no_seam(photo: Rgb8) -> None:
    assert looks.seam(photo, np.ones((SIDE, SIDE), bool)) == 0


def test_a_thing_without_grain_is_told_from_one_with(photo: Rgb8, mask: Mask) -> None:
    smooth = np.where(mask[..., None], cv2.GaussianBlur(photo, (0, 0), 2), photo)

    assert looks.grain_mismatch(photo, mask, mask) < 0.3
    assert looks.grain_mismatch(smooth.astype(np.uint8), mask, mask) > 1


def test_grain_is_measured_in_levels() -> None:
    rng = np.random.default_rng(3)
    gray = 128 + rng.normal(0, 5, (200, 200, 1))
    picture = np.rint(gray).astype(np.uint8).repeat(3, axis=2)

    assert looks.grain(picture, np.ones((200, 200), bool)) == pytest.approx(5, rel=0.15)


def test_a_darker_thing_is_of_another_tone(photo: Rgb8, mask: Mask) -> None:
    darker = np.where(mask[..., None], photo // 3, photo)

    assert looks.tone_mismatch(photo, mask, mask) < 4
    assert looks.tone_mismatch(darker, mask, mask) > 10


def test_an_outline_sharper_than_the_photograph_is_a_mismatch(mask: Mask) -> None:
    stripes = (np.sin(np.arange(SIDE) / 5)[None, :, None] * 60 + 128).repeat(SIDE, 0).repeat(3, 2)
    soft = stripes.astype(np.uint8)
    cut = np.where(mask[..., None], np.uint8(20), soft)
    melted = cv2.GaussianBlur(cut, (0, 0), 4)

    sharp_score = looks.edge_mismatch(cut, mask, mask)
    assert sharp_score > looks.edge_mismatch(np.asarray(melted, np.uint8), mask, mask)
    assert sharp_score > 1


def test_too_little_to_measure_is_no_mismatch(photo: Rgb8, mask: Mask) -> None:
    nothing = np.zeros_like(mask)
    found = looks.belonging(photo, mask, nothing)

    assert (found.edge, found.tone, found.grain) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rgb", "other"),
    [
        ((217, 37, 37), (40, 120, 215)),
        ((46, 158, 63), (217, 37, 37)),
        ((128, 60, 190), (249, 215, 28)),
        ((20, 20, 22), (240, 240, 240)),
        ((250, 250, 250), (20, 20, 22)),
    ],
)
def test_a_hue_is_found_in_light_and_shade(
    rgb: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    shade = np.linspace(0.6, 1.0, 40)[:, None, None]
    picture = np.rint(np.full((40, 40, 3), rgb) * shade).astype(np.uint8)
    if min(rgb) > 200:  # white in shade is gray
        picture = np.full((40, 40, 3), rgb, np.uint8)
    everywhere = np.ones((40, 40), bool)

    assert follows.has_color(picture, everywhere, rgb)
    assert not follows.has_color(picture, everywhere, other)


def test_no_pixels_have_no_colour() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)

    assert follows.share_of_color(picture, np.zeros((8, 8), bool), (255, 0, 0)) == 0


def test_what_was_painted_is_found_and_only_inside_the_mask(photo: Rgb8, mask: Mask) -> None:
    after = photo.copy()
    after[60:80, 60:80] = (250, 30, 30)
    after[5:25, 5:25] = (250, 30, 30)  # outside
    found = follows.changed(photo, after, mask)

    assert found[62:78, 62:78].all()
    assert not found[~mask].any()
    assert found.sum() < 700


def test_an_identical_pair_has_no_distance(photo: Rgb8, mask: Mask) -> None:
    colors = follows.histogram(photo, mask)

    assert colors.sum() == pytest.approx(1)
    assert follows.variety([photo, photo]) == 0
    assert follows.histogram_distance(colors, colors) == 0
    assert follows.detail_kept(photo, photo, mask) == pytest.approx(1)


def test_histograms_with_nothing_in_common_are_one_apart() -> None:
    everywhere = np.ones((4, 4), bool)
    black = follows.histogram(np.zeros((4, 4, 3), np.uint8), everywhere)
    white = follows.histogram(np.full((4, 4, 3), 255, np.uint8), everywhere)

    assert follows.histogram_distance(black, white) == pytest.approx(1)


def test_other_detail_does_not_correlate(photo: Rgb8, mask: Mask) -> None:
    assert abs(follows.detail_kept(photo, np.ascontiguousarray(photo[::-1]), mask)) < 0.2
    assert follows.detail_kept(photo, np.zeros_like(photo), mask) == 0


def test_edges_along_the_lines_agree_with_them_and_others_do_not(mask: Mask) -> None:
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(drawn, (80, 80), 20, 1, 2)
    disc = np.full((SIDE, SIDE, 3), 200, np.uint8)
    cv2.circle(disc, (80, 80), 20, (30, 30, 30), -1)
    bar = np.full((SIDE, SIDE, 3), 200, np.uint8)
    bar[:, 56:62] = 30

    lines = drawn.astype(bool)
    assert follows.line_agreement(disc, lines, mask) > 0.9
    assert follows.line_agreement(bar, lines, mask) < 0.4
    assert follows.line_agreement(np.full_like(disc, 200), lines, mask) == 0


def test_fidelity_of_the_truth_is_perfect_and_of_a_smear_is_not(photo: Rgb8, mask: Mask) -> None:
    smear = np.where(mask[..., None], np.uint8(120), photo)
    same, worse = fidelity(photo, photo, mask), fidelity(photo, smear, mask)

    assert same.psnr > 50
    assert same.ssim == pytest.approx(1)
    assert same.detail == pytest.approx(1)
    assert worse.psnr < 30
    assert worse.ssim < 0.8
    assert worse.detail < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_there_and_the_same_every_time(kind: str) -> None:
    first, second = (hole_of(kind, 384, np.random.default_rng(5)) for _ in range(2))

    assert 0.001 < first.mean() < 0.5
    assert (first == second).all()
