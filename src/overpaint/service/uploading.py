"""Files sent ahead of their task: a signed policy, a form, and an oss:// address.

The steps of DashScope's temporary file storage, in which a caller uploads with a policy's signature
and no key (help.aliyun.com, "get temporary file URL").
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from overpaint.errors import (
    FileTooLarge,
    InvalidURL,
    OverpaintError,
    StoreFailed,
    UploadRefused,
)
from overpaint.imaging.source import MAX_BYTES
from overpaint.service.signing import Signer
from overpaint.settings import Settings
from overpaint.storage.blobs import Blobs
from overpaint.tasks.task import Key, Upload
from overpaint.tasks.uploads import UploadStore

POLICY_SECONDS = 300
SCHEME = "oss://"
ACCESS_KEY_ID = "overpaint"  # tells a server's policies apart; it has one signer
MAX_NAME = 512  # characters of an object's key
_PURPOSE = "upload policy"


@dataclass(frozen=True, kw_only=True)
class UploadPolicy:
    """What a caller sends along with its files; one policy serves several."""

    upload_dir: str
    policy: str  # base64 of JSON
    signature: str
    expires_in_s: int
    max_file_mb: int
    capacity_mb: int
    access_key_id: str = ACCESS_KEY_ID
    object_acl: str = "private"
    forbid_overwrite: str = "true"


class Uploads:
    """Hands policies out, takes files in, gives them back to their owner."""

    def __init__(
        self,
        store: UploadStore,
        blobs: Blobs,
        signer: Signer,
        settings: Settings,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._signer = signer
        self._settings = settings
        self._clock = clock

    def policy(self, key: Key) -> UploadPolicy:
        """A policy for one key and a folder of its own."""
        folder = f"dashscope-instant/{key.id}/{time.strftime('%Y-%m-%d')}/{uuid.uuid4()}"
        said = {
            "key_id": key.id,
            "dir": folder,
            "expires_ms": self._clock() + POLICY_SECONDS * 1000,
        }
        policy = base64.b64encode(json.dumps(said).encode()).decode("ascii")
        return UploadPolicy(
            upload_dir=folder,
            policy=policy,
            signature=self._signer.sign(_PURPOSE, policy),
            expires_in_s=POLICY_SECONDS,
            max_file_mb=MAX_BYTES // 1024**2,
            capacity_mb=self._settings.upload_capacity_mb,
        )

    def check(self, fields: Mapping[str, str]) -> tuple[str, str]:
        """The object's key and the id of the API key that a form's fields allow.

        Raises:
            UploadRefused: they do not carry a policy of this server that is still valid.
        """
        policy, signature = fields.get("policy", ""), fields.get("Signature", "")
        if not self._signer.holds(_PURPOSE, policy, signature):
            raise UploadRefused
        if fields.get("OSSAccessKeyId") != ACCESS_KEY_ID:
            raise UploadRefused("OSSAccessKeyId must be the policy's oss_access_key_id.")
        said = json.loads(base64.b64decode(policy))
        if said["expires_ms"] < self._clock():
            raise UploadRefused("The upload policy has expired; ask for a new one.")
        name = fields.get("key", "")
        folder, _, last = name.rpartition("/")
        if folder != said["dir"] or not last or len(name) > MAX_NAME or not last.isprintable():
            raise UploadRefused(
                f"key must be upload_dir, a slash and a file name of printable characters, "
                f"at most {MAX_NAME} characters in all."
            )
        return name, said["key_id"]

    def receive(self, fields: Mapping[str, str], data: bytes) -> Upload:
        """Store a file under the key that its form names.

        Raises:
            UploadRefused: the policy does not allow it.
            AlreadyUploaded: another file has this name.
            FileTooLarge: it is over 10 MB.
            QuotaExhausted: the API key has too much uploaded.
        """
        name, key_id = self.check(fields)
        if len(data) > MAX_BYTES:
            raise FileTooLarge("file", "must be a file of at most 10 MB", f"{len(data)} bytes")
        there = self._store.get(name)
        if there is not None and self._blobs.get(there.blob) == data:
            return there  # a client that tries again
        blob = self._blobs.put(f"uploads/{uuid.uuid4()}/file", data)
        now = self._clock()
        upload = Upload(
            name=name,
            key_id=key_id,
            blob=blob,
            created_ms=now,
            expires_ms=now + int(self._settings.upload_hours * 3_600_000),
        )
        try:
            self._store.add(upload, capacity_bytes=self._settings.upload_capacity_mb * 1024**2)
        except StoreFailed:  # its row may be there, or come to be; if not, the file is swept
            raise
        except BaseException:
            self._discard([upload])
            raise
        return upload

    def read(self, key: Key, url: str, *, field: str) -> bytes:
        """The bytes that an oss:// address of this key stands for.

        Raises:
            InvalidURL: nothing of this key's is there (any more).
        """
        upload = self._store.get(url.removeprefix(SCHEME)) if url.startswith(SCHEME) else None
        if upload is None or upload.key_id != key.id:
            raise InvalidURL(field, "must be an oss:// address of your own, uploaded recently", url)
        return self._blobs.get(upload.blob)

    def sweep(self) -> int:
        """Remove what has expired; how many files."""
        gone = self._store.expired()
        self._store.delete([upload.name for upload in gone])
        self._discard(gone)
        return len(gone)

    def _discard(self, uploads: Sequence[Upload]) -> None:
        """Remove their files; where that fails now, they are swept as what no row names."""
        with suppress(OverpaintError):
            self._blobs.delete(*(one.blob.name.rpartition("/")[0] for one in uploads))
