"""The pools: whose workers take which tasks, how many wait, and what of pools that are gone.

The ordinary pool is called "". An engine that has workers of its own has a pool of its own, which
is called as the engine, options included: the name may have a local path in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from overpaint.tasks import transitions
from overpaint.tasks.database import Database
from overpaint.tasks.schema import PENDING, WAITING, queues, tasks
from overpaint.tasks.task import Failure, State
from overpaint.tasks.transitions import Change

ORDINARY = ""  # the pool of every engine without workers of its own
_AT_ONCE = 500  # tasks in one transaction


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How many tasks of all keys a pool has."""

    pending: int = 0
    running: int = 0


class TaskPools:
    """The part of the store that knows the pools as wholes."""

    _database: Database
    _clock: Callable[[], int]

    def queues(self) -> Mapping[str, Queue]:
        """Each pool that ever had a task, by name."""
        sums = (func.sum(queues.c.pending), func.sum(queues.c.running))
        query = select(queues.c.pool, *sums).group_by(queues.c.pool)
        with self._database.glance() as connection:
            return {
                pool: Queue(pending=int(pending), running=int(running))
                for pool, pending, running in connection.execute(query)
            }

    def reroute(
        self, pools: Collection[str], where: Callable[[str], tuple[str, str] | None], lost: str
    ) -> tuple[int, int]:
        """Send the waiting tasks of every other pool to where their models are painted now.

        Args:
            pools: those that have workers; their tasks stay.
            where: engine and pool, one of `pools`, of a model; None: the model is no more.
            lost: why a task fails whose model is no more; "{model}" stands for that.

        Returns:
            How many tasks were sent elsewhere, and how many failed.
        """
        sent = failed = 0
        for pool in self._without_workers(pools):
            while rows := self._some(pool):
                with transitions.changing(self._database) as change:
                    for row in rows:
                        there = where(row.model)
                        if there is not None:
                            sent += change.reroute(row, *there)
                        else:
                            message = lost.replace("{model}", row.model)
                            failed += self._fail(change, row, message)
        return sent, failed

    def dismiss(self, pool: str, why: str) -> int:
        """Have all tasks fail that wait in a pool; return how many.

        Args:
            why: for the caller; "{model}" stands for what he named.
        """
        failed = 0
        while rows := self._some(pool):
            with transitions.changing(self._database) as change:
                for row in rows:
                    failed += self._fail(change, row, why.replace("{model}", row.model))
        return failed

    def _without_workers(self, pools: Collection[str]) -> list[str]:
        waiting = select(queues.c.pool).where(WAITING).distinct()
        with self._database.glance() as connection:
            return [pool for pool in connection.scalars(waiting) if pool not in pools]

    def _some(self, pool: str) -> list[Row[Any]]:
        """Waiting tasks of a pool, by number."""
        columns = (tasks.c.number, tasks.c.key_id, tasks.c.model, tasks.c.pool)
        waiting = select(*columns).where(PENDING, tasks.c.pool == pool).limit(_AT_ONCE)
        with self._database.glance() as connection:
            return sorted(connection.execute(waiting), key=lambda row: row.number)

    def _fail(self, change: Change, row: Row[Any], message: str) -> bool:
        failure = Failure(kind="EngineFailed", message=message)
        values = transitions.failed(failure, self._clock())
        which = tasks.c.number == row.number
        gone = change.move(State.PENDING, State.FAILED, which, values)
        return gone is not None
