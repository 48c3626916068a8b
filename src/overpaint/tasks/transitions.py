"""The changes of a task's state, each with everything that is counted along with it.

Every function runs in a transaction of the caller's; nothing else writes a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from overpaint.errors import InvalidKey, QueueFull, QuotaExhausted
from overpaint.tasks.database import insert_or_add
from overpaint.tasks.rows import task_row
from overpaint.tasks.schema import keys, previews, queues, tallies, tasks, totals
from overpaint.tasks.task import FINAL, MAX_TRIES, Failure, State, Task

DAY_MS = 24 * 3600 * 1000
_COUNTERS = ("pending", "running", "reserved", "used")

# Statements of every request, built once: building costs more than running.
_LOCK_KEY = select(keys).where(keys.c.id == bindparam("key_id")).with_for_update()
_INSERT = insert(tasks).returning(tasks.c.number)
_COUNT = (
    update(keys)
    .where(keys.c.id == bindparam("key_id"))
    .values({name: keys.c[name] + bindparam(f"more_{name}") for name in _COUNTERS})
)
_QUEUE = (
    update(queues)
    .where(queues.c.pool == bindparam("of_pool"), queues.c.key_id == bindparam("of_key"))
    .values(
        pending=queues.c.pending + bindparam("more_pending"),
        running=queues.c.running + bindparam("more_running"),
    )
)
#: The same, of a claim: the key has had its turn.
_QUEUE_TURN = _QUEUE.values(
    served=select(func.max(queues.c.served) + 1)
    .where(queues.c.pool == bindparam("of_pool"))
    .scalar_subquery()
)
_NO_PREVIEW = delete(previews).where(previews.c.task_id == bindparam("of_task"))
_TALLY_LESS = (
    update(tallies)
    .where(
        tallies.c.key_id == bindparam("of_key"),
        tallies.c.model == bindparam("of_model"),
        tallies.c.state == bindparam("of_state"),
    )
    .values(count=tallies.c.count - bindparam("less"))
)


def store(connection: Connection, task: Task, *, max_pending: int, now: int) -> int:
    """Write a new PENDING task and reserve its pictures; return its number.

    Raises:
        InvalidKey: there is no such key, or it is revoked.
        QueueFull: the key has `max_pending` tasks waiting.
        QuotaExhausted: the key may not have that many pictures more.
    """
    key = connection.execute(_LOCK_KEY, {"key_id": task.key_id}).first()
    check_quota(key, n=task.n, now=now)
    assert key is not None
    if key.pending >= max_pending:
        raise QueueFull(f"The key has {key.pending} tasks waiting, at most {max_pending} may.")
    row = task_row(task) | {"state": State.PENDING.value}
    number = connection.execute(_INSERT, row).scalar_one()
    _count(connection, task.key_id, pending=1, reserved=task.n)
    _enqueue(connection, task.pool, task.key_id)
    _tally(connection, task.key_id, task.model, State.PENDING, 1)
    return int(number)


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


def move(
    connection: Connection,
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
    row = connection.execute(
        update(tasks)
        .where(which, tasks.c.state == source.value)
        .values(state=target.value, **values)
        .returning(*tasks.c)
    ).one_or_none()
    if row is None:
        return None
    if source is State.RUNNING:
        connection.execute(_NO_PREVIEW, {"of_task": row.id})
    pending = (target is State.PENDING) - (source is State.PENDING)
    running = (target is State.RUNNING) - (source is State.RUNNING)
    reserved = -row.n if target in FINAL else 0
    _count(
        connection, row.key_id, pending=pending, running=running, reserved=reserved, used=successes
    )
    _queue(connection, row.pool, row.key_id, pending, running)
    _tally(connection, row.key_id, row.model, source, -1)
    _tally(connection, row.key_id, row.model, target, 1)
    if target in FINAL:
        _total(connection, row, successes)
    return row


def reroute(connection: Connection, row: Row[Any], engine: str, pool: str) -> bool:
    """Have another engine paint the task of this row; False where it waits there no longer."""
    which = and_(
        tasks.c.number == row.number,
        tasks.c.pool == row.pool,
        tasks.c.state == State.PENDING.value,
    )
    sent = connection.execute(update(tasks).where(which).values(engine=engine, pool=pool))
    if sent.rowcount != 1:
        return False
    _queue(connection, row.pool, row.key_id, -1, 0)
    _enqueue(connection, pool, row.key_id)
    return True


def hold(task: Task) -> ColumnElement[bool]:
    """Names the task only while the worker that claimed it, as it is in hand, holds it."""
    return and_(
        tasks.c.id == task.id,
        tasks.c.fence == task.fence,
        tasks.c.worker == task.worker,
        tasks.c.state == State.RUNNING.value,
    )


def requeue(
    connection: Connection, which: ColumnElement[bool], tries: int, failure: Failure, now: int
) -> bool:
    """Let a running task be tried again, or fail where it has been tried often enough."""
    if tries < MAX_TRIES:
        return move(connection, State.RUNNING, State.PENDING, which, unleased()) is not None
    return move(connection, State.RUNNING, State.FAILED, which, failed(failure, now)) is not None


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


def forget(connection: Connection, ids: list[str]) -> None:
    """Delete ended tasks; what `totals` and the quota have of them stays."""
    final = [state.value for state in FINAL]
    gone = connection.execute(
        tasks.delete()
        .where(tasks.c.id.in_(ids), tasks.c.state.in_(final))
        .returning(tasks.c.key_id, tasks.c.model, tasks.c.state)
    ).all()
    counts: dict[tuple[str, str, str], int] = {}
    for row in gone:
        counts[tuple(row)] = counts.get(tuple(row), 0) + 1
    for (key_id, model, state), count in counts.items():
        _tally(connection, key_id, model, State(state), -count)


def _count(connection: Connection, key_id: str, **more: int) -> None:
    """Add to the counters of a key."""
    added = {f"more_{name}": more.get(name, 0) for name in _COUNTERS}
    connection.execute(_COUNT, {"key_id": key_id, **added})


def _enqueue(connection: Connection, pool: str, key_id: str) -> None:
    """Count one more waiting task of a key, which may be new in the pool."""
    row = {"pool": pool, "key_id": key_id}
    insert_or_add(connection, queues, row, {"pending": 1, "running": 0, "served": 0})


def _queue(connection: Connection, pool: str, key_id: str, pending: int, running: int) -> None:
    change = _QUEUE_TURN if running > 0 else _QUEUE
    more = {"more_pending": pending, "more_running": running}
    connection.execute(change, {"of_pool": pool, "of_key": key_id, **more})


def _tally(connection: Connection, key_id: str, model: str, state: State, change: int) -> None:
    if change > 0:
        row = {"key_id": key_id, "model": model, "state": state.value}
        insert_or_add(connection, tallies, row, {"count": change})
        return
    less = {"of_key": key_id, "of_model": model, "of_state": state.value, "less": -change}
    connection.execute(_TALLY_LESS, less)


def _total(connection: Connection, row: Row[Any], successes: int) -> None:
    insert_or_add(
        connection,
        totals,
        {"engine": row.painter or row.engine, "outcome": row.state},
        {"tasks": 1, "pictures": successes, "seconds": sum(row.seconds.values())},
    )
