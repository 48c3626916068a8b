"""What the commands of the service's own machine share: which data folder, and times in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

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


def iso_time(ms: int | None) -> str | None:
    """Milliseconds since 1970 as "2026-03-01T08:30:00Z"."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
