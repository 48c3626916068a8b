"""PostgreSQL: any number of machines, each row's own writer, and the server's clock for all.

It needs a server of version 14 or newer; it is tested with 15. Writers wait for the rows
of each other, in the order that `transitions` keeps; readers wait for nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from overpaint.errors import OperationFailed, StorageFull, StoreFailed
from overpaint.tasks.database import Database, place_of
from overpaint.tasks.listening import ListeningSignals

OLDEST = 14  # of servers
#: Connections of a process: made as they are needed, kept, and closed after a burst.
KEPT, IN_A_BURST = 8, 8
BUSY_S = 30  # how long a statement may take, and a transaction waits for a connection
_LOCK_S = 20  # how long it waits for others' rows
_LOOK_S = 1.0  # for how long a connection is used on without asking whether it still lives
#: How long a transaction may do nothing before the server ends it: who stands still, or is cut off,
#: in the midst of one keeps the rows of its key and its task for so long.
_IDLE_S = 10
_MIGRATION_LOCK = 0x6F76_6572_7061  # "overpa"
_CONNECT = {
    "connect_timeout": 5,  # s, for each address
    "client_encoding": "utf8",  # else a database without an encoding answers with bytes
    "application_name": "overpaint",
    "target_session_attrs": "read-write",  # of several hosts the one that is no standby
    "keepalives_idle": 10,  # s; and a connection that is cut is known to be after some 25
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
_OPTIONS = (
    f"-c statement_timeout={BUSY_S}s -c lock_timeout={_LOCK_S}s "
    f"-c idle_in_transaction_session_timeout={_IDLE_S}s -c timezone=UTC "
    # so that the server lets go of the locks of a machine that is gone, within half a minute
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_LOOKED = "overpaint_looked"
_CLOCK = "SELECT (extract(epoch from clock_timestamp()) * 1000)::bigint"
#: States of the server and of sessions that end a connection, though it is there still.
_GONE = frozenset({"25006", "57P01", "57P02", "57P03", "57P05", "25P03"})
_SAYS: Mapping[str, str] = {
    "25006": "is read only, as a standby is; OVERPAINT_DATABASE_URL must name the primary",
    "40001": "is busy: a transaction came in between",
    "40P01": "is busy: transactions waited for each other",
    "53200": "has no memory left",
    "53300": "has no connection left; let it have more (max_connections), or run fewer processes",
    "55P03": f"is busy: no turn to write within {_LOCK_S} s",
    "57014": f"is busy: no answer within {BUSY_S} s",
    "57P01": "was shut down, or ended the connection",
    "57P02": "was shut down, or ended the connection",
    "57P03": "is starting, or shutting down",
}


class PostgresqlDatabase(Database):
    """A database of a server, which any number of processes and machines share."""

    def __init__(self, url: URL) -> None:
        self._clock = _ServerClock()
        engine = _engine(url, self._clock)
        super().__init__(
            engine,
            place=place_of(url),
            glances={"isolation_level": "AUTOCOMMIT"},
            reads={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
            writes={"isolation_level": "READ COMMITTED"},
            signals=ListeningSignals(_connector(engine)),
        )

    def now_ms(self) -> int:
        """By the server's clock, so that machines whose clocks differ agree on leases."""
        return self._clock.now_ms()

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """As it is described: the lock goes with the session, which is in no transaction."""
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        free = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with self._translated(), free.connect() as connection:
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(:n)"), {"n": number})
            try:
                yield bool(taken)
            finally:
                if taken:
                    connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": number})

    def _wait_long(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # between two statements a million rows may be counted
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '10min'")

    @contextlib.contextmanager
    def migrating(self) -> Iterator[Connection]:
        """As it is described: the lock goes with the transaction."""
        with super().migrating() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10min'")
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK}
            )
            yield connection

    def _ours(self, error: BaseException) -> StorageFull | StoreFailed:
        state, said = getattr(error, "sqlstate", None) or "", _first_line(error)
        if isinstance(error, NoConnectionFree):
            return StoreFailed(
                f"The database {self.place} is busy: of {KEPT + IN_A_BURST} connections none was "
                f"free within {BUSY_S} s."
            )
        if state == "53100":
            return StorageFull(f"There is no space left for the database {self.place}.")
        if state in ("XX001", "XX002"):
            return StoreFailed(
                f"The database {self.place} is damaged ({said}); restore it from a backup."
            )
        if state in _SAYS:
            return StoreFailed(f"The database {self.place} {_SAYS[state]} ({said}).")
        return StoreFailed(f"The database {self.place} does not answer: {said}")


