"""Looks at many tasks at once, for those who wait for them: state, place in the queue, preview."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from overpaint.tasks.database import Database
from overpaint.tasks.rows import plain, task_of, waiting_of
from overpaint.tasks.schema import QUEUED, keys, previews, queues, tasks
from overpaint.tasks.task import Preview, State, Task
from overpaint.values import Box

_OPEN = (State.PENDING.value, State.RUNNING.value)
_AT_ONCE = 500  # ids in one statement
_FURTHEST = 10_000  # of the tasks of its key before a task no more are counted


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A task as it stands."""

    task: Task
    position: int | None = None  # tasks that are taken before it, about; None: it does not wait
    preview: Preview | None = None  # how it looks, while it is painted


class TaskWatcher:
    """The part of the store that is asked again and again."""

    _database: Database

    def unfinished(self, key_id: str, *, limit: int) -> list[Task]:
        """The tasks of a key that wait or are painted, oldest first, `limit` at most."""
        found = select(tasks).where(tasks.c.key_id == key_id, tasks.c.state.in_(_OPEN))
        with self._database.glance() as connection:
            rows = connection.execute(found.order_by(tasks.c.number).limit(limit)).all()
        return [task_of(row) for row in rows]

    def look(self, ids: Iterable[str]) -> Mapping[str, Seen]:
        """Those of the ids that are stored tasks, all as they stand at one time."""
        wanted = [plain(one) for one in ids]
        found: list[Task] = []
        with self._database.read() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                some = select(tasks).where(tasks.c.id.in_(wanted[start : start + _AT_ONCE]))
                found += [task_of(row) for row in connection.execute(some)]
            positions = _positions(connection, [one for one in found if one.state == State.PENDING])
            shown = _previews(connection, [one for one in found if one.state == State.RUNNING])
        return {
            one.id: Seen(task=one, position=positions.get(one.id), preview=shown.get(one.id))
            for one in found
        }


def _previews(connection: Connection, running: Sequence[Task]) -> Mapping[str, Preview]:
    """There are no more of them than workers."""
    if not running:
        return {}
    found = select(previews).where(previews.c.task_id.in_([one.id for one in running]))
    return {
        row.task_id: Preview(jpeg=row.jpeg, box=Box(**row.box), serial=row.serial, fence=row.fence)
        for row in connection.execute(found)
    }


def _positions(connection: Connection, waiting: Sequence[Task]) -> Mapping[str, int]:
    """How many tasks are claimed before each of these, if all take as long.

    Only tasks of the same pool are: each has workers of its own. Claims go round the keys that may
    run one more, so every other key has as many turns as tasks of the own key are before it, and
    one more where its turn comes first. In the queue of its own key at most `_FURTHEST` are counted
    before a task.
    """
    places: dict[str, int] = {}
    for pool in {one.pool for one in waiting}:
        here = [one for one in waiting if one.pool == pool]
        mine = {one.key_id for one in here}
        queued = (
            select(queues, or_(keys.c.max_running.is_(None), keys.c.running < keys.c.max_running))
            .join(keys, keys.c.id == queues.c.key_id)
            .where(QUEUED, queues.c.pool == pool)
        )
        rows = {row.key_id: row for row in connection.execute(queued)}
        ready = [row for row in rows.values() if row[-1]]
        for key_id in mine & rows.keys():
            own = [one for one in here if one.key_id == key_id]
            last = max(one.number for one in own)
            ahead = waiting_of(pool, key_id).where(tasks.c.number < last).limit(_FURTHEST)
            numbers = connection.scalars(ahead).all()
            for one in own:
                rank = bisect_left(numbers, one.number)
                places[one.id] = rank + _turns(rows[key_id], ready, rank)
    return places


def _turns(own: Row[Any], rows: Iterable[Row[Any]], rank: int) -> int:
    """How many tasks of other keys are claimed before the own key's task of this rank."""
    turn = (own.running, own.served)
    others = [row for row in rows if row.key_id != own.key_id]
    return sum(min(row.pending, rank + ((row.running, row.served) < turn)) for row in others)
