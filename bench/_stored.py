"""Fills a database with tasks as they are after a busy day, and claims some."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, text, update

from overpaint.tasks.audit import audit
from overpaint.tasks.database import insert_or_add, now_ms, open_database
from overpaint.tasks.pools import ORDINARY
from overpaint.tasks.schema import keys, queues, tallies, tasks, totals
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import FINAL, PictureOutcome, State
from overpaint.values import BlobRef

#: Of a hundred stored tasks, how many are in each state.
SHARES = {State.SUCCEEDED: 80, State.FAILED: 5, State.CANCELED: 5, State.PENDING: 10}
ALL_WAIT = {State.PENDING: 100}
MODEL = "instant"
PICTURE = BlobRef(name=f"tasks/{'0' * 36}/picture", bytes=1, sha256="0" * 64)
_CHUNK = 100_000  # tasks in one transaction
_DAY_MS = 20 * 3600 * 1000  # they were made within the last twenty hours
_BLOB = f'{{"name": "{PICTURE.name}", "bytes": 1, "sha256": "{PICTURE.sha256}"}}'

# One statement of either database makes a chunk; ids and request ids are random, as real ones.
_FILL = """
INSERT INTO tasks (id, key_id, request_id, model, engine, n, options, inputs, created_ms, state,
    started_ms, ended_ms, tries, fence, worker, pictures, notes, painter, seconds)
