"""What a worker does: claims tasks, paints them, stores what came out.

Its process can end at any moment (kill -9, no power) without a task being lost or painted into two
results: what is written of a task is written under the fence of its claim, and a lease that nobody
keeps lapses. A full disk or a database that does not answer is waited for.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import threading
import time
from collections.abc import Callable

from overpaint import tracing
from overpaint.dispatch.figures import Figures
from overpaint.dispatch.files import ResultFiles
from overpaint.dispatch.painting import (
    FINAL,
    UNFORESEEN,
    LeaseLost,
    Painted,
    about,
    failure_of,
    paint,
    report,
)
from overpaint.dispatch.patience import PATIENCE_S, TROUBLE, Patience, pause_s
from overpaint.dispatch.pulse import Hold, Pulse
from overpaint.dispatch.spans import span_of, tell_failed, tell_painted
from overpaint.errors import OverpaintError, StorageFull
from overpaint.imaging.source import LengthChecked
from overpaint.policy import Policy
from overpaint.storage.blobs import Blobs
from overpaint.tasks.pools import ORDINARY
from overpaint.tasks.signals import ANY_POOL, work_in
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Failure, Task

logger = logging.getLogger("overpaint.worker")

_POLL_S = 0.05  # between two looks for a task, while there was one lately
_IDLE_POLL_S = 0.1
_IDLE_LOOKS = 100  # in vain, until there was none lately
#: Where the store tells of tasks; leases that have run out are seen then, too.
_TOLD_POLL_S = (5.0, 10.0)


class Worker:
    """Works on one task at a time.

    Args:
        store: of the tasks.
        blobs: of the pictures.
        policy: looks at the results.
        worker_id: unlike that of any process before.
        lease_s: see `Pulse`.
        task_s: see `Pulse`; the process ends when a try takes longer.
        patience_s: how long a store that does not answer is waited for with a task in hand.
        pool: whose tasks it takes.
        on_roll: whether it is a process, which has a place on the roll of workers.
        figures: of the process, where it counts; by default its own.
    """

    def __init__(
        self,
        store: TaskStore,
        blobs: Blobs,
        policy: Policy,
        *,
        worker_id: str,
        lease_s: float,
        task_s: float,
        patience_s: float = PATIENCE_S,
        pool: str = ORDINARY,
        on_roll: bool = True,
        figures: Figures | None = None,
    ) -> None:
        self.figures = Figures() if figures is None else figures
        self.id, self.pool = worker_id, pool
        self._store, self._blobs, self._policy = store, blobs, policy
        self._files = ResultFiles(store, blobs)
        self._lease_ms = int(lease_s * 1000)
        self._task_s = task_s
        self._stopping = threading.Event()
        self._patience = Patience(patience_s, self._stopping, self.figures)
        self._news = threading.Event()  # there may be a task, or an end
        self._resting = threading.Event()
        self._resting.set()
        self._task: Task | None = None
        self._troubles = 0  # with the stores, in a row
        self._pulse = Pulse(
            store,
            worker_id,
            lease_s=lease_s,
            task_s=task_s,
            overdue=self._overdue,
            on_roll=on_roll,
            figures=self.figures.read,
        )

    def serve(self) -> None:
        """Work until `stop` is called from another thread."""
        self._pulse.start()
        deaf = self._hear()
        looks = 0
        while not self._stopping.is_set():
            worked = self._turn()
            looks = 0 if worked else looks + 1
            if not worked:
                self._pause(looks)
        deaf()
        self._pulse.stop()

    def _hear(self) -> Callable[[], None]:
        """Be told of tasks, where the store tells; returns what ends it."""
        ours = (work_in(self.pool), ANY_POOL)
        return self._store.signals.listen(lambda signal: signal in ours, self._news.set)

    def _pause(self, looks: int) -> None:
        """Wait after so many looks in vain, in a row, for a task."""
        if self._troubles:
            self._stopping.wait(pause_s(self._troubles))
        elif self._store.signals.heard:
            if not self._stopping.is_set():  # else its news have been cleared
                self._news.wait(random.uniform(*_TOLD_POLL_S))
        else:
            self._stopping.wait(_POLL_S if looks < _IDLE_LOOKS else _IDLE_POLL_S)

    def stop(self, grace_s: float) -> bool:
        """Take no more tasks, wait for the one in hand, and give it back if it takes too long.

        Returns:
            Whether the worker is at rest; else it is still at what nobody waits for any more.
        """
        self.take_no_more()
        if self._resting.wait(grace_s):
            return True
        task = self._task
        if task is not None:
            with contextlib.suppress(OverpaintError):  # then it lapses
                if self._give_back(task):
                    logger.info("given back", extra=about(task))
        return False

    def take_no_more(self) -> None:
        """Have `serve` return after the task in hand; waits for nothing."""
        self._stopping.set()
        self._news.set()

    def work(self) -> bool:
        """Claim a task and work on it; False where none waits.

        Raises `StoreFailed` or `StorageFull` when that lasts; the task, if any, is tried again.
        """
        task = self._claim()
        if task is None:
            return False
        self._work_on(task)
        return True

    def _claim(self) -> Task | None:
        self._news.clear()  # before the look: what comes during it has another follow
        return self._store.claim(self.id, lease_ms=self._lease_ms, pool=self.pool)

    def _give_back(self, task: Task) -> bool:
        self.figures.count("given_back")
        return self._store.give_back(task)

    def _work_on(self, task: Task) -> None:
        self._task = task
        self._stopwatch = self.figures.claimed(task)
        try:
            with span_of(task), self._pulse.hold(task) as hold:
                self._before(hold)
                self._try(hold)
        except LeaseLost:
            self.figures.count("lost")
            self._files.discard_own(task)
        finally:
            self._task = None

    def _before(self, hold: Hold) -> None:
        """Before a try, with its task in hand; may raise `LeaseLost`."""

    def _turn(self) -> bool:
        self._resting.clear()
        try:
            if self._stopping.is_set():  # looked at again: `stop` may have found us at rest
                return False
            worked = self.work()
            self._troubles = 0
            return worked
        except TROUBLE as error:
            self._trouble(error)
            return False
        finally:
            self._resting.set()

    def _trouble(self, error: OverpaintError) -> None:
        self._troubles += 1
        self.figures.count("troubles")
        logger.warning("waiting for the stores", extra={"reason": str(error)})

    def _try(self, hold: Hold) -> None:
        task = hold.task
        try:
            with tracing.span("inputs"):
                inputs = self._patience.until_done(hold, lambda: self._inputs(task))
            logger.info("painting", extra=about(task))
            painted = paint(task, inputs, self._policy, on_step=hold.step)
        except FINAL as error:
            self._fail(hold, failure_of(error))
        except TROUBLE as error:  # with the inputs
            if self._stopping.is_set():
                self._patience.until_done(hold, lambda: self._give_back(task))
                raise
            self._again(hold, error)
        except UNFORESEEN as error:
            if hold.lost:  # and the engine made something else of it
                raise LeaseLost from error
            self._again(hold, error)
        else:
            self._deliver(hold, painted)

    def _inputs(self, task: Task) -> dict[str, bytes]:
        """The pictures; how long a file may be was for the door to say that took it."""
        return {name: LengthChecked(self._blobs.get(ref)) for name, ref in task.inputs.items()}

    def _again(self, hold: Hold, error: BaseException) -> None:
        """Have the task tried again; after its last try it fails."""
        task, failure = hold.task, failure_of(error)
        report("painting failed", error, task)
        tell_failed(failure, "retry")
        if self._patience.until_done(hold, lambda: self._store.retry(task, failure)):
            self._stopwatch.retried(failure)

    def _fail(self, hold: Hold, failure: Failure) -> None:
        task = hold.task
        tell_failed(failure, "failed")
        finish = functools.partial(self._store.finish, task, (), failure=failure, notes=task.notes)
        if self._patience.until_done(hold, finish):
            logger.info("failed", extra={**about(task), "kind": failure.kind})
            self._stopwatch.ended(failure)
            self._files.discard_old(task)

    def _deliver(self, hold: Hold, painted: Painted) -> None:
        """Store the files, then end the task; between the two nobody sees the files."""
        task = hold.task
        try:
            done = self._patience.until_done(hold, lambda: self._store_or_nothing(task, painted))
        except TROUBLE:
            # Once it is given back it cannot end any more by what we wrote; before, that may
            # still be under way in the database, and the task would have lost its pictures.
            if self._patience.until_done(hold, lambda: self._give_back(task)):
                self._files.discard_own(task)
            raise
        if not done:
            raise LeaseLost
        pictures = sum(isinstance(file, bytes) for file in painted.files.values())
        spent = round(time.monotonic() - hold.began, 3)
        tell_painted(painted.painter, pictures)
        self._stopwatch.ended(None if pictures else painted.failure)
        what = {"engine": painted.painter, "pictures": pictures, "seconds": spent}
        logger.info("painted", extra={**about(task), **what})
        self._files.discard_old(task)

    def _store_or_nothing(self, task: Task, painted: Painted) -> bool:
        try:
            return self._store_all(task, painted)
        except StorageFull:
            self._files.discard_own(task)  # the little space that is left is for others
            raise

    def _store_all(self, task: Task, painted: Painted) -> bool:
        with tracing.span("store"):
            pictures = self._files.put(task, painted.files)
        with tracing.span("finish"):
            return self._store.finish(
                task,
                pictures,
                notes=tuple(dict.fromkeys((*task.notes, *painted.notes))),
                painter=painted.painter,
                seconds=painted.seconds,
            )

    def _overdue(self, task: Task) -> None:
        """End the process: an engine that hangs cannot be ended otherwise."""
        logger.error("overdue", extra=about(task))
        message = f"The pictures were not painted within {self._task_s:g} s."
        with contextlib.suppress(OverpaintError):
            self._store.retry(task, Failure(kind="EngineFailed", message=message))
        self._leave_others()
        tracing.close()
        os._exit(1)

    def _leave_others(self) -> None:
        """Before the process ends: what else is at work in it."""
