"""What the commands on the service's own machine share: its data folder, and times in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from overpaint.errors import InvalidOption

DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The service's data folder; default: OVERPAINT_DATA_DIR, or server/ in"
        " $OVERPAINT_HOME.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A TOML file with settings, as the guide lists them."),
]


def make_data_folder(folder: Path) -> None:
    """Make the data folder, for its owner alone, when it is missing; raises `InvalidOption`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        limit = f"must be a folder that can be made ({error.strerror or error})"
        raise InvalidOption("data_dir", limit, folder) from error


def iso_time(ms: int | None) -> str | None:
    """Milliseconds since 1970 as "2026-03-01T08:30:00Z"."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
