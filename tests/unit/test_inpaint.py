"""Continuing the background: what stays, what is repeated, and every odd mask."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from overpaint.imaging.inpaint import continue_background
from overpaint.values import Mask, Rgb8, Step

DEMO = Path(__file__).resolve().parents[2] / "src" / "overpaint" / "demo"
PHOTOS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "photos-cc0.tar"


def _noise(height: int, width: int, seed: int = 0) -> Rgb8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _meadow(side: int, seed: int = 0) -> Rgb8:
    """Blotches of several sizes and grain: many equally good ways to fill a hole."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), 120, np.float32)
    for sigma, strength in ((8, 300), (3, 120), (0.7, 12)):
        blotches = rng.standard_normal((side, side, 3)).astype(np.float32)
        picture += strength * cv2.GaussianBlur(blotches, (0, 0), sigma)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _square(side: int, first: int, last: int) -> Mask:
    mask = np.zeros((side, side), np.bool_)
    mask[first:last, first:last] = True
    return mask


def _disc(side: int, radius: float) -> Mask:
    y, x = np.mgrid[:side, :side] - side / 2
    return np.asarray(np.hypot(y, x) < radius, np.bool_)


def _stroke(side: int) -> Mask:
    canvas = np.zeros((side, side), np.uint8)
    cv2.polylines(canvas, [np.array([[20, 30], [90, 60], [30, 100]], np.int32)], False, 1, 5)
    return canvas.astype(np.bool_)


def _psnr(one: Rgb8, two: Rgb8, mask: Mask) -> float:
    error = np.mean((one[mask].astype(float) - two[mask]) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-3)))


