"""The roll of the workers that are alive: who, since when seen, at which task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from overpaint.tasks.database import Database, insert_or_replace
from overpaint.tasks.schema import workers


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process, as it last said of itself."""

    id: str
    pid: int
    seen_ms: int
    task_id: str | None = None  # what it paints; one of several perhaps
    pool: str = ""  # whose tasks it takes
    state: str = "ready"  # or "loading", "failed"


class WorkerRoll:
    """The workers' part of the store."""

    _database: Database
    _clock: Callable[[], int]

    def beat(
        self, worker: str, *, pid: int, task_id: str | None, pool: str = "", state: str = "ready"
    ) -> None:
        """Say that a worker is alive."""
        seen = {"pid": pid, "seen_ms": self._clock(), "task_id": task_id}
        seen |= {"pool": pool, "state": state}
        with self._database.write() as connection:
            insert_or_replace(connection, workers, {"id": worker}, seen)

    def workers(self) -> list[Worker]:
        """Every worker that is on the roll, by id; one that died may be, with an old seen_ms."""
        with self._database.read() as connection:
            rows = connection.execute(select(workers).order_by(workers.c.id)).all()
        return [Worker(**row._mapping) for row in rows]

    def forget_worker(self, worker: str) -> None:
        """Strike a worker off the roll; an unknown one is no error."""
        with self._database.write() as connection:
            connection.execute(workers.delete().where(workers.c.id == worker))
