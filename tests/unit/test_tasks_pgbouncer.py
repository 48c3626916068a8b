"""A pooler between the processes and PostgreSQL: PgBouncer, as the guide has it set."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.heavy import require_program
from tests.postgresql import PASSWORD, Server
from tests.unit.task_fixture import GOOD, LEASE, new_task

from overpaint.tasks.audit import audit
from overpaint.tasks.database import Database, open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS

_CONFIG = """[databases]
* = host=127.0.0.1 port={server} user=overpaint password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = options
"""


@contextmanager
def pooled(url: str, server: Server, mode: str, *, size: int) -> Iterator[str]:
    """The URL of the same database by way of a PgBouncer with so many sessions of the server."""
    program = require_program("pgbouncer", "pgbouncer")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="overpaint-pgbouncer-") as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            _CONFIG.format(server=server.port, password=PASSWORD, port=port, mode=mode, size=size)
        )
        command = [program, "-q", str(config)]
        if os.geteuid() == 0:  # which it does not run as
            config.chmod(0o644)
            Path(folder).chmod(0o755)
            command[1:1] = ["-u", "nobody"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        try:
            deadline = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < deadline:
                with (
                    suppress(ConnectionRefusedError),
                    socket.create_connection(("127.0.0.1", port)),
                ):
                    break
                time.sleep(0.02)
            yield url.replace(f":{server.port}/", f":{port}/")
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    made = postgresql.new()
    yield made
    postgresql.drop(made)


def prepared(database: Database) -> int:
    """How many statements are prepared in a session, after more than enough of them."""
    statement = text("SELECT count(*) FROM pg_prepared_statements")
    for _ in range(10):
        with database.read() as connection:
            found = connection.scalar(statement)
    return int(found or 0)


def test_without_a_pooler_statements_are_prepared(url: str) -> None:
    database = open_database(url, migrate=False)
    assert prepared(database) > 0
    database.dispose()


@pytest.mark.parametrize(("mode", "size"), [("session", 20), ("transaction", 1)])
def test_no_statements_are_left_in_sessions_that_others_get(
    url: str, postgresql: Server, mode: str, size: int
) -> None:
    """All would call them alike, and one run another's."""
    with pooled(url, postgresql, mode, size=size) as way, ExitStack() as stack:
        databases = [open_database(way, migrate=False) for _ in range(2)]
        for database in databases:
            stack.callback(database.dispose)
        first, second = (TaskStore(database) for database in databases)
        key, secret = KeyStore(databases[0]).create("k", PLANS["unlimited"])
        for _ in range(8):
            first.insert(new_task(key.id), max_pending=100)
            assert KeyStore(databases[1]).find(secret) == KeyStore(databases[0]).find(secret)
            task = second.claim("w", lease_ms=LEASE)
            assert task is not None
            assert first.is_held(task)
            assert second.heartbeat(task, lease_ms=LEASE)
            assert second.finish(task, [GOOD])
            assert first.get(task.id) == second.get(task.id)
        assert audit(databases[0]) == []
        assert [prepared(database) for database in databases] == [0, 0]
