"""How an artefact of the concept library is written: the same content gives the same bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

FORMAT = 2  # of index.json; see overpaint.concepts.library


def write_archive(path: Path, index: object, members: Iterable[tuple[str, bytes]]) -> None:
    """A ZIP file of index.json and then `members`, of which WebP is stored as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        compact = json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode()
        _add(archive, "index.json", compact)
        for name, data in members:
            _add(archive, name, data)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """A member whose bytes depend on nothing but its name and data."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    deflate = not name.endswith(".webp")
    member.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    member.external_attr = 0o644 << 16
    member.create_system = 3
    archive.writestr(member, data, compresslevel=9)
