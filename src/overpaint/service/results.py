"""Results by addresses that are signed and expire; who has one needs no key."""

from __future__ import annotations

from collections.abc import Callable

from overpaint.errors import BlobMissing, UnknownTask
from overpaint.service.signing import Signer
from overpaint.storage.blobs import Blobs
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Task
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
        name = f"{task.id}-{index}.{blob.name.rpartition('.')[2]}"
        expires = -(-expires_ms // 1000)  # s, rounded up
        signature = self._signer.sign(_PURPOSE, f"{task.id}/{expires}/{name}")
        return f"files/{task.id}/{expires}/{signature}/{name}"

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
        suffix = name.rpartition(".")[2]
        return self._blobs.get(blob), f"image/{'jpeg' if suffix == 'jpg' else suffix}"
