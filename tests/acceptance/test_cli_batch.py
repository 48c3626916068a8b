"""The program as a person runs it: many pictures, stopped and taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overpaint.cli.app import run

BATCH = (sys.executable, "-W", "error", "-m", "overpaint", "batch", "manifest.jsonl", "-o", "out")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A folder with base.png and mask.png, 300 x 300 px."""
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    smooth.resize((300, 300), Image.Resampling.BICUBIC).save(tmp_path / "base.png")
    mask = np.zeros((300, 300), np.uint8)
    mask[100:140, 120:170] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def write(folder: Path, *lines: dict[str, Any]) -> None:
    given = [{"base": "base.png", "mask": "mask.png", "engine": "erase", **line} for line in lines]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in given)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")


def batch(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The command in this process; those that are to be killed get one of their own."""
    call = ("batch", "manifest.jsonl", "-o", "out", *more)
    with chdir(folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run(call)
    return subprocess.CompletedProcess(call, code, out.getvalue(), err.getvalue())


def records(folder: Path) -> list[dict[str, Any]]:
    state = folder / "out" / "overpaint-batch.jsonl"
    if not state.exists():
        return []
    whole = state.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "out").iterdir())


def test_every_line_gives_its_files_and_a_second_run_paints_none(scene: Path) -> None:
    write(scene, {"output": "a.png", "seed": 4}, {"n": 2, "output": "b.webp"}, {})
    done = batch(scene)
    assert (done.returncode, done.stderr) == (0, "")
    files = ["a.png", "b-1.webp", "b-2.webp", "0003-base.png"]
    assert [Path(line).name for line in done.stdout.splitlines()] == files
    assert names(scene) == sorted([*files, "overpaint-batch.jsonl"])
    assert [len(record["seeds"]) for record in records(scene)] == [1, 2, 1]
    assert records(scene)[0]["seeds"] == [4]
    assert records(scene)[1]["notes"][0].startswith("WEBP is lossy")

    again = batch(scene, "--json")
    told = json.loads(again.stdout)
    assert (told["lines"], told["painted"], told["skipped"], told["failed"]) == (3, 0, 3, 0)
    assert [Path(file).name for file in told["files"]] == files
    assert told["failures"] == []


def test_after_a_kill_it_goes_on_without_repeating_finished_lines(scene: Path) -> None:
    count = 12
    write(scene, *({"output": f"{i:02d}.png"} for i in range(count)))
    with subprocess.Popen(BATCH, cwd=scene, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(records(scene)) < 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    finished = records(scene)
    assert 2 <= len(finished) < count
    written = {
        name: (scene / "out" / name).stat().st_mtime_ns for one in finished for name in one["files"]
    }

    done = batch(scene, "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["skipped"] == len(finished)
    assert told["painted"] == count - len(finished)
    for name, when in written.items():
        assert (scene / "out" / name).stat().st_mtime_ns == when
    assert names(scene) == [*(f"{i:02d}.png" for i in range(count)), "overpaint-batch.jsonl"]
    for i in range(count):
        with Image.open(scene / "out" / f"{i:02d}.png") as image:
            image.load()
    recorded = [name for one in records(scene) for name in one["files"]]
    assert recorded == [f"{i:02d}.png" for i in range(count)]


def test_an_interruption_says_how_to_go_on(scene: Path) -> None:
    write(scene, *({"output": f"{i:02d}.png"} for i in range(12)))
    with subprocess.Popen(
        BATCH, cwd=scene, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not records(scene) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("of 12 lines are done; the same command goes on\nstopped\n")
    assert not [name for name in names(scene) if name.startswith(".")]


def test_a_line_that_changed_is_painted_again(scene: Path) -> None:
    write(scene, {"output": "a.png"}, {"output": "b.png"})
    batch(scene)
    write(scene, {"output": "a.png", "grow": 5}, {"output": "b.png"})
    told = json.loads(batch(scene, "--json").stdout)
    assert (told["painted"], told["skipped"]) == (1, 1)


def test_failures_do_not_stop_the_rest_and_are_reported(scene: Path) -> None:
    (scene / "bad.png").write_bytes(b"no picture")
    write(
        scene,
        {"base": "bad.png", "output": "a.png"},
        {"output": "b.png"},
        {"prompt": "qqxzv", "engine": "collage", "output": "c.png"},
    )
    done = batch(scene)
    assert done.returncode == 2
    assert [Path(line).name for line in done.stdout.splitlines()] == ["b.png"]
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: line 1 (a.png): base: ")
    assert lines[1].startswith("error: line 3 (c.png): prompt: ")
    assert lines[2] == "1 painted, 0 done before, 2 failed; see out/failures.jsonl"
    failures = (scene / "out" / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(failure)["line"] for failure in failures] == [1, 3]

    (scene / "base.png").rename(scene / "bad.png")  # mend the lines
    Image.open(scene / "bad.png").save(scene / "base.png")
    write(
        scene,
        {"base": "bad.png", "output": "a.png"},
        {"prompt": "一只猫", "engine": "collage", "output": "c.png"},
    )
    assert batch(scene).returncode == 0
    assert "failures.jsonl" not in names(scene)


def test_a_mistake_in_the_manifest_stops_it_before_anything_is_painted(scene: Path) -> None:
    write(scene, {"output": "a.png"}, {"promt": "猫"}, {"n": 9})
    done = batch(scene)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "manifest.jsonl line 2: key: must be known (did you mean prompt?), got 'promt'",
        "manifest.jsonl line 3: n: must be a whole number between 1 and 4, got 9",
        "error: manifest: must have no mistakes, got 2 mistakes; nothing was painted",
    ]
    assert not (scene / "out").exists()


def test_of_many_mistakes_twenty_are_told(scene: Path) -> None:
    write(scene, *({"n": 9} for _ in range(25)))
    told = batch(scene).stderr.splitlines()
    assert len(told) == 22
    assert told[-2:] == [
        "... and 5 more",
        "error: manifest: must have no mistakes, got 25 mistakes; nothing was painted",
    ]


def test_a_fault_of_ours_in_one_line_makes_the_exit_code_1(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("overpaint.repaint")
    paint = module.repaint

    def fail_once(*arguments: Any, **options: Any) -> Any:
        if options.get("seed") == 1:
            raise RuntimeError("boom")
        return paint(*arguments, **options)

    monkeypatch.setattr(module, "repaint", fail_once)
    write(scene, {"output": "a.png", "seed": 1}, {"output": "b.png", "n": 2}, {"base": "mask.png"})
    done = batch(scene, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["failures"] == [
        {"line": 1, "output": "a.png", "fault": "ours", "error": "RuntimeError: boom"}
    ]
    assert "Traceback" not in done.stderr
