"""Listings, beside a plain filter over all tasks; and their cost, by what the database looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from tests.unit.task_fixture import BROKEN, GOOD, LEASE, Clock, Stores, opened

from overpaint.tasks import listing
from overpaint.tasks.database import Database
from overpaint.tasks.task import Key, Query, State, Task

COUNT = 60


class Stored:
    """Not a dataclass: Hypothesis would print every task in it, again and again."""

    def __init__(self, stores: Stores, key: Key, tasks: list[Task]) -> None:
        self.stores = stores
        self.key = key
        self.tasks = tasks  # all of the key, the newest first


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Tasks of two keys, three models and all states, made while the clock goes to and fro."""
    with opened(tmp_path_factory.mktemp("listing") / "tasks.db") as stores:
        ann, bob = stores.key("ann"), stores.key("bob")
        for i in range(COUNT):
            stores.clock.now += (i * 37) % 23 - 10
            task = stores.submit((ann, ann, bob)[i % 3], model=f"m{i * 7 % 3}")
            if i % 5 == 0:
                stores.tasks.cancel(task.id, task.key_id)
            elif i % 2 == 0:
                stores.tasks.finish(stores.claim(), [GOOD] * (i % 4 != 0))
            elif i % 7 == 0:
                stores.claim()
        ids = [task.id for key in (ann, bob) for task in everything(stores, key)]
        assert len(ids) == COUNT
        tasks = everything(stores, ann)
        assert {task.created_ms - Clock().now for task in tasks} <= set(range(-40, 200))
        yield Stored(stores, ann, tasks)


def everything(stores: Stores, key: Key) -> list[Task]:
    """Every task of the key by way of its id, the newest first."""
    with stores.database.read() as connection:
        ids = connection.scalars(
            text("SELECT id FROM tasks WHERE key_id = :k"), {"k": key.id}
        ).all()
    tasks = [task for task in map(stores.tasks.get, ids) if task is not None]
    return sorted(tasks, key=lambda task: (task.created_ms, task.number), reverse=True)


def plainly(tasks: list[Task], query: Query) -> tuple[list[str], int]:
    found = [
        task.id
        for task in tasks
        if (query.model is None or task.model == query.model)
        and (query.state is None or task.state == query.state)
        and (query.from_ms is None or task.created_ms >= query.from_ms)
        and (query.until_ms is None or task.created_ms <= query.until_ms)
        and (query.task_id is None or task.id == query.task_id)
        and (
            query.ended_from_ms is None
            or task.ended_ms is None
            or task.ended_ms >= query.ended_from_ms
        )
    ]
    start = (query.page_no - 1) * query.page_size
    return found[start : start + query.page_size], len(found)


#: Times about those of the tasks, and some that no clock shows.
TIMES = (
    st.none()
    | st.integers(-40, 200).map(Clock().now.__add__)
    | st.sampled_from([-(10**30), 10**30])
)
QUERIES = st.builds(
    Query,
    page_no=st.integers(1, 8),
    page_size=st.integers(1, 20),
    from_ms=TIMES,
    until_ms=TIMES,
    ended_from_ms=TIMES,
    model=st.sampled_from([None, "m0", "m1", "absent", "\ud800"]),
    state=st.none() | st.sampled_from(State),
)


@settings(max_examples=150, deadline=None)
@given(query=QUERIES, few=st.sampled_from([1, 7, 1000]), which=st.none() | st.integers(0, 39))
def test_a_listing_has_what_a_plain_filter_has(
    stored: Stored, query: Query, few: int, which: int | None
) -> None:
    stores, ann, tasks = stored.stores, stored.key, stored.tasks
    if which is not None and which % 5 == 0:
        query = replace(query, task_id=tasks[which].id if which else "\ud800")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_FEW", few)
        page = stores.tasks.list(ann.id, query)
    assert ([task.id for task in page.tasks], page.total) == plainly(tasks, query)
    assert all(task in tasks for task in page.tasks)


def test_a_page_far_beyond_or_before_is_empty(stored: Stored) -> None:
    stores, ann, tasks = stored.stores, stored.key, stored.tasks
    for page_no, page_size in ((10**30, 10), (-3, 10), (2, 10**30)):
        page = stores.tasks.list(ann.id, Query(page_no=page_no, page_size=page_size))
        assert (page.tasks, page.total) == ((), len(tasks))
    assert len(stores.tasks.list(ann.id, Query(page_size=10**30)).tasks) == len(tasks)


def test_a_key_does_not_see_the_tasks_of_another(
    stored: Stored,
) -> None:
    stores, tasks = stored.stores, stored.tasks
    other = stores.key("cid")
    assert stores.tasks.list(other.id, Query()).total == 0
    assert stores.tasks.list(other.id, Query(task_id=tasks[0].id)).total == 0


def plans(database: Database, work: Any) -> dict[str, str]:
    """How SQLite would find the rows of each statement that `work` sends."""
    sent: dict[str, Any] = {}

    def note(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        sent.setdefault(statement, given)

    event.listen(database.engine, "before_cursor_execute", note)
    work()
    event.remove(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        return {
            statement: "; ".join(
                row[-1]
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            )
            for statement, given in sent.items()
            if not statement.startswith("BEGIN")
        }


def test_no_request_and_no_claim_goes_through_all_tasks(
    stored: Stored,
) -> None:
    stores, ann = stored.stores, stored.key
    store = stores.tasks

    def work() -> None:
        task = stores.submit(ann)
        store.get(task.id)
        store.waiting(task)
        store.cancel(task.id, ann.id)
        store.retry(stores.claim(), BROKEN)
        store.heartbeat(stores.claim(), lease_ms=LEASE, progress=None)
        store.finish(stores.claim(), [GOOD])
        store.release_worker("w1")
        store.lapse()
        store.counts()
        store.oldest_pending_ms()
        store.delete([one.id for one in store.expired(stores.clock() + 1, 1)])
        for model in (None, "m0"):
            for state in (None, State.CANCELED):
                store.list(ann.id, Query(model=model, state=state))
                store.list(ann.id, Query(model=model, state=state, from_ms=stores.clock() - 20))
                ended = stores.clock() - 20
                store.list(ann.id, Query(model=model, state=state, ended_from_ms=ended))

    found = plans(stores.database, work)
    assert len(found) > 25
    partial = ("tasks_leased", "tasks_age")  # these hold running, or waiting, tasks alone
    for statement, plan in found.items():
        scans = [part for part in plan.split("; ") if part.startswith("SCAN tasks")]
        assert all(part.endswith(partial) for part in scans), (statement, plan)
        assert (
            "ORDER BY tasks.created_ms" not in statement
            or " IN (" in statement
            or ("TEMP B-TREE" not in plan)
        ), (statement, plan)
    everywhere = " ".join(found.values())
    for index in ("waiting", "leased", "ended", "listed", "by_model", "by_state", "by_both"):
        assert f"INDEX tasks_{index}" in everywhere
    assert "INDEX queues_turn" in everywhere
