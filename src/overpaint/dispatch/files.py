"""The files of results. Those of every try lie elsewhere, so that none overwrites another's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from overpaint.dispatch.painting import SUFFIXES
from overpaint.errors import OverpaintError
from overpaint.storage.blobs import Blobs
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Failure, PictureOutcome, Task, file_name

_OLD_TRIES = 20  # whose files are looked for


class ResultFiles:
    """Stores results, and deletes what tries left that came to nothing.

    Args:
        store: of the tasks, which says what a task has.
        blobs: of the pictures.
    """

    def __init__(self, store: TaskStore, blobs: Blobs) -> None:
        self._store, self._blobs = store, blobs

    def put(self, task: Task, files: Mapping[int, bytes | Failure]) -> list[PictureOutcome]:
        """Store the pictures of this try: seed -> encoded picture, or why there is none."""
        pictures = []
        for index, (seed, file) in enumerate(files.items()):
            if isinstance(file, Failure):
                pictures.append(PictureOutcome(seed=seed, failure=file))
                continue
            name = _name(task, task.fence, index)
            blob = self._blobs.put(name, file, called=file_name(task.id, index, name))
            pictures.append(PictureOutcome(seed=seed, blob=blob))
        return pictures

    def discard_own(self, task: Task) -> None:
        """Delete the files of a try that came to nothing, unless the task has them after all.

        It may: the database can end a task and die before it says so.
        """
        with contextlib.suppress(OverpaintError):
            stored = self._store.get(task.id)
            pictures = () if stored is None else stored.pictures
            kept = {picture.blob.name for picture in pictures if picture.blob is not None}
            mine = [_name(task, task.fence, index) for index in range(task.n)]
            self._discard(name for name in mine if name not in kept)

    def discard_old(self, task: Task) -> None:
        """Delete the files that earlier tries may have left when they were ended."""
        fences = range(max(1, task.fence - _OLD_TRIES), task.fence)
        self._discard(_name(task, fence, index) for fence in fences for index in range(task.n))

    def _discard(self, names: Iterable[str]) -> None:
        with contextlib.suppress(OverpaintError):  # they go with the task's folder later
            self._blobs.delete(*names)


def _name(task: Task, fence: int, index: int) -> str:
    suffix = SUFFIXES.get(str(task.options.get("format", "png")).lower(), "png")
    return f"tasks/{task.id}/result-{fence}-{index}.{suffix}"
