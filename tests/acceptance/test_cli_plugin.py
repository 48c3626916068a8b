"""The engine of CONTRIBUTING.md, taken from that page, installed and used."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"


def block(language: str, having: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (one for one in blocks if having in one)
    return str(found)


def install(folder: Path) -> None:
    """Put the two files of the page where Python finds them, as an installer would."""
    project = tomllib.loads(block("toml", "overpaint-mosaic"))
    (module,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    (folder / module).write_text(block("python", "MosaicEngine"), encoding="utf-8")
    info = folder / "overpaint_mosaic-1.0.dist-info"
    info.mkdir()
    name, version = project["project"]["name"], project["project"]["version"]
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["project"]["entry-points"]["overpaint.engines"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[overpaint.engines]", *lines]) + "\n")


def overpaint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "overpaint", *arguments],
        cwd=folder,  # `python -m` looks here for modules too
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_plugin_of_the_guide_is_listed_and_paints(tmp_path: Path) -> None:
    install(tmp_path)
    listed = overpaint(tmp_path, "engines")
    assert "mosaic\tHides the masked part behind a mosaic.\tany, to 4095\tmask alone\n" in (
        listed.stdout
    )

    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    mask = np.zeros((300, 300), np.uint8)
    mask[80:200, 90:220] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    call = ("repaint", "photo.png", "mask.png", "-o", "hidden.png", "--engine", "mosaic")
    done = overpaint(tmp_path, *call)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hidden.png\n", "")

    with Image.open(tmp_path / "hidden.png") as image:
        hidden = np.asarray(image)
    assert np.array_equal(hidden[mask == 0], noise[mask == 0])
    inside = hidden[100:180, 110:200].astype(float)
    assert inside.std() < noise[100:180, 110:200].std() / 3  # tiles of mean colours


def test_the_plugin_of_the_guide_is_clean_code(tmp_path: Path) -> None:
    install(tmp_path)
    for tool in (["ruff", "check", "--select", "E,F,I,UP,B"], ["ruff", "format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, "--isolated", "--line-length", "100", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
