"""A process that submits, cancels, claims and ends tasks at random until it is told to stop."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from tests.unit.task_fixture import BAD, BROKEN, GOOD, new_task

from overpaint.errors import NotPending, QueueFull, QuotaExhausted, UnknownTask
from overpaint.tasks.database import open_database
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Progress, Task

LEASE_MS = 3_600_000  # only the test's own release takes a task back


def run(url: str, folder: str, worker: str, key_ids: list[str], seed: int) -> None:
    """Work on until `folder`/stop is there; what was promised is written to `folder`/`worker`.

    Each line is written after the store has answered: an id that was accepted, or a task that
    ended, with the number of its pictures. A kill at any moment may lose the last line only.
    """
    database = open_database(url, migrate=False)
    store = TaskStore(database)
    chance = random.Random(seed)
    known: list[str] = []
    with (Path(folder) / worker).open("a") as promises:

        def promise(*what: object) -> None:
            promises.write(json.dumps(what) + "\n")
            promises.flush()

        while not (Path(folder) / "stop").exists():
            if chance.random() < 0.5:
                task = new_task(chance.choice(key_ids), n=chance.randint(1, 4))
                try:
                    store.insert(task, max_pending=12)
                except (QuotaExhausted, QueueFull):
                    continue
                promise("accepted", task.id)
                known.append(task.id)
                if chance.random() < 0.2:
                    task_id = chance.choice(known)
                    try:
                        store.cancel(task_id, task.key_id)
                    except (NotPending, UnknownTask):
                        continue
                    promise("canceled", task_id)
            else:
                claimed = store.claim(worker, lease_ms=LEASE_MS)
                if claimed is not None:
                    _paint(store, claimed, chance, promise)
    database.dispose()


def _paint(store: TaskStore, task: Task, chance: random.Random, promise: object) -> None:
    assert callable(promise)
    store.heartbeat(task, lease_ms=LEASE_MS, progress=Progress(stage="paint", done=1, total=2))
    luck = chance.random()
    if luck < 0.1:
        assert store.retry(task, BROKEN)
    elif luck < 0.2:
        assert store.give_back(task)
    else:
        pictures = [GOOD if chance.random() < 0.7 else BAD for _ in range(task.n)]
        assert store.finish(task, pictures, seconds={"paint": 1})
        promise("ended", task.id, sum(picture.blob is not None for picture in pictures))


if __name__ == "__main__":
    url, folder, worker, key_ids, seed = sys.argv[1:]
    run(url, folder, worker, key_ids.split(","), int(seed))
