"""Idle workers that are told of tasks, and so need not ask."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.postgresql import Server
from tests.unit.dispatch_stage import until
from tests.unit.task_fixture import GOOD, opened

from overpaint.dispatch import work
from overpaint.policy import open_policy
from overpaint.storage.local import LocalBlobs
from overpaint.tasks.task import State, Task


class _Quick(work.Worker):
    """Paints without painting."""

    def _work_on(self, task: Task) -> None:
        self._store.finish(task, [GOOD] * task.n)


def test_an_idle_worker_is_woken_by_a_task_and_by_the_end(
    postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_TOLD_POLL_S", (1000.0, 1000.0))
    url = postgresql.new()
    with opened(url) as stores:
        key = stores.key()
        stores.database.signals.listen(lambda _: False, lambda: None)
        until(lambda: stores.database.signals.heard)
        blobs, policy = LocalBlobs(tmp_path), open_policy("")
        worker = _Quick(stores.tasks, blobs, policy, worker_id="w", lease_s=15, task_s=900)
        thread = threading.Thread(target=worker.serve)
        thread.start()
        for _ in range(5):
            task = stores.submit(key)
            until(lambda task=task: stores.state(task) == State.SUCCEEDED)  # type: ignore[misc]
        assert worker.stop(30)
        thread.join(30)
        assert not thread.is_alive()
    postgresql.drop(url)
