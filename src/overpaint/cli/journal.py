"""What a batch has finished, on disk, so that it goes on where it was killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from overpaint.errors import InvalidOption

NAME = "overpaint-batch.jsonl"


class Journal:
    """The state file of one output folder: a JSON line for each finished line of a manifest.

    A record is written, and forced to the disk, after the files it names are in place. A torn
    last record, as a kill may leave it, is cut off. One process at a time holds a journal.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO = (folder / NAME).open("a+b")
        try:
            _lock(self._file, folder)
            self._records = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        """Use it in `with`: the file is closed, and its lock gone, at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def find(self, key: str) -> Mapping[str, Any] | None:
        """The record of a finished line whose files are all still there as they were written."""
        record = self._records.get(key)
        if record is None:
            return None
        for name, size in record["files"].items():
            file = self._folder / name
            if not file.is_file() or file.stat().st_size != size:
                return None
        return record

    def add(self, key: str, files: tuple[Path, ...], details: Mapping[str, Any]) -> None:
        """Record that a line is finished."""
        root = self._folder.resolve()
        sizes = {str(file.relative_to(root)): file.stat().st_size for file in files}
        record = {"key": key, "files": sizes, **details}
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._records[key] = record

    def _read(self) -> dict[str, dict[str, Any]]:
        self._file.seek(0)
        written = self._file.read()
        whole = written[: written.rfind(b"\n") + 1]
        if len(whole) < len(written):
            self._file.truncate(len(whole))
        records: dict[str, dict[str, Any]] = {}
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                record = json.loads(line)
                records[record["key"]] = record
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidOption(
                    "output",
                    f"must hold an undamaged {NAME}, or none (delete it to begin anew)",
                    f"one whose line {number} is damaged",
                ) from error
        return records


def _lock(file: BinaryIO, folder: Path) -> None:
    """Hold the file until it is closed, however the process ends."""
    if sys.platform == "win32":
        return  # no lock that a kill lets go of; two batches there would paint lines twice
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        limit = "must be a folder that no other batch is writing to"
        raise InvalidOption("output", limit, folder) from error
