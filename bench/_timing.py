"""Times many calls, one after the other or several at a time."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

C = TypeVar("C")


@dataclass(frozen=True)
class Times:
    """How long each call took, and all of them."""

    each: list[float]  # s
    wall: float  # s
    spent: float = 0.0  # processor time of whom was called, s

    @property
    def p50_ms(self) -> float:
        return 1000 * statistics.median(self.each)

    @property
    def p99_ms(self) -> float:
        return 1000 * sorted(self.each)[min(len(self.each) - 1, round(0.99 * len(self.each)))]

    @property
    def per_s(self) -> float:
        return len(self.each) / self.wall

    @property
    def spent_ms(self) -> float:
        """Processor time a call, which depends less on what else the machine does."""
        return 1000 * self.spent / len(self.each)


def timed(
    calls: int,
    at_a_time: int,
    connect: Callable[[], AbstractContextManager[C]],
    do: Callable[[C], object],
    spent: Callable[[], float] = float,
) -> Times:
    """Call `do` so often in all, from `at_a_time` threads with a connection each.

    `spent` says how much processor time whom it calls has used so far, s.
    """
    each: list[float] = []
    left = threading.Semaphore(calls)

    def work(failed: threading.Event) -> None:
        with connect() as connection:
            while not failed.is_set() and left.acquire(blocking=False):
                begin = time.perf_counter()
                do(connection)
                each.append(time.perf_counter() - begin)

    before = spent()
    begin = time.perf_counter()
    side_by_side(at_a_time, work)
    wall = time.perf_counter() - begin
    return Times(each, wall, spent() - before)


def side_by_side(threads: int, work: Callable[[threading.Event], object]) -> None:
    """Run `work` in so many threads; raise what one raises, and tell the others by the event."""
    errors: list[BaseException] = []
    failed = threading.Event()

    def guarded() -> None:
        try:
            work(failed)
        except BaseException as error:
            errors.append(error)
            failed.set()

    started = [threading.Thread(target=guarded) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]
