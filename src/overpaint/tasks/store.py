"""The tasks in the database: what is told of a task, and who may tell it.

The operations that change a task are methods here, those that only look are in `reading.py`
and `listing.py`; `transitions.py` has the states. A method is one transaction, and any thread may
call it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, or_, select, update

from overpaint.errors import NotPending, UnknownTask
from overpaint.tasks import transitions
from overpaint.tasks.database import Database, insert_or_replace
from overpaint.tasks.listing import TaskLister
from overpaint.tasks.pools import TaskPools
from overpaint.tasks.reading import TaskReader
from overpaint.tasks.rows import plain, task_of, waiting_of
from overpaint.tasks.schema import QUEUED, RUNNING, keys, previews, queues, tasks
from overpaint.tasks.signals import Signals
from overpaint.tasks.task import FINAL, Failure, PictureOutcome, Preview, Progress, State, Task
from overpaint.tasks.transitions import Change, changing
from overpaint.tasks.watching import TaskWatcher
from overpaint.tasks.workers import WorkerRoll

_CLOCK_SLACK_MS = 10 * 60 * 1000  # a lease taken this far ahead: the clock has gone back

_MAY_RUN = or_(keys.c.max_running.is_(None), keys.c.running < keys.c.max_running)
#: Whose turn it is: of the keys that have a task waiting and may run one more.
#: Those that may not are few: each of them has as many running as its plan allows.
_NEXT_KEY = (
    select(queues.c.key_id)
    .join(keys, keys.c.id == queues.c.key_id)
    .where(
        QUEUED,
        queues.c.pool == bindparam("of_pool"),
        _MAY_RUN,
    )
    .order_by(queues.c.running, queues.c.served)
    .limit(1)
)
#: The same, but for keys that were tried.
_OTHER_KEY = _NEXT_KEY.where(queues.c.key_id.not_in(bindparam("tried", expanding=True)))
#: The key's row, which guards its queues as well: whoever changes one has changed the key before.
_NEXT_KEY_FREE = _NEXT_KEY.with_for_update(key_share=True, of=[keys], skip_locked=True)
_OTHER_KEY_FREE = _OTHER_KEY.with_for_update(key_share=True, of=[keys], skip_locked=True)
_THIS_KEY = (
    select(keys.c.id)
    .where(keys.c.id == bindparam("of_key"), _MAY_RUN)
    .with_for_update(key_share=True)
)
_NEXT_TASK = (
    waiting_of(bindparam("of_pool"), bindparam("of_key"))
    .limit(1)
    .with_for_update(skip_locked=True)  # whoever holds it has it end, or go elsewhere
)
_RUNNING = select(tasks.c.number, tasks.c.tries).where(RUNNING)
_OUT_OF_LEASE = _RUNNING.where(
    or_(tasks.c.lease_until_ms < bindparam("now"), tasks.c.leased_ms > bindparam("too_far"))
)
_BY_NUMBER = tasks.c.number + 0  # a sum, so that no index of all tasks is gone through for it
_LAPSED = Failure(
    kind="InternalError", message="The worker that painted this task stopped, time after time."
)

_ENDED = "Failed to cancel the task, it has ended already."


class TaskStore(TaskReader, TaskLister, TaskWatcher, TaskPools, WorkerRoll):
    """The tasks of every key.

    Args:
        database: what `open_database` gave.
        clock: milliseconds since 1970; it may jump. Without one, the database's.
        node: where the workers run that give signs of life through it.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], int] | None = None, node: str = ""
    ) -> None:
        self._database = database
        self._clock = clock or database.now_ms
        self._node = node

    def insert(self, task: Task, *, max_pending: int) -> Task:
        """Store a new task as PENDING and reserve its n pictures of the key's quota.

        Raises:
            InvalidKey: there is no such key, or it is revoked.
            QueueFull: the key has `max_pending` tasks waiting.
            QuotaExhausted: the key may not have n pictures more.
        """
        with changing(self._database) as change:
            number = change.store(task, max_pending=max_pending, now=self._clock())
        return replace(task, number=number, state=State.PENDING)

    def claim(self, worker: str, *, lease_ms: int, pool: str = "") -> Task | None:
        """Take the next task of a pool for `worker`, None where there is none to take.

        The key with the fewest tasks running in the pool goes first, then the one least recently
        served there; of a key, the task that came first. Tasks whose lease has lapsed, of
        whatever pool, are taken back before.
        """
        tried: list[str] = []
        with self._database.glance() as connection:  # idle workers leave the writers alone
            lapsed = self._out_of_lease(connection, _OUT_OF_LEASE.limit(1))
            key_id = self._next_key(connection, pool, tried)
        if lapsed and self.lapse():
            key_id = self._look(pool, tried)
        while key_id is not None:
            row = self._take(worker, pool, key_id, tried, lease_ms)
            if row is not None:
                return task_of(row)
            key_id = self._look(pool, tried)
        return None

    def _look(self, pool: str, tried: Sequence[str]) -> str | None:
        with self._database.glance() as connection:
            return self._next_key(connection, pool, tried)

    def _take(
        self, worker: str, pool: str, key_id: str, tried: list[str], lease_ms: int
    ) -> Row[Any] | None:
        """Take a task of the key whose turn it is; None: the key looked at has none any more.

        Keys that others take tasks of just now are passed over, unless there is no other: then
        theirs is waited for. Nobody waits here who holds a row, or holds one that another who
        waits for a key may have.
        """
        with changing(self._database) as change:
            found = self._next_key(change.connection, pool, tried, skip_locked=True)
            if found is None:
                found = change.connection.scalar(_THIS_KEY, {"of_key": key_id})
            tried.append(found or key_id)
            here = {"of_pool": pool, "of_key": found}
            number = change.connection.scalar(_NEXT_TASK, here)
            leased = {"worker": worker, "started_ms": self._clock(), **self._lease(lease_ms)}
            return change.move(State.PENDING, State.RUNNING, tasks.c.number == number, leased)

    @staticmethod
    def _next_key(
        connection: Connection, pool: str, tried: Sequence[str], *, skip_locked: bool = False
    ) -> str | None:
        anyone, free = (_OTHER_KEY, _OTHER_KEY_FREE) if tried else (_NEXT_KEY, _NEXT_KEY_FREE)
        here = {"of_pool": pool} | ({"tried": tried} if tried else {})
        return connection.scalar(free if skip_locked else anyone, here)

    @property
    def signals(self) -> Signals:
        """What tells those who wait that there is a task to take, or that one has changed."""
        return self._database.signals

    def heartbeat(
        self,
        task: Task,
        *,
        lease_ms: int,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> bool:
        """Lengthen the lease and say how far the work is; False: the task is no longer held.

        Args:
            task: as it was claimed.
            lease_ms: how long it stays the worker's from now on.
            progress: where the work stands; None: as it was told before.
            preview: how it looks; None likewise. It is forgotten when the try ends.
        """
        values = self._lease(lease_ms)
        if progress is not None:
            values["progress"] = asdict(progress)
        with self._database.write() as connection:
            held = update(tasks).where(transitions.hold(task)).values(values)
            if connection.execute(held).rowcount != 1:
                return False
            if preview is not None:
                row = {"fence": task.fence, "serial": preview.serial, "jpeg": preview.jpeg}
                row["box"] = asdict(preview.box)
                insert_or_replace(connection, previews, {"task_id": task.id}, row)
        return True

    def is_held(self, task: Task) -> bool:
        """Whether a task is still the worker's that claimed it; it costs no writing."""
        with self._database.glance() as connection:
            held = select(tasks.c.number).where(transitions.hold(task))
            return connection.scalar(held) is not None

    def finish(
        self,
        task: Task,
        pictures: Sequence[PictureOutcome],
        *,
        failure: Failure | None = None,
        notes: Sequence[str] = (),
        painter: str = "",
        seconds: Mapping[str, float] | None = None,
    ) -> bool:
        """End a task: SUCCEEDED where a picture has a blob, else FAILED; the quota is settled.

        Args:
            pictures: what became of each of the n.
            failure: why there is no picture; without it, the first failure of a picture.
            seconds: stage -> wall time of stages that do not overlap.

        Returns:
            False where the task is no longer held: then nothing is written.
        """
        successes = sum(picture.blob is not None for picture in pictures)
        if successes > task.n:
            raise ValueError(f"{successes} pictures for a task of {task.n}")
        values = {
            "pictures": [asdict(picture) for picture in pictures],
            "notes": list(notes),
            "painter": painter,
            "seconds": dict(seconds or {}),
        }
        now = self._clock()
        if successes:
            target, values = State.SUCCEEDED, values | transitions.ended(now)
        else:
            first = next((picture.failure for picture in pictures if picture.failure), None)
            cause = (
                failure or first or Failure(kind="InternalError", message="Nothing was painted.")
            )
            target, values = State.FAILED, values | transitions.failed(cause, now)
        with changing(self._database) as change:
            which = transitions.hold(task)
            row = change.move(State.RUNNING, target, which, values, successes=successes)
        return row is not None

    def retry(self, task: Task, failure: Failure) -> bool:
        """Have a task tried again, or fail with `failure` when it was its last try.

        False where it is no longer held.
        """
        with changing(self._database) as change:
            return change.requeue(transitions.hold(task), task.tries, failure, self._clock())

    def give_back(self, task: Task) -> bool:
        """Put a task back in the queue as if it had not been tried; False: no longer held."""
        values = transitions.unleased() | {"tries": tasks.c.tries - 1}
        with changing(self._database) as change:
            row = change.move(State.RUNNING, State.PENDING, transitions.hold(task), values)
        return row is not None

    def release_worker(self, worker: str) -> int:
        """Take back, as lapsed, what a worker held that is known to be dead; return how many.

        So is what its hands held: the hands of ID are called ID.0, ID.1, ...
        """
        hands = tasks.c.worker.startswith(f"{worker}.", autoescape=True)
        held = _RUNNING.where(or_(tasks.c.worker == worker, hands))
        with changing(self._database) as change:
            rows = change.connection.execute(held.order_by(_BY_NUMBER).with_for_update()).all()
            return self._take_back(change, rows)

    def lapse(self) -> int:
        """Take back the tasks whose lease has run out; return how many.

        A lease that was taken more than ten minutes from now, the clock having gone back, has run
        out too.
        """
        free = _OUT_OF_LEASE.with_for_update(skip_locked=True)  # others do it, or it lives
        with changing(self._database) as change:
            return self._take_back(change, self._out_of_lease(change.connection, free))

    def cancel(self, task_id: str, key_id: str, *, running: bool = False) -> Task:
        """Cancel a task that waits, and refund it; with `running`, one that is painted as well.

        Its worker finds that it holds the task no longer, and nothing it writes is taken.

        Raises:
            UnknownTask: the key has no such task.
            NotPending: it runs already, unless that is meant too, or it has ended.
        """
        which = (tasks.c.id == plain(task_id)) & (tasks.c.key_id == key_id)
        with changing(self._database) as change:
            values = transitions.ended(self._clock())
            row = change.move(State.PENDING, State.CANCELED, which, values)
            if row is None and running:
                row = change.move(State.RUNNING, State.CANCELED, which, values)
            if row is None:
                state = change.connection.scalar(select(tasks.c.state).where(which))
                if state is None:
                    raise UnknownTask
                raise NotPending(_ENDED if running and state in FINAL else None)
        return task_of(row)

    def delete(self, ids: Iterable[str]) -> None:
        """Delete tasks that have ended; others stay, and unknown ones are no error."""
        rest = iter(ids)
        while some := list(islice(rest, 500)):
            with changing(self._database) as change:
                change.forget(some)

    def _lease(self, lease_ms: int) -> dict[str, object]:
        now = self._clock()
        return {"leased_ms": now, "lease_until_ms": now + lease_ms}

    def _out_of_lease(self, connection: Connection, found: Select[Any]) -> Sequence[Any]:
        now = self._clock()
        times = {"now": now, "too_far": now + _CLOCK_SLACK_MS}
        return connection.execute(found, times).all()

    def _take_back(self, change: Change, rows: Iterable[Any]) -> int:
        count = 0
        for row in rows:
            which = tasks.c.number == row.number
            count += change.requeue(which, row.tries, _LAPSED, self._clock())
        return count
