"""Cutting out the caller's reference object."""

from __future__ import annotations

import csv
import os
import tarfile
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overpaint.imaging.matte import cut_out
from overpaint.imaging.texture import noise, smoothstep
from overpaint.values import Mask, Rgb8, Weight

PHOTOS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "photos-cc0.tar"


def _backdrop(kind: str, side: int, rng: np.random.Generator) -> Rgb8:
    plane = noise((side, side), 9, rng, octaves=3)[..., None]
    rows, columns = np.mgrid[0:side, 0:side][..., None] / side
    base = {
        "studio": np.full((side, side, 3), 236.0),
        "gradient": np.array((150, 175, 205)) * (0.75 + 0.35 * rows),
        "plaster": np.array((205, 195, 180)) + 5 * plane,
        "wood": np.array((150, 108, 70)) + 9 * np.sin(70 * columns + 3 * plane) + 3 * plane,
    }[kind]
    return np.asarray(np.clip(base, 0, 255), dtype=np.uint8)


def _compose(backdrop: Rgb8, kind: str) -> tuple[Rgb8, Weight]:
    side = len(backdrop)
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    distance = {
        "ball": np.hypot(rows, columns) - 0.3,
        "box": np.maximum(np.abs(rows + 0.05) - 0.22, np.abs(columns) - 0.33),
        "ring": np.abs(np.hypot(rows, columns) - 0.26) - 0.1,
        "star": np.hypot(rows, columns) - 0.28 - 0.08 * np.cos(5 * np.arctan2(rows, columns)),
    }[kind]
    cover = smoothstep(0.5, -0.5, (distance * side).astype(np.float32))
    light = 1.05 - 0.5 * np.hypot(rows + 0.2, columns + 0.2)
    paint = np.clip(np.array((40, 60, 165)) * light[..., None], 0, 255)
    picture = backdrop + (paint - backdrop) * cover[..., None]
    return np.rint(picture).astype(np.uint8), cover


def _overlap(picture: Rgb8, cover: Weight) -> float:
    """Return intersection over union of the cut and the truth, both at the picture's size."""
    cut = cut_out(picture)
    assert cut.note is None
    rows, columns = np.nonzero(cover > 0.5)
    truth = cover[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] > 0.5
    found = cut.pixels[..., 3] > 127
    rows, columns = np.nonzero(found)
    found = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = max(truth.shape[0], found.shape[0]), max(truth.shape[1], found.shape[1])
    frames: list[Mask] = []
    for mask in (truth, found):
        frame = np.zeros((height, width), dtype=np.bool_)
        frame[: mask.shape[0], : mask.shape[1]] = mask
        frames.append(frame)
    return float((frames[0] & frames[1]).sum() / (frames[0] | frames[1]).sum())


@pytest.mark.parametrize("kind", ["ball", "box", "ring", "star"])
@pytest.mark.parametrize("backdrop", ["studio", "gradient", "plaster", "wood"])
def test_an_object_on_a_plain_background_is_cut_out(backdrop: str, kind: str) -> None:
    picture, cover = _compose(_backdrop(backdrop, 224, np.random.default_rng(5)), kind)
    assert _overlap(picture, cover) > 0.95


def test_the_hole_of_a_ring_is_see_through() -> None:
    picture, _ = _compose(_backdrop("plaster", 224, np.random.default_rng(5)), "ring")
    alpha = cut_out(picture).pixels[..., 3]
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 0


def test_a_hole_unlike_the_background_is_filled() -> None:
    picture, _ = _compose(_backdrop("plaster", 224, np.random.default_rng(5)), "ball")
    picture[105:119, 105:119] = (240, 220, 40)
    alpha = cut_out(picture).pixels[..., 3]
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255


def test_specks_are_left_behind() -> None:
    picture, cover = _compose(_backdrop("studio", 224, np.random.default_rng(5)), "ball")
    picture[8:13, 8:13] = 20
    assert _overlap(picture, cover) > 0.95


def test_glare_that_comes_in_from_the_border_is_left_behind() -> None:
    picture, cover = _compose(_backdrop("wood", 224, np.random.default_rng(5)), "ball")
    reach = cover.any(axis=1).argmax() + 4  # the glare meets the ball
    picture[:reach, 95:140] = np.where(
        cover[:reach, 95:140, None] > 0, picture[:reach, 95:140], 252
    )
    assert _overlap(picture, cover) > 0.95


def test_stripes_that_the_border_cuts_stay() -> None:
    picture, cover = _compose(_backdrop("wood", 224, np.random.default_rng(5)), "ball")
    stripes = np.zeros(cover.shape, dtype=np.bool_)
    stripes[:, 100:110] = stripes[:, 120:130] = True
    picture[stripes & (cover > 0.5)] = (235, 235, 240)
    assert _overlap(picture[55:], cover[55:]) > 0.95  # the ball begins at 45


