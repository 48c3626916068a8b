"""Opens the database, begins transactions, and turns its errors into ours.

What is peculiar to a kind of database is in `sqlite.py` and `postgresql.py`.
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Table,
    column,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from overpaint.errors import StorageFull, StoreFailed
from overpaint.tasks.schema import REVISION
from overpaint.tasks.signals import Signals

URLS = "postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///PATH"
_FILE = "sqlite:///"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def now_ms() -> int:
    """Milliseconds since 1970, UTC, as this machine has it."""
    return time.time_ns() // 1_000_000


class Database(ABC):
    """A database that is open: give it to the stores. Threads may share it; a fork may not."""

    def __init__(
        self,
        engine: Engine,
        *,
        place: str,
        glances: Mapping[str, Any],
        reads: Mapping[str, Any],
        writes: Mapping[str, Any],
        signals: Signals,
    ) -> None:
        self.engine = engine
        self.place = place  # for people: no password is in it
        self.signals = signals
        self._glancer = engine.execution_options(**glances)
        self._reader = engine.execution_options(**reads)
        self._writer = engine.execution_options(**writes)

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """As `read`, but each statement may see a later state than the one before it.

        For what one statement says: over a network it costs one round trip rather than three.
        """
        with self._translated(), self._glancer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, *, patient: bool = False) -> Iterator[Connection]:
        """A transaction that sees one state of the database. StoreFailed where it cannot.

        Args:
            patient: a statement may take as long as it takes, and so may what is done between two.
        """
        with self._translated(), self._reader.begin() as connection:
            if patient:
                self._wait_long(connection)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: whole or not at all, one at a time with SQLite.

        Raises:
            StorageFull: there is no space for it; nothing is written.
            StoreFailed: the database is busy for too long, damaged or not there. It may have been
                written where the connection was lost just before the answer.
        """
        with self._turn(), self._translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """As `write`, while no other process of any machine does the same."""
        with self.write() as connection:
            self._wait_long(connection)
            yield connection

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Do something while no other process does the same; False: one does.

        With SQLite, which one machine uses, it is always True. Where the process or its machine
        dies, another may take its place within half a minute.

        Args:
            name: what is done.
        """
        yield True

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC, by the clock that all who use this database go by."""
        return now_ms()

    def dispose(self) -> None:
        """Close every connection."""
        self.signals.close()
        self.engine.dispose()

    def _turn(self) -> AbstractContextManager[None]:
        """What a writer waits for within the process."""
        return nullcontext()

    @abstractmethod
    def _wait_long(self, connection: Connection) -> None:
        """Let the statements of this transaction take as long as they take."""

    @abstractmethod
    def _ours(self, error: BaseException) -> StorageFull | StoreFailed:
        """Our error for the driver's."""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = getattr(error, "orig", None) or error
            # the server's tells of a whole row that breaks a rule: prompts are in it
            hide = str(getattr(cause, "sqlstate", None)).startswith("23")
            raise self._ours(cause) from (None if hide else error)


def open_database(url: str | URL, *, migrate: bool) -> Database:
    """Open the database and make sure that its tables are the ones this version knows.

    Args:
        url: as `read_url` takes it.
        migrate: make the file and its tables, or bring older tables up to date, first. Several
            processes may do so at once, on several machines with PostgreSQL.

    Raises:
        StoreFailed: it cannot be opened, is damaged, of a newer version, or, without `migrate`,
            missing or of an older version.
        OperationFailed: what PostgreSQL needs is not installed.
    """
    try:
        parsed = read_url(url) if isinstance(url, str) else url
    except ValueError as error:
        raise StoreFailed(f"The URL of the database {error}.") from None
    database: Database
    if parsed.get_backend_name() == "sqlite":
        from overpaint.tasks.sqlite import open_sqlite

        database = open_sqlite(parsed, migrate=migrate)
    else:
        from overpaint.tasks.postgresql import open_postgresql

        database = open_postgresql(parsed)
    try:
        _reach_revision(database, migrate=migrate)
    except BaseException:
        database.dispose()
        raise
    return database


