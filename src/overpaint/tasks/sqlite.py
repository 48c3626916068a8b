"""SQLite: one file, one writer at a time, and every commit on the disk."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event

from overpaint.errors import StorageFull, StoreFailed
from overpaint.tasks.database import Database, place_of
from overpaint.tasks.signals import Signals

BUSY_S = 30.0  # how long a transaction waits for others to end
_NO_ROOM_FOR_SHARED_MEMORY = sqlite3.SQLITE_IOERR_SHMSIZE
_WAITING = 32  # connections beyond the pool's, so that a burst of threads does not wait for one


class SqliteDatabase(Database):
    """A file; its processes share the machine's clock, and look instead of being told."""

    def __init__(self, url: URL) -> None:
        super().__init__(
            engine_for(url),
            place=place_of(url),
            glances={},
            reads={},
            writes={"overpaint_write": True},
            signals=Signals(),
        )
        # Threads queue here: SQLite's own waiting is a poll with growing pauses.
        self._writing = threading.Lock()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=BUSY_S):
            raise StoreFailed(f"The database is busy: no turn to write within {BUSY_S:.0f} s.")
        try:
            yield
        finally:
            self._writing.release()

    def _wait_long(self, connection: Connection) -> None:
        """They do."""

    def _ours(self, error: BaseException) -> StorageFull | StoreFailed:
        """Our error for SQLite's; the low byte of a code is its kind."""
        code, where = getattr(error, "sqlite_errorcode", None) or 0, self.place
        if code & 0xFF == sqlite3.SQLITE_FULL or code == _NO_ROOM_FOR_SHARED_MEMORY:
            return StorageFull(f"There is no space left for the database {where}.")
        if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreFailed(
                f"The database {where} is damaged ({error}); restore it from a backup."
            )
        if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreFailed(f"The database {where} is busy: no answer within {BUSY_S:.0f} s.")
        return StoreFailed(f"The database {where} does not answer: {error}")


def open_sqlite(url: URL, *, migrate: bool) -> SqliteDatabase:
    """The database in a file; raises as `open_database`, which checks the tables."""
    _make_file(Path(str(url.database)), migrate=migrate)
    return SqliteDatabase(url)


def _make_file(path: Path, *, migrate: bool) -> None:
    """Make the file that only its owner may read; SQLite gives its companions the same mode."""
    if path.exists():
        return
    if not migrate:
        raise StoreFailed(f"There is no database at {path}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"There is no space left for the database {path}.") from error
        raise StoreFailed(f"{path}: {error.strerror or error}") from error


def engine_for(url: URL) -> Engine:
    """The engine whose transactions begin as this store needs it."""
    engine = create_engine(
        url,
        max_overflow=_WAITING,
        connect_args={"timeout": BUSY_S},
        hide_parameters=True,  # prompts are among them, and errors may be logged
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own
        try:
            _use_wal(connection)
            # A commit is on the disk when it returns; a machine that loses power keeps it.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except sqlite3.Error:
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: who reads first and writes then would fail when another wrote between.
        writes = connection.get_execution_options().get("overpaint_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Have readers and the writer not wait for each other; the file remembers it."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:  # another turns it on: SQLite does not wait
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