def test_the_edge_is_soft_and_free_of_the_background() -> None:
    picture, _ = _compose(_backdrop("studio", 224, np.random.default_rng(5)), "ball")
    pixels = cut_out(picture).pixels
    edge = (pixels[..., 3] > 20) & (pixels[..., 3] < 235)
    assert 100 < edge.sum() < 0.1 * edge.size
    # the object is dark blue, the background nearly white: what stayed visible must be blue
    visible = pixels[pixels[..., 3] > 60].astype(int)
    assert np.quantile(visible[:, 0], 0.99) < 110


def test_alpha_is_believed_and_cropped() -> None:
    picture = np.full((60, 80, 4), 200, dtype=np.uint8)
    picture[..., 3] = 0
    picture[10:30, 20:60, 3] = 255
    cut = cut_out(picture)
    assert cut.note is None
    np.testing.assert_array_equal(cut.pixels, picture[10:30, 20:60])


def test_an_opaque_alpha_channel_says_nothing() -> None:
    rgb, _ = _compose(_backdrop("studio", 200, np.random.default_rng(5)), "ball")
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, dtype=np.uint8)])
    np.testing.assert_array_equal(cut_out(rgba).pixels, cut_out(rgb).pixels)


def test_a_picture_without_an_object_comes_back_whole_with_a_note() -> None:
    plain = np.full((120, 160, 3), 130, dtype=np.uint8)
    cut = cut_out(plain)
    assert cut.note == (
        "no object stands out from the reference's background; the whole picture is used"
    )
    np.testing.assert_array_equal(cut.pixels[..., :3], plain)
    assert (cut.pixels[..., 3] == 255).all()


def test_a_wholly_transparent_picture_comes_back_with_a_note() -> None:
    cut = cut_out(np.zeros((40, 40, 4), dtype=np.uint8))
    assert cut.note == "the reference is transparent everywhere"
    assert cut.pixels.shape == (40, 40, 4)


def test_the_smallest_picture_is_no_trouble() -> None:
    rng = np.random.default_rng(1)
    for shape in ((16, 16, 3), (16, 300, 3), (300, 16, 3)):
        assert cut_out(rng.integers(0, 256, shape, dtype=np.uint8)).pixels.shape[2] == 4


def test_a_long_picture_is_scaled_down() -> None:
    small, _ = _compose(_backdrop("studio", 256, np.random.default_rng(5)), "box")
    large = np.repeat(np.repeat(small, 10, axis=0), 10, axis=1)
    pixels = cut_out(large).pixels
    assert abs(pixels.shape[1] - 0.67 * 1280) < 16
    clear = np.dstack([large, np.zeros(large.shape[:2], dtype=np.uint8)])
    clear[:, :1280, 3] = 255
    assert cut_out(clear).pixels.shape[:2] == (1280, 640)


def test_the_same_picture_gives_the_same_cut() -> None:
    picture, _ = _compose(_backdrop("wood", 200, np.random.default_rng(5)), "star")
    first = cut_out(picture, seed=4).pixels
    cut_out(picture[:150], seed=9)
    np.testing.assert_array_equal(first, cut_out(picture, seed=4).pixels)


def test_the_input_is_not_touched() -> None:
    picture, _ = _compose(_backdrop("wood", 200, np.random.default_rng(5)), "star")
    before = picture.copy()
    cut_out(picture)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.photos
def test_garments_on_floors_come_out_mostly() -> None:
    if not PHOTOS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{PHOTOS.name} is missing")
        pytest.skip(f"{PHOTOS.name} is not beside the project")
    whole, shares = 0, []
    with tarfile.open(PHOTOS) as archive:
        names = {Path(name).name: name for name in archive.getnames()}
        table = archive.extractfile(names["labels.csv"])
        assert table is not None
        rows = csv.DictReader(StringIO(table.read().decode()))
        wanted = [row["file"] for row in rows if row["label"] in {"T-Shirt", "Hat", "Shoes"}]
        for file in wanted[:8]:
            photo = archive.extractfile(names[Path(file).name])
            assert photo is not None
            rgb = np.asarray(Image.open(BytesIO(photo.read())).convert("RGB"), dtype=np.uint8)
            cut = cut_out(rgb)
            whole += cut.note is not None
            shares.append((cut.pixels[..., 3] > 127).sum() / rgb[..., 0].size)
    assert whole <= 2
    assert 0.1 < float(np.median(shares)) < 0.75
