"""What the supervisor does beside watching its children: after a death, and from time to time."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable

logger = logging.getLogger("overpaint.supervisor")

_AGAIN_S = 1.0  # after a death that could not be dealt with
_JUMP_S = 60.0
_CALM_S = 600.0


class ClockGuard:
    """Says whether the wall clock can be trusted to tell what is old enough to be deleted.

    It cannot be when it moved otherwise than the monotonic clock did; then not for ten minutes, in
    which whoever set it can put it right.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = wall() - monotonic()
        self._calm_at = monotonic()

    def steady(self) -> bool:
        """Look at both clocks; call it at least as often as its answer is needed."""
        now = self._monotonic()
        offset = self._wall() - now
        jump = offset - self._offset
        self._offset = offset
        if abs(jump) > _JUMP_S:
            logger.warning("the clock jumped; nothing is deleted", extra={"seconds": round(jump)})
            self._calm_at = now + _CALM_S
        return now >= self._calm_at


class Chores:
    """Calls back in a thread of its own; what raises is logged and comes again."""

    def __init__(
        self,
        *,
        on_death: Callable[[str], None] | None,
        on_tick: Callable[[], None] | None,
        stuck: Callable[[], Iterable[str]] | None,
        kill: Callable[[str], None],
        tick_s: float,
        guard: ClockGuard | None = None,
    ) -> None:
        self._on_death, self._on_tick, self._stuck, self._kill = on_death, on_tick, stuck, kill
        self._tick_s = tick_s
        self._guard = guard or ClockGuard()
        self._dead: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._left: list[str] = []  # whose deaths are not yet dealt with
        self._told: set[str] = set()  # of which of them the log speaks
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def died(self, instance: str) -> None:
        """Note a death, to be dealt with at once."""
        self._dead.put(instance)

    def finish(self, *, timeout_s: float) -> None:
        """Deal with the deaths that are left, once, and end."""
        self._dead.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        next_tick = time.monotonic() + self._tick_s
        while True:
            wait_s = min(next_tick - time.monotonic(), _AGAIN_S if self._left else self._tick_s)
            ending = self._take(max(0.0, wait_s))
            self._left = [one for one in self._left if not self._buried(one)]
            if ending:
                return
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + self._tick_s
                self._tick()

    def _take(self, wait_s: float) -> bool:
        """Collect the deaths that were noted; True where the end was."""
        try:
            found = self._dead.get(timeout=wait_s)
            while found is not None:
                self._left.append(found)
                found = self._dead.get_nowait()
        except queue.Empty:
            return False
        return True

    def _buried(self, instance: str) -> bool:
        if self._on_death is None:
            return True
        try:
            self._on_death(instance)
        except Exception:
            if instance not in self._told:  # it may go on for long: a full disk
                self._told.add(instance)
                logger.exception("a death is not dealt with yet", extra={"child": instance})
            return False
        self._told.discard(instance)
        return True

    def _tick(self) -> None:
        if self._guard.steady():
            for chore in (self._kill_stuck, self._on_tick):
                try:
                    if chore is not None:
                        chore()
                except Exception:
                    logger.exception("not done this time")

    def _kill_stuck(self) -> None:
        for instance in self._stuck() if self._stuck is not None else ():
            self._kill(instance)
