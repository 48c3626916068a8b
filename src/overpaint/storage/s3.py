"""Blobs in a bucket of an S3-compatible store, an object each."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING

from overpaint.errors import BlobDamaged, BlobMissing, OperationFailed
from overpaint.storage.blobs import checked_name, is_presigned, media_type, ref_of, verified
from overpaint.storage.s3_errors import is_missing, translated
from overpaint.values import BlobRef

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

LONGEST_URL_S = 7 * 86_400  # what version 4 of the signature allows
LISTED = 5000  # keys that one look for old folders lists; a request of S3 is for a thousand
_PAGE = 1000
_PART = 1024**2  # bytes that are read at a time
_READS = 3  # of a blob that came changed
_AT_ONCE = 8  # folders that are listed side by side, to be deleted


class S3Blobs:
    """Blobs under a prefix of a bucket; threads share one client.

    Credentials and region come from the usual variables of AWS, or from the machine's role there.

    Args:
        bucket: its name.
        prefix: of the objects' keys, without a "/" at either end; may be "".
        endpoint: the store's URL; "" is AWS's own.
        public_url: the store's URL as clients know it, for `url`; "" is the same.
        request_s: how long one request may take.
        retry_s: how long what fails is tried again: answers of 5xx, connections that break.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str = "",
        public_url: str = "",
        request_s: float = 30,
        retry_s: float = 15,
    ) -> None:
        self._place = f"{bucket}/{prefix}" if prefix else bucket
        self._endpoint = endpoint
        self._store = _open(bucket, prefix, endpoint, request_s, retry_s, retries=8)
        # What cleans up does not wait for long: a later sweep does it.
        self._hasty = _open(bucket, prefix, endpoint, min(10, request_s), min(5, retry_s), 1)
        self._signing = (
            _open(bucket, prefix, public_url, request_s, retry_s, 1) if public_url else self._store
        )
        self._base = ""  # of the URLs that are signed, once there was one

    def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
        """One request, with a checksum that the store compares before it takes the object."""
        import obstore

        attributes = {"Cache-Control": "private, immutable"}
        if called:
            shown = {"Content-Disposition": f'inline; filename="{called}"'}
            attributes |= {"Content-Type": media_type(called), **shown}
        key = checked_name(name)
        try:
            obstore.put(self._store, key, data, attributes=attributes, use_multipart=False)
        except _errors() as error:
            raise self._ours(error) from error
        return ref_of(name, data)

    def get(self, ref: BlobRef) -> bytes:
        """Read the object and compare it with the ref; what differs is read again.

        The client itself goes on where an answer breaks off.
        """
        name = checked_name(ref.name)
        for _ in range(_READS - 1):
            with suppress(BlobDamaged):
                return verified(ref, self._get(name))
        return verified(ref, self._get(name))

    def _get(self, name: str) -> bytes:
        import obstore

        try:
            whole = io.BytesIO()  # which hands over what it has; `bytes` would hold it twice
            for part in obstore.get(self._store, name).stream(_PART):
                whole.write(part)
            return whole.getvalue()
        except _errors() as error:
            if is_missing(error):
                raise BlobMissing(f"a stored picture is not there: {name}") from error
            raise self._ours(error) from error

    def delete(self, *names: str) -> None:
        """List what is under each name, and delete a thousand objects by a request."""
        import obstore

        if not names:
            return
        checked = [checked_name(name) for name in names]
        try:
            if len(checked) == 1:
                under = self._under(checked[0])
            else:
                with ThreadPoolExecutor(min(_AT_ONCE, len(checked))) as pool:
                    under = list(chain.from_iterable(pool.map(self._under, checked)))
            obstore.delete(self._hasty, under)
        except _errors() as error:
            raise self._ours(error) from error

    def folders(self, parent: str, *, older_than_s: float) -> Iterator[str]:
        """Look at some of them, `LISTED` keys from a random place on, and round the end.

        So a look costs the same however many there are, and all have their turn some time.
        """
        before = time.time() - older_than_s
        start = secrets.token_hex(4)
        rest = takewhile(lambda found: found[0] < f"{parent}/{start}", self._list(parent))
        newest: dict[str, float] = {}
        seen = 0
        try:
            for name, changed in islice(chain(self._list(parent, start), rest), LISTED):
                seen += 1
                newest[name] = max(changed, newest.get(name, 0))
        except _errors() as error:
            raise self._ours(error) from error
        if seen == LISTED:
            newest.popitem()  # of the last one there may be more
        yield from (name for name, changed in newest.items() if changed < before)

    def url(self, name: str, *, expires_s: float) -> str | None:
        """A presigned URL, good for so long, at most `LONGEST_URL_S`."""
        import obstore

        seconds = max(1, min(int(expires_s), LONGEST_URL_S))
        try:
            signed = obstore.sign(
                self._signing, "GET", checked_name(name), timedelta(seconds=seconds)
            )
        except _errors() as error:
            raise self._ours(error) from error
        self._base = signed.partition("?")[0].removesuffix(name)
        return signed

    def name_of(self, url: str) -> str | None:
        """By what is before the name in URLs of this bucket."""
        if not is_presigned(url):
            return None
        if not self._base:
            self.url("any", expires_s=1)
        path = url.partition("?")[0]
        name = path.removeprefix(self._base)
        try:
            return checked_name(name) if name != path else None
        except ValueError:
            return None

    def _under(self, folder: str) -> list[str]:
        """The blobs of a folder; of what is none, itself."""
        import obstore

        pages = obstore.list(self._hasty, folder, chunk_size=_PAGE)
        return [found["path"] for page in pages for found in page] or [folder]

    def _list(self, parent: str, start: str = "") -> Iterator[tuple[str, float]]:
        """The folder of each object under `parent`, in order, and when that was put."""
        import obstore

        offset = f"{checked_name(parent)}/{start}" if start else None
        for page in obstore.list(self._hasty, parent, offset=offset, chunk_size=_PAGE):
            for found in page:
                folder, slash, _ = found["path"].removeprefix(f"{parent}/").partition("/")
                if slash:
                    yield f"{parent}/{folder}", found["last_modified"].timestamp()

    def _ours(self, error: Exception) -> OperationFailed:
        return translated(error, self._place, self._endpoint)


def _errors() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return (BaseError, FileNotFoundError, ValueError)


def _open(
    bucket: str, prefix: str, endpoint: str, request_s: float, retry_s: float, retries: int
) -> S3Store:
    """A client; nothing is connected to yet.

    Raises:
        OperationFailed: obstore is not installed.
    """
    try:
        from obstore.store import S3Store
    except ImportError as error:
        why = 'a bucket needs obstore; pip install "overpaint[cluster]"'
        raise OperationFailed(why) from error
    config: S3Config = {"checksum_algorithm": "sha256"}
    if endpoint:
        config["aws_endpoint_url_s3"] = endpoint  # goes before all of the environment's
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=3),
            "timeout": timedelta(seconds=request_s),
        },
        retry_config={
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=retry_s),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=3),
                "base": 2,
            },
        },
    )
