"""The program as a person runs it: one picture."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overpaint.cli.app import run

OVERPAINT = (sys.executable, "-W", "error", "-m", "overpaint")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
    smooth.resize((320, 280), Image.Resampling.BICUBIC).save(tmp_path / "base.png")
    mask = np.zeros((280, 320), np.uint8)
    mask[100:160, 120:200] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def overpaint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command line, in this process: a pipe to it as well, and quicker than a new one."""
    with chdir(folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def pixels(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(file) as image:
        return np.asarray(image)


def test_in_a_pipe_it_prints_the_file_and_nothing_else(scene: Path) -> None:
    done = subprocess.run(
        [*OVERPAINT, "repaint", "base.png", "mask.png", "去掉它", "-o", "out.png"],
        cwd=scene,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out.png\n", "")
    changed = (pixels(scene / "out.png") != pixels(scene / "base.png")).any(axis=2)
    masked = pixels(scene / "mask.png") > 0
    assert changed.any()
    assert not changed[~masked].any()


def test_json_is_one_object(scene: Path) -> None:
    done = overpaint(
        scene,
        *("repaint", "base.png", "mask.png", "一副红色眼镜", "-o", "out.png"),
        *("-n", "2", "--seed", "11", "--size", "300x300", "--json"),
    )
    note = "cropped to 280 x 280 of 320 x 280 px, for the size 300 x 300"
    assert (done.returncode, done.stderr) == (0, f"note: {note}\n")
    told = json.loads(done.stdout)
    assert list(told) == ["files", "seeds", "size", "engine", "seconds", "notes"]
    assert told["files"] == ["out-1.png", "out-2.png"]
    assert told["seeds"] == [11, 12]
    assert told["size"] == "300x300"
    assert told["engine"] == "builtin"
    assert {"decode", "paint", "blend", "total"} <= set(told["seconds"])
    assert all(isinstance(value, float) and value >= 0 for value in told["seconds"].values())
    assert told["notes"] == [note]
    assert all(pixels(scene / file).shape == (300, 300, 3) for file in told["files"])
    assert not (scene / "out.png").exists()


def test_the_seed_that_was_told_gives_the_same_picture(scene: Path) -> None:
    call = ("repaint", "base.png", "mask.png", "一副红色眼镜", "--json", "-o")
    seed = json.loads(overpaint(scene, *call, "first.png").stdout)["seeds"][0]
    overpaint(scene, *call, "again.png", "--seed", str(seed))
    assert np.array_equal(pixels(scene / "first.png"), pixels(scene / "again.png"))


def test_without_a_prompt_the_masked_part_is_removed(scene: Path) -> None:
    done = overpaint(scene, "repaint", "base.png", "mask.png", "-o", "out.png", "--json")
    assert json.loads(done.stdout)["engine"] == "erase"


def test_a_lossy_result_is_said_aloud(scene: Path) -> None:
    call = ("repaint", "base.png", "mask.png", "-o", "out.jpg")
    done = overpaint(scene, *call)
    assert (done.returncode, done.stdout) == (0, "out.jpg\n")
    assert done.stderr.startswith("note: JPEG is lossy")
    done = overpaint(scene, *call, "--json")
    assert json.loads(done.stdout)["notes"][0].startswith("JPEG is lossy")


def test_an_older_result_is_written_over(scene: Path) -> None:
    (scene / "out.png").write_bytes(b"old")
    done = overpaint(scene, "repaint", "base.png", "mask.png", "-o", "out.png")
    assert done.returncode == 0
    assert pixels(scene / "out.png").shape == (280, 320, 3)
    assert sorted(file.name for file in scene.iterdir()) == ["base.png", "mask.png", "out.png"]


def test_mask_options_arrive(scene: Path) -> None:
    colored = np.zeros((280, 320, 3), np.uint8)
    colored[100:160, 120:200] = (0, 128, 255)
    Image.fromarray(colored).save(scene / "colored.png")
    call = ("repaint", "base.png", "colored.png", "-o", "out.png", "--mask-color", "0080FF")
    assert overpaint(scene, *call, "--grow", "4", "--feather", "0").returncode == 0
    changed = (pixels(scene / "out.png") != pixels(scene / "base.png")).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 96 <= rows.min() < 100
    assert 160 <= rows.max() < 164
    assert 116 <= columns.min() < 120


def test_a_soft_mask_repaints_by_its_levels(scene: Path) -> None:
    levels = np.zeros((280, 320), np.uint8)
    levels[100:160, 120:200], levels[100:160, 200:240] = 255, 2
    Image.fromarray(levels).save(scene / "soft.png")
    call = ("repaint", "base.png", "soft.png", "-o", "out.png", "--soft-mask", "--seed", "1")
    assert overpaint(scene, *call).returncode == 0
    change = np.abs(pixels(scene / "out.png").astype(int) - pixels(scene / "base.png"))
    assert not change[levels == 0].any()
    assert change[levels == 255].max() > 2
    assert change[levels == 2].max() <= 2


def test_an_inverted_mask_repaints_what_it_leaves_out(scene: Path) -> None:
    mask = pixels(scene / "mask.png")
    Image.fromarray(255 - mask).save(scene / "mask.png")
    call = ("repaint", "base.png", "mask.png", "-o", "out.png", "--invert-mask")
    assert overpaint(scene, *call).returncode == 0
    changed = (pixels(scene / "out.png") != pixels(scene / "base.png")).any(axis=2)
    assert changed.any()
    assert not changed[mask == 0].any()


def test_the_callers_own_picture_is_put_in(scene: Path) -> None:
    own = np.zeros((64, 64, 4), np.uint8)
    own[8:56, 8:56] = (250, 20, 200, 255)
    Image.fromarray(own).save(scene / "own.png")
    done = overpaint(
        scene,
        *("repaint", "base.png", "mask.png", "", "-o", "out.png", "--reference", "own.png"),
        "--json",
    )
    assert json.loads(done.stdout)["engine"] == "builtin"
    changed = (pixels(scene / "out.png") != pixels(scene / "base.png")).any(axis=2)
    assert changed.sum() > 500


def test_a_damaged_picture_is_the_callers_mistake(scene: Path) -> None:
    whole = (scene / "base.png").read_bytes()
    (scene / "base.png").write_bytes(whole[: len(whole) // 2])
    done = overpaint(scene, "repaint", "base.png", "mask.png", "-o", "out.png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: base: ")
    assert not (scene / "out.png").exists()


def test_a_prompt_that_names_nothing_known_lists_near_names(scene: Path) -> None:
    done = overpaint(scene, "repaint", "base.png", "mask.png", "glases", "-o", "out.png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "nearest:" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_progress_and_the_seed_are_shown_on_stderr(scene: Path) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*OVERPAINT, "repaint", "base.png", "mask.png", "-o", "out.png", "--seed", "5"],
        cwd=scene,
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 4096):
                shown += chunk
        except OSError:  # the terminal is gone when the process ends
            pass
        assert process.stdout
        assert process.stdout.read() == b"out.png\n"
    os.close(master)
    assert process.returncode == 0
    assert "━".encode() in shown
    assert b"320x280, erase, seed 5, " in shown


def test_a_reader_that_leaves_is_no_fault(scene: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -W error -m overpaint concepts search a --limit 1000 | head -c 1",
        shell=True,
        cwd=scene,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (len(done.stdout), done.stderr) == (1, "")
