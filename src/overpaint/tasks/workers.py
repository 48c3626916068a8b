"""The roll of the workers that are alive: who, since when seen, at which task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
    node: str = ""  # the machine that it is on
    figures: Mapping[str, float] = field(default_factory=dict)  # what it measures, by name


class WorkerRoll:
    """The workers' part of the store."""

    _database: Database
    _clock: Callable[[], int]
    _node: str

    def beat(
        self,
        worker: str,
        *,
        pid: int,
        task_id: str | None,
        pool: str = "",
        state: str = "ready",
        figures: Mapping[str, float] | None = None,
    ) -> None:
        """Say that a worker is alive."""
        seen: dict[str, object] = {"pid": pid, "seen_ms": self._clock(), "task_id": task_id}
        seen |= {"pool": pool, "state": state, "node": self._node, "figures": dict(figures or {})}
        with self._database.write() as connection:
            insert_or_replace(connection, workers, {"id": worker}, seen)

    def workers(self) -> list[Worker]:
        """Every worker that is on the roll, by id; one that died may be, with an old seen_ms."""
        with self._database.glance() as connection:
            rows = connection.execute(select(workers).order_by(workers.c.id)).all()
        return [Worker(**row._mapping) for row in rows]

    def painted_elsewhere(self, pool: str, *, node: str, within_ms: int) -> bool:
        """Whether another node paints the tasks of a pool, or is about to.

        Args:
            pool: which.
            node: the one that asks.
            within_ms: how old a worker's last sign of life may be.
        """
        now = self._clock()
        return any(
            one.pool == pool
            and one.node not in ("", node)
            and one.state in ("ready", "loading")
            and abs(now - one.seen_ms) <= within_ms
            for one in self.workers()
        )

    def forget_worker(self, worker: str) -> None:
        """Strike a worker off the roll; an unknown one is no error."""
        with self._database.write() as connection:
            connection.execute(workers.delete().where(workers.c.id == worker))
