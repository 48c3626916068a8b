"""Looks at stored tasks; no method costs more because more tasks are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from overpaint.tasks.database import Database
from overpaint.tasks.rows import plain, task_of
from overpaint.tasks.schema import ENDED, PENDING, tallies, tasks, totals
from overpaint.tasks.task import State, Task

_GET = select(tasks).where(tasks.c.id == bindparam("task_id"))  # of every poll: built once


@dataclass(frozen=True, kw_only=True)
class Total:
    """What has ended since the database was made; it only grows."""

    engine: str  # that painted, or that was to
    outcome: State
    tasks: int
    pictures: int  # that succeeded
    seconds: float  # of work


class TaskReader:
    """The part of the store that looks."""

    _database: Database
    _clock: Callable[[], int]

    def get(self, task_id: str) -> Task | None:
        """The task of this id, whosever it is."""
        with self._database.glance() as connection:
            row = connection.execute(_GET, {"task_id": plain(task_id)}).first()
        return None if row is None else task_of(row)

    def expired(self, before_ms: int, limit: int) -> list[Task]:
        """Tasks that ended before this time, those that ended first first, `limit` at most."""
        query = select(tasks).where(ENDED, tasks.c.ended_ms < before_ms)
        with self._database.glance() as connection:
            rows = connection.execute(query.order_by(tasks.c.ended_ms).limit(limit)).all()
        return [task_of(row) for row in rows]

    def exists(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are stored tasks."""
        known: set[str] = set()
        wanted = [plain(one) for one in ids]
        with self._database.read() as connection:
            for start in range(0, len(wanted), 500):
                some = select(tasks.c.id).where(tasks.c.id.in_(wanted[start : start + 500]))
                known.update(connection.scalars(some))
        return known

    def waiting(self, task: Task) -> int:
        """How many tasks of the same key and pool wait before this one."""
        query = (
            select(func.count())
            .select_from(tasks)
            .where(
                PENDING,
                tasks.c.pool == task.pool,
                tasks.c.key_id == task.key_id,
                tasks.c.number < task.number,
            )
        )
        with self._database.glance() as connection:
            return connection.scalar(query) or 0

    def counts(self) -> Mapping[State, int]:
        """How many tasks of all keys are in each state."""
        query = select(tallies.c.state, func.sum(tallies.c.count)).group_by(tallies.c.state)
        with self._database.glance() as connection:
            found = {state: int(count) for state, count in connection.execute(query)}
        return {state: found.get(state.value, 0) for state in State}

    def oldest_pending_ms(self, pool: str = "") -> int | None:
        """When the task that waits longest in a pool was made."""
        waiting = select(tasks.c.created_ms).where(PENDING, tasks.c.pool == pool)
        query = waiting.order_by(tasks.c.created_ms).limit(1)
        with self._database.glance() as connection:
            return connection.scalar(query)

    def totals(self) -> list[Total]:
        """What has ended by engine and outcome; cleaning takes nothing from it."""
        which = (totals.c.engine, totals.c.outcome)
        counted = (totals.c.tasks, totals.c.pictures, totals.c.seconds)
        query = select(*which, *map(func.sum, counted)).group_by(*which).order_by(*which)
        with self._database.glance() as connection:
            return [
                Total(
                    engine=engine,
                    outcome=State(outcome),
                    tasks=int(ended),
                    pictures=int(pictures),
                    seconds=float(seconds),
                )
                for engine, outcome, ended, pictures, seconds in connection.execute(query)
            ]
