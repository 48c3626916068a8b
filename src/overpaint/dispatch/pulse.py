"""A worker's sign of life: its place on the roll, the lease of its task, and how far the work is.

It comes from a thread of its own, so that it goes on while the worker is deep in an engine.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from overpaint.dispatch.painting import LeaseLost, about
from overpaint.dispatch.preview import draw_preview
from overpaint.errors import OverpaintError
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Progress, State, Task
from overpaint.values import Step

logger = logging.getLogger("overpaint.worker")

_PROGRESS_S = 1.0  # progress is written at most this often


class Hold:
    """A task in hand, as the worker and its pulse see it."""

    def __init__(self, task: Task, seconds: float) -> None:
        self.task = task
        self.lost = False  # another has it, or nobody
        self.progress: Progress | None = None
        self.told: Progress | None = None
        self.latest: Step | None = None  # that had a preview
        self.drawn: Step | None = None  # whose preview was written
        self.previews = 0
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Count the time of the try from now on."""
        self.began = time.monotonic()
        self.ends = self.began + self._seconds

    @property
    def news(self) -> bool:
        """Whether there is something to be told."""
        return self.progress != self.told or self.latest is not self.drawn

    def step(self, step: Step) -> None:
        """Note how far the work is; an `on_step`. Raises `LeaseLost` to end work for nobody."""
        self.progress = Progress(stage=step.stage, done=step.done, total=step.total)
        if step.preview is not None and step.box is not None:
            self.latest = step
        if self.lost:
            raise LeaseLost


class Pulse:
    """Beats for one worker until it is stopped.

    Args:
        store: where signs of life are written.
        worker: the worker's id.
        lease_s: how long a task stays the worker's without a sign of life; there is one four
            times in it.
        task_s: how long one try may take.
        overdue: called, in the pulse's thread, with a task that takes longer than that.
        on_roll: whether the worker has a place on the roll; a hand of a process has none.
        figures: what the process counts, to be told with its place.
    """

    def __init__(
        self,
        store: TaskStore,
        worker: str,
        *,
        lease_s: float,
        task_s: float,
        overdue: Callable[[Task], None],
        on_roll: bool = True,
        figures: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._store, self._worker, self._on_roll = store, worker, on_roll
        self._figures = figures
        self._lease_ms = int(lease_s * 1000)
        self._every_s = lease_s / 4
        self._task_s = task_s
        self._overdue = overdue
        self._hold: Hold | None = None
        self._last = 0.0  # when the whole was written
        self._heard = True  # whether it was, the last time; what fails every second is said once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Beat for the first time, and begin."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; a beat under way ends first."""
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def hold(self, task: Task) -> Iterator[Hold]:
        """Keep the lease of a task that was just claimed."""
        hold = Hold(task, self._task_s)
        self._hold = hold  # no sign for the roll: tasks may come faster than beats
        try:
            yield hold
        finally:
            self._hold = None

    def _run(self) -> None:
        while not self._stopped.wait(min(self._every_s, _PROGRESS_S)):
            hold = self._hold
            now = time.monotonic()
            if hold is not None and now >= hold.ends:
                self._overdue(hold.task)
                return
            whole = now - self._last >= self._every_s
            if whole or hold is not None:
                self._beat(hold, whole=whole)

    def _beat(self, hold: Hold | None = None, *, whole: bool = True) -> None:
        self._last = time.monotonic() if whole else self._last
        try:
            if hold is not None:
                self._keep(hold, whole=whole)
            if whole and self._on_roll:
                task_id = None if hold is None else hold.task.id
                self._store.beat(
                    self._worker, pid=os.getpid(), task_id=task_id, figures=self._figures()
                )
        except OverpaintError as error:  # the disk is full, say: the next beat may come through
            self._last -= max(0.0, self._every_s - _PROGRESS_S)  # and comes soon
            if self._heard:
                logger.warning("no sign of life given", extra={"reason": str(error)})
            self._heard = False
        except Exception:  # a worker without a pulse would lose every task
            logger.exception("no sign of life given")
        else:
            self._heard = True

    def _keep(self, hold: Hold, *, whole: bool) -> None:
        if hold.lost:
            return
        # A look costs no writing; it is there so that a canceled task is soon noticed.
        held = self._tell(hold) if whole or hold.news else self._store.is_held(hold.task)
        if held or self._hold is not hold:  # the latter: it has just ended
            return
        hold.lost = True
        now = self._store.get(hold.task.id)
        if now is not None and now.state is State.CANCELED:
            logger.info("canceled", extra=about(hold.task))
        else:
            logger.warning("lease lost", extra=about(hold.task))

    def _tell(self, hold: Hold) -> bool:
        progress, latest = hold.progress, hold.latest
        preview = None
        if latest is not None and latest is not hold.drawn:
            preview = draw_preview(latest, serial=hold.previews + 1)
        held = self._store.heartbeat(
            hold.task, lease_ms=self._lease_ms, progress=progress, preview=preview
        )
        hold.told, hold.drawn = progress, latest
        hold.previews += preview is not None
        return held
