"""Rows of several callers, painted together by one thread. Knows nothing of what paints them.

    caller's thread    paint -> inbox ......... mail -> on_step, results
    painting thread             Line -> batch -> paint_rows -> Tell

The painting thread alone owns the line, and two queues carry all that passes between the
threads: there is no state that both change, so a caller may die at any moment, by Ctrl-C too.
"""

from __future__ import annotations

import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TypeAlias

from overpaint.errors import EngineFailed
from overpaint.values import OnStep, PaintJob, Rgb8, Step

#: For so long after its last call a thread is thought to come again, s.
_KNOWN_S = 10.0
#: A caller that hears nothing for so long looks whether it is still wanted, s.
_LOOK_S = 0.5
#: How long `close` waits for a batch to notice, s.
_CLOSE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job of a batch."""

    job: PaintJob
    bucket: Hashable  # rows of equal buckets can be painted together
    caller: int = 0  # rows of one call have the same number; the batcher sets it


class Tell:
    """What the painting of a batch says to its callers, and asks of them. This one has none."""

    def step(
        self, done: int, total: int, previews: Sequence[Rgb8 | None] | None = None
    ) -> None:
        """Say that `done` of `total` steps of the batch are done; previews: one entry a row."""

    def lost(self, row: int) -> bool:
        """Whether nobody waits for this row any more; its result is not looked at."""
        return False

    @property
    def all_lost(self) -> bool:
        """Whether nobody waits for any row: the batch may end, by whatever exception."""
        return False


#: What became of a row: height x width x 3 as its job's, or why there is nothing.
Outcome: TypeAlias = Rgb8 | BaseException
#: Paints rows of one bucket; returns one outcome a row, in order.
PaintRows: TypeAlias = Callable[[Sequence[Row], Tell], Sequence[Outcome]]


class Batcher:
    """Paints the rows of all threads that call it in batches.

    Callers take turns: a batch is of the bucket that the caller whose turn it is waits for, and
    is filled by one row of each caller after the other. A batch that fails is painted again row
    by row, so that one bad row hurts no other.

    Args:
        paint_rows: paints a batch; called in one thread, never twice at a time.
        batch: how many rows it paints at once, at least 1.
        wait_s: how long a row may wait for company, s; it does not where the batch is full, or
            where no other thread has painted lately.
    """

    def __init__(self, paint_rows: PaintRows, *, batch: int, wait_s: float) -> None:
        self._state = _State()
        self._painting = _Painting(paint_rows, batch, wait_s, self._state)
        self._end = weakref.finalize(self, _close, self._state)  # at the latest when Python ends

    def paint(
        self, jobs: Sequence[tuple[PaintJob, Hashable]], on_step: OnStep | None = None
    ) -> list[Rgb8]:
        """Paint each job with its bucket; blocks; any number of threads at a time.

        Args:
            jobs: what to paint, and what it may be painted together with.
            on_step: called in this thread as the work goes on, and twice a second at least; if
                it raises, this call's rows are lost, and what it raised goes up at once.

        Returns:
            One array a job, in order.

        Raises:
            EngineFailed: the batcher was closed.
            Exception: what became of the first row that failed.
        """
        call = _Call(jobs, heard=on_step is not None)
        try:
            self._state.send(call, self._painting.run)
            return call.listen(on_step, self._state)
        finally:
            call.lost = True

    def close(self) -> None:
        """End the batch under way, fail all who wait, end the thread. A second call does nothing.

        Raises nothing; a batch that does not notice within half a minute is left behind.
        """
        self._end()


class Line:
    """Who waits for what. The caller in front is next; whoever was served goes to the back."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Row]] = {}  # caller -> its rows; the order is the turns'

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def callers(self) -> tuple[int, ...]:
        """Those who wait, whose turn is next first."""
        return tuple(self._waiting)

    def add(self, rows: Sequence[Row]) -> None:
        """Put one caller's rows at the back."""
        for row in rows:
            self._waiting.setdefault(row.caller, deque()).append(row)

    def drop(self, caller: int) -> None:
        """Forget a caller's rows."""
        self._waiting.pop(caller, None)

    def ready(self) -> int:
        """How many rows could be painted with the first row of whose turn it is."""
        bucket = self._bucket()
        return sum(row.bucket == bucket for rows in self._waiting.values() for row in rows)

    def take(self, most: int) -> list[Row]:
        """Take up to `most` rows of the bucket whose turn it is, a row a caller in turn."""
        bucket = self._bucket()
        taken: list[Row] = []
        while len(taken) < most:
            before = len(taken)
            for caller in self.callers:
                row = next((row for row in self._waiting[caller] if row.bucket == bucket), None)
                if row is not None:
                    taken.append(row)
                    rows = self._waiting.pop(caller)
                    rows.remove(row)
                    if rows:
                        self._waiting[caller] = rows
                if len(taken) == most:
                    break
            if len(taken) == before:
                break
        return taken

    def _bucket(self) -> Hashable:
        return next(iter(self._waiting.values()))[0].bucket if self._waiting else None
