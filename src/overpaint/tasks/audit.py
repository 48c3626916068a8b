"""Counts everything that is otherwise only kept as a counter, and compares."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from overpaint.tasks.database import Database
from overpaint.tasks.schema import keys, queues, tallies, tasks, totals, uploads
from overpaint.tasks.task import FINAL, State


def audit(database: Database) -> list[str]:
    """What of the counters is not as the tasks and uploads say, in words; nothing where all is.

    It reads every task, so it is for tests and for doctors, not for requests.
    """
    group = (tasks.c.key_id, tasks.c.model, tasks.c.state)
    per_key = select(tasks.c.key_id, tasks.c.pool, tasks.c.state, tasks.c.n, tasks.c.pictures)
    stored = select(uploads.c.key_id, func.sum(uploads.c.bytes)).group_by(uploads.c.key_id)
    with database.read(patient=True) as connection:
        counted = {
            (key, model, state): count
            for key, model, state, count in connection.execute(
                select(*group, func.count()).group_by(*group)
            )
        }
        tallied = {
            (row.key_id, row.model, row.state): row.count
            for row in connection.execute(select(tallies).where(tallies.c.count != 0))
        }
        sums: Counter[tuple[str, str]] = Counter()
        places: Counter[tuple[str, str, str]] = Counter()
        for key, pool, state, n, pictures in connection.execute(per_key):
            sums[key, "successes"] += sum(picture["blob"] is not None for picture in pictures)
            if state in (State.PENDING, State.RUNNING):
                sums[key, state] += 1
                places[pool, key, state] += 1
                sums[key, "reserved"] += n
        summed = select(totals.c.outcome, func.sum(totals.c.tasks)).group_by(totals.c.outcome)
        ended = {outcome: int(count) for outcome, count in connection.execute(summed)}
        uploaded = {key: int(size) for key, size in connection.execute(stored)}
        rows = connection.execute(select(keys)).all()
        queued: dict[tuple[str, str, str], int] = {
            (row.pool, row.key_id, state): count
            for row in connection.execute(select(queues))
            for state, count in ((State.PENDING, row.pending), (State.RUNNING, row.running))
        }
    wrong = [
        f"tally {'/'.join(which)}: {tallied.get(which, 0)}, counted {counted.get(which, 0)}"
        for which in sorted(counted.keys() | tallied.keys())
        if counted.get(which, 0) != tallied.get(which, 0)
    ]
    for outcome in sorted(FINAL):  # they are more once tasks have been deleted
        there = sum(count for (_, _, state), count in counted.items() if state == outcome)
        if ended.get(outcome, 0) < there:
            wrong.append(
                f"totals: {ended.get(outcome, 0)} {outcome}, less than are stored: {there}"
            )
    for place in sorted(queued.keys() | places.keys()):
        if queued.get(place, 0) != places[place]:
            said = f"{queued.get(place, 0)}, counted {places[place]}"
            wrong.append(f"queue {'/'.join(place)}: {said}")
    for row in rows:
        for name, found, right in (
            ("reserved", row.reserved, sums[row.id, "reserved"]),
            ("pending", row.pending, sums[row.id, State.PENDING]),
            ("running", row.running, sums[row.id, State.RUNNING]),
            ("uploaded_bytes", row.uploaded_bytes, uploaded.get(row.id, 0)),
        ):
            if found != right:
                wrong.append(f"key {row.id}: {name} is {found}, counted {right}")
        if row.used < sums[row.id, "successes"]:  # it is more once tasks have been deleted
            wrong.append(f"key {row.id}: used is {row.used}, less than its tasks have pictures")
        if row.max_images is not None and row.used + row.reserved > row.max_images:
            wrong.append(f"key {row.id}: {row.used} + {row.reserved} of {row.max_images} pictures")
        if row.max_running is not None and row.running > row.max_running:
            wrong.append(f"key {row.id}: {row.running} of {row.max_running} tasks run")
    return wrong
