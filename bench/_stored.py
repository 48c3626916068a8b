"""Fills a database with tasks as they are after a busy day, and claims some."""

from __future__ import annotations

import hashlib
import time
import uuid
from pathlib import Path

from sqlalchemy import insert, select, update

from overpaint.tasks.audit import audit
from overpaint.tasks.database import insert_or_add, now_ms, open_database
from overpaint.tasks.pools import ORDINARY
from overpaint.tasks.rows import task_row
from overpaint.tasks.schema import keys, queues, tallies, tasks
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PictureOutcome, State, Task
from overpaint.values import BlobRef

#: Of a hundred stored tasks, how many are in each state.
SHARES = {State.SUCCEEDED: 80, State.FAILED: 5, State.CANCELED: 5, State.PENDING: 10}
MODEL = "instant"
_CHUNK = 5000
_DAY_MS = 20 * 3600 * 1000  # they were made within the last twenty hours


class Stored:
    """The database of a data folder, past the service but through the same rows."""

    def __init__(self, data: Path) -> None:
        self._database = open_database(f"sqlite:///{data / 'overpaint.db'}", migrate=False)
        self._store = TaskStore(self._database)
        self._count = 0

    def close(self) -> None:
        self._database.dispose()

    def fill(self, key_ids: list[str], wanted: int) -> None:
        """Add tasks, in turn to each key, until there are so many, with all that counts them."""
        while self._count < wanted:
            more = min(_CHUNK, wanted - self._count)
            numbers = range(self._count, self._count + more)
            now = now_ms()
            made = [_task(number, key_ids, now, wanted) for number in numbers]
            with self._database.write() as connection:
                connection.execute(insert(tasks), [task_row(one) for one in made])
                for key_id in key_ids:
                    for state in SHARES:
                        count = sum(one.key_id == key_id and one.state is state for one in made)
                        row = {"key_id": key_id, "model": MODEL, "state": state.value}
                        insert_or_add(connection, tallies, row, {"count": count})
                        if state is State.PENDING:
                            place = {"pool": ORDINARY, "key_id": key_id}
                            added = {"pending": count, "running": 0, "served": 0}
                            insert_or_add(connection, queues, place, added)
                            counted = {
                                name: keys.c[name] + count for name in ("pending", "reserved")
                            }
                        elif state is State.SUCCEEDED:
                            counted = {"used": keys.c.used + count}
                        else:
                            continue
                        connection.execute(update(keys).where(keys.c.id == key_id).values(counted))
            self._count += more

    def check(self) -> None:
        """Stop where the counters are not what the tasks say: then nothing measured counts."""
        if wrong := audit(self._database):
            raise SystemExit(f"the filled database is not sound: {wrong[:3]}")

    def ids(self, key_id: str, limit: int) -> list[str]:
        """Ids of tasks of a key, from all over the table."""
        query = select(tasks.c.id).where(tasks.c.key_id == key_id)
        with self._database.read() as connection:
            found = list(connection.scalars(query.order_by(tasks.c.number)))
        return found[:: max(1, len(found) // limit)]

    def claim_and_finish(self) -> tuple[float, float]:
        """A worker's two transactions: seconds of each."""
        begin = time.perf_counter()
        task = self._store.claim("bench", lease_ms=60_000)
        claimed = time.perf_counter()
        if task is None:
            raise SystemExit("there is nothing to claim")
        outcome = PictureOutcome(seed=0, blob=_blob(task.id, "result-1-0.png"))
        self._store.finish(task, [outcome], painter=MODEL, seconds={"paint": 0.0})
        return claimed - begin, time.perf_counter() - claimed


def _task(number: int, key_ids: list[str], now: int, wanted: int) -> Task:
    state = _state(number)
    task_id = str(uuid.uuid4())
    created = now - _DAY_MS + number * _DAY_MS // wanted
    ended = None if state is State.PENDING else created + 1000
    painted = state is State.SUCCEEDED
    return Task(
        id=task_id,
        key_id=key_ids[number % len(key_ids)],
        request_id=str(uuid.uuid4()),
        model=MODEL,
        engine=MODEL,
        n=1,
        options={"prompt": f"order {number}", "seed": number, "feather": 0},
        inputs={name: _blob(task_id, name) for name in ("base", "mask")},
        created_ms=created,
        state=state,
        started_ms=created + 500 if painted else None,
        ended_ms=ended,
        tries=int(painted),
        fence=int(painted),
        worker="worker-1" if painted else "",
        pictures=(PictureOutcome(seed=number, blob=_blob(task_id, "r.png")),) if painted else (),
        painter=MODEL if painted else "",
        seconds={"paint": 0.01} if painted else {},
    )


def _state(number: int) -> State:
    place = number * 37 % 100  # mixed
    for state, share in SHARES.items():
        if place < share:
            return state
        place -= share
    raise AssertionError("the shares make a hundred")


def _blob(task_id: str, name: str) -> BlobRef:
    return BlobRef(name=f"tasks/{task_id}/{name}", bytes=1, sha256=hashlib.sha256(b"").hexdigest())
