"""The program as a person runs it: the demo, and what the machine can do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overpaint.cli.app import run
from overpaint.cli.demo import demo_mask, demo_picture
from overpaint.cli.doctor import _CHECKS


def overpaint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with chdir(folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def overpaint_anew(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, that looks for packages in `folder`."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "overpaint", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_demo_repaints_a_photograph_and_says_where_it_is(tmp_path: Path) -> None:
    done = overpaint_anew(tmp_path, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"一只猫戴着红色眼镜  \(builtin, \d+\.\d\d s\)", lines[0])
    kept = re.fullmatch(r"outside the mask ([\d,]+) of ([\d,]+) pixels are as they were", lines[1])
    assert kept
    assert kept[1] == kept[2]
    result = tmp_path / lines[2].removeprefix("result: ")
    sheet = tmp_path / lines[3].removeprefix("before, mask, after: ")
    assert sorted(file.name for file in (tmp_path / "demo-out").iterdir()) == sorted(
        [result.name, sheet.name]
    )

    before = np.asarray(Image.open(BytesIO(demo_picture())))
    mask = np.asarray(Image.open(BytesIO(demo_mask()))) > 0
    with Image.open(result) as image:
        after = np.asarray(image)
    assert np.array_equal(before[~mask], after[~mask])
    red = after[mask].astype(int)
    is_red = (red[:, 0] > 120) & (red[:, 0] > 2 * red[:, 1]) & (red[:, 0] > 2 * red[:, 2])
    assert is_red.mean() > 0.05  # frames of glasses; no fur is of such a red
    with Image.open(sheet) as image:
        assert image.width > 3 * before.shape[1]


def test_the_demo_is_the_same_each_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        assert overpaint(tmp_path, "demo", "-o", folder).returncode == 0
    for name in ("cat-with-red-glasses.png", "before-mask-after.png"):
        assert (tmp_path / "a" / name).stat().st_size == (tmp_path / "b" / name).stat().st_size


def test_the_doctor_finds_this_installation_sound(tmp_path: Path) -> None:
    done = overpaint(tmp_path, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("verdict:      everything runs\n")
    told = json.loads(overpaint(tmp_path, "doctor", "--json").stdout)
    assert told["faults"] == []
    assert told["engines"] == {"builtin": "ready", "collage": "ready", "erase": "ready"}
    assert told["concepts"] >= 1000
    assert told["chinese_font"]
    assert told["cores"] >= 1
    assert all(told["packages"].values())
    assert {"decode", "paint", "blend", "encode"} <= set(told["self_test_ms"])


def test_the_doctor_looks_at_the_service_s_data_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CHECKS, "self_test_ms", dict)  # it takes its time
    data = tmp_path / "data"
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(data))
    told = json.loads(overpaint(tmp_path, "doctor", "--json").stdout)["service"]
    assert told.pop("free_gb") > 0
    assert told == {
        "data_dir": str(data),
        "writable": True,
        "revision": None,
        "keys": 0,
        "pools": {},
    }
    assert not data.exists()

    for name in ("a", "b"):
        assert overpaint(tmp_path, "keys", "create", "--name", name).returncode == 0
    overpaint(tmp_path, "keys", "revoke", "a")
    told = json.loads(overpaint(tmp_path, "doctor", "--json").stdout)["service"]
    assert (told["keys"], bool(told["revision"])) == (1, True)
    assert f"{data}: 1 key(s), " in overpaint(tmp_path, "doctor").stdout

    (data / "overpaint.db").write_bytes(b"not a database" * 1000)
    done = overpaint(tmp_path, "doctor", "--json")
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault.startswith("service: The database ")) == (1, True)


def test_the_doctor_finds_an_engine_that_does_not_load(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[overpaint.engines]\nbroken = no_such_module:Engine\n")
    done = overpaint_anew(tmp_path, "doctor", "--json")
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault.startswith("engine broken: engine broken cannot be loaded: No module named")
    listed = overpaint_anew(tmp_path, "engines")
    assert listed.returncode == 0
    assert "broken\tengine broken cannot be loaded" in listed.stdout
