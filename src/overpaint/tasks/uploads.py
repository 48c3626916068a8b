"""The files that callers sent ahead of their tasks; the bytes are blobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict

from sqlalchemy import delete, select, update

from overpaint.errors import AlreadyUploaded, InvalidKey, QuotaExhausted
from overpaint.tasks.database import Database, insert_where_missing
from overpaint.tasks.rows import plain, upload_of
from overpaint.tasks.schema import keys, uploads
from overpaint.tasks.task import Upload


class UploadStore:
    """The uploads of every key.

    Args:
        database: what `open_database` gave.
        clock: milliseconds since 1970; it may jump. Without one, the database's.
    """

    def __init__(self, database: Database, clock: Callable[[], int] | None = None) -> None:
        self._database = database
        self._clock = clock or database.now_ms

    def add(self, upload: Upload, *, capacity_bytes: int) -> Upload:
        """Store an upload.

        Raises:
            InvalidKey: there is no such key, or it is revoked.
            AlreadyUploaded: there is an upload of this name.
            QuotaExhausted: the key's uploads would take more than `capacity_bytes`.
        """
        owner = keys.c.id == upload.key_id
        size = upload.blob.bytes
        with self._database.write() as connection:
            key = connection.execute(
                select(keys).where(owner).with_for_update(key_share=True)
            ).first()
            if key is None or key.revoked_ms is not None:
                raise InvalidKey
            if key.uploaded_bytes + size > capacity_bytes:
                raise QuotaExhausted(
                    f"The key's uploads would take {key.uploaded_bytes + size} bytes, "
                    f"at most {capacity_bytes} are allowed."
                )
            row = asdict(upload) | {"blob": asdict(upload.blob), "bytes": size}
            if not insert_where_missing(connection, uploads, {"name": row.pop("name")}, row):
                raise AlreadyUploaded(f"There is another file of this name already: {upload.name}")
            more = update(keys).where(owner)
            connection.execute(more.values(uploaded_bytes=keys.c.uploaded_bytes + size))
        return upload

    def get(self, name: str) -> Upload | None:
        """The upload of this name, None where there is none or it has expired."""
        with self._database.glance() as connection:
            row = connection.execute(select(uploads).where(uploads.c.name == plain(name))).first()
        return None if row is None or row.expires_ms <= self._clock() else upload_of(row)

    def expired(self, limit: int = 1000) -> list[Upload]:
        """Uploads that have expired, those that did so first first, `limit` at most."""
        query = select(uploads).where(uploads.c.expires_ms <= self._clock())
        with self._database.glance() as connection:
            rows = connection.execute(query.order_by(uploads.c.expires_ms).limit(limit)).all()
        return [upload_of(row) for row in rows]

    def delete(self, names: Iterable[str]) -> None:
        """Delete uploads; unknown ones are no error."""
        freed: Counter[str] = Counter()
        with self._database.write() as connection:
            for name in sorted(names):  # in one order, as in `counting`, and the keys after all
                gone = delete(uploads).where(uploads.c.name == name)
                row = connection.execute(gone.returning(uploads.c.key_id, uploads.c.bytes)).first()
                if row is not None:
                    freed[row.key_id] += row.bytes
            for key_id, size in sorted(freed.items()):
                less = update(keys).where(keys.c.id == key_id)
                connection.execute(less.values(uploaded_bytes=keys.c.uploaded_bytes - size))

    def used_bytes(self, key_id: str) -> int:
        """How much the key's uploads take, expired ones too until they are deleted."""
        with self._database.glance() as connection:
            used = connection.scalar(select(keys.c.uploaded_bytes).where(keys.c.id == key_id))
        return used or 0
