from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from tests.unit.family_fixture import LICENCE, family

import overpaint
from overpaint.cli import console
from overpaint.cli.app import app, run
from overpaint.cli.targets import check_targets, numbered
from overpaint.errors import EngineFailed, EngineUnusable, InvalidOption
from overpaint.values import STYLES, Step


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, made the current one, with base.png and mask.png of 320 x 280 px."""
    rng = np.random.default_rng(3)
    smooth = rng.integers(0, 256, (7, 8, 3), dtype=np.uint8)
    Image.fromarray(smooth).resize((320, 280), Image.Resampling.BICUBIC).save(tmp_path / "base.png")
    mask = np.zeros((280, 320), np.uint8)
    mask[100:160, 120:200] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def commands() -> Iterator[tuple[str, Any]]:
    def walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield path, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{path} {name}", inner)

    yield from walk("overpaint", typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=lambda value: str(value)[:40])
def test_every_command_and_every_option_is_explained(path: str, command: Any) -> None:
    assert command.help, path
    for parameter in command.params:
        assert parameter.help, f"{path}: {parameter.name}"


def test_the_commands_are_those_of_the_guide() -> None:
    assert {path for path, _ in commands()} == {
        "overpaint",
        "overpaint repaint",
        "overpaint batch",
        "overpaint engines",
        "overpaint checkpoints",
        "overpaint checkpoints show",
        "overpaint checkpoints fetch",
        "overpaint concepts",
        "overpaint concepts search",
        "overpaint concepts add",
        "overpaint concepts list",
        "overpaint concepts remove",
        "overpaint concepts export",
        "overpaint concepts import",
        "overpaint demo",
        "overpaint doctor",
        "overpaint serve",
        "overpaint keys",
        "overpaint keys create",
        "overpaint keys list",
        "overpaint keys revoke",
        "overpaint submit",
        "overpaint status",
        "overpaint wait",
        "overpaint cancel",
        "overpaint tasks",
    }


def test_help_of_style_names_every_style() -> None:
    (repaint,) = (command for path, command in commands() if path == "overpaint repaint")
    (style,) = (one for one in repaint.params if one.name == "style")
    assert re.split(r", | or ", style.help.rstrip(".")) == list(STYLES)


def test_without_arguments_help_is_printed(cli: Run) -> None:
    code, out, err = cli()
    assert code == 0
    assert "repaint" in out
    assert err == ""


def test_version(cli: Run) -> None:
    assert cli("--version") == (0, f"overpaint {overpaint.__version__}\n", "")


WHOLE = "must be a whole number between"
REPAINT = ("repaint", "base.png", "mask.png", "", "-o", "out.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("repaint",), "error: missing argument 'base' (see overpaint repaint --help)"),
        (
            ("repaint", "base.png", "mask.png", "猫"),
            "error: missing option '-o' / '--output' (see overpaint repaint --help)",
        ),
        (("concepts",), "error: missing command (see overpaint concepts --help)"),
        ((*REPAINT, "-n", "7"), "error: n: must be a whole number between 1 and 4, got 7"),
        ((*REPAINT, "-n", "x"), "error: n: must be a whole number between 1 and 4, got 'x'\n"),
        ((*REPAINT, "-n", "1.0"), "error: n: must be a whole number between 1 and 4, got 1.0\n"),
        ((*REPAINT, "--seed", "1e3"), f"error: seed: {WHOLE} 0 and {2**63 - 1}, got 1000.0\n"),
        ((*REPAINT, "--grow", "1.5"), f"error: grow: {WHOLE} -512 and 512 px, got 1.5\n"),
        ((*REPAINT, "--steps", "0"), f"error: steps: {WHOLE} 1 and 150, got 0\n"),
        ((*REPAINT, "--steps", "few"), f"error: steps: {WHOLE} 1 and 150, got 'few'\n"),
        ((*REPAINT, "--feather", "2px"), "error: feather: must be between 0 and 256 px, got '2px'"),
        ((*REPAINT, "--feather", "nan"), "error: feather: must be between 0 and 256 px, got nan\n"),
        (
            ("concepts", "search", "猫", "--limit", "0"),
            f"error: limit: {WHOLE} 1 and 1000, got 0\n",
        ),
        (
            ("concepts", "search", "猫", "--limit", "many"),
            f"error: limit: {WHOLE} 1 and 1000, got 'many'\n",
        ),
        ((*REPAINT, "--nope"), "error: no such option: --nope (see overpaint repaint --help)\n"),
        ((*REPAINT, "--seed", "-1"), "error: seed: must be a whole number between 0 and"),
        ((*REPAINT, "--size", "big"), "error: size: must be"),
        ((*REPAINT, "--style", "cubist"), "error: style: must be one of auto, 3d cartoon,"),
        ((*REPAINT, "--mask-color", "red"), "error: mask_color: must be RRGGBB"),
        ((*REPAINT, "--grow", "9999"), "error: grow: must be"),
        ((*REPAINT, "--feather", "-1"), "error: feather: must be"),
        (
            (*REPAINT, "--engine", "nobody"),
            "error: engine: must be one of auto, builtin, collage, erase",
        ),
        (("repaint", "none.png", "mask.png", "-o", "out.png"), "error: base: "),
        (("repaint", "base.png", "none.png", "-o", "out.png"), "error: mask: "),
        ((*REPAINT, "--reference", "none.png"), "error: reference: "),
        ((*REPAINT[:-1], "out.gif"), "error: output: must end in one of .png"),
        ((*REPAINT[:-1], "out"), "error: output: must end in one of .png"),
        (
            (*REPAINT[:-1], "no/out.png"),
            "error: output: must go into a folder that exists, got no, which does not exist\n",
        ),
        (
            (*REPAINT[:-1], "mask.png/out.png"),
            "error: output: must go into a folder that exists, got mask.png, which is a file",
        ),
        (
            (*REPAINT[:-1], "base.png"),
            "error: output: must not be one of the input pictures, got base.png",
        ),
        ((*REPAINT[:-1], "./mask.png"), "error: output: must not be one of the input pictures"),
        (
            (*REPAINT[:-1], "x" * 300 + ".png"),
            "error: output: must be a file that can be written (File name too long), got xxx",
        ),
        (
            ("demo", "-o", "base.png"),
            "error: output: must be a folder that can be made (File exists), got base.png\n",
        ),
        (
            ("batch", "none.jsonl", "-o", "out"),
            "error: manifest: must be a file that can be read (No such file",
        ),
    ],
)
def test_a_mistake_of_the_caller_is_one_line_and_exit_code_2(
    cli: Run, scene: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(scene.rglob("*"))
    code, out, err = cli(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(message)
    assert sorted(scene.rglob("*")) == before


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("boom\ndetails"), "error: this is a fault of Overpaint: RuntimeError: boom"),
        (EngineFailed("the engine stopped"), "error: the engine stopped"),
        (OSError(28, "No space left on device", "out.png"), "error: No space left on device: out"),
    ],
)
def test_a_fault_of_ours_is_one_line_exit_code_1_and_a_trace_on_demand(
    cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(import_module("overpaint.repaint"), "repaint", fail)
    code, out, err = cli(*REPAINT)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)
    assert "overpaint --debug" in err

    code, out, err = cli("--debug", *REPAINT)
    assert (code, out) == (1, "")
    assert "Traceback" in err


def test_an_engine_that_is_set_up_wrongly_is_for_the_caller_to_mend(
    cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EngineUnusable("scheduler=Flurb: must be one of DDIM, Euler")

    monkeypatch.setattr(import_module("overpaint.repaint"), "repaint", fail)
    assert cli(*REPAINT) == (2, "", "error: scheduler=Flurb: must be one of DDIM, Euler\n")


def test_an_interruption_ends_with_130_and_leaves_nothing(
    cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("overpaint.repaint"), "repaint", interrupt)
    assert cli(*REPAINT) == (130, "", "stopped\n")
    assert sorted(path.name for path in scene.iterdir()) == ["base.png", "mask.png"]


def test_engines_lists_what_comes_with_the_package(cli: Run) -> None:
    code, out, _ = cli("engines")
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    names = ["builtin", "collage", "erase", "diffusers:ID_OR_PATH"]
    assert [row[0] for row in rows] == names
    assert rows[0][3] == ("prompt, style, reference, sketch, palette, strength, guidance, negative")
    assert rows[2][3] == "mask alone"
    assert rows[3][1:] == [
        "paints with a checkpoint of yours; `overpaint engines diffusers:ID_OR_PATH` says what"
        " that one takes",
        "by the checkpoint",
        "by the checkpoint",
    ]
    _, out, _ = cli("engines", "--json")
    engines = json.loads(out)["engines"]
    assert [engine["name"] for engine in engines] == names
    assert all(engine["summary"] for engine in engines)
    assert all("takes_reference" in engine for engine in engines[:3])


def test_engines_tells_of_one_checkpoint_what_it_takes(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with family(monkeypatch):
        code, out, _ = cli("engines", "many:/models/sdxl", "erase")
        assert code == 0
        photo, erase = (line.split("\t") for line in out.splitlines())
        assert photo == [
            "many:/models/sdxl",
            "paints flat",
            "64",
            "prompt (en), negative, steps",
            LICENCE,
        ]
        assert (erase[0], erase[4]) == ("erase", "")
        _, out, _ = cli("engines", "many:/models/sdxl", "--json")
        (photo,) = json.loads(out)["engines"]
        told = {name: photo[name] for name in ("native_sizes", "batch", "languages", "licence")}
        assert told == {
            "native_sizes": [64],
            "batch": 4,
            "languages": ["en"],
            "licence": LICENCE,
        }
        assert (photo["takes_negative"], photo["takes_steps"]) == (True, True)
        assert (photo["takes_style"], photo["needs_prompt"]) == (False, True)
        code, out, err = cli("engines", "many:/models/missing")
        assert (code, out) == (1, "")
        assert err.startswith("error: /models/missing is not there: overpaint checkpoints fetch")
        unknown = cli("engines", "many:/models/x?fast=1", "--json")
        assert (unknown[0], unknown[1]) == (2, "")
        assert unknown[2].startswith("error: engine: must have options that are known")


def test_an_engine_that_does_not_load_is_listed_with_the_reason(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overpaint.engines.registry.engine_names", lambda: ("broken",))
    code, out, _ = cli("engines")
    assert code == 0
    assert out.startswith("broken\tengine: must be one of")


def test_what_an_engine_does_not_take_is_noted_on_stderr_and_in_json(cli: Run, scene: Path) -> None:
    call = ("repaint", "base.png", "mask.png", "一只猫", "-o", "out.png", "--engine", "erase")
    more = ("--style", "sketch", "--reference", "base.png")
    notes = [f"the engine erase does not take {what}" for what in ("a prompt", "a style")]
    notes.append("the engine erase does not take a reference")
    code, out, err = cli(*call, *more)
    assert (code, out) == (0, "out.png\n")
    assert [line for line in err.splitlines() if "does not take" in line] == [
        f"note: {note}" for note in notes
    ]
    _, out, err = cli(*call, *more, "--json")
    assert set(notes) <= set(json.loads(out)["notes"])
    assert all(f"note: {note}" in err for note in notes)


def test_concepts_are_found_in_both_languages(cli: Run) -> None:
    for word in ("眼镜", "glasses"):
        code, out, _ = cli("concepts", "search", word)
        assert code == 0
        assert out.splitlines()[0].split("\t")[:3] == ["glasses", "眼镜", "glasses"]
    _, out, _ = cli("concepts", "search", "眼镜", "--json", "--limit", "1")
    (found,) = json.loads(out)["concepts"]
    assert (found["id"], found["zh"], found["en"]) == ("glasses", "眼镜", "glasses")
    assert len(found["drawings"]) >= 3


def test_a_word_that_names_no_concept_gets_near_names(cli: Run) -> None:
    code, out, err = cli("concepts", "search", "glases")
    assert (code, out) == (2, "")
    assert err.startswith("error: word: names nothing that is in the concept library (nearest: ")
    assert "glasses" in err
    _, _, err = cli("concepts", "search", "")
    assert err == "error: word: names nothing that is in the concept library, got ''\n"
    code, _, err = cli("concepts", "search", "qqxzv")
    assert code == 2
    assert err.endswith("got 'qqxzv'\n")


def test_results_are_numbered_when_there_are_several() -> None:
    assert numbered(Path("a/out.png"), 1) == (Path("a/out.png"),)
    assert numbered(Path("a/out.v2.png"), 2) == (Path("a/out.v2-1.png"), Path("a/out.v2-2.png"))


def test_a_target_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    with pytest.raises(InvalidOption, match="output: must be a file, not a folder"):
        check_targets(tmp_path / "out.png", n=1, inputs=())


def test_a_numbered_target_must_not_be_an_input(tmp_path: Path) -> None:
    base = tmp_path / "out-2.png"
    with pytest.raises(InvalidOption, match="must not be one of the input pictures"):
        check_targets(tmp_path / "out.png", n=2, inputs=(base,))


def test_a_link_to_an_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base.png").write_bytes(b"")
    (tmp_path / "out.png").symlink_to(tmp_path / "base.png")
    with pytest.raises(InvalidOption, match="must not be one of the input pictures"):
        check_targets(tmp_path / "out.png", n=1, inputs=(tmp_path / "base.png",))


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InvalidOption, match=r"folder that can be written to \(Read-only file"):
        check_targets(tmp_path / "out.png", n=1, inputs=())


def test_progress_counts_paintings_or_the_steps_of_a_single_one() -> None:
    drawn: list[tuple[str, int, int]] = []
    one = console.Progress(lambda *what: drawn.append(what), 1)
    assert one.on_step
    one.on_step(Step(stage="paint", done=2, total=8))
    many = console.Progress(lambda *what: drawn.append(what), 5)
    many.finished(3)
    assert many.on_step
    many.on_step(Step(stage="blend", done=1, total=2))
    assert drawn == [("paint", 2, 8), ("paint", 3, 5), ("blend", 3, 5)]
    assert console.Progress(None, 1).on_step is None
