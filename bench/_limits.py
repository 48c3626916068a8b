"""What limits many workers: rows that all write, the disk, notifications, and what is measured."""

from __future__ import annotations

import re
import selectors
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from bench._fleet import Database, nodes
from bench._pressure import ACTS, BLOB, LIMIT, MODEL, new_task, press
from bench._timing import timed
from bench._wire import Wire
from tests.postgresql import Server as Postgresql

from overpaint.dispatch.figures import Figures
from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.schema import workers
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PictureOutcome, Progress

if TYPE_CHECKING:
    import psycopg

MANY_KEYS = 64
SLOW_MS = 20  # a commit of a disk or a standby that is far; the longest `commit_delay` is 100
LISTENERS = (1, 50, 200)
WORKERS = 1000  # on the roll, for /metrics
_MANY = 1000  # calls whose processor time is summed up
_TIMES = 10  # of each operation whose statements are counted
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): ")


def measure_rows(
    server: Postgresql, *, seconds: float, processes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Tasks a second where painting costs nothing: the own disk, and one that takes 20 ms."""
    arms = [(0, 1, 16), (0, MANY_KEYS, 16)]
    arms += [(SLOW_MS, 1, 16), (SLOW_MS, MANY_KEYS, 1), (SLOW_MS, MANY_KEYS, 16)]
    found = []
    for slow_ms, owners, shards in arms:
        _set(server, commit_delay=slow_ms * 1000)
        for count in processes:
            database = Database(server.new(), server)
            keys = [key_id for key_id, _ in database.make_keys(owners)]
            pressed = press(database.url, keys, processes=count, seconds=seconds, shards=shards)
            each = {act: 1000 * statistics.median(pressed.each[act] or [0]) for act in ACTS}
            one = {"slow_ms": slow_ms, "keys": owners, "shards": shards, "processes": count}
            found.append({**one, "per_s": pressed.per_s, "p50": each})
            print(f"{one}: {pressed.per_s:.1f} tasks/s", flush=True)
            server.drop(database.url)
    _set(server, commit_delay=0)
    return found


def measure_task(server: Postgresql, *, seconds: float) -> dict[str, float]:
    """What one task writes and costs the database, in bytes, commits and processor time."""
    database = Database(server.new(), server)
    keys = [key_id for key_id, _ in database.make_keys(MANY_KEYS)]
    press(database.url, keys, processes=1, seconds=2)  # pages are whole in the log once
    name = database.url.rpartition("/")[2]
    commits = f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{name}'"
    log = "SELECT pg_current_wal_insert_lsn() - '0/0'"
    before = server.sql(log)[0][0], server.sql(commits)[0][0], database.spent()
    ended = "SELECT sum(tasks)::int FROM totals"
    begin = server.sql(ended, name)[0][0]
    press(database.url, keys, processes=1, seconds=seconds)
    time.sleep(1.5)  # sessions tell their counts
    count = server.sql(ended, name)[0][0] - begin
    written = int(server.sql(log)[0][0] - before[0])
    committed = server.sql(commits)[0][0] - before[1]
    found = {
        "wal_bytes": written / count,
        "commits": committed / count,
        "database_cpu_ms": 1000 * (database.spent() - before[2]) / count,
    }
    opened = open_database(database.url, migrate=False)
    store = TaskStore(opened)
    store.insert(new_task(keys[0], 0), max_pending=LIMIT)
    task = store.claim("bench", lease_ms=600_000)
    assert task is not None
    acts: dict[str, Callable[[int], object]] = {
        "beat": lambda i: store.heartbeat(
            task, lease_ms=600_000 + i, progress=Progress(stage="paint", done=i, total=_MANY)
        ),
        "vain": lambda _: store.claim("bench", lease_ms=600_000, pool="nobody's"),
    }
    for what, do in acts.items():
        begun, spent = server.sql(log)[0][0], database.spent()
        for i in range(_MANY):
            do(i)
        found[f"{what}_wal_bytes"] = int(server.sql(log)[0][0] - begun) / _MANY
        found[f"{what}_cpu_ms"] = 1000 * (database.spent() - spent) / _MANY
    opened.dispose()
    server.drop(database.url)
    return found


def measure_statements(server: Postgresql) -> dict[str, float]:
    """How often the server is asked for each thing that the service does."""
    database = Database(server.new(), server)
    (key_id, secret), *_ = database.make_keys(1)
    opened = open_database(database.url, migrate=False)
    store, keys = TaskStore(opened), KeyStore(opened)
    key = keys.get(key_id)
    assert key is not None
    made = [store.insert(new_task(key_id, i), max_pending=LIMIT) for i in range(_TIMES)]
    claimed = [store.claim("bench", lease_ms=600_000) for _ in range(_TIMES)]
    held = [task for task in claimed if task is not None]
    picture = PictureOutcome(seed=0, blob=BLOB)
    progress = Progress(stage="paint", done=1, total=2)
    numbers = iter(range(_TIMES, 10 * _TIMES))
    in_turn = iter(held)
    acts: dict[str, Callable[[], object]] = {
        "who asks": lambda: keys.find(secret),
        "may submit": lambda: keys.admit(key),
        "submit": lambda: store.insert(new_task(key_id, next(numbers)), max_pending=LIMIT),
        "look at a task": lambda: store.get(made[0].id),
        "claim": lambda: store.claim("bench", lease_ms=600_000),
        "claim in vain": lambda: store.claim("bench", lease_ms=600_000, pool="nobody's"),
        "sign of life": lambda: store.heartbeat(held[0], lease_ms=600_000, progress=progress),
        "finish": lambda: store.finish(next(in_turn), [picture], painter=MODEL),
    }
    _set(server, log_statement="all")
    found: dict[str, float] = {}
    for what, do in acts.items():
        do()
        before = _asked(server)
        for _ in range(_TIMES - 1):
            do()
        # without what the thread that tells of news says
        found[what] = round((_asked(server) - before) / (_TIMES - 1))
    _set(server, log_statement="none")
    opened.dispose()
    server.drop(database.url)
    return found


def _asked(server: Postgresql) -> int:
    log: str = (server.folder / "log").read_text(errors="replace")
    lines = [line for line in log.splitlines() if _STATEMENT.search(line)]
    return sum("pg_notify" not in line for line in lines)


def measure_listeners(server: Postgresql, *, seconds: float) -> list[dict[str, float]]:
    """How many notifications the server delivers, and what each costs it."""
    import psycopg  # which only clusters have

    database = Database(server.new(), server)
    found = []
    for count in LISTENERS:
        sessions = [psycopg.connect(database.url, autocommit=True) for _ in range(count)]
        for session in sessions:
            session.execute("LISTEN bench")
        heard, ended = [0], threading.Event()
        ears = threading.Thread(target=_hear, args=(sessions, heard, ended))
        ears.start()
        before, begin, told = database.spent(), time.monotonic(), 0
        with psycopg.connect(database.url, autocommit=True) as mouth:
            while time.monotonic() < begin + seconds:
                mouth.execute("SELECT pg_notify('bench', %s)", (f"t{told:036}",))
                told += 1
        time.sleep(0.5)
        ended.set()
        ears.join()
        spent = database.spent() - before
        for session in sessions:
            session.close()
        one = {"listeners": count, "told_per_s": told / seconds, "heard": heard[0] / told / count}
        found.append({**one, "cpu_us": 1e6 * spent / (told * count)})
        print(f"{one}: {found[-1]['cpu_us']:.1f} us of the server each", flush=True)
    server.drop(database.url)
    return found


def _hear(
    sessions: list[psycopg.Connection[Any]], heard: list[int], ended: threading.Event
) -> None:
    with selectors.DefaultSelector() as selector:
        for session in sessions:
            selector.register(session.fileno(), selectors.EVENT_READ, session)
        while not ended.is_set():
            for ready, _ in selector.select(0.1):
                heard[0] += len(list(ready.data.notifies(timeout=0)))


def measure_metrics(server: Postgresql) -> dict[str, float]:
    """What /metrics costs an API process with a thousand workers on the roll."""
    database = Database(server.new(), server)
    (_, secret), *_ = database.make_keys(1)
    with nodes(database, [0]) as (node,):
        opened = open_database(database.url, migrate=False)
        figures = Figures().read()
        seen = {"pid": 1, "seen_ms": opened.now_ms(), "pool": "", "state": "ready"}
        roll = [
            {**seen, "id": f"worker-{i}", "node": f"node-{i // 8}", "figures": dict(figures)}
            for i in range(WORKERS)
        ]
        with opened.write() as connection:
            connection.execute(workers.insert(), roll)
        opened.dispose()
        connect = partial(Wire, node.port, secret)
        sizes: list[int] = []

        def ask(wire: Wire) -> None:
            sizes.append(len(wire.get("/metrics").body.splitlines()))

        door = partial(node.spent, "api")
        times = timed(5, 1, connect, ask, door)
    server.drop(database.url)
    return {
        "workers": WORKERS,
        "lines": sizes[-1],
        "p50": times.p50_ms,
        "cpu": times.spent_ms,
    }


def _set(server: Postgresql, **settings: object) -> None:
    for name, value in settings.items():
        server.sql(f"ALTER SYSTEM SET {name} = '{value}'")
    server.sql("SELECT pg_reload_conf()")
    time.sleep(0.2)