WITH RECURSIVE numbers(i) AS (
    SELECT CAST(:first AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :last
), owners(place, key_id) AS (VALUES {owners}), made AS (
    SELECT i, i % :owners AS place, {state} AS state, :begin + i * :day / :wanted AS created_ms
    FROM numbers
)
SELECT {uuid}, key_id, {uuid}, :model, :model, 1,
    {json_of_options}, {json_of_inputs}, created_ms, state,
    CASE state WHEN 'SUCCEEDED' THEN created_ms + 500 END,
    CASE state WHEN 'PENDING' THEN NULL ELSE created_ms + 1000 END,
    CASE state WHEN 'SUCCEEDED' THEN 1 ELSE 0 END, CASE state WHEN 'SUCCEEDED' THEN 1 ELSE 0 END,
    CASE state WHEN 'SUCCEEDED' THEN 'worker-1' ELSE '' END,
    {json_of_pictures}, {json_of_notes},
    CASE state WHEN 'SUCCEEDED' THEN :model ELSE '' END, {json_of_seconds}
FROM made JOIN owners ON owners.place = made.place
"""
_UUID = {
    "postgresql": "CAST(gen_random_uuid() AS TEXT)",
    "sqlite": "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2))"
    " || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6)))",
}
_PAINTED = "CASE state WHEN 'SUCCEEDED' THEN {} ELSE {} END"
_JSON = {
    "options": """'{"prompt": "order ' || i || '", "seed": ' || i || ', "feather": 0}'""",
    "inputs": f"""'{{"base": {_BLOB}, "mask": {_BLOB}}}'""",
    "pictures": _PAINTED.format(f"""'[{{"seed": 0, "failure": null, "blob": {_BLOB}}}]'""", "'[]'"),
    "notes": "'[]'",
    "seconds": _PAINTED.format("""'{"paint": 0.01}'""", "'{}'"),
}


class Stored:
    """A database, past the service but through the same rows.

    Args:
        url: of the database, whose tables are there.
        shares: of a hundred tasks that it is filled with, how many are in each state.
    """

    def __init__(self, url: str, shares: Mapping[State, int] = SHARES) -> None:
        self._database = open_database(url, migrate=False)
        self._store = TaskStore(self._database)
        self._shares = shares
        self._count = 0

    def close(self) -> None:
        self._database.dispose()

    def fill(self, key_ids: Sequence[str], wanted: int) -> None:
        """Add tasks, in turn to each key, until there are so many, with all that counts them."""
        while self._count < wanted:
            last = min(wanted, self._count + _CHUNK)
            with self._database.write() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                self._insert(connection, key_ids, last, wanted)
                self._add_up(connection, key_ids, last)
            self._count = last

    def settle(self) -> None:
        """Have PostgreSQL do what it does by itself in a while: statistics, and all on the disk."""
        if self._database.engine.dialect.name == "postgresql":
            alone = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
            with alone.connect() as connection:
                for statement in ("SET statement_timeout = 0", "VACUUM ANALYZE", "CHECKPOINT"):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql("RESET statement_timeout")

    def check(self) -> None:
        """Stop where the counters are not what the tasks say: then nothing measured counts."""
        if wrong := audit(self._database):
            raise SystemExit(f"the filled database is not sound: {wrong[:3]}")

    def ids(self, key_id: str, limit: int, state: State | None = None) -> list[str]:
        """Ids of tasks of a key, in this state if one is said, from all over the table."""
        query = select(tasks.c.id).where(tasks.c.key_id == key_id)
        if state is not None:
            query = query.where(tasks.c.state == state.value)
        with self._database.read() as connection:
            found = list(connection.scalars(query.order_by(tasks.c.number)))
        return found[:: max(1, len(found) // limit)]

    def place(self, task_id: str) -> None:
        """What an event stream looks for: a task that waits, with its place in the queue."""
        if self._store.look([task_id])[task_id].position is None:
            raise SystemExit("the task does not wait")

    def claim_and_finish(self) -> tuple[float, float]:
        """A worker's two transactions: seconds of each."""
        begin = time.perf_counter()
        task = self._store.claim("bench", lease_ms=60_000)
        claimed = time.perf_counter()
        if task is None:
            raise SystemExit("there is nothing to claim")
        outcome = PictureOutcome(seed=0, blob=PICTURE)
        self._store.finish(task, [outcome], painter=MODEL, seconds={"paint": 0.0})
        return claimed - begin, time.perf_counter() - claimed

    def _state(self, turn: int) -> State:
        """Of the task of a key with this number; mixed."""
        place = turn * 37 % 100
        for state, share in self._shares.items():
            if place < share:
                return state
            place -= share
        raise AssertionError("the shares make a hundred")

    def _insert(
        self, connection: Connection, key_ids: Sequence[str], last: int, wanted: int
    ) -> None:
        kind = connection.dialect.name
        until, cases = 0, ""
        for state, share in self._shares.items():
            until += share
            cases += f" WHEN i / :owners * 37 % 100 < {until} THEN '{state.value}'"
        json = {
            f"json_of_{name}": f"CAST({said} AS JSON)" if kind == "postgresql" else said
            for name, said in _JSON.items()
        }
        owners = ", ".join(f"({place}, '{key_id}')" for place, key_id in enumerate(key_ids))
        state_of = f"CASE{cases} END"
        made = _FILL.format(owners=owners, state=state_of, uuid=_UUID[kind], **json)
        values = {"first": self._count, "last": last, "wanted": wanted, "owners": len(key_ids)}
        values |= {"begin": now_ms() - _DAY_MS, "day": _DAY_MS}
        # in JSON a colon is no parameter
        statement = text(made.replace('":', '"\\:'))
        connection.execute(statement, {**values, "model": MODEL})

    def _add_up(self, connection: Connection, key_ids: Sequence[str], last: int) -> None:
        owners = len(key_ids)
        counted = Counter((i % owners, self._state(i // owners)) for i in range(self._count, last))
        ended: Counter[State] = Counter()
        for (place, state), count in sorted(counted.items()):
            key_id = key_ids[place]
            row = {"key_id": key_id, "model": MODEL, "state": state.value}
            insert_or_add(connection, tallies, row, {"count": count})
            more: tuple[str, ...] = ()
            if state is State.PENDING:
                queue = {"pool": ORDINARY, "key_id": key_id}
                added = {"pending": count, "running": 0, "served": 0}
                insert_or_add(connection, queues, queue, added)
                more = ("pending", "reserved")
            elif state is State.SUCCEEDED:
                more = ("used",)
            if more:
                values = {name: keys.c[name] + count for name in more}
                connection.execute(update(keys).where(keys.c.id == key_id).values(values))
            if state in FINAL:
                ended[state] += count
        for state, count in ended.items():
            which = {"engine": MODEL, "outcome": state.value, "shard": 0}
            pictures = count if state is State.SUCCEEDED else 0
            insert_or_add(
                connection, totals, which, {"tasks": count, "pictures": pictures, "seconds": 0.0}
            )
