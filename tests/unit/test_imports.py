"""What is loaded by whom: torch by workers that paint with a checkpoint, and by nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
#: Names of packages that take seconds and hundreds of MB.
HEAVY = {"accelerate", "diffusers", "peft", "tokenizers", "torch", "torchvision", "transformers"}
#: They stand for torch and its friends, and tell who loads one of them.
TRAP = """
import traceback
traceback.print_stack()
raise AssertionError(f"{__name__} is loaded")
"""


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code where each heavy package is a trap, found before any that is installed."""
    traps = folder / "traps"
    for name in HEAVY:
        (traps / name).mkdir(parents=True, exist_ok=True)
        (traps / name / "__init__.py").write_text(TRAP, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": f"{traps}{os.pathsep}{SRC}"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def modules(*packages: str) -> list[str]:
    """The modules of packages of ours; `__main__` runs when it is imported."""
    found = []
    for package in packages:
        for path in (SRC / "overpaint" / package).rglob("*.py"):
            parts = path.relative_to(SRC).with_suffix("").parts
            if parts[-1] != "__main__" and "migrations" not in parts:
                found.append(".".join(part for part in parts if part != "__init__"))
    return sorted(found)


def test_the_trap_closes(tmp_path: Path) -> None:
    done = run(tmp_path, "import torch")
    assert done.returncode == 1
    assert "torch is loaded" in done.stderr


def test_what_callers_wait_for_loads_nothing_heavy(tmp_path: Path) -> None:
    names = modules("cli", "server", "service", "dispatch", "tasks", "storage")
    done = run(tmp_path, "\n".join(f"import {name}" for name in ["overpaint", *names]))
    assert done.returncode == 0, done.stderr


def test_the_command_line_lists_and_paints_without_anything_heavy(tmp_path: Path) -> None:
    code = """
import json, sys
import numpy as np
import overpaint
from overpaint.cli.app import run
mask = np.zeros((300, 300), bool)
mask[100:160, 100:160] = True
noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
result = overpaint.repaint(noise, mask, "a hat", engine="builtin", seed=1, steps=3)
print(json.dumps([result.engine, *result.notes]))
sys.argv = ["overpaint", "engines"]
sys.exit(run())
"""
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.splitlines()
    assert json.loads(first)[0] == "builtin"
    assert "the engine builtin does not take steps" in json.loads(first)
    assert rows[-1].startswith("diffusers:ID_OR_PATH\t")
