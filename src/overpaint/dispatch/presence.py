"""The place of a whole process on the roll of workers: that it is there, and how far it is."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from overpaint.errors import OverpaintError
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.worker")

#: What a process of an engine is at.
LOADING, READY, FAILED = "loading", "ready", "failed"
#: What the callers of an engine are told that cannot be loaded; "{model}" is what they named.
UNLOADABLE = "The model {model} cannot be loaded on this server at present; its log says why."


class Presence:
    """Beats for one process until it is stopped.

    Args:
        store: where signs of life are written.
        instance: the process.
        pool: whose tasks it takes.
        every_s: from one sign to the next.
        at: the tasks in hand.
        figures: what the process counts.
    """

    def __init__(
        self,
        store: TaskStore,
        instance: str,
        *,
        pool: str,
        every_s: float,
        at: Callable[[], Sequence[str]],
        figures: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._store, self._instance, self._pool = store, instance, pool
        self._every_s, self._at, self._figures = every_s, at, figures
        self._state = LOADING
        self._news = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Beat for the first time, and begin."""
        self._beat()
        self._thread.start()

    def say(self, state: str) -> None:
        """Tell another state, at once."""
        self._state = state
        self._news.set()

    def stop(self) -> None:
        """Beat no more, and strike the process off the roll."""
        self._stopped = True
        self._news.set()
        self._thread.join()
        self._store.forget_worker(self._instance)

    def _run(self) -> None:
        while not self._stopped:
            self._news.wait(self._every_s)
            self._news.clear()
            if not self._stopped:
                self._beat()

    def _beat(self) -> None:
        task_id = next(iter(self._at()), None)
        try:
            self._store.beat(
                self._instance,
                pid=os.getpid(),
                task_id=task_id,
                pool=self._pool,
                state=self._state,
                figures=self._figures(),
            )
        except OverpaintError as error:
            logger.warning("no sign of life given", extra={"reason": str(error)})
        except Exception:  # a process without one would be killed as stuck
            logger.exception("no sign of life given")
