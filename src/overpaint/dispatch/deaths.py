"""What is done about processes of workers that have died."""

from __future__ import annotations

import logging
from collections import Counter

from overpaint.dispatch.presence import LOADING, UNLOADABLE
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.supervisor")

_PATIENCE = 2  # deaths in a row while loading, from which on no task waits for the next try


class Deaths:
    """Gives their tasks to others, at once and not when leases run out.

    An engine that kills its process while it is loaded (too large for the memory, say) cannot say
    so itself: from the second time on its tasks fail here.
    """

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._loading: Counter[str] = Counter()  # pool -> such deaths, in a row

    def bury_former(self) -> None:
        """Bury all that are on the roll: of a service that was killed, before anything starts."""
        for worker in self._store.workers():
            self.bury(worker.id, ended=True)

    def bury(self, instance: str, *, ended: bool = False) -> None:
        """Take back what the process had in hand, and strike it off the roll.

        Args:
            instance: the process.
            ended: it ended with the service, which is no fault of what it loaded.
        """
        released = self._store.release_worker(instance)
        if released:
            what = {"worker": instance, "tasks": released}
            logger.warning("tasks taken back", extra=what)
        seen = next((one for one in self._store.workers() if one.id == instance), None)
        if seen is None:
            return
        died_loading = seen.state == LOADING and not ended
        deaths = self._loading[seen.pool] + 1 if died_loading else 0
        if deaths >= _PATIENCE:
            failed = self._store.dismiss(seen.pool, UNLOADABLE)
            what = {"worker": instance, "deaths": deaths, "tasks": failed}
            logger.error("died while loading, again", extra=what)
        self._store.forget_worker(instance)
        self._loading[seen.pool] = deaths
