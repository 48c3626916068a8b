"""How many tasks a second 1 to 8 workers paint, and what each task costs beside the painting."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from bench._fleet import Database, nodes
from bench._host import PictureHost
from bench._server import Server
from bench._timing import timed
from bench._wire import Wire, box, file_of, order, scene
from sqlalchemy import select, text
from tests.postgresql import Server as Postgresql

from overpaint.tasks.database import open_database
from overpaint.tasks.schema import tasks
from overpaint.tasks.store import TaskStore

SIDE = 512  # px
WAIT_MS, BURN_MS = 1000, 500
#: Nodes with so many workers each.
NODES = ((1,), (2,), (4,), (8,), (4, 4))
_PATIENCE_S = 300.0


def measure(server: Postgresql, *, tasks_each: int) -> list[dict[str, Any]]:
    """Each number of workers with an engine that waits, and with one that keeps a core busy."""
    found = []
    for model, cost_ms in (("paced", WAIT_MS), ("burning", BURN_MS)):
        for workers in NODES:
            each = tasks_each if model == "paced" else max(4, tasks_each // sum(workers))
            database = Database(server.new(), server)
            one = _paint(database, workers, model=model, cost_ms=cost_ms, each=each)
            server.drop(database.url)
            found.append({"model": model, "cost_ms": cost_ms, "workers": list(workers), **one})
            print(f"{model} {workers}: {one['per_s']:.2f} tasks/s", flush=True)
    return found


def _paint(
    database: Database, workers: Sequence[int], *, model: str, cost_ms: int, each: int
) -> dict[str, Any]:
    count = sum(workers) * each
    files = {"base.jpg": file_of(scene(SIDE), "JPEG"), "mask.png": file_of(box(SIDE))}
    (_, key), *_ = database.make_keys(1)
    with PictureHost(files) as host, nodes(database, workers) as servers:
        _wait_for_workers(database, sum(workers))
        body = order(model, f"wait {cost_ms} ms", host.url("base.jpg"), host.url("mask.png"))
        connect = partial(Wire, servers[0].port, key)
        api, workers_s, base_s = _spent(servers, database)
        before = _clock(database)
        timed(count, 2, connect, lambda wire: _submit(wire, body))
        submitted = _clock(database)
        _wait_until_done(database, count)
        after_api, after_workers_s, after_base_s = _spent(servers, database)
        painted = _cycles(database, submitted)
        if painted["at_work"] < sum(workers):
            print("submitting took too long; its time is in the rate", flush=True)
            painted = _cycles(database, 0)
        connections = _connections(database)
    return painted | {
        "tasks": count,
        "submitting_s": (submitted - before) / 1000,
        "api_cpu_ms": 1000 * (after_api - api) / count,
        "worker_cpu_ms": 1000 * (after_workers_s - workers_s) / count,
        "database_cpu_ms": 1000 * (after_base_s - base_s) / count,
        "connections": connections,
    }


def _submit(wire: Wire, body: object) -> None:
    answer = wire.create(body)
    if answer.status != 200:
        raise SystemExit(f"not accepted: {answer.body!r}")


def _wait_for_workers(database: Database, count: int) -> None:
    opened = open_database(database.url, migrate=False)
    deadline = time.monotonic() + _PATIENCE_S
    store = TaskStore(opened)
    while sum(one.state == "ready" for one in store.workers()) < count:
        if time.monotonic() > deadline:
            raise SystemExit("the workers do not start")
        time.sleep(0.1)
    opened.dispose()


def _wait_until_done(database: Database, count: int) -> None:
    opened = open_database(database.url, migrate=False)
    deadline = time.monotonic() + _PATIENCE_S
    store = TaskStore(opened)
    while (done := sum(total.tasks for total in store.totals())) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{done} of {count} tasks ended")
        time.sleep(0.25)
    opened.dispose()


def _clock(database: Database) -> int:
    opened = open_database(database.url, migrate=False)
    now = opened.now_ms()
    opened.dispose()
    return now


def _spent(servers: Sequence[Server], database: Database) -> tuple[float, float, float]:
    api = sum(server.spent("api", "inspection") for server in servers)
    return api, sum(server.spent("worker") for server in servers), database.spent()


def _cycles(database: Database, since_ms: int) -> dict[str, Any]:
    """Each worker's rate from its first claim to its last, after everything was submitted."""
    opened = open_database(database.url, migrate=False)
    claimed = select(tasks.c.worker, tasks.c.started_ms).order_by(tasks.c.started_ms)
    starts: dict[str, list[int]] = defaultdict(list)
    with opened.read() as connection:
        for worker, started_ms in connection.execute(claimed):
            if started_ms >= since_ms:
                starts[worker].append(started_ms)
    opened.dispose()
    rates = [(len(each) - 1) / (each[-1] - each[0]) * 1000 for each in starts.values() if each[1:]]
    return {"per_s": sum(rates), "at_work": len(rates)}


def _connections(database: Database) -> int:
    """Sessions of the database, without the one that asks."""
    opened = open_database(database.url, migrate=False)
    with opened.read() as connection:
        asked = text("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()")
        count = connection.scalar(asked)
    opened.dispose()
    return int(count or 0)
