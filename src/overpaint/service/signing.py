"""Signatures: what this service handed out and nobody else can have made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from overpaint.errors import StoreFailed
from overpaint.tasks.database import Database
from overpaint.tasks.secrets import shared_secret

_NAME = "signing"
_LEAST = 32  # bytes


class Signer:
    """Signs texts with a secret that all processes of the database have."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def open(cls, database: Database, former: Path) -> Signer:
        """Read the secret; the first process of all makes it.

        Args:
            database: where it is kept.
            former: the file in which an older version kept it; its secret is taken over, once, so
                that what was handed out stays good.

        Raises `StoreFailed` where it cannot be read or is damaged.
        """
        text = shared_secret(database, _NAME, lambda: _former(former) or secrets.token_hex(_LEAST))
        secret = _bytes_of(text)
        if len(secret) < _LEAST:
            raise StoreFailed(
                "The secret in the database is not what it was; restore it from a backup."
            )
        return cls(secret)

    def sign(self, purpose: str, text: str) -> str:
        """The signature of a text for one purpose, 64 hexadecimal digits."""
        return hmac.new(self._secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def holds(self, purpose: str, text: str, signature: str) -> bool:
        """Whether this is the text's signature; takes the same time either way."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def _former(path: Path) -> str:
    """The secret of an older version's file; "" where there is no such file."""
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StoreFailed(f"{path}: {error.strerror or error}") from error
    except ValueError:
        text = ""
    if len(_bytes_of(text)) < _LEAST:
        raise StoreFailed(f"{path}: is not the secret that it was; restore it from a backup")
    return text


def _bytes_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
