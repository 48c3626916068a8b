"""A user's own concept, from the command line into a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.own_concepts import PINK, mug, photographed

import overpaint
from overpaint import settings
from overpaint.cli.app import run
from overpaint.concepts.shelf import Shelf
from overpaint.imaging.oklab import to_oklab

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVERPAINT_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def picture(home: Path) -> Path:
    file = home / "mug.png"
    Image.fromarray(mug(PINK)).save(file)
    return file


def scene() -> np.ndarray:
    rng = np.random.default_rng(0)
    gray = np.linspace(120, 170, 300)[:, None, None] + rng.normal(0, 3, (300, 400, 3))
    return np.clip(gray, 0, 255).astype(np.uint8)


def area() -> np.ndarray:
    mask = np.zeros((300, 400), np.uint8)
    mask[60:260, 110:290] = 255
    return mask


def pinkness(pixels: np.ndarray) -> float:
    """Share of the mask that is as pink as the mug: between 330 and 30 degrees in OKLab."""
    lab = to_oklab(pixels)[area() > 0]
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    return float(np.mean((np.abs(hue) < 30) & (np.hypot(lab[:, 1], lab[:, 2]) > 0.1)))


@pytest.mark.parametrize("prompt", ["把杯子换成我们的杯子", "put our mug on the table"])
def test_its_colours_come_into_the_mask_at_once(home: Path, prompt: str) -> None:
    before = overpaint.repaint(scene(), area(), "put a mug on the table", seed=1)
    assert pinkness(before.pictures[0].pixels) < 0.02
    Shelf().add([mug(PINK)], name="our mug", name_zh="我们的杯子")
    result = overpaint.repaint(scene(), area(), prompt, seed=1)
    pixels = result.pictures[0].pixels
    assert pinkness(pixels) > 0.25
    assert np.array_equal(pixels[area() == 0], scene()[area() == 0])
    assert result.notes == ()
    Shelf().remove("our mug")
    again = overpaint.repaint(scene(), area(), "put a mug on the table", seed=1)
    assert np.array_equal(again.pictures[0].pixels, before.pictures[0].pixels)


def test_a_colour_in_the_prompt_dresses_it(home: Path) -> None:
    Shelf().add([mug(PINK)], name="our mug")
    result = overpaint.repaint(scene(), area(), "a green our mug", seed=1)
    assert pinkness(result.pictures[0].pixels) < 0.02


def test_the_result_says_when_it_stands_for_a_built_in_one_and_what_was_left_out(
    home: Path,
) -> None:
    Shelf().add([mug(PINK)], name="dog")
    (home / "home/concepts/own-broken.zip").write_bytes(b"PK")
    result = overpaint.repaint(scene(), area(), "a dog", seed=1)
    assert pinkness(result.pictures[0].pixels) > 0.25
    assert result.notes[0] == '"dog" is drawn as your own concept, not as the built-in one'
    assert result.notes[1].startswith("your concept file own-broken.zip is left out: ")


def test_the_commands_from_add_to_import(cli: Run, home: Path, picture: Path) -> None:
    names = ("--name", "our mug", "--name-zh", "我们的杯子", "--keyword", "tea")
    preview, file = home / "cut.png", home / "mine.zip"
    code, out, err = cli("concepts", "add", picture, picture, *names, "--preview", preview)
    assert (code, err) == (0, "")
    assert out.split("\t")[:6] == ["own-our-mug", "我们的杯子", "our mug", "2", "photo", "stands"]
    with Image.open(preview) as sheet:
        assert sheet.size == (2 * 340 + 20, 360)
    assert (settings.own_concepts() / "own-our-mug.zip").is_file()

    (told,) = json.loads(cli("concepts", "list", "--json")[1])["concepts"]
    assert told["en"] == "our mug"
    assert told["zh"] == "我们的杯子"
    assert (told["pictures"], told["keywords"], told["mirror"]) == (2, ["tea"], False)
    assert told["bytes"] == Path(told["file"]).stat().st_size
    assert cli("concepts", "list")[1] == out
    assert cli("concepts", "search", "我们的杯子")[1].startswith("own-our-mug\t")

    code, _, err = cli("concepts", "add", picture, *names)
    assert code == 2
    assert err.startswith("error: name: must not be that of another concept of yours")
    code, _, err = cli("concepts", "add", picture, *names, "--replace", "--mirror")
    assert (code, err) == (0, "note: 我们的杯子 our mug is replaced\n")

    assert cli("concepts", "export", file)[:2] == (0, "own-our-mug\n")
    assert cli("concepts", "remove", "our mug")[:2] == (0, "own-our-mug\n")
    assert cli("concepts", "list")[1] == ""
    assert cli("concepts", "import", file)[1].startswith("own-our-mug\t")
    told = json.loads(cli("concepts", "remove", "我们的杯子", "--json")[1])
    assert told == {"removed": ["own-our-mug"], "notes": []}


def test_another_folder_can_be_named(cli: Run, home: Path, picture: Path) -> None:
    at = ("--library", home / "team")
    assert cli("concepts", "add", picture, "--name", "team mug", *at)[0] == 0
    assert cli("concepts", "list")[1] == ""
    assert cli("concepts", "list", *at)[1].startswith("own-team-mug\t")
    assert cli("concepts", "search", "team mug", *at)[1].startswith("own-team-mug\t")
    assert cli("concepts", "export", home / "t.zip", "team mug", *at)[1] == "own-team-mug\n"
    assert cli("concepts", "remove", "team mug", *at)[1] == "own-team-mug\n"
    assert cli("concepts", "import", home / "t.zip", *at)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add",), "missing argument"),
        (("add", "mug.png"), "name: must be given, in English, in Chinese or both"),
        (("add", "none.png", "--name", "x"), "image: "),
        (("add", "mug.png", "--name", "x", "--placement", "up"), "placement: must be one of"),
        (("add", "mug.png", "--name", "x", "--drawing", "oil"), "drawing: must be one of"),
        (("add", "mug.png", "--name", "x", "--preview", "a.jpg"), "preview: must end in .png"),
        (("add", "mug.png", "--name", "x", "--preview", "mug.png"), "preview: must not be one of"),
        (("remove", "our mug"), "name: must be the name or the id of a concept of your own"),
        (("export", "mine.zip"), "library: must hold a concept of your own to export"),
        (("export", "none/mine.zip"), "file: must go into a folder that exists"),
        (("export", "."), "file: must be a file, not a folder"),
        (("import", "mug.png"), "file: must be a file that `overpaint concepts export` wrote"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    cli: Run,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(picture.parent)
    code, out, err = cli("concepts", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}"), err
    assert err.count("\n") == 1


def test_a_damaged_file_is_told_in_the_list(cli: Run, home: Path, picture: Path) -> None:
    cli("concepts", "add", picture, "--name", "our mug")
    broken = settings.own_concepts() / "own-broken.zip"
    broken.write_bytes(b"no zip")
    code, out, err = cli("concepts", "list")
    assert code == 0
    assert out.startswith("own-our-mug\t")
    assert err.startswith("note: your concept file own-broken.zip is left out: ")
    code, _, err = cli("concepts", "remove", "own-broken")
    assert (code, err) == (0, "note: own-broken.zip could not be read, and is gone\n")
    assert not broken.exists()


def test_what_was_not_cut_out_is_told(cli: Run, home: Path) -> None:
    Image.fromarray(photographed()).save(home / "photo.png")
    Image.new("RGB", (64, 64), (90, 90, 90)).save(home / "plain.png")
    _, _, err = cli("concepts", "add", home / "photo.png", home / "plain.png", "--name", "our mug")
    assert err.startswith("note: image 2: no object stands out")