def _telea(picture: Rgb8, mask: Mask) -> Rgb8:
    return np.asarray(cv2.inpaint(picture, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


MASKS = {
    "blob": _disc(128, 24),
    "stroke": _stroke(128),
    "border": np.roll(_disc(128, 24), 64, axis=1),
    "corner": np.roll(_disc(128, 24), (64, 64), axis=(0, 1)),
    "islands": _disc(128, 8) | np.roll(_disc(128, 12), 45, axis=0) | np.roll(_stroke(128), 30, 1),
    "frame": ~_square(128, 20, 108),
    "all borders": ~_disc(128, 50),
    "single pixel": _square(128, 60, 61),
    "dots": np.asarray(np.indices((128, 128)).sum(0) % 9 == 0, np.bool_),
    "nearly all": ~_square(128, 60, 68),
}


@pytest.mark.parametrize("name", MASKS)
def test_pixels_outside_the_mask_are_kept_exactly(name: str) -> None:
    picture, mask = _meadow(128), MASKS[name]
    before = picture.copy()
    filled = continue_background(picture, mask)
    assert filled.dtype == np.uint8
    assert filled.shape == picture.shape
    assert np.array_equal(filled[~mask], picture[~mask])
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("name", ["blob", "stroke", "border", "islands"])
def test_what_lies_under_the_mask_does_not_matter(name: str) -> None:
    picture, mask = _meadow(128), MASKS[name]
    other = np.where(mask[..., None], _noise(128, 128), picture)
    assert np.array_equal(continue_background(picture, mask), continue_background(other, mask))


@pytest.mark.parametrize("name", ["blob", "stroke", "islands"])
def test_the_same_seed_gives_the_same_pixels(name: str) -> None:
    picture, mask = _meadow(128), MASKS[name]
    once = continue_background(picture, mask, seed=7)
    assert np.array_equal(once, continue_background(picture, mask, seed=7))


def test_another_seed_gives_another_plausible_completion() -> None:
    picture, mask = _meadow(160), _disc(160, 32)
    fills = [continue_background(picture, mask, seed=seed)[mask] for seed in range(3)]
    known = picture[~mask].astype(float)
    for fill in fills:
        assert np.abs(fill.mean(0) - known.mean(0)).max() < known.std()
        assert fill.std() > 0.5 * known.std()  # no smear
    for other in fills[1:]:
        assert np.abs(fills[0].astype(float) - other).mean() > 3


@pytest.mark.parametrize("pattern", ["stripes", "checker"])
def test_a_periodic_texture_is_continued(pattern: str) -> None:
    y, x = np.mgrid[:192, :192]
    on = (x + y) % 16 < 8 if pattern == "stripes" else (x // 8 + y // 8) % 2 == 0
    picture = np.where(on[..., None], (210, 180, 90), (40, 60, 120)).astype(np.uint8)
    mask = _disc(192, 35)
    ours = _psnr(continue_background(picture, mask), picture, mask)
    assert ours > _psnr(_telea(picture, mask), picture, mask) + 10
    assert ours > 22


def test_an_edge_is_continued_through_a_stroke() -> None:
    picture = np.full((96, 96, 3), 40, np.uint8)
    picture[:, 48:] = 200
    mask = np.zeros((96, 96), np.bool_)
    mask[45:50, 10:86] = True
    filled = continue_background(picture, mask)
    assert np.abs(filled.astype(int) - picture).max() <= 12


def test_a_flat_picture_stays_flat() -> None:
    picture = np.full((96, 96, 3), (90, 120, 30), np.uint8)
    for mask in (_disc(96, 25), _square(96, 40, 44)):
        assert np.abs(continue_background(picture, mask).astype(int) - picture).max() <= 1


@pytest.mark.parametrize(("sky", "most"), [("linear", 2), ("radial", 4)])
@pytest.mark.parametrize("where", ["middle", "border"])
def test_a_sky_is_continued_without_a_band(sky: str, most: int, where: str) -> None:
    y, x = np.mgrid[:192, :192]
    light = 40 + 0.3 * x + 0.5 * y if sky == "linear" else 220 - ((y - 70) ** 2 + x**2) / 400
    picture = np.rint(np.dstack([light, 0.8 * light, 250 - light])).astype(np.uint8)
    mask = _disc(192, 45)
    if where == "border":
        mask = np.roll(_disc(192, 30), 96, axis=1)  # both halves
    filled = continue_background(np.where(mask[..., None], np.uint8(0), picture), mask)
    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    off = np.abs(filled.astype(int) - picture)
    assert off[rim].max() <= most
    if where == "middle":
        assert off[mask].max() <= most


@pytest.mark.parametrize("seed", range(3))
def test_an_eye_beside_the_hole_is_not_repeated_in_it(seed: int) -> None:
    cat = cv2.imread(str(DEMO / "chelsea.png"))
    assert cat is not None
    picture = np.asarray(cat[..., ::-1], np.uint8).copy()
    drawn = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(drawn, ((392, 68), (90, 117), 0.0), 1, -1)  # beside the ear: blurred room
    mask = drawn.astype(np.bool_)
    filled = continue_background(picture, mask, seed=seed)
    pupil = filled.max(2) < 50
    assert pupil.any()  # the eye itself, outside
    assert not pupil[mask].any()


def test_an_empty_mask_changes_nothing() -> None:
    picture = _noise(40, 50)
    filled = continue_background(picture, np.zeros((40, 50), np.bool_))
    assert np.array_equal(filled, picture)
    assert filled is not picture


def test_a_picture_without_known_pixels_becomes_gray() -> None:
    filled = continue_background(_noise(40, 50), np.ones((40, 50), np.bool_))
    assert (filled == 128).all()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (9, 1), (2, 3), (5, 5), (8, 8), (13, 40), (16, 16), (200, 9)]
)
@pytest.mark.parametrize("known", ["one pixel", "a quarter"])
def test_tiny_regions_are_filled_from_what_is_known(shape: tuple[int, int], known: str) -> None:
    picture = np.full((*shape, 3), (200, 100, 50), np.uint8)
    mask = np.ones(shape, np.bool_)
    rows, cols = (1, 1) if known == "one pixel" else ((shape[0] + 3) // 4, (shape[1] + 3) // 4)
    mask[:rows, :cols] = False
    picture[mask] = 0
    filled = continue_background(picture, mask)
    assert np.abs(filled.astype(int) - (200, 100, 50)).max() <= 3


def test_steps_end_with_the_total() -> None:
    steps: list[Step] = []
    continue_background(_meadow(128), MASKS["islands"], on_step=steps.append)
    assert steps
    assert all(1 <= step.done <= step.total for step in steps)
    assert steps[-1].done == steps[-1].total


@pytest.mark.photos
@pytest.mark.skipif(
    not PHOTOS.exists() and not os.environ.get("CI"), reason=f"no photographs at {PHOTOS}"
)
def test_photographs_are_filled_better_than_by_diffusion_and_stay_sharp() -> None:
    gains, sharpness = [], []
    with tarfile.open(PHOTOS) as tar:
        for name, top, left in (
            ("lake-sherburne", 500, 600),
            ("tea-gardens", 400, 500),
            ("extreme-desert-hike", 400, 600),
            ("canyon-wren", 300, 200),
        ):
            member = tar.extractfile(f"scenes/{name}.jpg")
            assert member is not None
            data = cv2.imdecode(np.frombuffer(member.read(), np.uint8), cv2.IMREAD_COLOR)
            assert data is not None
            picture = np.asarray(data[top : top + 256, left : left + 256, ::-1], np.uint8).copy()
            mask = _disc(256, 30)
            filled = continue_background(picture, mask)
            gains.append(_psnr(filled, picture, mask) - _psnr(_telea(picture, mask), picture, mask))
            slopes = [
                np.abs(np.diff(each.astype(float), axis=1))[mask[:, 1:]].mean()
                for each in (filled, picture)
            ]
            sharpness.append(slopes[0] / slopes[1])
    assert np.mean(gains) > 0
    assert 0.6 < np.mean(sharpness) < 1.4
