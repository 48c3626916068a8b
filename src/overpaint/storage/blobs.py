"""What a store of bytes is: names to bytes, whole or not at all, and checked when read."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Protocol

from overpaint.errors import BlobDamaged
from overpaint.values import BlobRef

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Blobs(Protocol):
    """Bytes by name. Every method may be called from any thread."""

    def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
        """Store bytes durably under a name; they appear whole or not at all.

        The same again is no error. `called` is the name of the picture's file, with its ending, for
        who gets it by `url`.

        Raises `StorageFull` where no space is left, `StoreFailed` for the rest.
        """
        ...

    def get(self, ref: BlobRef) -> bytes:
        """The bytes that were stored; raises `BlobMissing` or `BlobDamaged`."""
        ...

    def delete(self, *names: str) -> None:
        """Remove blobs, or all blobs under folders' names; nothing there is no error.

        Raises `StoreFailed` where that fails for one of them; others may be gone by then.
        """
        ...

    def folders(self, parent: str, *, older_than_s: float) -> Iterator[str]:
        """Names of the folders directly under `parent` that nothing was put into since.

        Of very many it may be some, others the next time; their names are to be random.
        """
        ...

    def url(self, name: str, *, expires_s: float) -> str | None:
        """Where anybody can get a blob without this service for so long; None: nowhere."""
        ...

    def name_of(self, url: str) -> str | None:
        """The name of which `url` has made this, or somebody in its likeness; None: of none."""
        ...


def probe(blobs: Blobs) -> None:
    """Put, get and delete a small blob.

    Raises:
        OperationFailed: one of them fails; says what to look at.
    """
    data = secrets.token_bytes(64)
    ref = blobs.put(f"probe-{secrets.token_hex(8)}", data)
    blobs.get(ref)
    blobs.delete(ref.name)


def is_presigned(url: str) -> bool:
    """Whether it looks like what the `url` of a bucket has made."""
    return "X-Amz-Signature=" in url.partition("?")[2]


def checked_name(name: str) -> str:
    """Return the name; raises ValueError unless it is ASCII names with "/" between them."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a blob's name: {name!r}")
    return name


def media_type(name: str) -> str:
    """Of a picture's file, by its ending."""
    suffix = name.rpartition(".")[2]
    return f"image/{'jpeg' if suffix == 'jpg' else suffix}"


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
