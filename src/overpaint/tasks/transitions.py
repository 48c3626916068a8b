"""The changes of a task's state, each with everything that is counted along with it.

Nothing else writes a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from overpaint.errors import InvalidKey, QueueFull, QuotaExhausted
from overpaint.tasks.counting import Counts
from overpaint.tasks.database import Database
from overpaint.tasks.rows import task_row
from overpaint.tasks.schema import keys, previews, tasks
from overpaint.tasks.signals import change_of
from overpaint.tasks.task import FINAL, MAX_TRIES, Failure, State, Task

DAY_MS = 24 * 3600 * 1000
_FINAL = [state.value for state in FINAL]

# Statements of every request, built once: building costs more than running.
#: Not against those who only refer to the key: a new task does.
_LOCK_KEY = select(keys).where(keys.c.id == bindparam("key_id")).with_for_update(key_share=True)
_INSERT = insert(tasks).returning(tasks.c.number)
_NO_PREVIEW = delete(previews).where(previews.c.task_id == bindparam("of_task"))
_ENDED_OF = (
    select(tasks.c.number, tasks.c.key_id, tasks.c.model, tasks.c.state)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)), tasks.c.state.in_(_FINAL))
    .order_by(tasks.c.number)
    .with_for_update(skip_locked=True)  # another deletes it
)


class Change:
    """A transaction that changes tasks; what it counts is written at its end.

    A caller that changes several takes them by number.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.counts = Counts()

    def store(self, task: Task, *, max_pending: int, now: int) -> int:
        """Write a new PENDING task and reserve its pictures; return its number.

        Raises:
            InvalidKey: there is no such key, or it is revoked.
            QueueFull: the key has `max_pending` tasks waiting.
            QuotaExhausted: the key may not have that many pictures more.
        """
        key = self.connection.execute(_LOCK_KEY, {"key_id": task.key_id}).first()
        check_quota(key, n=task.n, now=now)
        assert key is not None
        if key.pending >= max_pending:
            raise QueueFull(f"The key has {key.pending} tasks waiting, at most {max_pending} may.")
        row = task_row(task) | {"state": State.PENDING.value}
        number = self.connection.execute(_INSERT, row).scalar_one()
        self.counts.task(task.key_id, task.pool, pending=1, reserved=task.n)
        self.counts.tally(task.key_id, task.model, State.PENDING, 1)
        return int(number)

    def move(
        self,
        source: State,
        target: State,
        which: ColumnElement[bool],
        values: Mapping[str, Any],
        *,
        successes: int = 0,
    ) -> Row[Any] | None:
        """Take the one task that `which` names from a state to another, and count it.

        Args:
            which: true of one task at most; the state is checked here.
            values: columns that are written too.
            successes: how many pictures are there, out of the task's n.

        Returns:
            The row as it is now, None where there is no such task in state `source`.
        """
        if target is State.RUNNING:  # only here, and with a fence that no one has yet
            values = {**values, "fence": tasks.c.fence + 1, "tries": tasks.c.tries + 1}
        row = self.connection.execute(
            update(tasks)
            .where(which, tasks.c.state == source.value)
            .values(state=target.value, **values)
            .returning(*tasks.c)
        ).one_or_none()
        if row is None:
            return None
        if source is State.RUNNING:
            self.connection.execute(_NO_PREVIEW, {"of_task": row.id})
        self.counts.task(
            row.key_id,
            row.pool,
            pending=(target is State.PENDING) - (source is State.PENDING),
            running=(target is State.RUNNING) - (source is State.RUNNING),
            reserved=-row.n if target in FINAL else 0,
            used=successes,
        )
        self.counts.tally(row.key_id, row.model, source, -1)
        self.counts.tally(row.key_id, row.model, target, 1)
        if target in FINAL:
            seconds = sum(row.seconds.values())
            painter = row.painter or row.engine
            self.counts.total(row.key_id, painter, row.state, pictures=successes, seconds=seconds)
        self.counts.signals.append(change_of(row.id))
        return row

    def reroute(self, row: Row[Any], engine: str, pool: str) -> bool:
        """Have another engine paint the task of this row; False where it waits there no longer."""
        which = and_(
            tasks.c.number == row.number,
            tasks.c.pool == row.pool,
            tasks.c.state == State.PENDING.value,
        )
        sent = update(tasks).where(which).values(engine=engine, pool=pool)
        if self.connection.execute(sent).rowcount != 1:
            return False
        self.counts.task(row.key_id, row.pool, pending=-1)
        self.counts.task(row.key_id, pool, pending=1)
        return True

    def requeue(self, which: ColumnElement[bool], tries: int, failure: Failure, now: int) -> bool:
        """Let a running task be tried again, or fail where it has been tried often enough."""
        if tries < MAX_TRIES:
            return self.move(State.RUNNING, State.PENDING, which, unleased()) is not None
        return self.move(State.RUNNING, State.FAILED, which, failed(failure, now)) is not None

    def forget(self, ids: list[str]) -> None:
        """Delete ended tasks; what `totals` and the quota have of them stays."""
        gone = self.connection.execute(_ENDED_OF, {"ids": ids}).all()
        self.connection.execute(delete(tasks).where(tasks.c.number.in_([r.number for r in gone])))
        for row in gone:
            self.counts.tally(row.key_id, row.model, row.state, -1)


@contextmanager
def changing(database: Database) -> Iterator[Change]:
    """A transaction that changes tasks, whole or not at all; who waits for them is told after it.

    Raises as `Database.write`.
    """
    with database.write() as connection:
        change = Change(connection)
        yield change
        change.counts.write(connection)
    if change.counts.signals:
        database.signals.tell(change.counts.signals)


def check_quota(key: Row[Any] | None, *, n: int, now: int) -> None:
    """Raise InvalidKey or QuotaExhausted unless the key of this row may have n pictures more."""
    if key is None or key.revoked_ms is not None:
        raise InvalidKey
    if key.max_days is not None and now >= key.created_ms + key.max_days * DAY_MS:
        raise QuotaExhausted(f"The {key.max_days} days of the key are over.")
    if key.max_images is None:
        return
    left = max(0, key.max_images - key.used - key.reserved)
    if n > left:
        raise QuotaExhausted(
            f"The key has {left} of {key.max_images} pictures left, {n} asked for."
        )


def hold(task: Task) -> ColumnElement[bool]:
    """Names the task only while the worker that claimed it, as it is in hand, holds it."""
    return and_(
        tasks.c.id == task.id,
        tasks.c.fence == task.fence,
        tasks.c.worker == task.worker,
        tasks.c.state == State.RUNNING.value,
    )


def unleased() -> dict[str, Any]:
    """What is written when a task goes back to the queue."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("started_ms", "leased_ms", "lease_until_ms", "progress")
    )
    return nothing | {"worker": ""}


def ended(now: int) -> dict[str, Any]:
    """What is written when a task ends; its worker stays, for the record."""
    return {"ended_ms": now, "leased_ms": None, "lease_until_ms": None, "progress": None}


def failed(failure: Failure, now: int) -> dict[str, Any]:
    """What is written when a task fails as a whole."""
    return ended(now) | {"failure": asdict(failure)}
