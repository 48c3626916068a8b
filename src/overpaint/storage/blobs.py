"""What a store of bytes is: names to bytes, whole or not at all, and checked when read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Protocol

from overpaint.errors import BlobDamaged
from overpaint.values import BlobRef

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Blobs(Protocol):
    """Bytes by name. Every method may be called from any thread."""

    def put(self, name: str, data: bytes) -> BlobRef:
        """Store bytes durably under a name; they appear whole or not at all.

        Raises `StorageFull` where no space is left, `StoreFailed` for the rest.
        """
        ...

    def get(self, ref: BlobRef) -> bytes:
        """The bytes that were stored; raises `BlobMissing` or `BlobDamaged`."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob, or all blobs under a folder's name; nothing there is no error."""
        ...

    def folders(self, parent: str, *, older_than_s: float) -> Iterator[str]:
        """Names of the folders directly under `parent` that nothing was put into since."""
        ...


def checked_name(name: str) -> str:
    """Return the name; raises ValueError unless it is ASCII names with "/" between them."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a blob's name: {name!r}")
    return name


def ref_of(name: str, data: bytes) -> BlobRef:
    """What `put` answers for these bytes."""
    return BlobRef(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def verified(ref: BlobRef, data: bytes) -> bytes:
    """Return the bytes if they are those of the ref.

    Raises:
        BlobDamaged: they are not.
    """
    if ref_of(ref.name, data) != ref:
        raise BlobDamaged(f"a stored picture is not what was stored: {ref.name}")
    return data
