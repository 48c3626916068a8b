"""A store of blobs that tells how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from overpaint.errors import OperationFailed
from overpaint.storage.blobs import Blobs
from overpaint.values import BlobRef

#: Called with the operation, its seconds, and whether the store failed.
Heard: TypeAlias = Callable[[str, float, bool], None]


class MeasuredBlobs:
    """Does as another does; what takes no asking of the store is not timed.

    Args:
        blobs: the other.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.listeners: list[Heard] = []

    def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
        """Put."""
        with self._timed("put"):
            return self._blobs.put(name, data, called=called)

    def get(self, ref: BlobRef) -> bytes:
        """Get."""
        with self._timed("get"):
            return self._blobs.get(ref)

    def delete(self, *names: str) -> None:
        """Delete."""
        with self._timed("delete"):
            self._blobs.delete(*names)

    def folders(self, parent: str, *, older_than_s: float) -> Iterator[str]:
        """Go through it with whoever asks, at his pace: that is no time of the store's."""
        return self._blobs.folders(parent, older_than_s=older_than_s)

    def url(self, name: str, *, expires_s: float) -> str | None:
        """Sign, here."""
        return self._blobs.url(name, expires_s=expires_s)

    def name_of(self, url: str) -> str | None:
        """Read, here."""
        return self._blobs.name_of(url)

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        start, failed = time.perf_counter(), False
        try:
            yield
        except OperationFailed:
            failed = True
            raise
        finally:
            seconds = time.perf_counter() - start
            for heard in self.listeners:
                heard(operation, seconds, failed)
