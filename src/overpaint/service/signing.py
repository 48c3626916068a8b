"""Signatures: what this server handed out and nobody else can have made."""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from overpaint.errors import StorageFull, StoreFailed


class Signer:
    """Signs texts with the secret that lies in a file of the data folder."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def open(cls, path: Path) -> Signer:
        """Read the secret; make it first where there is none.

        Raises `StoreFailed` where it can be neither read nor made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _make(path)
            secret = bytes.fromhex(path.read_text("ascii").strip())
        except OSError as error:
            raise StoreFailed(f"{path}: {error.strerror or error}") from error
        except ValueError:
            secret = b""
        if len(secret) < 32:
            raise StoreFailed(f"{path}: is not the secret that it was; restore it from a backup")
        return cls(secret)

    def sign(self, purpose: str, text: str) -> str:
        """The signature of a text for one purpose, 64 hexadecimal digits."""
        return hmac.new(self._secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def holds(self, purpose: str, text: str, signature: str) -> bool:
        """Whether this is the text's signature; takes the same time either way."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def _make(path: Path) -> None:
    """Write the file whole or not at all; of two that do it at once, the first one's stays."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)
