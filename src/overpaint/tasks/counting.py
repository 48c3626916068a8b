"""What a transaction counts: collected, and written once at its end, in one order.

Every transaction takes the rows that it writes in this order, so that no two of them ever wait for
each other: tasks by number, then keys, queues, tallies and totals, each by its primary key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from zlib import crc32

from sqlalchemy import Connection, bindparam, func, select, update

from overpaint.tasks.database import insert_or_add
from overpaint.tasks.schema import keys, queues, tallies, totals
from overpaint.tasks.signals import ANY_POOL, work_in

#: Rows of `totals` for each engine and outcome. Each key has one of them: its tasks end one after
#: the other anyway, as the key's row has it.
SHARDS = 16
_COUNTERS = ("pending", "running", "reserved", "used")

# Statements of every request, built once: building costs more than running.
_KEY = (
    update(keys)
    .where(keys.c.id == bindparam("key_id"))
    .values({name: keys.c[name] + bindparam(f"more_{name}") for name in _COUNTERS})
    .returning(keys.c.pending, keys.c.max_running)
)
_QUEUE = (
    update(queues)
    .where(queues.c.pool == bindparam("of_pool"), queues.c.key_id == bindparam("of_key"))
    .values(
        pending=queues.c.pending + bindparam("more_pending"),
        running=queues.c.running + bindparam("more_running"),
    )
    .returning(queues.c.pending)
)
#: The same, of a claim: the key has had its turn.
_QUEUE_TURN = _QUEUE.values(
    served=select(func.max(queues.c.served) + 1)
    .where(queues.c.pool == bindparam("of_pool"))
    .scalar_subquery()
)
_TALLY_LESS = (
    update(tallies)
    .where(
        tallies.c.key_id == bindparam("of_key"),
        tallies.c.model == bindparam("of_model"),
        tallies.c.state == bindparam("of_state"),
    )
    .values(count=tallies.c.count - bindparam("less"))
)


@dataclass
class _Queue:
    pending: int = 0
    running: int = 0
    claimed: bool = False


class Counts:
    """Changes of the counters, not yet written; and what is to be told of them."""

    def __init__(self) -> None:
        self._keys: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._queues: defaultdict[tuple[str, str], _Queue] = defaultdict(_Queue)
        self._tallies: Counter[tuple[str, str, str]] = Counter()
        self._totals: defaultdict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
        self.signals: list[str] = []

    def task(
        self, key_id: str, pool: str, *, pending: int = 0, running: int = 0, **of_key: int
    ) -> None:
        """Count tasks of a key in a pool, and pictures `reserved` and `used` of the key."""
        self._keys[key_id].update({"pending": pending, "running": running, **of_key})
        place = self._queues[pool, key_id]
        place.pending += pending
        place.running += running
        place.claimed |= running > 0

    def tally(self, key_id: str, model: str, state: str, more: int) -> None:
        """Count tasks that are listed."""
        self._tallies[key_id, model, state] += more

    def total(
        self, key_id: str, engine: str, outcome: str, *, pictures: int, seconds: float
    ) -> None:
        """Count a task of a key that ended."""
        shard = crc32(key_id.encode()) % SHARDS
        more = {"tasks": 1, "pictures": pictures, "seconds": seconds}
        for name, value in more.items():
            self._totals[engine, outcome, shard][name] += value  # type: ignore[assignment]

    def write(self, connection: Connection) -> None:
        """Write all of it; nothing may be written in the transaction after it."""
        for key_id, more in sorted(self._keys.items()):
            self._write_key(connection, key_id, more)
        for (pool, key_id), place in sorted(self._queues.items(), key=lambda item: item[0]):
            self._write_queue(connection, pool, key_id, place)
        for (key_id, model, state), count in sorted(self._tallies.items()):
            if count > 0:
                row = {"key_id": key_id, "model": model, "state": state}
                insert_or_add(connection, tallies, row, {"count": count})
            elif count < 0:
                less = {"of_key": key_id, "of_model": model, "of_state": state, "less": -count}
                connection.execute(_TALLY_LESS, less)
        for (engine, outcome, shard), added in sorted(
            self._totals.items(), key=lambda item: item[0]
        ):
            of = {"engine": engine, "outcome": outcome, "shard": shard}
            insert_or_add(connection, totals, of, added)

    def _write_key(self, connection: Connection, key_id: str, more: Counter[str]) -> None:
        added = {f"more_{name}": more[name] for name in _COUNTERS}
        row = connection.execute(_KEY, {"key_id": key_id, **added}).one()
        if more["running"] < 0 and row.max_running is not None and row.pending > 0:
            self.signals.append(ANY_POOL)  # it may run another one now

    def _write_queue(self, connection: Connection, pool: str, key_id: str, place: _Queue) -> None:
        if place.pending > 0 and not place.running:  # it may be new there
            row = {"pool": pool, "key_id": key_id}
            more = {"pending": place.pending, "running": 0, "served": 0}
            waiting = insert_or_add(connection, queues, row, more, returning="pending")
        else:
            change = _QUEUE_TURN if place.claimed else _QUEUE
            changes = {"more_pending": place.pending, "more_running": place.running}
            where = {"of_pool": pool, "of_key": key_id}
            waiting = connection.execute(change, {**where, **changes}).scalar_one()
        if waiting == place.pending > 0:  # else who looks has seen those that wait already
            self.signals.append(work_in(pool))
