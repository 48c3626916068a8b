"""Which store of blobs it is: a folder, or a bucket."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from overpaint.errors import InvalidOption
from overpaint.storage.blobs import Blobs, checked_name
from overpaint.storage.local import LocalBlobs

BUCKET = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class BlobsAt:
    """Where blobs are, as the settings say."""

    where: str  # a folder, or s3://BUCKET[/PREFIX]
    endpoint: str = ""  # of a bucket, a URL; "" is AWS's own
    public_url: str = ""  # the same as clients know it; "" is `endpoint`

    @property
    def in_bucket(self) -> bool:
        """Whether it is no folder."""
        return is_bucket(self.where)

    def __str__(self) -> str:
        """For people."""
        return f"{self.where} at {self.endpoint}" if self.endpoint else self.where


def open_blobs(at: BlobsAt) -> Blobs:
    """The store; nothing is connected to or made yet.

    Raises:
        OperationFailed: it is a bucket, and what is needed for that is not installed.
    """
    if not at.in_bucket:
        return LocalBlobs(Path(at.where))
    from overpaint.storage.s3 import S3Blobs

    bucket, _, prefix = at.where.removeprefix(BUCKET).partition("/")
    return S3Blobs(bucket, prefix, endpoint=at.endpoint, public_url=at.public_url)


def is_bucket(where: str) -> bool:
    """Whether a place that is said is one of a bucket."""
    return where.startswith(BUCKET)


def normal_place(text: str) -> str:
    """s3://BUCKET[/PREFIX] without a "/" at its end; "" where it is a folder.

    Raises:
        InvalidOption: it is neither.
    """
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        return ""
    bucket, _, prefix = rest.strip("/").partition("/")
    with suppress(ValueError):
        if scheme == "s3" and _BUCKET.fullmatch(bucket):
            return f"{BUCKET}{bucket}/{checked_name(prefix)}" if prefix else BUCKET + bucket
    limit = "must be a folder, or s3://BUCKET or s3://BUCKET/PREFIX"
    raise InvalidOption("blobs", limit, repr(text))
