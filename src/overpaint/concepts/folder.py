"""The files of a shelf: written whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from overpaint.concepts.artefact import Artefact, index_of, write_archive
from overpaint.concepts.own import members
from overpaint.errors import OperationFailed

#: What tells one state of a folder from another: name, file number, time and bytes of each file.
Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]

SUFFIX = ".zip"
_LOCK = ".lock"


def stamp_of(folder: Path) -> Stamp:
    """The state of a folder, cheaply: no file is opened. Raises `OperationFailed`."""
    found = []
    for path in concept_files(folder):
        try:
            state = path.stat()
        except OSError:  # gone since it was listed, or a link to nowhere
            continue
        found.append((path.name, state.st_ino, state.st_mtime_ns, state.st_size))
    return tuple(found)


def concept_files(folder: Path) -> list[Path]:
    """The artefacts in a folder, by name; none where there is no folder.

    Raises `OperationFailed` if the folder cannot be read.
    """
    with _told(folder):
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 (names alone: no Path a file)
        except FileNotFoundError:
            return []
    return [folder / name for name in names if name.endswith(SUFFIX) and name[0] != "."]


def write(path: Path, artefact: Artefact) -> None:
    """Write an artefact; it appears whole or not at all. Raises `OperationFailed`."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with _told(path):
        try:
            write_archive(unfinished, index_of(artefact), members(artefact))
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file; raises `OperationFailed`."""
    with _told(path):
        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made when missing, against other threads and processes.

    The system lets go when the process ends, however it does. Raises `OperationFailed`.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("ab")
    with file:
        with _told(folder):
            _lock(file)
        yield


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # tries for 10 s
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system says into an error of ours."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OperationFailed(f"your own concepts cannot be kept: {path} ({reason})") from error
