"""What is done about processes of workers that have died."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Collection

from overpaint.dispatch.presence import LOADING, UNLOADABLE
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.supervisor")

_PATIENCE = 2  # deaths in a row while loading, from which on no task waits for the next try


class Deaths:
    """Gives their tasks to others, at once and not when leases run out.

    An engine that kills its process while it is loaded (too large for the memory, say) cannot say
    so itself: from the second time on its tasks fail here, unless another node has the engine.

    Args:
        store: of the tasks.
        node: whose processes these are.
        alive_ms: how old the last sign of life of one may be that others rely on.
    """

    def __init__(self, store: TaskStore, *, node: str = "", alive_ms: int = 45_000) -> None:
        self._store, self._node, self._alive_ms = store, node, alive_ms
        self._loading: Counter[str] = Counter()  # pool -> such deaths, in a row

    def bury_former(self, names: Collection[str] = ()) -> None:
        """Bury those of this node that are on the roll: it was killed, and nothing has started.

        Args:
            names: what the node was called before. Those of no node are of a version that had none.
        """
        own = {"", self._node, *names}
        for worker in self._store.workers():
            if worker.node in own:
                self.bury(worker.id, ended=True)

    def bury_dead(self) -> None:
        """Bury those of this node whose process is no more: their supervisor died with them."""
        for worker in self._store.workers():
            if worker.node == self._node and not _lives(worker.pid):
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
        if deaths >= _PATIENCE and not self._elsewhere(seen.pool):
            failed = self._store.dismiss(seen.pool, UNLOADABLE)
            what = {"worker": instance, "deaths": deaths, "tasks": failed}
            logger.error("died while loading, again", extra=what)
        self._store.forget_worker(instance)
        self._loading[seen.pool] = deaths

    def _elsewhere(self, pool: str) -> bool:
        return self._store.painted_elsewhere(pool, node=self._node, within_ms=self._alive_ms)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        pass
    return True
