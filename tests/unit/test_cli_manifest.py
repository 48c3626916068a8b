from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.family_fixture import family

from overpaint.cli.manifest import KEYS, read_manifest
from overpaint.errors import EngineFailed, InvalidOption


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "m.png", "lines.png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def write(root: Path, *lines: dict[str, Any] | str) -> Path:
    manifest = root / "manifest.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    manifest.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return manifest


def line(**more: object) -> dict[str, Any]:
    return {"base": "a.png", "mask": "m.png", "prompt": "一只猫", **more}


def test_a_line_becomes_a_call_of_repaint(root: Path) -> None:
    everything = line(
        output="sub/cat.jpg",
        n=2,
        seed=5,
        size="640x480",
        style="sketch",
        negative="狗",
        engine="erase",
        reference="b.png",
        sketch="lines.png",
        palette="red,#ffcc00",
        strength=0.4,
        guidance=3,
        steps=20,
        mask_color=["ff0000", "#00ff00"],
        invert_mask=True,
        grow=-3,
        feather=2.5,
        soft_mask=True,
        watermark=True,
    )
    assert set(everything) == set(KEYS)
    (read,), mistakes = read_manifest(write(root, everything), root / "out")
    assert mistakes == ()
    assert (read.base, read.mask) == (root / "a.png", root / "m.png")
    assert read.others == (root / "b.png", root / "lines.png")
    assert read.files == (root / "out/sub/cat-1.jpg", root / "out/sub/cat-2.jpg")
    assert read.options == {
        "n": 2,
        "seed": 5,
        "size": "640x480",
        "style": "sketch",
        "reference": root / "b.png",
        "sketch": root / "lines.png",
        "palette": "red,#ffcc00",
        "strength": 0.4,
        "guidance": 3,
        "steps": 20,
        "negative_prompt": "狗",
        "engine": "erase",
        "mask_color": ["ff0000", "#00ff00"],
        "invert_mask": True,
        "grow": -3,
        "feather": 2.5,
        "soft_mask": True,
        "watermark": True,
    }


def test_a_checkpoint_is_looked_at_before_anything_is_painted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(engine=f"many:/models/{name}") for name in ("missing", "sdxl", "sdxl?fast=1")]
    with family(monkeypatch):
        (read,), mistakes = read_manifest(write(root, *lines), root / "out")
    assert read.number == 2
    assert mistakes == (
        "line 1: engine: must be an engine that can be used (/models/missing is not there:"
        " overpaint checkpoints fetch), got many:/models/missing",
        "line 3: engine: must have options that are known, got /models/sdxl?fast=1",
    )


def test_an_engine_that_is_broken_is_no_mistake_of_a_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise EngineFailed("no such library")

    monkeypatch.setattr("overpaint.engines.registry.get_engine", broken)
    with pytest.raises(EngineFailed, match="no such library"):
        read_manifest(write(root, line(engine="erase")), root / "out")


def test_what_is_left_out_or_null_takes_the_defaults(root: Path) -> None:
    manifest = write(root, "", {"base": "a.png", "mask": "m.png", "seed": None, "output": None})
    (read,), _ = read_manifest(manifest, root / "out")
    assert (read.number, read.prompt, read.options) == (2, "", {})
    assert read.files == (root / "out/0002-a.png",)


