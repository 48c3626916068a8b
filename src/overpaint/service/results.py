"""Results by addresses that are signed and expire; who has one needs no key."""

from __future__ import annotations

from collections.abc import Callable

from overpaint.errors import BlobMissing, UnknownTask
from overpaint.service.signing import Signer
from overpaint.storage.blobs import Blobs, media_type
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Key, Task, file_name
from overpaint.values import BlobRef

_PURPOSE = "file"


class Results:
    """The pictures of tasks, below /api/v1/files. Every method may be called from any thread."""

    def __init__(
        self, tasks: TaskStore, blobs: Blobs, signer: Signer, clock: Callable[[], int]
    ) -> None:
        self._tasks = tasks
        self._blobs = blobs
        self._signer = signer
        self._clock = clock

    def sign(self, task: Task, index: int, *, expires_ms: int) -> str:
        """Path of a task's picture below /api/v1, good until then (ms since 1970)."""
        blob = task.pictures[index].blob
        if blob is None:
            raise BlobMissing(f"picture {index} of task {task.id} failed")
        name = file_name(task.id, index, blob.name)
        expires = -(-expires_ms // 1000)  # s, rounded up
        signature = self._signer.sign(_PURPOSE, f"{task.id}/{expires}/{name}")
        return f"files/{task.id}/{expires}/{signature}/{name}"

    def direct_url(self, task: Task, index: int, *, expires_ms: int) -> str | None:
        """URL of a task's picture in the store itself, good until then (ms since 1970).

        None where a store has none.
        """
        blob = task.pictures[index].blob
        if blob is None:
            raise BlobMissing(f"picture {index} of task {task.id} failed")
        return self._blobs.url(blob.name, expires_s=(expires_ms - self._clock()) / 1000)

    def find_direct(self, key: Key, url: str) -> BlobRef | None:
        """What such a URL names, where it is a result of a key's own tasks; else None.

        The signature is the store's, and is not looked at: whose the task is decides.
        """
        name = self._blobs.name_of(url) or ""
        parts = name.split("/")
        if len(parts) != 3 or parts[0] != "tasks":
            return None
        task = self._tasks.get(parts[1])
        if task is None or task.key_id != key.id:
            return None
        found = (one.blob for one in task.pictures if one.blob and one.blob.name == name)
        return next(found, None)

    def is_signed(self, task_id: str, expires: str, signature: str, name: str) -> bool:
        """Whether this server made the path, which may have expired since."""
        return self._signer.holds(_PURPOSE, f"{task_id}/{expires}/{name}", signature)

    def find(self, task_id: str, expires: str, signature: str, name: str) -> BlobRef:
        """Where the picture of a signed path lies; its name ends with its format.

        Raises:
            UnknownTask: it is no path of this server, or has expired.
            BlobMissing: the picture failed.
        """
        if not self.is_signed(task_id, expires, signature, name):
            raise UnknownTask("There is no such file.")
        task = self._tasks.get(task_id) if int(expires) * 1000 >= self._clock() else None
        if task is None:
            raise UnknownTask("The file has expired.")
        index = int(name.removeprefix(f"{task_id}-").partition(".")[0])
        blob = task.pictures[index].blob
        if blob is None:
            raise BlobMissing
        return blob

    def open(self, task_id: str, expires: str, signature: str, name: str) -> tuple[bytes, str]:
        """The bytes of a signed path and their media type.

        Raises:
            UnknownTask: it is no path of this server, or has expired.
            BlobMissing, BlobDamaged: the picture is lost.
        """
        blob = self.find(task_id, expires, signature, name)
        return self._blobs.get(blob), media_type(name)
