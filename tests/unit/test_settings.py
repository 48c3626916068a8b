from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from overpaint import settings
from overpaint.errors import OperationFailed

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_that_the_caller_names_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OVERPAINT_HOME", str(tmp_path / "mine"))
    assert settings.home() == tmp_path / "mine"
    assert settings.own_concepts() == tmp_path / "mine/concepts"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OVERPAINT_HOME", "here")
    assert settings.home() == tmp_path / "here"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("chosen", [None, " "])
def test_otherwise_the_system_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, chosen: str | None
) -> None:
    monkeypatch.delenv("OVERPAINT_HOME", raising=False)
    if chosen is not None:
        monkeypatch.setenv("OVERPAINT_HOME", chosen)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", system)
    usual = {
        "linux": tmp_path / ".local/share/overpaint",
        "darwin": tmp_path / "Library/Application Support/overpaint",
        "win32": tmp_path / "AppData/Local/overpaint",
    }
    assert settings.home() == usual[system]
    named = {"linux": "XDG_DATA_HOME", "win32": "LOCALAPPDATA"}.get(system)
    if named:
        monkeypatch.setenv(named, str(tmp_path / "data"))
        assert settings.home() == tmp_path / "data/overpaint"


def test_without_any_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("could not determine home directory")

    for name in ("OVERPAINT_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OperationFailed, match="there is no home folder; set OVERPAINT_HOME"):
        settings.home()


def test_every_setting_is_explained_and_no_other_variable_of_ours_is_read() -> None:
    guide = "".join(path.read_text("utf-8") for path in (ROOT / "docs/guide").glob("*.md"))
    names = {setting.name for setting in settings.SETTINGS}
    for setting in settings.SETTINGS:
        assert setting.name in guide
        assert setting.default
        assert setting.unit
        assert setting.help
    for path in (ROOT / "src/overpaint").rglob("*.py"):
        text = path.read_text("utf-8")
        assert set(re.findall(r"OVERPAINT_[A-Z_]+", text)) <= names, path
        assert path.name == "settings.py" or "environ" not in text, path
