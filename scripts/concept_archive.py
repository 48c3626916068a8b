"""How an artefact of the concept library is written: the same content gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from overpaint.concepts import artefact
from overpaint.concepts.artefact import FORMAT

__all__ = ["FORMAT", "write_archive"]


def write_archive(path: Path, index: object, members: Iterable[tuple[str, bytes]]) -> None:
    """A ZIP file of index.json and then `members`, in a folder that is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    artefact.write_archive(path, index, members)
