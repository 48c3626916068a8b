"""The listing of a key's tasks, which costs the same however many are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from overpaint.tasks.database import Database
from overpaint.tasks.rows import plain, task_of
from overpaint.tasks.schema import ENDED, tallies, tasks
from overpaint.tasks.task import Listing, Query, Task

_FEW = 1000  # tasks outside of the times that are counted, rather than those inside
_FURTHEST_MS = 2**62  # beyond any clock, and what a database takes as a number


class TaskLister:
    """The part of the store that lists."""

    _database: Database

    def list(self, key_id: str, query: Query) -> Listing:
        """One page of a key's tasks, newest first; a page past the last is empty.

        How many there are in all is known without counting them, but for a narrow time filter.
        """
        query = replace(
            query,
            from_ms=_near(query.from_ms),
            until_ms=_near(query.until_ms),
            ended_from_ms=_near(query.ended_from_ms),
        )
        offset = (query.page_no - 1) * query.page_size
        with self._database.read() as connection:
            if query.task_id is not None:
                found = select(tasks).where(tasks.c.id == plain(query.task_id))
                task = next((task_of(row) for row in connection.execute(found)), None)
                if task is None or not (_matches(task, key_id, query) and _kept(task, query)):
                    return Listing(tasks=(), total=0)
                return Listing(tasks=(task,) if offset == 0 else (), total=1)
            query = _without_idle_bounds(connection, key_id, query)
            total = _total(connection, key_id, query)
            if not 0 <= offset < total:
                return Listing(tasks=(), total=total)
            newest_first = (tasks.c.created_ms.desc(), tasks.c.number.desc())
            page = (  # on its own, as that is answered from an index alone
                select(tasks.c.number)
                .where(*_filters(key_id, query), *_bounds(query), *_not_expired(query))
                .order_by(*newest_first)
                .limit(min(query.page_size, total))
                .offset(offset)
            )
            numbers = connection.scalars(page).all()
            rows = connection.execute(
                select(tasks).where(tasks.c.number.in_(numbers)).order_by(*newest_first)
            ).all()
        return Listing(tasks=tuple(task_of(row) for row in rows), total=total)


def _near(bound: int | None) -> int | None:
    return None if bound is None else max(-_FURTHEST_MS, min(bound, _FURTHEST_MS))


def _matches(task: Task | Row[Any], key_id: str, query: Query) -> bool:
    """Whether a task is in the listing, unless it ended too long ago."""
    return (
        task.key_id == key_id
        and query.model in (None, task.model)
        and query.state in (None, task.state)
        and (query.from_ms is None or task.created_ms >= query.from_ms)
        and (query.until_ms is None or task.created_ms <= query.until_ms)
    )


def _kept(task: Task, query: Query) -> bool:
    bounds = (task.ended_ms, query.ended_from_ms)
    return bounds[0] is None or bounds[1] is None or bounds[0] >= bounds[1]


def _filters(key_id: str, query: Query) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [tasks.c.key_id == key_id]
    if query.model is not None:
        wanted.append(tasks.c.model == plain(query.model))
    if query.state is not None:
        wanted.append(tasks.c.state == query.state.value)
    return wanted


def _bounds(query: Query) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if query.from_ms is not None:
        bounds.append(tasks.c.created_ms >= query.from_ms)
    if query.until_ms is not None:
        bounds.append(tasks.c.created_ms <= query.until_ms)
    return bounds


def _expired(query: Query, *columns: ColumnElement[Any]) -> Select[Any]:
    """Of all keys: the cleaner leaves few, and they are found by when they ended."""
    return select(*columns).where(ENDED, tasks.c.ended_ms < query.ended_from_ms)


def _not_expired(query: Query) -> list[ColumnElement[bool]]:
    if query.ended_from_ms is None:
        return []
    return [tasks.c.number.not_in(_expired(query, tasks.c.number))]


def _without_idle_bounds(connection: Connection, key_id: str, query: Query) -> Query:
    """Take off a bound that all tasks of the key are within: the last day is often all there is."""
    created = tasks.c.created_ms
    one = select(created).where(tasks.c.key_id == key_id).limit(1)
    if query.from_ms is not None:
        first = connection.scalar(one.order_by(created))
        if first is None or first >= query.from_ms:
            query = replace(query, from_ms=None)
    if query.until_ms is not None:
        last = connection.scalar(one.order_by(created.desc()))
        if last is None or last <= query.until_ms:
            query = replace(query, until_ms=None)
    if query.ended_from_ms is not None:
        expired = connection.scalar(_expired(query, tasks.c.number).limit(1))
        query = query if expired is not None else replace(query, ended_from_ms=None)
    return query


def _total(connection: Connection, key_id: str, query: Query) -> int:
    """How many tasks the query has on all pages: those stored, less the few outside its times.

    Those that have expired are picked out here: left to itself, SQLite would go through the key's.
    """
    bounds = (query.from_ms, query.until_ms)
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        return 0
    filters = _filters(key_id, query)
    outside = 0
    if query.ended_from_ms is not None:
        columns = (tasks.c.key_id, tasks.c.model, tasks.c.state, tasks.c.created_ms)
        gone = connection.execute(_expired(query, *columns).limit(_FEW)).all()
        outside = sum(len(gone) == _FEW or _matches(row, key_id, query) for row in gone)
    if query.from_ms is not None and outside < _FEW:
        outside += _count(connection, [*filters, tasks.c.created_ms < query.from_ms], _FEW)
    if query.until_ms is not None and outside < _FEW:
        outside += _count(connection, [*filters, tasks.c.created_ms > query.until_ms], _FEW)
    if outside >= _FEW:
        return _count(connection, [*filters, *_bounds(query), *_not_expired(query)])
    stored = select(func.sum(tallies.c.count)).where(tallies.c.key_id == key_id)
    if query.model is not None:
        stored = stored.where(tallies.c.model == plain(query.model))
    if query.state is not None:
        stored = stored.where(tallies.c.state == query.state.value)
    return int(connection.scalar(stored) or 0) - outside


def _count(
    connection: Connection, which: list[ColumnElement[bool]], at_most: int | None = None
) -> int:
    some = select(tasks.c.number).where(*which).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0
