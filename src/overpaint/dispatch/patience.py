"""Waiting for stores that do not answer, with a task in hand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from overpaint.dispatch.figures import Figures
from overpaint.dispatch.painting import LeaseLost, about
from overpaint.dispatch.pulse import Hold
from overpaint.errors import StorageFull, StoreFailed

logger = logging.getLogger("overpaint.worker")

PATIENCE_S = 60.0
TROUBLE = (StoreFailed, StorageFull)

_T = TypeVar("_T")


class Patience:
    """How a worker waits.

    Args:
        longest_s: how long, at most.
        stopping: where it is set, the worker ends, and nothing is waited for.
        figures: of the worker.
    """

    def __init__(self, longest_s: float, stopping: threading.Event, figures: Figures) -> None:
        self._longest_s, self._stopping, self._figures = longest_s, stopping, figures

    def until_done(self, hold: Hold, do: Callable[[], _T]) -> _T:
        """Do it, again and again while the stores do not answer; raise when that lasts."""
        deadline = time.monotonic() + self._longest_s
        attempts = 0
        while True:
            if hold.lost:
                raise LeaseLost
            attempts += 1
            try:
                return do()
            except TROUBLE as error:
                self._figures.count("troubles")
                wait_s = pause_s(attempts)
                if self._stopping.is_set() or time.monotonic() + wait_s > deadline:
                    raise
                what = {**about(hold.task), "reason": str(error)}
                logger.warning("waiting for the stores", extra=what)
                self._stopping.wait(wait_s)


def pause_s(attempts: int) -> float:
    """The wait after so many attempts in vain, in a row."""
    return float(min(10.0, 0.5 * 2 ** min(attempts - 1, 10)))
