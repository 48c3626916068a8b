"""The bench of the engine runs, and counts what it says it counts. No time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from bench import _sd15
from bench._disk import own_files
from bench._repainting import Watched, convolution_flop, make_files, time_case
from bench._sd15 import Sizes, build, weights_bytes
from bench.builtin import Row, rival_rows
from tests.heavy import require

from overpaint.engines.collage import CollageEngine

BENCH = Path(__file__).parents[2] / "bench"
OURS = {"call": 1.0, "side": 512}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    make_files(folder)
    return folder


def test_the_table_has_every_row_and_its_goal() -> None:
    command = [sys.executable, str(BENCH / "builtin.py"), "--engine", "collage", "--quick"]
    done = subprocess.run([*command, "--rival"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line[:1] == "|"]
    rows = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}
    assert "--quick: each time taken once" in done.stdout
    assert rows["first picture saved, fresh process"][1] == "3 s"
    assert rows["256 x 256 px, n = 1: `overpaint.repaint`"][1] in {"2 s", "0.6 s"}
    assert rows["256 x 256 px, n = 4: `overpaint.repaint`"][1] in {"5 s", "1.5 s"}
    assert rows["peak memory of that process, n = 1"][1] == "700 MB"
    measured, goal, ratio, _ = rows["weights, library and lexicon"]
    assert float(measured.removesuffix(" MB")) / 64 == pytest.approx(float(ratio), abs=0.01)
    assert goal == "64 MB"
    assert "installed, without torch" in rows


@pytest.mark.parametrize("side", [256, 512])
def test_the_region_has_the_side_that_the_row_says(folder: Path, side: int) -> None:
    found = time_case(folder, Watched(CollageEngine()), 1, side, 1)
    assert found["region"] == (side, side)
    assert 0 < found["engine"] <= found["call"]


def test_a_ratio_stands_beside_each_goal() -> None:
    assert str(Row(what="it", value=1.5, unit="s", goal=3, beside="x")) == (
        "| it | 1.50 s | 3 s | 0.50 | x |"
    )
    assert str(Row(what="it", value=123.4, unit="MB")) == "| it | 123 MB |  |  |  |"


def test_without_torch_the_row_says_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "python"  # without any package
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    (row,) = rival_rows(str(bare), "float32", 2, [], OURS, 1.0)
    assert "not installed: pip install torch diffusers transformers" in str(row)


def test_what_is_ours_on_disk_is_told_apart() -> None:
    own = own_files()
    package = BENCH.parent / "src/overpaint"
    data = [path for path in (package / "concepts/data").rglob("*") if path.is_file()]
    assert own["library"] == sum(path.stat().st_size for path in data)
    weights = [path for path in package.rglob("*.onnx") if path.is_file()]
    assert own["weights"] == sum(path.stat().st_size for path in weights)
    assert own["lexicon"] >= (package / "concepts/words.txt").stat().st_size


def test_the_work_of_the_convolutions_is_what_torch_counts() -> None:
    torch = require("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from overpaint.composer.conditions import CONDITIONS, PALETTE_BINS, TIME_FEATURES
    from overpaint.composer.network import Painter, PainterConfig

    config = PainterConfig(words=9, channels=(8, 12, 20), blocks=(1, 2, 3), vector=16)
    n, height, width = 3, 64, 96
    with torch.device("meta"), FlopCounterMode(display=False) as counted:
        sizes = 9, PALETTE_BINS, len(CONDITIONS), TIME_FEATURES
        planes = torch.empty(n, 13, height, width)
        Painter(config)(planes, *(torch.empty(n, size) for size in sizes))
    by_kind = counted.get_flop_counts()["Global"]
    assert convolution_flop(vars(config), n, height, width) == (by_kind[torch.ops.aten.convolution])


def test_the_rival_has_the_published_number_of_weights() -> None:
    torch = require("torch")
    require("diffusers")
    require("transformers")
    with torch.device("meta"):
        networks = build(Sizes())
    assert {name: weights_bytes({name: one}) // 4 for name, one in networks.items()} == {
        "text_encoder": 123_060_480,
        "vae": 83_653_863,
        "unet": 859_535_364,
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_rival_paints(
    precision: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, which has loaded torch already: to load it takes longer than this."""
    for module in ("torch", "diffusers", "transformers"):
        require(module)
    said = ["--tiny", "--side", "64", "--steps", "3", "--precision", precision]
    monkeypatch.setattr(sys, "argv", ["_sd15.py", *said])
    monkeypatch.setattr(sys, "path", sys.path[:])  # the script takes its own folder away
    torch = require("torch")
    usual = torch.get_default_dtype()
    try:
        with warnings.catch_warnings():
            _sd15.main()
    finally:
        torch.set_default_dtype(usual)  # which the script changes
    found = json.loads(capsys.readouterr().out)
    assert found["steps"] == 3
    assert found["precision"] == precision
    assert 0 < found["weights_bytes"] < found["peak_bytes"]
