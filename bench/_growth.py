"""What calls cost as ever more tasks are stored, or wait; nobody paints meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench._fleet import Database, nodes
from bench._host import PictureHost
from bench._server import Server
from bench._stored import ALL_WAIT, SHARES, Stored
from bench._timing import Times, timed
from bench._wire import Wire, box, file_of, order, scene
from sqlalchemy import text
from tests.postgresql import Server as Postgresql

from overpaint.tasks.database import open_database
from overpaint.tasks.task import State

SIDE = 512  # px
SIZES = (0, 10_000, 100_000, 1_000_000)
OWNERS = 20  # keys that the stored tasks belong to
WAITING = 100_000
#: Keys that the waiting tasks belong to.
QUEUES = (1, 1000)


def measure_stored(
    server: Postgresql, folder: Path, *, sizes: Sequence[int], calls: int
) -> list[dict[str, Any]]:
    """Times of calls with so many tasks stored, of which a tenth waits."""
    found = []
    for database in _both(server, folder / "stored.db"):
        found += _measure(database, sizes, SHARES, owners=OWNERS, calls=calls)
    return found


def measure_waiting(
    server: Postgresql, folder: Path, *, waiting: int, calls: int
) -> list[dict[str, Any]]:
    """Times of calls with so many tasks waiting, of one key and of many."""
    found = []
    for owners in QUEUES:
        for database in _both(server, folder / f"waiting-{owners}.db"):
            found += _measure(database, [waiting], ALL_WAIT, owners=owners, calls=calls)
    return found


def _both(server: Postgresql, file: Path) -> list[Database]:
    return [Database(server.new(), server), Database(f"sqlite:///{file}")]


def _measure(
    database: Database,
    sizes: Sequence[int],
    shares: Mapping[State, int],
    *,
    owners: int,
    calls: int,
) -> list[dict[str, Any]]:
    keys = database.make_keys(owners)
    files = {"base.jpg": file_of(scene(SIDE), "JPEG"), "mask.png": file_of(box(SIDE))}
    found = []
    with PictureHost(files) as host, nodes(database, [0]) as (server,):
        connect = partial(Wire, server.port, keys[0][1])
        body = order("instant", "a red hat", host.url("base.jpg"), host.url("mask.png"))
        timed(20, 1, connect, lambda wire: _ask(wire.create(body)))  # everything is warm
        stored = Stored(database.url, shares)
        for size in sizes:
            stored.fill([key_id for key_id, _ in keys], size)
            stored.settle()
            said = _calls(database, server, stored, keys[0][0], connect, body, calls)
            mb = _megabytes(database)
            one = {"database": database.kind, "tasks": size, "keys": owners, "mb": mb}
            found.append({**one, "calls": said})
            print(f"{database.kind}, {size:,} tasks of {owners} keys", flush=True)
        stored.check()
        stored.close()
    if database.server is not None:
        database.server.drop(database.url)
    return found


def _calls(
    database: Database,
    server: Server,
    stored: Stored,
    key_id: str,
    connect: Callable[[], Wire],
    body: object,
    calls: int,
) -> dict[str, Any]:
    door = partial(server.spent, "api", "inspection")
    said = {}

    def through_the_door(what: str, do: Callable[[Wire], object]) -> None:
        before = database.spent()
        times = timed(calls, 1, connect, do, door)
        said[what] = _said(times, database.spent() - before)

    through_the_door("submit", lambda wire: _ask(wire.create(body)))
    some = itertools.cycle(stored.ids(key_id, calls))
    through_the_door("look", lambda wire: _ask(wire.get(f"/api/v1/tasks/{next(some)}")))
    through_the_door("list", lambda wire: _ask(wire.get("/api/v1/tasks")))
    waits = itertools.cycle(stored.ids(key_id, calls, State.PENDING))
    before = database.spent()
    places = timed(calls, 1, lambda: Wire(server.port), lambda _: stored.place(next(waits)))
    said["place in the queue"] = _said(places, database.spent() - before)
    before = database.spent()
    both = [stored.claim_and_finish() for _ in range(calls)]
    spent = (database.spent() - before) / 2
    for what, each in zip(("claim", "finish"), zip(*both, strict=True), strict=True):
        said[what] = _said(Times(list(each), sum(each)), spent)
    return said


def _said(times: Times, database_s: float) -> dict[str, float]:
    """Milliseconds: the median, 99 of 100, and processor time of the service and the database."""
    return {
        "p50": times.p50_ms,
        "p99": times.p99_ms,
        "cpu": times.spent_ms,
        "database_cpu": 1000 * database_s / len(times.each),
    }


def _ask(answer: Any) -> None:
    if answer.status != 200:
        raise SystemExit(f"not answered: {answer.body!r}")


def _megabytes(database: Database) -> float:
    """What the database takes on the disk."""
    opened = open_database(database.url, migrate=False)
    size = "pg_database_size(current_database())"
    if database.server is None:
        size = "page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    with opened.read() as connection:
        found = connection.scalar(text(f"SELECT {size}"))
    opened.dispose()
    return int(found or 0) / 1e6
