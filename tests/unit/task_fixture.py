"""A clock that is set by hand, tasks to store, and the stores on a new database."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import event

from overpaint.tasks.database import Database, open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS, Failure, Key, PictureOutcome, Plan, Task
from overpaint.tasks.uploads import UploadStore
from overpaint.values import BlobRef

BLOB = BlobRef(name="tasks/1/base", bytes=70_000, sha256="ab" * 32)
GOOD = PictureOutcome(seed=2**63 - 1, blob=BLOB)
BAD = PictureOutcome(seed=7, failure=Failure(kind="EngineFailed", message="没有画成"))
BROKEN = Failure(kind="EngineFailed", message="it broke")
LEASE = 15_000


class Clock:
    """Milliseconds since 1970, as told."""

    def __init__(self, now: int = 1_795_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Stores:
    database: Database
    clock: Clock
    tasks: TaskStore
    keys: KeyStore
    uploads: UploadStore

    def key(self, name: str = "ann", **plan: int) -> Key:
        """A new key; without limits where none are given."""
        made = Plan(name="test", **plan) if plan else PLANS["unlimited"]
        return self.keys.create(name, made)[0]

    def submit(
        self, key: Key, *, n: int = 1, model: str = "m", max_pending: int = 100, pool: str = ""
    ) -> Task:
        """Store a new task of the key, a millisecond later than the one before."""
        self.clock.now += 1
        task = new_task(key.id, n=n, model=model, created_ms=self.clock.now, pool=pool)
        return self.tasks.insert(task, max_pending=max_pending)

    def claim(self, worker: str = "w1", *, pool: str = "") -> Task:
        """Claim a task that must be there."""
        task = self.tasks.claim(worker, lease_ms=LEASE, pool=pool)
        assert task is not None
        return task

    def state(self, task: Task) -> str:
        """The state that is stored."""
        stored = self.tasks.get(task.id)
        assert stored is not None
        return stored.state

    def quota(self, key: Key) -> tuple[int, int]:
        """Used and reserved pictures."""
        stored = self.keys.get(key.id)
        assert stored is not None
        return stored.used, stored.reserved


@contextmanager
def opened(place: Path | str, *, durable: bool = False) -> Iterator[Stores]:
    """The stores on the database at a path, which is made where it is not there, or of a URL.

    Unless it is durable, a commit does not wait for the disk.
    """
    url = place if isinstance(place, str) else f"sqlite:///{place}"
    database = open_database(url, migrate=True)
    if not durable and database.engine.dialect.name == "sqlite":
        event.listen(database.engine, "connect", _do_not_wait)
        database.engine.dispose()
    clock = Clock()
    try:
        yield Stores(
            database=database,
            clock=clock,
            tasks=TaskStore(database, clock=clock),
            keys=KeyStore(database, clock),
            uploads=UploadStore(database, clock),
        )
    finally:
        database.dispose()


def _do_not_wait(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def new_task(
    key_id: str, *, n: int = 1, model: str = "m", created_ms: int = 0, pool: str = ""
) -> Task:
    """A task that is not stored yet."""
    return Task(
        id=str(uuid.uuid4()),
        key_id=key_id,
        request_id=str(uuid.uuid4()),
        model=model,
        engine=pool or "auto",
        pool=pool,
        n=n,
        options={"prompt": "红花 \ud83c", "seed": 2**63 - 1, "size": [1024, 1024], "grow": None},
        inputs={"base": BLOB, "mask": BLOB},
        created_ms=created_ms,
    )
