"""Rows of several callers, painted together by one thread. Knows nothing of what paints them.

    caller's thread    paint -> inbox ......... mail -> on_step, results
    painting thread             Line -> batch -> paint_rows -> Tell

The painting thread alone owns the line, and two queues carry all that passes between the
threads: there is no state that both change, so a caller may die at any moment, by Ctrl-C too.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue

from overpaint.engines.diffusers.line import Line
from overpaint.engines.diffusers.rows import Outcome, PaintRows, Previews, Row, Tell
from overpaint.errors import EngineFailed
from overpaint.values import OnStep, PaintJob, Rgb8, Step

logger = logging.getLogger(__name__)

#: For so long after its last call a thread is thought to come again, s.
_KNOWN_S = 10.0
#: A caller that hears nothing for so long looks whether it is still wanted, s.
_LOOK_S = 0.5
#: How long `close` waits for a batch to notice, s.
_CLOSE_S = 30.0


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
        self._end = weakref.finalize(self, self._state.close)  # at the latest when Python ends

    def paint(
        self, jobs: Sequence[tuple[PaintJob, Hashable]], on_step: OnStep | None = None
    ) -> list[Rgb8]:
        """Paint each job with its bucket; blocks; any number of threads at a time.

        Args:
            jobs: what to paint, and what it may be painted together with.
            on_step: called in this thread when the jobs are in the line, as the work goes on,
                and twice a second at least; if it raises, this call's rows are lost, and what
                it raised goes up at once.

        Returns:
            One array a job, in order.

        Raises:
            EngineFailed: the batcher was closed.
            Exception: what became of the first row that failed.
        """
        if not jobs:
            return []
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


class _Call:
    """One call of `paint`: what passes between its thread and the painting thread."""

    def __init__(self, jobs: Sequence[tuple[PaintJob, Hashable]], *, heard: bool) -> None:
        number = id(self)  # its own for as long as anybody knows of it
        self.rows = tuple(
            Row(job=job, bucket=bucket, caller=number, place=place)
            for place, (job, bucket) in enumerate(jobs)
        )
        self.number = number
        self.thread = threading.get_ident()
        self.heard = heard
        self.lost = False  # set by its own thread, seen by the painting one
        self.left = len(self.rows)  # without an outcome; the painting thread counts
        self.mail: SimpleQueue[Step | tuple[int, Outcome]] = SimpleQueue()
        self._shares = [0.0] * len(self.rows)  # of each row, how much is done, 0 to 1

    def tell(self, shares: dict[int, float], total: int, preview: Rgb8 | None) -> None:
        """Say how far rows are: place -> share. What was once done stays done."""
        for place, share in shares.items():
            self._shares[place] = max(self._shares[place], min(share, 1.0))
        if self.heard:
            done = int(sum(self._shares) / len(self.rows) * total + 1e-6)
            self.mail.put(Step(stage="paint", done=done, total=total, preview=preview))

    def listen(self, on_step: OnStep | None, state: _State) -> list[Rgb8]:
        """Wait for every row's outcome."""
        results: dict[int, Rgb8] = {}
        said: Step | tuple[int, Outcome] = Step(stage="paint", done=0, total=1)
        step = said
        while True:
            if isinstance(said, Step):
                step = replace(said, preview=None)
                if on_step is not None:
                    on_step(said)
            else:
                place, outcome = said
                if isinstance(outcome, BaseException):
                    raise outcome
                results[place] = outcome
                if len(results) == len(self.rows):
                    break
            try:
                said = self.mail.get(timeout=_LOOK_S)
            except Empty:
                if not state.alive:
                    raise EngineFailed("the painting thread has ended") from None
                said = step
        return [results[place] for place in range(len(self.rows))]