def read_url(text: str) -> URL:
    """The URL of a database: PostgreSQL's, or "sqlite:///PATH" with the path taken as it is.

    Raises ValueError with the rule that it breaks; the URL, with its password, is not in it.
    """
    if text.startswith(_FILE) and text.removeprefix(_FILE) not in ("", ":memory:"):
        return URL.create("sqlite", database=text.removeprefix(_FILE))
    url = None
    with suppress(ArgumentError, ValueError):  # they quote it
        url = make_url(text)
    if url is None or url.drivername not in _POSTGRESQL or not url.database:
        raise ValueError(f"must be {URLS}")
    return url.set(drivername="postgresql+psycopg")


def place_of(url: str | URL) -> str:
    """Where a database is, for people: without user and password."""
    parsed = read_url(url) if isinstance(url, str) else url
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    hosts = parsed.query.get("host", parsed.host or "")
    host = hosts if isinstance(hosts, str) else ",".join(hosts)
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.database} at {host or 'this machine'}{port}"


def insert_or_add(
    connection: Connection,
    into: Table,
    row: Mapping[str, object],
    more: Mapping[str, float],
    *,
    returning: str = "",
) -> Any:
    """Add `more` to the counters of `row`, which is made where it is not there.

    Args:
        row: the primary key.
        more: what is added, by column.
        returning: a column whose new value is given back.
    """
    statement = _upsert(connection.dialect.name, into, tuple(more), adds=True, returning=returning)
    found = connection.execute(statement, {**row, **more})
    return found.scalar_one() if returning else None


def insert_or_replace(
    connection: Connection, into: Table, row: Mapping[str, str], rest: Mapping[str, object]
) -> None:
    """Write a row whose primary key is `row`, over the one that may be there."""
    statement = _upsert(connection.dialect.name, into, tuple(rest), adds=False)
    connection.execute(statement, {**row, **rest})


def insert_where_missing(
    connection: Connection, into: Table, row: Mapping[str, str], rest: Mapping[str, object]
) -> bool:
    """Write a row whose primary key is `row`; False where there is one already."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = kind.insert(into).values({**row, **rest}).on_conflict_do_nothing()
    told = statement.returning(*into.primary_key)
    return connection.execute(told).first() is not None


@cache
def _upsert(
    dialect: str, into: Table, columns: tuple[str, ...], *, adds: bool, returning: str = ""
) -> Executable:
    kind = postgresql if dialect == "postgresql" else sqlite
    statement = kind.insert(into)
    came = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=[column.name for column in into.primary_key],
        set_={name: into.c[name] + came[name] if adds else came[name] for name in columns},
    )
    told: Executable = upsert.returning(into.c[returning]) if returning else upsert
    return told


def _reach_revision(database: Database, *, migrate: bool) -> None:
    """Check the revision of the tables, and migrate where that is asked and needed."""
    with database.read() as connection:
        found = _revision(connection)
    if found == REVISION:
        return  # nearly always: and the migration tool is not even imported
    _refuse_newer(database, found)
    if not migrate:
        raise StoreFailed(
            f"The tables of {database.place} are of revision {found or 'none'}, not {REVISION}; "
            "overpaint serve brings them up to date."
        )
    from overpaint.tasks.migrations.upgrade import upgrade

    with database.migrating() as connection:  # the others wait for it here
        found = _revision(connection)
        _refuse_newer(database, found)
        if found != REVISION:
            upgrade(connection)


def _refuse_newer(database: Database, found: str | None) -> None:
    if found is not None and found > REVISION:
        raise StoreFailed(
            f"The database {database.place} is of a newer version of Overpaint: its tables are of "
            f"revision {found}, this version knows {REVISION}."
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
    return None if found is None else str(found)