def test_the_key_changes_with_the_line_and_with_its_files(root: Path) -> None:
    def key(**more: object) -> str:
        (read,), _ = read_manifest(write(root, line(**more)), root / "out")
        return read.key

    first = key()
    assert key() == first
    assert key(seed=1) != first
    (root / "m.png").write_bytes(b"another mask")
    assert key() != first


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ("{", "line: must be JSON (Expecting property name"),
        ("[" * 100_000, "line: must be JSON (maximum recursion depth exceeded"),
        ("[]", "line: must be a JSON object, got list"),
        (line(promt="x"), "key: must be known (did you mean prompt?), got 'promt'"),
        (line(xyz=1), f"key: must be one of {', '.join(KEYS)}, got 'xyz'"),
        ({"mask": "m.png"}, "base: must be given, got none"),
        ({"base": "a.png", "mask": None}, "mask: must be given, got none"),
        (line(base="none.png"), "base: must be a file that exists, got "),
        (line(base="x" * 5000), "base: must be a file that exists, got "),
        (line(mask=3), "mask: must be the name of a file, got 3"),
        (line(reference=" "), "reference: must be the name of a file, got ' '"),
        (line(sketch="none.png"), "sketch: must be a file that exists"),
        (line(palette="flurb"), "palette: must be colours"),
        (line(palette="none.png"), "palette: must be a file that exists"),
        (line(palette=7), "palette: must be text or a list of colours, got 7"),
        (line(strength=2), "strength: must be between 0 and 1, got 2"),
        (line(steps="x"), "steps: must be a whole number between 1 and 150, got 'x'"),
        (line(guidance=0), "guidance: must be between 1 and 10, got 0"),
        (line(prompt=3), "prompt: must be text, got int"),
        (line(negative="x" * 801), "negative: must have at most 800 characters, got 801"),
        (line(n=0), "n: must be a whole number between 1 and 4, got 0"),
        (line(n=True), "n: must be a whole number between 1 and 4, got True"),
        (line(seed=-1), "seed: must be a whole number between 0 and"),
        (line(size="big"), 'size: must be "WIDTHxHEIGHT"'),
        (line(style="cubist"), "style: must be one of auto,"),
        (line(engine="nobody"), "engine: must be one of auto, builtin, collage, erase, diff"),
        (line(engine=3), "engine: must be text, got 3"),
        (line(mask_color=["red"]), "mask_color: must be RRGGBB"),
        (line(grow=1.5), "grow: must be a whole number between -512 and 512"),
        (line(feather="2"), "feather: must be between 0 and 256 px, got '2'"),
        (line(watermark="yes"), "watermark: must be true or false, got 'yes'"),
        (line(invert_mask=1), "invert_mask: must be true or false, got 1"),
        (line(soft_mask="soft"), "soft_mask: must be true or false, got 'soft'"),
        (line(output="x.gif"), "output: must end in one of .png"),
        (line(output="../x.png"), "output: must stay inside the output folder, got ../x.png"),
        (line(output="/x.png"), "output: must stay inside the output folder, got /x.png"),
        (line(output=""), "output: must be the name of a file, got ''"),
    ],
)
def test_a_mistake_is_told_with_its_line(root: Path, given: Any, mistake: str) -> None:
    (good,), (told,) = read_manifest(write(root, line(), given), root / "out")
    assert good.number == 1
    assert told.startswith(f"line 2: {mistake}")
    assert not (root / "out").exists()


def test_every_mistake_is_told(root: Path) -> None:
    manifest = write(root, line(n=9), line(), line(seed=-1), "{")
    _, mistakes = read_manifest(manifest, root / "out")
    assert [mistake[:9] for mistake in mistakes] == ["line 1: n", "line 3: s", "line 4: l"]


def test_two_lines_must_not_write_the_same_file(root: Path) -> None:
    manifest = write(root, line(output="x.png", n=2), line(output="X-2.png"))
    _, mistakes = read_manifest(manifest, root / "out")
    assert mistakes == ("line 2: output: must not be a file that line 1 writes, got X-2.png",)


def test_no_line_may_write_over_an_input(root: Path) -> None:
    manifest = write(root, line(output="b.png"), line(base="b.png"))
    _, mistakes = read_manifest(manifest, root)
    assert mistakes == ("line 1: output: must not be an input picture of line 2, got b.png",)


def test_a_manifest_without_lines_is_refused(root: Path) -> None:
    with pytest.raises(InvalidOption, match="manifest: must have at least one line"):
        read_manifest(write(root, "", " "), root / "out")


def test_a_manifest_that_is_not_utf_8_is_refused(root: Path) -> None:
    (root / "manifest.jsonl").write_bytes('{"prompt": "眼镜"}'.encode("gbk"))
    with pytest.raises(InvalidOption, match="manifest: must be UTF-8"):
        read_manifest(root / "manifest.jsonl", root / "out")
