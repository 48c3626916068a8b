"""Whether slots are wanted still: those whose keepers are all gone do not stay for ever."""

from __future__ import annotations

from overpaint.dispatch.slots import KEEPERS
from overpaint.settings import Settings
from overpaint.tasks.pools import Queue
from overpaint.tasks.store import TaskStore

ALONE_S = 600.0  # from the last sign of a keeper on


class Wanted:
    """Looks from time to time.

    Args:
        store: of the tasks.
        settings: how old a sign of life may be.
        pool: whose tasks the slot takes.
    """

    def __init__(self, store: TaskStore, settings: Settings, *, pool: str) -> None:
        self._store, self._pool = store, pool
        self._alive_ms = settings.alive_ms
        self._alone_since: float | None = None

    def look(self, now: float) -> bool:
        """Whether there is a keeper, was one lately, or is anything left to paint.

        Args:
            now: monotonic, s.
        """
        if self._store.painted_elsewhere(KEEPERS, node="", within_ms=self._alive_ms):
            self._alone_since = None
            return True
        if self._alone_since is None:
            self._alone_since = now
        queue = self._store.queues().get(self._pool, Queue())
        return now - self._alone_since <= ALONE_S or bool(queue.pending or queue.running)