def open_postgresql(url: URL) -> PostgresqlDatabase:
    """The database of a server; its tables are not looked at.

    Raises:
        OperationFailed: psycopg is not installed.
        StoreFailed: there is no such server or database, it refuses the user, or is too old.
    """
    try:
        database = PostgresqlDatabase(url)
    except ImportError as error:
        why = 'PostgreSQL needs psycopg; pip install "overpaint[cluster]"'
        raise OperationFailed(why) from error
    try:
        with database.read() as connection:
            found = int((connection.dialect.server_version_info or (0,))[0])
        if found < OLDEST:
            raise StoreFailed(
                f"The server of the database {database.place} is PostgreSQL {found}; it must be "
                f"{OLDEST} or newer."
            )
    except BaseException:
        database.dispose()
        raise
    return database


class _ServerClock:
    """The server's time, carried on by this machine's monotonic clock from one look to the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server_ms = 0.0  # when it was looked at; 0: not yet
        self._at = 0.0  # monotonic seconds then
        self._within_ms = 0.0  # how far off that may be

    def now_ms(self) -> int:
        with self._lock:
            if not self._server_ms:
                return time.time_ns() // 1_000_000
            return int(self._server_ms + (time.monotonic() - self._at) * 1000)

    def looked(self, server_ms: int, before: float, after: float) -> None:
        """Take what the server said between two moments, where it tells more than is known."""
        middle, within_ms = (before + after) / 2, (after - before) * 500
        with self._lock:
            known = self._server_ms + (middle - self._at) * 1000
            # as clocks drift, what was known goes off with time
            doubt_ms = self._within_ms + (middle - self._at) * 0.2
            if (
                not self._server_ms
                or within_ms < doubt_ms
                or abs(server_ms - known) > within_ms + doubt_ms
            ):
                self._server_ms, self._at, self._within_ms = float(server_ms), middle, within_ms


def _engine(url: URL, clock: _ServerClock) -> Engine:
    engine = create_engine(
        url,
        pool_size=KEPT,
        max_overflow=IN_A_BURST,
        pool_timeout=BUSY_S,
        pool_use_lifo=True,  # so that few are in use where few are needed
        connect_args=_arguments(url),
        hide_parameters=True,  # prompts are among them, and errors may be logged
    )
    from psycopg import Error

    @event.listens_for(engine, "connect")
    def begin(connection: Any, _record: object) -> None:
        _mind_poolers(connection)

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, _proxy: object) -> None:
        """See that the server answers, and what time it is there, unless that was just seen."""
        before = time.monotonic()
        looked = record.info.get(_LOOKED)
        if looked is not None and before < looked + _LOOK_S and not _has_news(connection):
            return
        try:
            connection.autocommit = True
            answer = connection.execute(_CLOCK).fetchone()[0]
            after = time.monotonic()
            connection.autocommit = False
            record.info[_LOOKED] = after
        except Error as error:
            raise InvalidatePoolError from error
        clock.looked(answer, before, after)

    @event.listens_for(engine, "handle_error")
    def leave(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _GONE:
            context.is_disconnect = True

    return engine


def _has_news(connection: Any) -> bool:
    """Whether the server said something unasked, as that it ends the session, or hung up."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _arguments(url: URL) -> dict[str, Any]:
    """How connections are made, but for what the URL says itself."""
    chosen = {name: value for name, value in _CONNECT.items() if name not in url.query}
    return chosen if "options" in url.query else chosen | {"options": _OPTIONS}


def _connector(engine: Engine) -> Callable[[], Any]:
    """What makes a connection of its own, outside of the pool."""

    def connect() -> Any:
        import psycopg

        given = engine.dialect.create_connect_args(engine.url)[1]
        connection = psycopg.connect(**{**given, **_arguments(engine.url)}, autocommit=True)
        _mind_poolers(connection)
        return connection

    return connect


def _mind_poolers(connection: Any) -> None:
    """Have the server prepare no statements where a pooler is in between.

    It may hand a session of the server from one client to another, with what was prepared there;
    and all clients call their statements alike, so that one would run another's.
    """
    before, connection.autocommit = connection.autocommit, True
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    if pid != connection.info.backend_pid:  # who speaks to us is not the server
        connection.prepare_threshold = None
    connection.autocommit = before


def _first_line(error: BaseException) -> str:
    """What the server said, without the details, which may have rows in them."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    said = str(primary or error).strip()
    return said.splitlines()[0].strip() if said else type(error).__name__
