"""Services on one PostgreSQL, and what they, and it, took of the machine."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench._server import START_S, Server, spent_by
from bench._wire import Wire, WireError
from tests.postgresql import Server as Postgresql
from tests.postgresql import serve_postgresql

from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.task import PLANS

#: Commits wait for the disk. `commit_delay` below makes that disk, or standby, slower: with no
#: sibling asked for, who flushes waits for so long first, and those who commit meanwhile with it.
SETTINGS = ("max_connections=300", "commit_siblings=0", "shared_buffers=512MB", "max_wal_size=4GB")


@dataclass
class Database:
    """A database of its own: PostgreSQL's, or a file of SQLite."""

    url: str
    server: Postgresql | None = None

    @property
    def kind(self) -> str:
        return "SQLite" if self.server is None else "PostgreSQL"

    def make_keys(self, count: int) -> list[tuple[str, str]]:
        """Ids and secrets of new keys without limits."""
        database = open_database(self.url, migrate=True)
        try:
            made = [KeyStore(database).create(f"key {i}", PLANS["unlimited"]) for i in range(count)]
        finally:
            database.dispose()
        return [(key.id, secret) for key, secret in made]

    def spent(self) -> float:
        """Processor time of the server so far, that of sessions that ended too, s."""
        if self.server is None:
            return 0.0
        file: Path = self.server.folder / "data" / "postmaster.pid"
        first = int(file.read_text().split()[0])
        said = Path(f"/proc/{first}/task/{first}/children").read_text()
        sessions = [int(pid) for pid in said.split()]
        fields = Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return ended + sum(map(spent_by, (first, *sessions)))


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A server whose commits are on the disk, until the block ends."""
    with serve_postgresql(SETTINGS) as server:
        yield server


@contextmanager
def nodes(
    database: Database, workers: Sequence[int], environ: Mapping[str, str] | None = None
) -> Iterator[list[Server]]:
    """A node for each number of workers, with one database and one folder of pictures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overpaint-bench-")))
        started = []
        for number, count in enumerate(workers):
            (own := folder / f"node-{number}").mkdir()
            settings = {
                "OVERPAINT_NODE": own.name,
                "OVERPAINT_WORKERS": str(count),
                "OVERPAINT_MAX_PENDING": "1000000",
                "OVERPAINT_BLOBS": str(folder / "blobs"),
                "OVERPAINT_DATABASE_URL": database.url,
                **(environ or {}),
            }
            started.append(stack.enter_context(Server(own, environ=settings)))
        for server in started:
            _wait_for_api(server)
        yield started


def _wait_for_api(server: Server) -> None:
    """Without workers it is never ready, but it answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(WireError), Wire(server.port) as wire:
            if wire.get("/healthz").status == 200:
                return
        time.sleep(0.05)
    raise SystemExit(f"the server does not answer:\n{server.said()[-4000:]}")
