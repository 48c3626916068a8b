"""Opens the database, begins transactions, and turns its errors into ours.

What is peculiar to one kind of database is here and nowhere else.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Table,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from overpaint.errors import StorageFull, StoreFailed
from overpaint.tasks.schema import REVISION

_FILE = "sqlite:///"
BUSY_S = 30.0  # how long a transaction waits for others to end
_NO_ROOM_FOR_SHARED_MEMORY = sqlite3.SQLITE_IOERR_SHMSIZE
_WAITING = 32  # connections beyond the pool's, so that a burst of threads does not wait for one


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Database:
    """A database that is open: give it to the stores. Threads may share it; a fork may not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(overpaint_write=True)
        # Threads queue here: SQLite's own waiting is a poll with growing pauses.
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. StoreFailed where it cannot."""
        with _translated(self.engine), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: whole or not at all, one at a time with SQLite.

        Raises:
            StorageFull: there is no space for it; nothing is written.
            StoreFailed: the database is busy for too long, damaged or not there.
        """
        if not self._turn.acquire(timeout=BUSY_S):
            raise StoreFailed(f"The database is busy: no turn to write within {BUSY_S:.0f} s.")
        try:
            with _translated(self.engine), self._writer.begin() as connection:
                yield connection
        finally:
            self._turn.release()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_database(url: str | URL, *, migrate: bool) -> Database:
    """Open the database and make sure that its tables are the ones this version knows.

    Args:
        url: "sqlite:///PATH"; the path is taken as it is, "?" and "%" included.
        migrate: make the file and its tables, or bring older tables up to date, first. Several
            processes may do so at once.

    Raises:
        StoreFailed: it cannot be opened, is damaged, of a newer version, or, without `migrate`,
            missing or of an older version.
    """
    try:
        parsed = _parsed(url)
    except ArgumentError as error:
        raise StoreFailed(f"{url} is not the URL of a database.") from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise StoreFailed('The URL of the database must be "sqlite:///PATH".')
    _make_file(Path(str(parsed.database)), migrate=migrate)
    database = Database(_engine(parsed))
    try:
        _reach_revision(database, migrate=migrate)
    except BaseException:
        database.dispose()
        raise
    return database


def _parsed(url: str | URL) -> URL:
    if isinstance(url, str) and url.startswith(_FILE):
        return URL.create("sqlite", database=url.removeprefix(_FILE))
    return make_url(url)


def insert_or_add(
    connection: Connection, into: Table, row: Mapping[str, str], more: Mapping[str, float]
) -> None:
    """Add `more` to the counters of `row`, which is made where it is not there.

    Args:
        row: the primary key.
        more: what is added, by column.
    """
    statement = _upsert(connection.dialect.name, into, tuple(more), adds=True)
    connection.execute(statement, {**row, **more})


def insert_or_replace(
    connection: Connection, into: Table, row: Mapping[str, str], rest: Mapping[str, object]
) -> None:
    """Write a row whose primary key is `row`, over the one that may be there."""
    statement = _upsert(connection.dialect.name, into, tuple(rest), adds=False)
    connection.execute(statement, {**row, **rest})


def insert_where_missing(
    connection: Connection, into: Table, row: Mapping[str, str], rest: Mapping[str, object]
) -> None:
    """Write a row whose primary key is `row`, unless there is one already."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(kind.insert(into).values({**row, **rest}).on_conflict_do_nothing())


@cache
def _upsert(dialect: str, into: Table, columns: tuple[str, ...], *, adds: bool) -> Executable:
    kind = postgresql if dialect == "postgresql" else sqlite
    statement = kind.insert(into)
    came = statement.excluded
    upsert: Executable = statement.on_conflict_do_update(
        index_elements=[column.name for column in into.primary_key],
        set_={name: into.c[name] + came[name] if adds else came[name] for name in columns},
    )
    return upsert


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


def _engine(url: URL) -> Engine:
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


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    """Raise StorageFull or StoreFailed for what the database or its driver raises."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _ours(getattr(error, "orig", None) or error, engine.url.database) from error


def _ours(error: BaseException, where: str | None) -> StorageFull | StoreFailed:
    """Our error for SQLite's; the low byte of a code is its kind."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    if code & 0xFF == sqlite3.SQLITE_FULL or code == _NO_ROOM_FOR_SHARED_MEMORY:
        return StorageFull(f"There is no space left for the database {where}.")
    if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreFailed(f"The database {where} is damaged ({error}); restore it from a backup.")
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreFailed(f"The database {where} is busy: no answer within {BUSY_S:.0f} s.")
    return StoreFailed(f"The database {where} does not answer: {error}")


def _reach_revision(database: Database, *, migrate: bool) -> None:
    """Check the revision of the tables, and migrate where that is asked and needed."""
    with database.read() as connection:
        found = _revision(connection)
    if found == REVISION:
        return  # nearly always: and the migration tool is not even imported
    where = database.engine.url.database
    if found is not None and found > REVISION:
        raise StoreFailed(
            f"The database {where} is of a newer version of Overpaint: its tables are of revision "
            f"{found}, this version knows {REVISION}."
        )
    if not migrate:
        raise StoreFailed(
            f"The tables of {where} are of revision {found or 'none'}, not {REVISION}; "
            "overpaint serve brings them up to date."
        )
    from overpaint.tasks.migrations.upgrade import upgrade

    with database.write() as connection:  # the others wait for it here
        if _revision(connection) != REVISION:
            upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
    return None if found is None else str(found)
