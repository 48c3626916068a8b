"""The docs say what is there, and every snippet in them runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image, ImageChops

from overpaint import STYLES, errors
from overpaint.cli.app import app
from overpaint.cli.app import run as overpaint
from overpaint.engines.diffusers.family import FAMILIES
from overpaint.engines.diffusers.options import OPTIONS, Option

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)


def snippets(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the paths of the docs are valid, and their results do no harm."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / "src/overpaint/demo", folder / "src/overpaint/demo")
    (folder / "out").mkdir()
    return folder


def run(folder: Path, *command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_here(folder: Path, script: str) -> None:
    """Run a script whose commands are all overpaint's, without a process for each of them."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "overpaint", line
        with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            code = overpaint(words[1:])
        assert code == 0, f"{line}\n{said.getvalue()}"


@pytest.mark.parametrize("page", READMES)
def test_every_command_of_the_readme_runs(page: str, copy: Path) -> None:
    script = "\n".join(snippets(page, "sh"))
    kept = [line for line in script.splitlines() if not re.match(r"make |\. \.venv", line)]
    left_out = {line for line in script.splitlines() if line not in kept}
    assert left_out == {
        "make demo",
        "make test",
        "make check",
        "make bench",
        ". .venv/bin/activate",
    }
    if page == "README.md":
        run(copy, "bash", "-euo", "pipefail", "-c", "\n".join(kept))
    else:
        run_here(copy, "\n".join(kept))
    for name in ("croissant.png", "no-rocket.png", "good-morning-4.png"):
        with Image.open(copy / name) as picture:
            assert picture.size in {(600, 400), (640, 427)}


@pytest.mark.skipif("CI" not in os.environ, reason="sets up a virtual environment; runs in CI")
def test_make_demo_works_in_a_fresh_clone(tmp_path: Path) -> None:
    run(tmp_path, "git", "clone", "--quiet", str(ROOT), "overpaint")
    said = run(tmp_path / "overpaint", "make", "demo")
    assert re.search(r"result: \S+\.png", said)
    assert list((tmp_path / "overpaint/demo-out").glob("*.png"))


# The plugin of CONTRIBUTING.md and the clients of docs/api have tests of their own.
RUN = [page for page in PAGES if page != "CONTRIBUTING.md" and not page.startswith("docs/api/")]


@pytest.mark.parametrize("page", RUN)
def test_every_python_snippet_runs(page: str, copy: Path) -> None:
    for snippet in snippets(page, "python"):
        if "dashscope" in snippet:  # needs a server: tests/wire/test_docs.py
            continue
        run(copy, sys.executable, "-W", "error", "-c", snippet)


def test_the_guide_s_commands_give_the_pictures_that_it_shows(copy: Path) -> None:
    pages = ("docs/guide/use-cases.md", "docs/guide/steering.md")
    script = "\n".join(snippet for page in pages for snippet in snippets(page, "sh"))
    run_here(copy, script)
    made = [*(copy / "out").glob("*.jpg"), *(copy / "out/lesson").glob("*.jpg")]
    assert len(made) == 12
    for path in made:
        shown = ROOT / "docs/guide/pictures" / path.name
        with Image.open(path) as new, Image.open(shown) as old:
            difference = ImageChops.difference(new.convert("RGB"), old.convert("RGB"))
        off = sum(difference.convert("L").histogram()[24:]) / (old.width * old.height)
        assert off < 0.005, f"{path.name}: run scripts/make_guide.sh"


def test_every_command_and_option_is_in_the_guide() -> None:
    page = (ROOT / "docs/guide/command-line.md").read_text("utf-8")
    found = []

    def walk(command: Any, name: str) -> None:  # click's classes, which Typer keeps to itself
        children = getattr(command, "commands", {})
        for word, child in children.items():
            walk(child, f"{name} {word}".strip())
        if name and not children:
            found.append(name)
            assert f"## {name}\n" in page
        for parameter in command.params:
            if parameter.param_type_name == "option":
                for option in parameter.opts:
                    assert option in page, f"{name} {option}"

    walk(typer.main.get_command(app), "")
    assert {"repaint", "batch", "concepts search", "doctor"} <= set(found)


def values(option: Option) -> str:
    """What may be said for an option of a checkpoint, as the guide has it."""
    if option.limits is None or option.unit == "0 or 1" or option.name == "lora":
        return option.unit
    low, high = option.limits
    return f"{low:g} to {high:g}" + (f" {option.unit}" if len(option.unit) < 9 else "")


def test_every_option_of_a_checkpoint_is_in_the_guide() -> None:
    page = (ROOT / "docs/guide/checkpoints.md").read_text("utf-8")
    rows = [
        f"| `{option.name}` | {option.default} | {values(option)} | {option.help} |\n"
        for option in OPTIONS
    ]
    assert "".join(rows) in page
    chinese = (ROOT / "docs/guide/checkpoints.zh-CN.md").read_text("utf-8")
    found = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| .+? \|$", chinese, re.MULTILINE)
    assert [name for name, _, _ in found] == [option.name for option in OPTIONS]
    for option, (_, _, allowed) in zip(OPTIONS, found, strict=True):
        if option.limits and option.name != "lora":
            assert all(f"{limit:g}" in allowed for limit in option.limits)


@pytest.mark.parametrize("page", ["checkpoints.md", "checkpoints.zh-CN.md"])
def test_every_family_of_checkpoints_is_in_the_guide(page: str) -> None:
    text = (ROOT / "docs/guide" / page).read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|`]+?) \| (\d+ \| \d+ \| [\d.]+) \|", text, re.MULTILINE))
    assert rows == {
        family.title: f"{family.side} | {family.steps} | {family.guidance:g}"
        for family in FAMILIES.values()
    }


def test_every_style_is_in_the_guide() -> None:
    pages = "".join((ROOT / page).read_text("utf-8") for page in PAGES if "guide" in page)
    assert all(style in pages for style in STYLES)


def test_every_error_is_in_the_drawn_tree() -> None:
    tree = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.OverpaintError):
            assert name in tree
            assert (value.__doc__ or "").strip()


@pytest.mark.parametrize("page", PAGES)
def test_no_link_is_broken(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text("utf-8")):
        if not target.startswith(("http", "#")):
            assert (folder / target.split("#")[0]).exists(), target
