"""Every environment variable that Overpaint reads, in one table, and nowhere else.

They are read when they are asked for, never at import.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from overpaint.errors import OperationFailed


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: an environment variable."""

    name: str
    default: str  # in words, where it depends on the system
    unit: str
    help: str


SETTINGS = (
    Setting(
        name="OVERPAINT_HOME",
        default=(
            "Linux: $XDG_DATA_HOME/overpaint or ~/.local/share/overpaint; "
            "macOS: ~/Library/Application Support/overpaint; Windows: %LOCALAPPDATA%\\overpaint"
        ),
        unit="folder",
        help="where what is yours is kept: concepts/ holds your own concepts",
    ),
)


def home() -> Path:
    """The folder of the user's data; it need not exist yet.

    Raises `OperationFailed` where neither OVERPAINT_HOME nor the system tells one.
    """
    chosen = os.environ.get("OVERPAINT_HOME", "").strip()
    try:
        return Path(chosen).expanduser().absolute() if chosen else _data_home() / "overpaint"
    except (RuntimeError, OSError) as error:  # no home folder, no current folder
        raise OperationFailed("there is no home folder; set OVERPAINT_HOME to a folder") from error


def own_concepts() -> Path:
    """The folder of the user's own concepts; raises as `home`."""
    return home() / "concepts"


def _data_home() -> Path:
    """Where programs keep a user's data on this system."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return shared if shared.is_absolute() else Path.home() / ".local" / "share"  # XDG: absolute
