"""The life of a task: who may move it, when it comes back, what its key pays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from tests.unit.task_fixture import BAD, BROKEN, GOOD, LEASE, Stores, new_task, opened

from overpaint.errors import InvalidKey, NotPending, QueueFull, QuotaExhausted, UnknownTask
from overpaint.tasks.audit import audit
from overpaint.tasks.counting import SHARDS
from overpaint.tasks.reading import Total
from overpaint.tasks.schema import totals
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Failure, PictureOutcome, Progress, State
from overpaint.tasks.workers import Worker

DAY = 24 * 3600 * 1000


@pytest.fixture
def stores(place: str) -> Iterator[Stores]:
    with opened(place) as stores:
        yield stores
        assert audit(stores.database) == []  # after every test, whatever it did


def test_a_stored_task_comes_back_as_it_was(stores: Stores) -> None:
    task = stores.submit(stores.key(), n=3)
    assert task.state is State.PENDING
    assert stores.tasks.get(task.id) == task


def test_an_id_that_is_no_text_names_no_task(stores: Stores) -> None:
    for task_id in ("", "x", "\ud800", "\0", "a" * 100_000):
        assert stores.tasks.get(task_id) is None


def test_numbers_grow_even_after_the_newest_task_is_deleted(stores: Stores) -> None:
    key = stores.key()
    first = stores.submit(key)
    stores.tasks.cancel(first.id, key.id)
    stores.tasks.delete([first.id])
    assert stores.submit(key).number > first.number


def test_a_claim_leases_the_task_and_raises_its_fence(stores: Stores) -> None:
    task = stores.submit(stores.key())
    claimed = stores.claim("w1")
    assert claimed == replace(
        task,
        state=State.RUNNING,
        worker="w1",
        fence=1,
        tries=1,
        started_ms=stores.clock(),
        lease_until_ms=stores.clock() + LEASE,
    )
    assert stores.tasks.claim("w2", lease_ms=LEASE) is None


def test_a_task_with_a_picture_succeeds_and_pays_for_its_successes_only(stores: Stores) -> None:
    key = stores.key(images=10)
    stores.submit(key, n=3)
    claimed = stores.claim()
    assert stores.quota(key) == (0, 3)
    stores.clock.now += 500
    assert stores.tasks.finish(
        claimed,
        [GOOD, BAD, GOOD],
        notes=["a note"],
        painter="builtin",
        seconds={"paint": 1.5, "blend": 0.5},
    )
    assert stores.quota(key) == (2, 0)
    assert stores.tasks.get(claimed.id) == replace(
        claimed,
        state=State.SUCCEEDED,
        ended_ms=stores.clock(),
        lease_until_ms=None,
        pictures=(GOOD, BAD, GOOD),
        notes=("a note",),
        painter="builtin",
        seconds={"paint": 1.5, "blend": 0.5},
    )


@pytest.mark.parametrize(
    ("pictures", "given", "stored"),
    [
        ([BAD, BAD], None, BAD.failure),
        ([BAD], BROKEN, BROKEN),
        ([], BROKEN, BROKEN),
        ([], None, Failure(kind="InternalError", message="Nothing was painted.")),
    ],
)
def test_a_task_without_a_picture_fails_and_is_refunded(
    stores: Stores, pictures: list[PictureOutcome], given: Failure | None, stored: Failure
) -> None:
    key = stores.key(images=2)
    stores.submit(key, n=2)
    assert stores.tasks.finish(stores.claim(), pictures, failure=given)
    (task,) = stores.tasks.expired(stores.clock() + 1, 10)
    assert (task.state, task.failure) == (State.FAILED, stored)
    assert stores.quota(key) == (0, 0)


def test_more_pictures_than_were_asked_for_are_an_error(stores: Stores) -> None:
    stores.submit(stores.key())
    with pytest.raises(ValueError, match="2 pictures for a task of 1"):
        stores.tasks.finish(stores.claim(), [GOOD, GOOD])


def test_a_quota_is_reserved_at_submission_and_never_passed(stores: Stores) -> None:
    key = stores.key(images=5)
    stores.submit(key, n=4)
    with pytest.raises(QuotaExhausted, match="1 of 5 pictures left, 2 asked for"):
        stores.submit(key, n=2)
    last = stores.submit(key, n=1)
    with pytest.raises(QuotaExhausted, match="0 of 5"):
        stores.submit(key, n=1)
    stores.tasks.cancel(last.id, key.id)
    stores.submit(key, n=1)


def test_a_key_ends_with_its_days(stores: Stores) -> None:
    key = stores.key(days=180)
    stores.clock.now = key.created_ms + 180 * DAY - 2
    stores.submit(key)
    with pytest.raises(QuotaExhausted, match="180 days"):
        stores.submit(key)


def test_a_full_queue_takes_no_more_until_a_task_has_left_it(stores: Stores) -> None:
    key = stores.key()
    for _ in range(2):
        stores.submit(key, max_pending=2)
    with pytest.raises(QueueFull, match="2 tasks waiting, at most 2"):
        stores.submit(key, max_pending=2)
    stores.claim()
    stores.submit(key, max_pending=2)


def test_a_revoked_or_unknown_key_stores_nothing(stores: Stores) -> None:
    key = stores.key()
    waiting = stores.submit(key)
    stores.keys.revoke(key.id)
    with pytest.raises(InvalidKey):
        stores.submit(key)
    with pytest.raises(InvalidKey):
        stores.tasks.insert(new_task("k0"), max_pending=1)
    assert stores.claim().id == waiting.id  # what was accepted is painted


def test_a_waiting_task_is_cancelled_and_refunded(stores: Stores) -> None:
    key = stores.key(images=4)
    task = stores.submit(key, n=4)
    canceled = stores.tasks.cancel(task.id, key.id)
    assert canceled == replace(task, state=State.CANCELED, ended_ms=stores.clock())
    assert stores.quota(key) == (0, 0)
    assert stores.tasks.claim("w1", lease_ms=LEASE) is None


def test_only_a_waiting_task_of_the_key_is_cancelled(stores: Stores) -> None:
    key, other = stores.key(), stores.key("bob")
    running = stores.submit(key)
    stores.claim()
    waiting = stores.submit(key)
    with pytest.raises(NotPending):
        stores.tasks.cancel(running.id, key.id)
    for task_id, key_id in ((waiting.id, other.id), ("unknown", key.id), ("\ud800", key.id)):
        with pytest.raises(UnknownTask):
            stores.tasks.cancel(task_id, key_id)
    stores.tasks.cancel(waiting.id, key.id)
    with pytest.raises(NotPending):
        stores.tasks.cancel(waiting.id, key.id)


def test_a_heartbeat_lengthens_the_lease_and_tells_the_progress(stores: Stores) -> None:
    stores.submit(stores.key())
    claimed = stores.claim()
    stores.clock.now += LEASE - 1
    progress = Progress(stage="paint", done=3, total=20)
    assert stores.tasks.heartbeat(claimed, lease_ms=LEASE, progress=progress)
    assert stores.tasks.heartbeat(claimed, lease_ms=LEASE, progress=None)  # keeps what was told
    stored = stores.tasks.get(claimed.id)
    assert stored is not None
    assert stored.progress == progress
    assert stored.lease_until_ms == stores.clock() + LEASE


def test_a_lapsed_task_goes_to_another_worker_and_the_first_writes_no_more(
    stores: Stores,
) -> None:
    key = stores.key(images=1)
    stores.submit(key)
    stale = stores.claim("w1")
    stores.clock.now += LEASE + 1
    fresh = stores.claim("w2")  # the claim itself takes it back
    assert (fresh.id, fresh.fence, fresh.tries) == (stale.id, 2, 2)
    before = stores.tasks.get(fresh.id)
    assert not stores.tasks.heartbeat(stale, lease_ms=LEASE, progress=None)
    assert not stores.tasks.finish(stale, [GOOD])
    assert not stores.tasks.retry(stale, BROKEN)
    assert not stores.tasks.give_back(stale)
    assert stores.tasks.get(fresh.id) == before
    assert stores.tasks.finish(fresh, [GOOD])
    assert stores.quota(key) == (1, 0)


def test_the_same_worker_is_fenced_off_from_its_own_earlier_try(stores: Stores) -> None:
    stores.submit(stores.key())
    stale = stores.claim("w1")
    assert stores.tasks.release_worker("w1") == 1
    fresh = stores.claim("w1")
    assert not stores.tasks.finish(stale, [GOOD])
    assert stores.tasks.finish(fresh, [BAD])
    assert stores.state(fresh) == State.FAILED


def test_a_lease_lasts_to_its_last_millisecond(stores: Stores) -> None:
    stores.submit(stores.key())
    stores.claim()
    stores.clock.now += LEASE
    assert stores.tasks.lapse() == 0
    stores.clock.now += 1
    assert stores.tasks.lapse() == 1


def test_leases_taken_before_the_clock_went_back_lapse(stores: Stores) -> None:
    stores.submit(stores.key())
    claimed = stores.claim()
    stores.clock.now -= 9 * 60 * 1000
    assert stores.tasks.lapse() == 0  # a small step: the worker's next heartbeat mends it
    stores.clock.now -= 2 * 60 * 1000
    assert stores.tasks.lapse() == 1
    assert stores.state(claimed) == State.PENDING


def test_a_worker_that_lives_keeps_its_task_when_the_clock_goes_back(stores: Stores) -> None:
    stores.submit(stores.key())
    claimed = stores.claim()
    stores.clock.now -= 30 * DAY
    assert stores.tasks.heartbeat(claimed, lease_ms=LEASE, progress=None)
    assert stores.tasks.lapse() == 0
    assert stores.tasks.finish(claimed, [GOOD])


def test_the_third_lapse_fails_the_task_and_refunds_it(stores: Stores) -> None:
    key = stores.key(images=2)
    task = stores.submit(key, n=2)
    for tries in (1, 2, 3):
        assert stores.state(task) == State.PENDING
        assert stores.claim().tries == tries
        stores.clock.now += LEASE + 1
        assert stores.tasks.lapse() == 1
    failed = stores.tasks.get(task.id)
    assert failed is not None
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.kind == "InternalError"
    assert failed.ended_ms == stores.clock()
    assert stores.quota(key) == (0, 0)


def test_a_retry_puts_the_task_back_until_its_third_try_fails(stores: Stores) -> None:
    task = stores.submit(stores.key())
    for _ in range(2):
        assert stores.tasks.retry(stores.claim(), BROKEN)
        stored = stores.tasks.get(task.id)
        assert stored is not None
        assert (stored.state, stored.worker, stored.failure) == (State.PENDING, "", None)
        assert (stored.started_ms, stored.lease_until_ms) == (None, None)
    assert stores.tasks.retry(stores.claim(), BROKEN)
    failed = stores.tasks.get(task.id)
    assert failed is not None
    assert (failed.state, failed.failure) == (State.FAILED, BROKEN)


def test_a_task_given_back_has_not_been_tried(stores: Stores) -> None:
    task = stores.submit(stores.key())
    for fence in range(1, 6):
        claimed = stores.claim()
        assert (claimed.id, claimed.tries, claimed.fence) == (task.id, 1, fence)
        assert stores.tasks.give_back(claimed)


def test_a_dead_worker_releases_its_own_tasks_only(stores: Stores) -> None:
    key = stores.key()
    tasks = [stores.submit(key) for _ in range(3)]
    for worker in ("dead", "alive", "dead"):
        stores.claim(worker)
    assert stores.tasks.release_worker("dead") == 2
    assert [stores.state(task) for task in tasks] == ["PENDING", "RUNNING", "PENDING"]
    assert stores.tasks.release_worker("dead") == 0


def test_a_thousand_tasks_of_one_key_do_not_starve_anothers_one(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    first, second, third = (stores.submit(ann) for _ in range(3))
    only = stores.submit(bob)
    order = []
    for _ in range(4):
        claimed = stores.claim()
        order.append(claimed.id)
        stores.tasks.finish(claimed, [GOOD])
    assert order == [first.id, only.id, second.id, third.id]


def test_the_key_with_the_fewest_running_tasks_goes_first(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    for _ in range(6):
        stores.submit(ann)
    stores.claim()
    stores.claim()
    for _ in range(6):
        stores.submit(bob)
    assert [stores.claim().key_id for _ in range(4)] == [bob.id, bob.id, ann.id, bob.id]


def test_turns_do_not_follow_the_clock(stores: Stores) -> None:
    keys = [stores.key(name) for name in ("ann", "bob", "cid")]
    for key in keys:
        for _ in range(3):
            stores.submit(key)
    served = []
    for _ in range(9):
        claimed = stores.claim()
        served.append(claimed.key_id)
        stores.clock.now -= 3_600_000
        assert stores.tasks.finish(claimed, [GOOD])
    for start in (0, 3, 6):
        assert sorted(served[start : start + 3]) == sorted(key.id for key in keys)


def test_a_key_runs_no_more_tasks_at_a_time_than_its_plan_says(stores: Stores) -> None:
    free, paid = stores.key("free", running=1), stores.key("paid")
    for _ in range(3):
        stores.submit(free)
    stores.submit(paid)
    first, second = stores.claim(), stores.claim()
    assert {first.key_id, second.key_id} == {free.id, paid.id}
    assert stores.tasks.claim("w1", lease_ms=LEASE) is None
    running = first if first.key_id == free.id else second
    assert stores.tasks.give_back(running)
    assert stores.claim().id == running.id


def test_waiting_counts_the_tasks_of_the_key_before_this_one(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    stores.submit(bob)
    tasks = [stores.submit(ann) for _ in range(3)]
    assert [stores.tasks.waiting(task) for task in tasks] == [0, 1, 2]
    stores.tasks.cancel(tasks[0].id, ann.id)
    assert stores.tasks.waiting(tasks[2]) == 1


def test_counts_and_the_oldest_waiting_task_are_over_all_keys(stores: Stores) -> None:
    assert stores.tasks.oldest_pending_ms() is None
    ann, bob = stores.key("ann"), stores.key("bob")
    oldest = stores.submit(ann)
    stores.submit(bob)
    stores.submit(bob, model="other")
    assert stores.tasks.oldest_pending_ms() == oldest.created_ms
    stores.tasks.finish(stores.claim(), [GOOD])
    stores.claim()
    assert stores.tasks.counts() == {
        State.PENDING: 1,
        State.RUNNING: 1,
        State.SUCCEEDED: 1,
        State.FAILED: 0,
        State.CANCELED: 0,
    }


def test_totals_outlive_the_tasks_that_are_deleted(stores: Stores) -> None:
    key = stores.key()
    for _ in range(2):
        stores.submit(key, n=2)
        stores.tasks.finish(stores.claim(), [GOOD, BAD], painter="builtin", seconds={"paint": 0.5})
    stores.submit(key)
    stores.tasks.finish(stores.claim(), [], failure=BROKEN)
    stores.tasks.cancel(stores.submit(key).id, key.id)
    before = stores.tasks.totals()
    assert before == [
        Total(engine="auto", outcome=State.CANCELED, tasks=1, pictures=0, seconds=0),
        Total(engine="auto", outcome=State.FAILED, tasks=1, pictures=0, seconds=0),
        Total(engine="builtin", outcome=State.SUCCEEDED, tasks=2, pictures=2, seconds=1),
    ]
    stores.tasks.delete([task.id for task in stores.tasks.expired(stores.clock() + 1, 10)])
    assert stores.tasks.totals() == before
    assert stores.quota(key) == (2, 0)


def test_totals_of_many_keys_are_written_apart_and_told_together(stores: Stores) -> None:
    for number in range(12):
        stores.submit(stores.key(f"key {number}"), n=2)
        stores.tasks.finish(stores.claim(), [GOOD, GOOD], painter="builtin", seconds={"paint": 0.5})
    assert stores.tasks.totals() == [
        Total(engine="builtin", outcome=State.SUCCEEDED, tasks=12, pictures=24, seconds=6)
    ]
    with stores.database.read() as connection:
        shards = connection.scalars(select(totals.c.shard)).all()
    assert len(shards) > 1  # all twelve in one of sixteen: once in 16 ** 11 runs
    assert set(shards) <= set(range(SHARDS))


def test_only_ended_tasks_expire_and_are_deleted(stores: Stores) -> None:
    key = stores.key()
    done = [stores.submit(key) for _ in range(3)]
    for task in done:
        stores.clock.now += 1000
        stores.tasks.cancel(task.id, key.id)
    running, waiting = stores.submit(key), stores.submit(key)
    stores.claim()
    expired = stores.tasks.expired(stores.clock(), 2)
    assert [task.id for task in expired] == [task.id for task in done[:2]]
    assert stores.tasks.expired(expired[0].ended_ms or 0, 10) == []
    ids = [task.id for task in (*done, running, waiting)]
    stores.tasks.delete([*ids, "unknown", *(str(i) for i in range(1000))])
    assert stores.tasks.exists([*ids, "unknown"]) == {running.id, waiting.id}
    stores.tasks.delete([])


def test_the_roll_tells_who_works_at_what(stores: Stores) -> None:
    stores.tasks.beat("w2", pid=20, task_id=None)
    stores.tasks.beat("w1", pid=10, task_id=None)
    stores.clock.now += 5
    there = TaskStore(stores.database, clock=stores.clock, node="one")
    there.beat("w1", pid=11, task_id="t", figures={"batch": 2.5})
    assert stores.tasks.workers() == [
        Worker(
            id="w1", pid=11, seen_ms=stores.clock(), task_id="t", node="one", figures={"batch": 2.5}
        ),
        Worker(id="w2", pid=20, seen_ms=stores.clock() - 5, task_id=None),
    ]
    stores.tasks.forget_worker("w2")
    stores.tasks.forget_worker("w3")
    assert [worker.id for worker in stores.tasks.workers()] == ["w1"]