class _State:
    """What the batcher and its thread share: the inbox, and whether it is closed.

    The thread holds this, and not the batcher: so a batcher that nobody holds ends its thread.
    """

    def __init__(self) -> None:
        self.inbox: SimpleQueue[_Call | None] = SimpleQueue()  # None ends the thread
        self.closed = False
        self._lock = threading.Lock()  # held for moments only, around `closed` and the inbox
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether somebody is there to paint."""
        return self._thread is not None and self._thread.is_alive()

    def send(self, call: _Call, run: Callable[[], None]) -> None:
        """Put a call in, and start the thread if need be (after a fork there is none)."""
        with self._lock:
            if self.closed:
                raise _closed()
            if not self.alive:
                self._thread = threading.Thread(target=run, name="painting", daemon=True)
                self._thread.start()
            self.inbox.put(call)

    def close(self) -> None:
        with self._lock:  # so that no call comes in behind the end
            self.closed = True
            self.inbox.put(None)
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_S)


class _Painting:
    """What the painting thread does; all but `run` is called in it alone."""

    def __init__(self, paint_rows: PaintRows, batch: int, wait_s: float, state: _State) -> None:
        self._paint_rows, self._batch, self._wait_s = paint_rows, batch, wait_s
        self._state = state
        self._line: Line[Row] = Line()
        self._calls: dict[int, _Call] = {}  # those who have not got all their outcomes
        self._came: dict[int, float] = {}  # caller -> when, s
        self._seen: dict[int, float] = {}  # thread -> when it last came or went, s

    def run(self) -> None:
        """Paint batch after batch until the end is in the inbox."""
        while self._gather():
            self._paint(self._line.take(self._batch))
            self._settle()
        for call in self._calls.values():
            for row in call.rows:
                call.mail.put((row.place, _closed()))

    def _gather(self) -> bool:
        """Wait until there is a batch to paint; False when it is time to end."""
        try:
            while self._admit(self._state.inbox.get(timeout=self._patience())):
                pass
        except Empty:
            return True
        return False

    def _admit(self, call: _Call | None) -> bool:
        if call is None:
            return False
        self._seen[call.thread] = self._came[call.number] = time.monotonic()
        self._calls[call.number] = call
        self._line.add(call.rows)
        return True

    def _patience(self) -> float | None:
        """For how long to wait for more rows, s; None: there are none yet."""
        self._settle()
        if not self._line.callers:
            return None
        now = time.monotonic()
        here = {self._calls[caller].thread for caller in self._line.callers}
        coming = any(
            thread not in here and now - when < _KNOWN_S for thread, when in self._seen.items()
        )
        if not coming or self._line.ready() >= self._batch:
            return 0.0
        return max(0.0, self._came[self._line.callers[0]] + self._wait_s - now)

    def _settle(self) -> None:
        """Forget calls that nobody waits for."""
        for number in [
            number for number, call in self._calls.items() if call.lost or not call.left
        ]:
            self._line.drop(number)
            self._seen[self._calls.pop(number).thread] = time.monotonic()
            del self._came[number]
        if len(self._seen) > 4 * len(self._calls) + 64:  # threads that were made for a call each
            newest = sorted(self._seen, key=self._seen.__getitem__)[-64:]
            self._seen = {thread: self._seen[thread] for thread in newest}

    def _paint(self, rows: Sequence[Row]) -> None:
        """Paint a batch, if any, and send the outcomes; where it fails as a whole, row by row."""
        if not rows:
            return
        outcomes = self._attempt(rows)
        if not isinstance(outcomes, BaseException):
            self._send(rows, outcomes)
        elif len(rows) == 1 and not self._state.closed:
            self._send(rows, [outcomes])
        elif not all(map(self.lost, rows)):
            why = type(outcomes.__cause__ or outcomes).__name__  # its text may have a prompt in it
            logger.warning("painting %d rows one by one after %s", len(rows), why)
            for row in rows:
                if not self.lost(row):
                    self._paint([row])

    def _attempt(self, rows: Sequence[Row]) -> Sequence[Outcome] | BaseException:
        try:
            outcomes = self._paint_rows(rows, _Telling(self, rows))
            if len(outcomes) == len(rows):
                return outcomes
            return EngineFailed(f"{len(outcomes)} of {len(rows)} rows were painted")
        except BaseException as error:  # whatever it is, it is the callers', not this thread's
            _let_go(error)
            return error

    def _send(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                _let_go(outcome)
            call = self._calls[row.caller]
            call.left -= 1
            call.mail.put((row.place, outcome))

    def lost(self, row: Row) -> bool:
        """Whether nobody waits for it."""
        return self._state.closed or self._calls[row.caller].lost

    def tell(self, rows: Sequence[Row], share: float, total: int, previews: Previews) -> None:
        """Tell each caller of its own rows; its preview is that of the first that has one."""
        shares: dict[int, dict[int, float]] = {}
        shown: dict[int, Rgb8] = {}
        for row, preview in zip(rows, previews or [None] * len(rows), strict=True):
            shares.setdefault(row.caller, {})[row.place] = share
            if preview is not None:
                shown.setdefault(row.caller, preview)
        for caller, mine in shares.items():
            self._calls[caller].tell(mine, total, shown.get(caller))


class _Telling(Tell):
    """The `Tell` of a batch of this batcher."""

    def __init__(self, painting: _Painting, rows: Sequence[Row]) -> None:
        self._painting, self._rows = painting, rows

    def step(self, done: int, total: int, previews: Previews = None) -> None:
        self._painting.tell(self._rows, done / total, total, previews)

    def lost(self, row: int) -> bool:
        return self._painting.lost(self._rows[row])

    @property
    def all_lost(self) -> bool:
        return all(map(self._painting.lost, self._rows))


def _closed() -> EngineFailed:
    return EngineFailed("the engine was closed")


def _let_go(error: BaseException | None) -> None:
    """Empty the frames that an error came through: they hold the tensors of the batch."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
