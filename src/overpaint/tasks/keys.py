"""The API keys: made, found by their secret, admitted as their plan allows, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from overpaint.errors import InvalidOption, RateLimited
from overpaint.tasks.database import Database
from overpaint.tasks.rows import key_of, key_row
from overpaint.tasks.schema import keys, signins
from overpaint.tasks.task import Key, Plan
from overpaint.tasks.transitions import check_quota

MAX_NAME = 100  # characters
_TOKEN = 1000  # what one submission takes out of a key's bucket
_FIND = select(keys).where(  # of every request: built once
    keys.c.secret_sha256 == bindparam("hashed"), keys.c.revoked_ms.is_(None)
)


class KeyStore:
    """The keys. Their secrets are stored as hashes only.

    Args:
        database: what `open_database` gave.
        clock: milliseconds since 1970; it may jump. Without one, the database's.
    """

    def __init__(self, database: Database, clock: Callable[[], int] | None = None) -> None:
        self._database = database
        self._clock = clock or database.now_ms

    def create(self, name: str, plan: Plan) -> tuple[Key, str]:
        """Make a key; return it with its secret, which cannot be had again.

        Raises:
            InvalidOption: the name is empty, too long or not printable.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            limit = f"must have 1 to {MAX_NAME} printable characters"
            raise InvalidOption("name", limit, repr(name[: MAX_NAME + 1]))
        secret = "sk-" + secrets.token_hex(24)
        key = Key(
            id="k" + secrets.token_hex(8),
            name=name,
            plan=plan,
            hint=f"{secret[:5]}…{secret[-2:]}",
            created_ms=self._clock(),
        )
        with self._database.write() as connection:
            connection.execute(insert(keys).values(**key_row(key), secret_sha256=_hash(secret)))
        return key, secret

    def find(self, secret: str) -> Key | None:
        """The key of this secret, None where there is none or it is revoked."""
        with self._database.glance() as connection:
            row = connection.execute(_FIND, {"hashed": _hash(secret)}).first()
        return None if row is None else key_of(row)

    def get(self, key_id: str) -> Key | None:
        """The key of this id, revoked or not."""
        with self._database.glance() as connection:
            row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
        return None if row is None else key_of(row)

    def list(self) -> list[Key]:
        """Every key, the oldest first, revoked ones too."""
        with self._database.glance() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created_ms, keys.c.id)).all()
        return [key_of(row) for row in rows]

    def revoke(self, id_or_name: str) -> Key:
        """Have a key open nothing any more; what it has submitted is still painted.

        Raises:
            InvalidOption: there is no key of this id or name, or several are valid by that name.
        """
        with self._database.write() as connection:
            named = select(keys).where(or_(keys.c.id == id_or_name, keys.c.name == id_or_name))
            # of several of a name the one that is not revoked
            order = (keys.c.id != id_or_name, keys.c.revoked_ms.is_not(None), keys.c.created_ms)
            rows = connection.execute(named.order_by(*order)).all()
            if not rows:
                raise InvalidOption("key", "must be the id or the name of a key", repr(id_or_name))
            row = rows[0]
            valid = [one.id for one in rows if one.revoked_ms is None]
            if row.id != id_or_name and len(valid) > 1:
                limit = f"must be an id, as several have this name: {', '.join(valid)}"
                raise InvalidOption("key", limit, repr(id_or_name))
            now = self._clock() if row.revoked_ms is None else row.revoked_ms
            changed = update(keys).where(keys.c.id == row.id).values(revoked_ms=now)
            row = connection.execute(changed.returning(*keys.c)).one()
            connection.execute(delete(signins).where(signins.c.key_id == row.id))
        return key_of(row)

    def admit(self, key: Key) -> None:
        """Let a key submit once now, as its plan allows.

        Raises:
            InvalidKey: it is revoked.
            QuotaExhausted: it has no picture left, or its days are over.
            RateLimited: it has submitted too often within the last second.
        """
        now = self._clock()
        wanted = select(keys).where(keys.c.id == key.id)
        with self._database.glance() as connection:
            row = connection.execute(wanted).first()
        check_quota(row, n=1, now=now)
        if row is None or row.max_submissions_per_s is None:
            return
        with self._database.write() as connection:
            row = connection.execute(wanted.with_for_update(key_share=True)).one()
            admitted = self._take_token(connection, row, now)
        if not admitted:
            raise RateLimited

    def make_signin(self, key_id: str, ttl_ms: int) -> str:
        """A token that opens the page as this key, once, within `ttl_ms`."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        row = {"token_sha256": _hash(token), "key_id": key_id, "expires_ms": now + ttl_ms}
        with self._database.write() as connection:
            old = select(signins.c.token_sha256).where(signins.c.expires_ms <= now)
            hashes = connection.scalars(old.with_for_update(skip_locked=True)).all()
            connection.execute(delete(signins).where(signins.c.token_sha256.in_(hashes)))
            connection.execute(insert(signins).values(row))
        return token

    def take_signin(self, token: str) -> Key | None:
        """The key that this token opens the page as; the token is used up by it."""
        this = signins.c.token_sha256 == _hash(token)
        with self._database.glance() as connection:  # anyone may try: writers are not kept waiting
            if connection.scalar(select(signins.c.key_id).where(this)) is None:
                return None
        used = delete(signins).where(this)
        with self._database.write() as connection:
            row = connection.execute(used.returning(*signins.c)).first()
            if row is None or row.expires_ms <= self._clock():
                return None
            valid = select(keys).where(keys.c.id == row.key_id, keys.c.revoked_ms.is_(None))
            found = connection.execute(valid).first()
        return None if found is None else key_of(found)

    @staticmethod
    def _take_token(connection: Connection, row: Row[Any], now: int) -> bool:
        """Take one out of a bucket that holds a second's submissions and fills at that rate."""
        rate = row.max_submissions_per_s
        tokens = rate * _TOKEN
        if row.bucket is not None:
            passed_ms = max(0, now - row.bucket_ms)  # less than 0: the clock went back
            tokens = min(tokens, row.bucket + passed_ms * rate)  # a token is 1000 / rate ms
        admitted: bool = tokens >= _TOKEN
        if admitted or now < row.bucket_ms:
            left = tokens - _TOKEN if admitted else tokens
            changed = update(keys).where(keys.c.id == row.id)
            connection.execute(changed.values(bucket=left, bucket_ms=now))
        return admitted


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
