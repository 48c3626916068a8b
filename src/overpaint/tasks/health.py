"""How a database is, for who runs the service."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sqlalchemy import Connection, column, select, table, text

from overpaint.tasks.database import Database


@dataclass(frozen=True, kw_only=True)
class Health:
    """A database that answers."""

    kind: str  # "sqlite" or "postgresql"
    version: str
    revision: str  # of the tables
    answer_ms: float  # how long it took
    clock_ms: int = 0  # how far its clock is ahead of this machine's
    connections: int = 0  # of all programs; 0 where it has no such thing
    most_connections: int = 0  # that it takes


def health(database: Database) -> Health:
    """Ask the database; raises `StoreFailed` where it does not answer."""
    began = time.perf_counter()
    with database.read() as connection:
        kind = connection.dialect.name
        revision = connection.scalar(select(column("version_num")).select_from(_REVISION))
        answer_ms = round((time.perf_counter() - began) * 1000, 1)
        of_postgresql = kind == "postgresql"
        version = connection.scalar(_SERVER_VERSION if of_postgresql else _SQLITE_VERSION)
        found = Health(kind=kind, version=str(version), revision=str(revision), answer_ms=answer_ms)
        return _of_postgresql(connection, found) if of_postgresql else found


_REVISION = table("alembic_version")
_SERVER_VERSION, _SQLITE_VERSION = text("SHOW server_version"), text("SELECT sqlite_version()")
_MOST_CONNECTIONS = text("SHOW max_connections")
_CLOCK = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
_CONNECTIONS = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")


def _of_postgresql(connection: Connection, found: Health) -> Health:
    before = time.time()
    clock_ms = connection.scalar(_CLOCK) or 0
    between_ms = int((before + time.time()) / 2 * 1000)
    return replace(
        found,
        clock_ms=int(clock_ms) - between_ms,
        connections=int(connection.scalar(_CONNECTIONS) or 0),
        most_connections=int(connection.scalar(_MOST_CONNECTIONS) or 0),
    )
