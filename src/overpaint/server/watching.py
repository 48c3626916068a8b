"""One look at the store for everybody who waits: streams follow tasks, a watcher looks at them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool

from overpaint.errors import OverpaintError
from overpaint.server.errors import Declined
from overpaint.tasks.signals import Signals
from overpaint.tasks.task import FINAL
from overpaint.tasks.watching import Seen

logger = logging.getLogger(__name__)

MAX_STREAMS_A_KEY = 8  # open at a time
MAX_STREAMS = 512
LOOK_S = 0.5  # between two looks
LONGEST_PAUSE_S = 5.0  # while the store does not answer
TOLD_S = 0.02  # the same, where a signal told of a change
#: A look may take this share of the time; with very many tasks looks become rarer.
SHARE = 0.2


class Follower:
    """One stream's view of its tasks. Used from the watcher's event loop."""

    def __init__(self, watcher: Watcher, key_id: str, ids: Collection[str]) -> None:
        self._watcher = watcher
        self.key_id = key_id
        self.ids = frozenset(ids)
        self.news = asyncio.Event()

    @property
    def closing(self) -> bool:
        """Whether the server ends."""
        return self._watcher.closing

    def seen(self, task_id: str) -> Seen | None:
        """A followed task as it stands; None where it is gone, and for all that is not followed."""
        return self._watcher.latest.get(task_id) if task_id in self.ids else None

    async def wait(self, longest_s: float) -> None:
        """Return when one of the tasks has changed, the server ends, or the time is over."""
        try:
            await asyncio.wait_for(self.news.wait(), longest_s)
        except TimeoutError:
            return
        self.news.clear()

    def leave(self) -> None:
        """Follow no longer; again is no error."""
        self._watcher.forget(self)


class Watcher:
    """Looks at all followed tasks that have not ended, while there are any.

    Args:
        look: the stored tasks of these ids; it may wait for the database.
        signals: that tell of a change at once, where there are such; else it is seen by a look.
    """

    def __init__(
        self, look: Callable[[Collection[str]], Mapping[str, Seen]], signals: Signals | None = None
    ) -> None:
        self._look = look
        self._signals = signals or Signals()
        self._told = asyncio.Event()
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self.latest: dict[str, Seen | None] = {}
        self.closing = False

    def follow(self, key_id: str, seen: Mapping[str, Seen]) -> Follower:
        """Follow a key's tasks, from how they were just seen on.

        Raises:
            Declined: the key, or all keys together, have too many streams open.
        """
        own = sum(one.key_id == key_id for one in self._followers)
        if own >= MAX_STREAMS_A_KEY:
            raise _too_many(f"A key may have {MAX_STREAMS_A_KEY} event streams open at a time.")
        if len(self._followers) >= MAX_STREAMS:
            raise _too_many("The server has too many event streams open at the moment.")
        follower = Follower(self, key_id, seen)
        self._followers.add(follower)
        for task_id, one in seen.items():
            self.latest.setdefault(task_id, one)  # what is there is newer
        if self._task is None and not self.closing:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return follower

    def forget(self, follower: Follower) -> None:
        """Let a follower go, and what nobody else follows."""
        self._followers.discard(follower)
        left = Counter(one for other in self._followers for one in other.ids)
        for task_id in follower.ids:
            if not left[task_id]:
                self.latest.pop(task_id, None)

    def close(self) -> None:
        """Look no more, and have every stream end."""
        self.closing = True
        if self._task is not None:
            self._task.cancel()
        for follower in self._followers:
            follower.news.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()

        def ring() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._told.set)

        deaf = self._signals.listen(lambda signal: signal[1:] in self.latest, ring, tasks=True)
        try:
            await self._watch(loop)
        finally:
            deaf()
            self._task = None

    async def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        pause_s, troubled, took_s = LOOK_S, False, 0.0
        while self._followers:
            await self._pause(pause_s, at_least_s=min(pause_s, max(TOLD_S, took_s / SHARE)))
            began = loop.time()
            try:
                self._tell(await self._changed())
            except OverpaintError as error:  # streams stay, and go on when it answers again
                pause_s = took_s = min(2 * pause_s, LONGEST_PAUSE_S)
                if not troubled:
                    logger.warning("waiting for the store", extra={"reason": str(error)})
                troubled = True
            except Exception:
                logger.exception("not looked this time")
                pause_s = took_s = LONGEST_PAUSE_S
            else:
                took_s = loop.time() - began
                pause_s, troubled = max(LOOK_S, took_s / SHARE), False

    async def _pause(self, longest_s: float, *, at_least_s: float) -> None:
        """Wait for the next look, or until there is told of a change."""
        await asyncio.sleep(at_least_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), longest_s - at_least_s)
        self._told.clear()

    async def _changed(self) -> set[str]:
        """Look; which tasks are not as they were."""
        wanted = [
            task_id
            for task_id, seen in self.latest.items()
            if seen is not None and seen.task.state not in FINAL
        ]
        if not wanted:
            return set()
        found = await run_in_threadpool(self._look, wanted)
        changed = {
            one for one in wanted if one in self.latest and found.get(one) != self.latest[one]
        }
        for task_id in changed:
            self.latest[task_id] = found.get(task_id)
        return changed

    def _tell(self, changed: set[str]) -> None:
        for follower in self._followers:
            if not changed.isdisjoint(follower.ids):
                follower.news.set()


def _too_many(message: str) -> Declined:
    return Declined(429, "Throttling.AllocationQuota", message, {"Retry-After": "5"})
