from __future__ import annotations

from pathlib import Path

import pytest

from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.source import Source, read_engine_name, read_source
from overpaint.errors import InvalidOption


@pytest.mark.parametrize(
    ("text", "repo", "revision", "file"),
    [
        ("org/name", "org/name", None, ""),
        ("org/name@v1.0", "org/name", "v1.0", ""),
        ("org/na.me_2-x@refs/pr/1", "org/na.me_2-x", "refs/pr/1", ""),
        ("org/name/lora.safetensors", "org/name", None, "lora.safetensors"),
        ("org/name/a/b.safetensors@main", "org/name", "main", "a/b.safetensors"),
    ],
)
def test_an_id_of_the_hub_has_a_revision_and_a_file(
    text: str, repo: str, revision: str | None, file: str
) -> None:
    source = read_source(text)
    assert source == Source(kind="hub", repo=repo, revision=revision, file=file)
    assert str(source) == text
    assert source.engine_name == f"diffusers:{repo}"


def test_what_exists_is_local_even_if_it_looks_like_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models/sdxl").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert read_source("models/sdxl") == Source(kind="folder", path=tmp_path / "models/sdxl")
    assert read_source("models/other").kind == "hub"
    (tmp_path / "one.safetensors").touch()
    assert read_source("one.safetensors").kind == "file"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("/models/sdxl/", "folder", "sdxl"),
        ("./sd.safetensors", "file", "sd.safetensors"),
        ("../sd.CKPT", "file", "sd.CKPT"),
        ("C:\\models\\sd.safetensors", "file", "C:\\models\\sd.safetensors"),
        ("/a/../b", "folder", "b"),
        ("/", "folder", "checkpoint"),
        ("/hub/models--org--name/snapshots/0123abc", "folder", "org/name"),
    ],
)
def test_what_begins_like_a_path_is_one_whether_it_exists_or_not(
    text: str, kind: str, name: str
) -> None:
    source = read_source(text)
    assert (source.kind, source.name, source.repo) == (kind, name, "")
    assert source.path is not None
    assert source.path.is_absolute()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert read_source("~/sd").path == tmp_path / "sd"
    assert str(read_source("~/sd")) == str(tmp_path / "sd")


def test_the_engine_s_name_has_no_local_path_in_it(tmp_path: Path) -> None:
    source, _ = read_engine_name(f"{tmp_path}/secret/sdxl?steps=8")
    assert source.engine_name == "diffusers:sdxl"


@pytest.mark.parametrize(
    "text", ["name", "org/name/", "org//name", "org/na--me", "org/..", "-o/n", "org/name@", "a b/c"]
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"an id of the hub \(org/name or") as caught:
        read_source(text, field="source")
    assert (caught.value.field, caught.value.value) == ("source", repr(text))


@pytest.mark.parametrize("text", ["", " ", "a\0b", "/a\nb"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="must name a folder, a file or an id of the hub"):
        read_source(text)


def test_a_home_that_nobody_has_is_refused() -> None:
    with pytest.raises(InvalidOption, match="engine: must be a path"):
        read_source("~nobody-of-this-name/sd")


def test_a_name_is_a_source_with_options() -> None:
    source, options = read_engine_name("org/name@v2?steps=8&guidance=2", Options(batch=2))
    assert (source.repo, source.revision) == ("org/name", "v2")
    assert options == Options(batch=2, steps=8, guidance=2.0)


def test_a_question_mark_in_a_path_is_written_as_an_escape() -> None:
    source, options = read_engine_name("/models/what%3F%20now?steps=3", Options())
    assert source.path == Path("/models/what? now").absolute()
    assert options.steps == 3


def test_the_setting_holds_where_a_name_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "device=cpu&steps=20")
    _, options = read_engine_name("org/name?steps=8")
    assert (options.device, options.steps) == ("cpu", 8)


def test_a_name_without_a_source_is_refused() -> None:
    with pytest.raises(InvalidOption, match="engine: must be diffusers:ID, :FOLDER or") as caught:
        read_engine_name("?steps=8")
    assert caught.value.value == "'diffusers:?steps=8'"


def test_one_file_of_the_hub_is_no_engine() -> None:
    with pytest.raises(InvalidOption, match="must not name one file of the hub"):
        read_engine_name("org/name/a.safetensors")
