from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overpaint.concepts.palette import names_a_file, read_palette
from overpaint.errors import InvalidInput


def test_names_and_codes_are_read_in_both_languages() -> None:
    read = read_palette("red, #ffcc00，浅蓝色、light blue;#000")
    assert read.colors == ((217, 37, 37), (255, 204, 0), (143, 177, 236), (0, 0, 0))
    assert sum(read.weights) == pytest.approx(1)
    assert len(set(read.weights)) == 1


def test_a_list_may_mix_names_and_numbers() -> None:
    assert read_palette(["#102030", (1, 2, 3)]).colors == ((16, 32, 48), (1, 2, 3))


def test_a_picture_gives_its_main_colours_by_area(tmp_path: Path) -> None:
    pixels = np.full((64, 64, 3), (200, 30, 30), np.uint8)
    pixels[:16] = (20, 60, 200)
    Image.fromarray(pixels).save(tmp_path / "two.png")
    read = read_palette(str(tmp_path / "two.png"))
    assert len(read.colors) == 2
    assert np.abs(np.array(read.colors) - [(200, 30, 30), (20, 60, 200)]).max() < 12
    assert read.weights == pytest.approx((0.75, 0.25), abs=0.03)
    assert read_palette(pixels).colors == read.colors


def test_what_is_seen_through_does_not_count() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:24, 8:24] = (30, 160, 60, 255)
    (color,) = read_palette(pixels).colors
    assert np.abs(np.array(color) - (30, 160, 60)).max() < 8


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ("flurb", r"palette: must be colours .* or a picture, got 'flurb'"),
        ("red,flurb", r"palette: must be colours .* got 'flurb'"),
        ("", "palette: must have 1 to 8 colours, got 0"),
        (["red"] * 9, "palette: must have 1 to 8 colours, got 9"),
        ([(1, 2)], r"palette: must be colours .* got \(1, 2\)"),
        ([(1, 2, 256)], r"palette: must be colours .* got \(1, 2, 256\)"),
        ("nowhere.png", "palette: must be a file that exists, got nowhere.png"),
        (7, "palette: must be a path, .* got int"),
        (np.zeros((32, 32, 4), np.uint8), "palette: .* something is visible"),
    ],
)
def test_each_mistake_is_named(palette: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_palette(palette)


def test_a_path_is_told_from_colours() -> None:
    assert names_a_file("my/palette")
    assert names_a_file("sea.jpg")
    assert not any(map(names_a_file, ("red", "red,blue", "浅蓝色", "", ["sea.jpg"], None)))
