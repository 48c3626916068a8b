"""Blobs in a local folder, a file each."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from overpaint.errors import BlobMissing, OperationFailed, StorageFull, StoreFailed
from overpaint.storage.blobs import checked_name, ref_of, verified
from overpaint.values import BlobRef

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class LocalBlobs:
    """Blobs under a folder, which is made when the first is put."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
        """Write, flush to the disk, and only then give the file its name."""
        path = self._folder / checked_name(name)
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            _flush_folder(path.parent)
        except OSError as error:
            raise _ours(error) from error
        return ref_of(name, data)

    def get(self, ref: BlobRef) -> bytes:
        """Read the file and compare it with the ref."""
        try:
            data = (self._folder / checked_name(ref.name)).read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing(f"a stored picture is not there: {ref.name}") from error
        except OSError as error:
            raise _ours(error) from error
        return verified(ref, data)

    def delete(self, *names: str) -> None:
        """Remove files, or folders with all in them."""
        try:
            for path in [self._folder / checked_name(name) for name in names]:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)  # another sweep may be at it too
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise _ours(error) from error

    def folders(self, parent: str, *, older_than_s: float) -> Iterator[str]:
        """Go by the folders' own times, which change when a file is put into them."""
        before = time.time() - older_than_s
        try:
            with os.scandir(self._folder / checked_name(parent)) as entries:
                for entry in entries:
                    if entry.is_dir() and entry.stat().st_mtime < before:
                        yield f"{parent}/{entry.name}"
        except FileNotFoundError:
            return
        except OSError as error:
            raise _ours(error) from error

    def url(self, name: str, *, expires_s: float) -> str | None:
        """None: only this service reads the folder."""
        return None

    def name_of(self, url: str) -> str | None:
        """None."""
        return None


def _flush_folder(folder: Path) -> None:
    """Make a new name in a folder durable, where the system lets a folder be flushed."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _ours(error: OSError) -> OperationFailed:
    if error.errno in _NO_SPACE:
        return StorageFull()
    return StoreFailed(f"the folder of stored pictures: {error.strerror or error}")
