"""Many hands of one process, so that an engine that paints several tasks at once is given them.

Each hand is a worker in a thread of its own, with its own claim, lease and fence; in the engine
they meet. One hand at a time looks for a task, so an idle process asks as seldom as a worker does.

A task that was tried before is painted with no other at work: what brings the process down, or
hangs it, is found after one try of its neighbours, and costs them no second one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time

from overpaint.dispatch.figures import Figures
from overpaint.dispatch.painting import LeaseLost, about
from overpaint.dispatch.patience import TROUBLE
from overpaint.dispatch.pulse import Hold
from overpaint.dispatch.work import Worker
from overpaint.errors import OverpaintError
from overpaint.policy import Policy
from overpaint.storage.blobs import Blobs
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Failure, Task

logger = logging.getLogger("overpaint.worker")

MOST_HANDS = 16
_LOOK_S = 0.1  # between two looks whether the others are at rest
_STOPPED = Failure(kind="EngineFailed", message="The engine had to be stopped.")


def hands_for(batch: int) -> int:
    """How many hands an engine needs that paints `batch` jobs at once.

    Twice as many: while one half is painted the other is read, blended and written.
    """
    return min(MOST_HANDS, 2 * max(1, batch))


class Hands:
    """The hands of one process, called INSTANCE.0, INSTANCE.1, ...

    Args:
        store: of the tasks.
        blobs: of the pictures.
        policy: looks at the results.
        instance: the process; its place on the roll is another's business.
        pool: whose tasks they take.
        count: how many.
        lease_s: see `Pulse`.
        task_s: see `Pulse`; the process ends when a try takes longer.
        figures: of the process.
    """

    def __init__(
        self,
        store: TaskStore,
        blobs: Blobs,
        policy: Policy,
        *,
        instance: str,
        pool: str,
        count: int,
        lease_s: float,
        task_s: float,
        figures: Figures | None = None,
    ) -> None:
        counted = Figures() if figures is None else figures
        self.looking = threading.Lock()  # held by the hand that looks for a task
        self.looks = 0  # in vain, in a row
        self.all = [
            Hand(
                self,
                store,
                blobs,
                policy,
                worker_id=f"{instance}.{number}",
                lease_s=lease_s,
                task_s=task_s,
                pool=pool,
                figures=counted,
            )
            for number in range(count)
        ]

    def serve(self) -> None:
        """Work until `stop` is called from another thread."""
        threads = [threading.Thread(target=_serve, args=(one,), name=one.id) for one in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self, grace_s: float) -> bool:
        """As `Worker.stop`, of all hands together."""
        deadline = time.monotonic() + grace_s
        for hand in self.all:
            hand.take_no_more()
        at_rest = [hand.stop(max(0.0, deadline - time.monotonic())) for hand in self.all]
        return all(at_rest)

    def task_ids(self) -> list[str]:
        """The tasks in hand."""
        held = [hand.task for hand in self.all]
        return [task.id for task in held if task is not None]


class Hand(Worker):
    """One of the hands."""

    def __init__(
        self,
        hands: Hands,
        store: TaskStore,
        blobs: Blobs,
        policy: Policy,
        *,
        worker_id: str,
        lease_s: float,
        task_s: float,
        pool: str,
        figures: Figures,
    ) -> None:
        super().__init__(
            store,
            blobs,
            policy,
            worker_id=worker_id,
            lease_s=lease_s,
            task_s=task_s,
            pool=pool,
            on_roll=False,
            figures=figures,
        )
        self._hands = hands

    @property
    def task(self) -> Task | None:
        """What it works on."""
        return self._task

    def _turn(self) -> bool:
        """Look for a task when it is this hand's turn to, and work on it."""
        try:
            with self._hands.looking:
                task = self._look()
                if task is None:
                    self._resting.set()
                    self._hands.looks += 1
                    super()._pause(self._hands.looks)
                    return True
                self._hands.looks = 0
                if task.tries > 1:  # and none begins beside it
                    self._work_on(task)
                    return True
            self._work_on(task)
        except TROUBLE as error:
            self._trouble(error)
            super()._pause(0)
        finally:
            self._resting.set()
        return True

    def _look(self) -> Task | None:
        self._resting.clear()
        if self._stopping.is_set():  # looked at again: `stop` may have found us at rest
            return None
        try:
            task = self._claim()
        except TROUBLE as error:
            self._trouble(error)
            return None
        self._troubles = 0
        return task

    def _before(self, hold: Hold) -> None:
        """Where the task is to be painted alone, wait until the others are at rest."""
        if hold.task.tries == 1:
            return
        for other in self._hands.all:
            while other is not self and not other.rests(_LOOK_S):
                if self._stopping.is_set():
                    self._give_back(hold.task)
                    raise LeaseLost
                if hold.lost:
                    raise LeaseLost
        hold.begin()

    def rests(self, wait_s: float) -> bool:
        """Whether it has nothing in hand, within that time."""
        return self._resting.wait(wait_s)

    def _overdue(self, task: Task) -> None:
        for hand in self._hands.all:  # else one of them would claim again what goes back now
            hand.take_no_more()
        super()._overdue(task)

    def _leave_others(self) -> None:
        """The others' tasks go back: what has begun as tried, since any may be the cause."""
        for other in self._hands.all:
            task = other.task
            if other is self or task is None:
                continue
            with contextlib.suppress(OverpaintError):  # then they are taken back after our death
                if task.tries > 1:  # it waits to be painted alone
                    self._give_back(task)
                else:
                    self._store.retry(task, _STOPPED)
                logger.info("given back", extra=about(task))


def _serve(hand: Hand) -> None:
    """End the process where a hand dies: nobody would notice that it has one less."""
    try:
        hand.serve()
    except BaseException:
        logger.exception("ended by the unforeseen")
        os._exit(1)
