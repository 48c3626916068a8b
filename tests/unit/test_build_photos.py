"""The script that cuts garments out of photographs: its selection, and that it is reproducible."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from scripts import build_photos
from scripts.build_photos import LONGEST, SELECTION, Pick, Shown, cut, cut_all, read_selection
from scripts.concept_archive import write_archive

from overpaint.concepts.concept import Placement
from overpaint.concepts.library import BUILT_IN, ConceptLibrary
from overpaint.values import Rgba8

PHOTOS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "photos-cc0.tar"
SHIPPED = BUILT_IN[1]


def _photo() -> bytes:
    """A JPEG file, 200 x 300: on light ground a blue shirt of sorts, green at the top."""
    rng = np.random.default_rng(5)
    pixels = np.full((300, 200, 3), 225.0) + rng.normal(0, 3, (300, 200, 1))
    pixels[60:260, 60:140] = (40, 70, 190)
    pixels[60:100, 60:140] = (30, 150, 60)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _collar(pixels: Rgba8) -> tuple[float, float]:
    """Where the green is: row and column as shares of the picture."""
    red, green, blue, alpha = np.moveaxis(pixels.astype(int), -1, 0)
    rows, columns = np.nonzero((green > blue + 40) & (green > red + 40) & (alpha > 200))
    return rows.mean() / pixels.shape[0], columns.mean() / pixels.shape[1]


def test_a_garment_is_cut_out_tightly() -> None:
    pixels = cut(Pick(file="shirt"), _photo())
    assert pixels.shape[2] == 4
    assert abs(pixels.shape[0] - 200) < 8
    assert abs(pixels.shape[1] - 80) < 8
    assert (pixels[..., 3] > 240).mean() > 0.85


@pytest.mark.parametrize(
    ("turn", "row", "column"), [(0, 0.1, 0.5), (90, 0.5, 0.9), (180, 0.9, 0.5), (-90, 0.5, 0.1)]
)
def test_turning_is_clockwise(turn: float, row: float, column: float) -> None:
    found = _collar(cut(Pick(file="shirt", turn=turn), _photo()))
    assert found == pytest.approx((row, column), abs=0.04)


def test_small_turns_lean_and_add_no_dark_edge() -> None:
    straight, leaning = (cut(Pick(file="shirt", turn=turn), _photo()) for turn in (0, 12))
    assert leaning.shape[1] > straight.shape[1] + 15
    assert _collar(leaning)[1] > 0.55  # clockwise: the top goes right
    soft = leaning[(leaning[..., 3] > 60) & (leaning[..., 3] < 200)].astype(int)
    assert soft[:, :3].max(axis=1).mean() > 110  # straight alpha: as bright as the inside


def test_a_crop_is_made_before_cutting_and_long_pictures_are_scaled_down() -> None:
    one = np.asarray(Image.open(io.BytesIO(_photo())))
    buffer = io.BytesIO()
    Image.fromarray(np.hstack([one, one])).save(buffer, "JPEG", quality=95)
    assert cut(Pick(file="shirts"), buffer.getvalue()).shape[1] > 250
    assert cut(Pick(file="shirts", crop=(0, 0, 0.5, 1)), buffer.getvalue()).shape[1] < 90
    large = Image.open(io.BytesIO(_photo())).resize((600, 900))
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=95)
    assert max(cut(Pick(file="shirt"), buffer.getvalue()).shape[:2]) == LONGEST


def test_a_photograph_without_an_object_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 90), (120, 120, 120)).save(buffer, "JPEG")
    with pytest.raises(SystemExit, match="gray: no object stands out"):
        cut(Pick(file="gray"), buffer.getvalue())


def test_the_selection_is_what_ships() -> None:
    selection = read_selection(SELECTION)
    files = [pick.file for shown in selection for pick in shown.picks]
    assert len(set(files)) == len(files)
    assert {shown.placement for shown in selection} <= set(get_args(Placement))
    drawn = ConceptLibrary.open(BUILT_IN[0]).concepts
    assert {shown.id for shown in selection if not shown.words_en} <= drawn.keys()
    assert not {shown.id for shown in selection if shown.words_en} & drawn.keys()
    assert all(bool(shown.words_en) == bool(shown.words_zh) for shown in selection)
    library = ConceptLibrary.open()
    for shown in selection:
        exemplars = library.concepts[shown.id].exemplars
        assert sum(drawing == "photo" for drawing, _ in exemplars) == len(shown.picks)
    assert SHIPPED.stat().st_size <= 2.2e6


def test_new_concepts_come_with_names_and_known_ones_get_more(tmp_path: Path) -> None:
    picks = (Pick(file="a"), Pick(file="b"))
    beret = Shown(
        id="beret", picks=picks, words_en=("Beret",), words_zh=("贝雷帽",), placement="worn-head"
    )
    index = build_photos.index([beret, Shown(id="cat", picks=picks[:1])])
    assert index["more"] == {"cat": [0]}
    write_archive(tmp_path / "new.zip", index, [])
    library = ConceptLibrary.open(BUILT_IN[0], tmp_path / "new.zip")
    concept = library.concepts["beret"]
    assert (concept.name_en, concept.words_en, concept.placement) == (
        "Beret",
        ("beret",),
        "worn-head",
    )
    assert [key for _, key in concept.exemplars] == ["beret/photo", "beret/photo-2"]


@pytest.mark.photos
def test_the_same_photographs_give_the_same_bytes() -> None:
    if not PHOTOS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{PHOTOS.name} is missing")
        pytest.skip(f"{PHOTOS.name} is not beside the project")
    for shown in read_selection(SELECTION)[:2]:
        with build_photos.open_photos(PHOTOS) as photos:
            once, again = (list(cut_all(shown.picks[:1], photos)) for _ in range(2))
        assert once == again
        with zipfile.ZipFile(SHIPPED) as archive:
            shipped = archive.read(f"{shown.id}/0.webp")
        ours, theirs = (
            np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"), dtype=np.float64)
            for data in (once[0], shipped)
        )
        # Equal to the byte with the same OpenCV and libwebp; near to the eye with others.
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 2
