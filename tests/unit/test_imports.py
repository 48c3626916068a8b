"""What is loaded by whom: torch by workers that paint with a checkpoint, and by nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
#: Names of packages that take seconds and hundreds of MB.
HEAVY = {
    "accelerate",
    "diffusers",
    "peft",
    "ray",
    "tokenizers",
    "torch",
    "torchvision",
    "transformers",
}
#: What is loaded in Ray's processes, and in one that may end with them.
OF_RAY = {f"overpaint.dispatch.ray.{name}" for name in ("serving", "slot")}
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
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (traps, SRC, ROOT)))},
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
    names = [name for name in names if name not in OF_RAY]
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


def checkpoint(folder: Path) -> Path:
    """A checkpoint as far as it is read before it is loaded: one number for each part's weights."""
    parts = {
        "unet": ("diffusers", "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
        "text_encoder": ("transformers", "CLIPTextModel"),
        "tokenizer": ("transformers", "CLIPTokenizer"),
        "scheduler": ("diffusers", "DDIMScheduler"),
    }
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    for name, (library, _) in parts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text('{"sample_size": 64, "in_channels": 9}')
        file = "model" if library == "transformers" else "diffusion_pytorch_model"
        data = len(header).to_bytes(8, "little") + header + bytes(4)
        (folder / name / f"{file}.safetensors").write_bytes(data)
    index = {"_class_name": "StableDiffusionInpaintPipeline", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text("---\nlicense: openrail\n---\n")
    return folder


def test_the_api_lists_a_checkpoint_and_takes_orders_for_it_without_anything_heavy(
    tmp_path: Path,
) -> None:
    where = checkpoint(tmp_path / "secret, folder" / "tiny")
    code = f"""
import json
from pathlib import Path
from fastapi.testclient import TestClient
from tests.unit.service_fixture import order
from overpaint import settings
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS
file = Path("overpaint.toml")
file.write_text('[models]\\nphoto = "diffusers:{where}?steps=8"\\n')
service = Service.open(settings.load(file, data_dir="data"), migrate=True)
service.warm()
key, secret = service.keys.create("k", PLANS["unlimited"])
with TestClient(create_app(service), headers={{"Authorization": f"Bearer {{secret}}"}}) as client:
    print(json.dumps(client.get("/api/v1/models").json()["data"][0]))
task = service.submit(key, order(model="photo", options={{"steps": 9}}))
print(json.dumps([task.engine, task.options["steps"]]))
service.close()
"""
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    listed, ordered = map(json.loads, done.stdout.splitlines())
    assert (listed["name"], listed["engine"]) == ("photo", "diffusers:tiny")
    assert listed["takes"]["negative_prompt"]
    assert listed["takes"]["steps"]
    assert (listed["languages"], listed["licence"]) == (["en"], "openrail")
    assert "secret" not in json.dumps(listed)
    escaped = str(where).replace(",", "%2C")  # as a worker's environment has it
    assert ordered == [f"diffusers:{escaped}?steps=8", 9]


def test_a_checkpoint_that_is_not_whole_stops_the_service_at_its_start(tmp_path: Path) -> None:
    where = checkpoint(tmp_path / "torn")
    (where / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    code = f"""
from overpaint import settings
from overpaint.service import Service
found = settings.load(data_dir="data", models="photo=diffusers:{where}")
try:
    Service.open(found, migrate=True)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    start = "InvalidOption models: must map photo to an engine that can be used (checkpoint torn"
    assert done.stdout.startswith(start)
    assert "unet" in done.stdout


def test_the_command_line_tells_of_a_checkpoint_without_anything_heavy(tmp_path: Path) -> None:
    where = checkpoint(tmp_path / "tiny")
    code = f"""
import sys
from overpaint.cli.app import run
sys.exit(run(["engines", "diffusers:{where}"]))
"""
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\t")[2:] == [
        "512",
        "prompt (en), style, strength, guidance, negative, steps",
        "openrail\n",
    ]
