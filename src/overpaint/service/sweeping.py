"""Forgets what has had its time: tasks, uploads, and pictures that no row names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from overpaint.errors import OverpaintError
from overpaint.service.uploading import Uploads
from overpaint.settings import Settings
from overpaint.storage.blobs import Blobs
from overpaint.tasks.store import TaskStore

#: Folders of blobs that no row names are removed after this time: a submission may be under way.
ORPHAN_S = 3600
_TASKS = 500  # at a time


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep removed."""

    tasks: int
    uploads: int
    orphans: int  # folders of blobs that no row names


class Sweeper:
    """Sweeps one service's stores."""

    def __init__(
        self,
        tasks: TaskStore,
        uploads: Uploads,
        blobs: Blobs,
        settings: Settings,
        clock: Callable[[], int],
    ) -> None:
        self._tasks, self._uploads, self._blobs = tasks, uploads, blobs
        self._settings, self._clock = settings, clock

    def sweep(self) -> Swept:
        """Remove tasks and uploads whose time is over, and blobs that no row names.

        Rows go first: what is interrupted leaves blobs without a row, which the next one removes.
        """
        before = self._clock() - self._settings.retention_ms
        tasks = 0
        while gone := self._tasks.expired(before, _TASKS):
            self._tasks.delete([task.id for task in gone])
            discard(self._blobs, *(f"tasks/{task.id}" for task in gone))
            tasks += len(gone)
        uploads = self._uploads.sweep()
        return Swept(tasks=tasks, uploads=uploads, orphans=self._sweep_orphans())

    def _sweep_orphans(self) -> int:
        old = list(self._blobs.folders("tasks", older_than_s=ORPHAN_S))
        removed = 0
        for start in range(0, len(old), _TASKS):
            some = {name.rpartition("/")[2]: name for name in old[start : start + _TASKS]}
            kept = self._tasks.exists(list(some))
            orphans = [name for task_id, name in some.items() if task_id not in kept]
            discard(self._blobs, *orphans)
            removed += len(orphans)
        # So old is no upload that could be used, whether a row names it or not.
        useless_s = self._settings.upload_hours * 3600 + ORPHAN_S
        useless = list(self._blobs.folders("uploads", older_than_s=useless_s))
        discard(self._blobs, *useless)
        return removed + len(useless)


def discard(blobs: Blobs, *folders: str) -> None:
    """Remove blobs; where that fails now, a later sweep does it."""
    try:
        blobs.delete(*folders)
    except OverpaintError:
        return
