"""What those who wait are told: places in the queue, previews, and the end of a running task."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from tests.unit.task_fixture import BROKEN, GOOD, LEASE, Stores, opened

from overpaint.errors import NotPending, UnknownTask
from overpaint.tasks import watching
from overpaint.tasks.audit import audit
from overpaint.tasks.schema import previews
from overpaint.tasks.task import Preview, Progress, State, Task
from overpaint.values import Box

BOX = Box(top=3, left=4, height=50, width=60)


@pytest.fixture
def stores(place: str) -> Iterator[Stores]:
    with opened(place) as made:
        yield made


def preview(serial: int) -> Preview:
    return Preview(jpeg=b"\xff\xd8 %d" % serial, box=BOX, serial=serial)


def show(stores: Stores, task: Task, serial: int = 1) -> bool:
    return stores.tasks.heartbeat(task, lease_ms=LEASE, preview=preview(serial))


def stored_previews(stores: Stores) -> int:
    with stores.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(previews)) or 0


def places(stores: Stores, *tasks: Task) -> list[int | None]:
    seen = stores.tasks.look([task.id for task in tasks])
    return [seen[task.id].position for task in tasks]


def test_a_place_far_behind_in_a_long_queue_is_not_counted_out(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = stores.key()
    tasks = [stores.submit(key) for _ in range(5)]
    assert places(stores, *tasks) == [0, 1, 2, 3, 4]
    monkeypatch.setattr(watching, "_FURTHEST", 3)
    assert places(stores, *tasks) == [0, 1, 2, 3, 3]


def test_a_look_shows_those_that_are_stored_and_no_other(stores: Stores) -> None:
    task = stores.submit(stores.key())
    seen = stores.tasks.look([task.id, "nothing", "\ud800\0"])
    assert set(seen) == {task.id}
    assert seen[task.id].task == stores.tasks.get(task.id)
    assert stores.tasks.look([]) == {}


def test_a_look_takes_more_ids_than_a_statement_has(stores: Stores) -> None:
    key = stores.key()
    ids = [stores.submit(key, max_pending=1000).id for _ in range(502)]
    assert set(stores.tasks.look(ids)) == set(ids)


def test_places_of_one_key_count_what_was_made_before(stores: Stores) -> None:
    key = stores.key()
    tasks = [stores.submit(key) for _ in range(4)]
    assert places(stores, *tasks) == [0, 1, 2, 3]
    assert places(stores, tasks[2]) == [2]
    first = stores.claim()
    assert places(stores, *tasks) == [None, 0, 1, 2]
    assert stores.tasks.finish(first, [GOOD])
    stores.tasks.cancel(tasks[1].id, key.id)
    assert places(stores, *tasks) == [None, None, 0, 1]


@pytest.mark.parametrize("claimed", range(7))
def test_places_are_the_order_in_which_claims_come(stores: Stores, claimed: int) -> None:
    keys = [stores.key(name) for name in ("ann", "bob", "eve")]
    for key in keys:  # each has had a turn, so that it is plain whose is next
        stores.submit(key)
        assert stores.tasks.finish(stores.claim(), [GOOD])
    tasks = [stores.submit(keys[of]) for of in (2, 0, 0, 2, 0, 0, 1)]
    for _ in range(claimed):
        assert stores.tasks.finish(stores.claim(), [GOOD])
    told = {task.id: place for task, place in zip(tasks, places(stores, *tasks), strict=True)}
    for place in range(7 - claimed):
        task = stores.claim()
        assert told.pop(task.id) == place
        assert stores.tasks.finish(task, [GOOD])
    assert set(told.values()) <= {None}


def test_unfinished_tasks_are_a_keys_own_the_oldest_first(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    stores.submit(bob)
    tasks = [stores.submit(ann) for _ in range(4)]
    while stores.claim().key_id != ann.id:
        pass
    stores.tasks.cancel(tasks[1].id, ann.id)
    found = stores.tasks.unfinished(ann.id, limit=10)
    assert [task.id for task in found] == [tasks[0].id, tasks[2].id, tasks[3].id]
    assert [task.id for task in stores.tasks.unfinished(ann.id, limit=2)] == [
        tasks[0].id,
        tasks[2].id,
    ]


def test_a_preview_is_seen_with_its_task_until_another_comes(stores: Stores) -> None:
    stores.submit(stores.key())
    task = stores.claim()
    assert stores.tasks.look([task.id])[task.id].preview is None
    for serial in (1, 2):
        assert show(stores, task, serial)
        seen = stores.tasks.look([task.id])[task.id].preview
        assert seen is not None
        assert (seen.jpeg, seen.box) == (preview(serial).jpeg, BOX)
        assert (seen.fence, seen.serial) == (task.fence, serial)
    progress = Progress(stage="paint", done=1, total=2)
    assert stores.tasks.heartbeat(task, lease_ms=LEASE, progress=progress)
    assert stores.tasks.look([task.id])[task.id].preview is not None
    assert stored_previews(stores) == 1


@pytest.mark.parametrize("way", ["finish", "fail", "retry", "give back", "lapse", "cancel"])
def test_a_preview_goes_with_its_try_however_that_ends(stores: Stores, way: str) -> None:
    key = stores.key()
    stores.submit(key)
    task = stores.claim()
    assert show(stores, task)
    if way == "finish":
        assert stores.tasks.finish(task, [GOOD])
    elif way == "fail":
        assert stores.tasks.finish(task, [], failure=BROKEN)
    elif way == "retry":
        assert stores.tasks.retry(task, BROKEN)
    elif way == "give back":
        assert stores.tasks.give_back(task)
    elif way == "lapse":
        stores.clock.now += LEASE + 1
        assert stores.tasks.lapse() == 1
    else:
        stores.tasks.cancel(task.id, key.id, running=True)
    assert stored_previews(stores) == 0
    assert not show(stores, task)  # who holds it no longer shows nothing
    assert stored_previews(stores) == 0


def test_an_older_claim_shows_nothing(stores: Stores) -> None:
    stores.submit(stores.key())
    old = stores.claim("w1")
    stores.clock.now += LEASE + 1
    new = stores.claim("w2")
    assert show(stores, new, 5)
    assert not show(stores, old, 9)
    seen = stores.tasks.look([new.id])[new.id].preview
    assert seen is not None
    assert seen.serial == 5


def test_a_running_task_is_canceled_where_that_is_meant(stores: Stores) -> None:
    key = stores.key("ann", images=5)
    stores.submit(key, n=3)
    task = stores.claim()
    with pytest.raises(NotPending, match="PENDING"):
        stores.tasks.cancel(task.id, key.id)
    assert stores.tasks.is_held(task)
    canceled = stores.tasks.cancel(task.id, key.id, running=True)
    assert canceled.state is State.CANCELED
    assert canceled.ended_ms == stores.clock.now
    assert stores.quota(key) == (0, 0)  # nothing is used, and all is refunded
    assert not stores.tasks.is_held(task)
    assert not stores.tasks.finish(task, [GOOD] * 3)
    assert not stores.tasks.retry(task, BROKEN)
    assert not stores.tasks.give_back(task)
    assert stores.state(task) == State.CANCELED
    assert stores.quota(key) == (0, 0)
    assert audit(stores.database) == []


def test_a_waiting_task_is_canceled_in_the_same_words(stores: Stores) -> None:
    key = stores.key()
    task = stores.submit(key)
    assert stores.tasks.cancel(task.id, key.id, running=True).state is State.CANCELED
    with pytest.raises(NotPending, match="has ended already"):
        stores.tasks.cancel(task.id, key.id, running=True)
    with pytest.raises(NotPending, match="PENDING"):
        stores.tasks.cancel(task.id, key.id)


def test_another_keys_running_task_is_unknown_and_goes_on(stores: Stores) -> None:
    stores.submit(stores.key("ann"))
    task = stores.claim()
    with pytest.raises(UnknownTask):
        stores.tasks.cancel(task.id, stores.key("bob").id, running=True)
    assert stores.tasks.is_held(task)
