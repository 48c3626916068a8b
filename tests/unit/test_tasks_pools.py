"""Queues by pool: who takes what, in which turn, at what cost, and what becomes of old pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.task_fixture import GOOD, LEASE, Stores, opened
from tests.unit.test_tasks_listing import plans

from overpaint.tasks import pools as module
from overpaint.tasks.audit import audit
from overpaint.tasks.pools import ORDINARY, Queue
from overpaint.tasks.task import Failure, State, Task

SDXL = "diffusers:/models/sdxl?steps=8"
FLUX = "diffusers:/models/flux"


@pytest.fixture
def stores(place: str) -> Iterator[Stores]:
    with opened(place) as made:
        yield made
        assert audit(made.database) == []


def places(stores: Stores, *tasks: Task) -> list[int | None]:
    seen = stores.tasks.look([task.id for task in tasks])
    return [seen[task.id].position for task in tasks]


def test_a_claim_takes_of_one_pool_only(stores: Stores) -> None:
    key = stores.key()
    ordinary, sdxl = stores.submit(key), stores.submit(key, pool=SDXL)
    assert stores.tasks.claim("w", lease_ms=LEASE, pool=FLUX) is None
    claimed = stores.claim("e.0", pool=SDXL)
    assert (claimed.id, claimed.pool, claimed.engine) == (sdxl.id, SDXL, SDXL)
    assert stores.tasks.claim("e.1", lease_ms=LEASE, pool=SDXL) is None
    assert stores.claim("w").id == ordinary.id
    assert stores.tasks.queues() == {
        ORDINARY: Queue(pending=0, running=1),
        SDXL: Queue(pending=0, running=1),
    }


def test_keys_take_turns_in_each_pool_by_themselves(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    for key in (ann, ann, ann, bob):
        stores.submit(key, pool=SDXL)
    for _ in range(3):  # much of ann's runs elsewhere: that is no matter here
        stores.submit(ann)
        stores.claim("w")
    first = [stores.claim(f"e.{hand}", pool=SDXL).key_id for hand in range(4)]
    assert first == [ann.id, bob.id, ann.id, ann.id]


def test_a_plan_counts_what_runs_in_all_pools(stores: Stores) -> None:
    free, paid = stores.key("free", running=1), stores.key("paid")
    here, there = stores.submit(free), stores.submit(free, pool=SDXL)
    other = stores.submit(paid, pool=SDXL)
    claimed = stores.claim("w")
    assert claimed.id == here.id
    assert stores.claim("e.0", pool=SDXL).id == other.id
    assert stores.tasks.claim("e.1", lease_ms=LEASE, pool=SDXL) is None
    assert stores.tasks.finish(claimed, [GOOD])
    assert stores.claim("e.1", pool=SDXL).id == there.id


def test_places_in_the_queue_count_the_tasks_of_the_same_pool(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    many = [stores.submit(key) for key in (ann, bob, ann, bob)]
    slow = [stores.submit(key, pool=SDXL) for key in (ann, ann)]
    assert places(stores, *slow) == [0, 1]
    assert places(stores, *many) == [0, 0, 2, 2]  # it is not yet plain whose turn is first
    assert [stores.tasks.waiting(task) for task in slow] == [0, 1]
    stores.claim("w")
    assert places(stores, *slow) == [0, 1]


def test_the_oldest_waiting_task_is_that_of_a_pool(stores: Stores) -> None:
    key = stores.key()
    first, second = stores.submit(key, pool=SDXL), stores.submit(key)
    assert stores.tasks.oldest_pending_ms(SDXL) == first.created_ms
    assert stores.tasks.oldest_pending_ms() == second.created_ms
    assert stores.tasks.oldest_pending_ms(FLUX) is None


def test_a_claim_costs_the_same_however_much_waits_in_other_pools(stores: Stores) -> None:
    if stores.database.engine.dialect.name != "sqlite":
        pytest.skip("with so few rows PostgreSQL goes through all of them, and should")
    for number in range(20):
        key = stores.key(f"key {number}")
        for _ in range(3):
            stores.submit(key)
    mine = stores.submit(key, pool=SDXL)

    def work() -> None:
        assert stores.tasks.claim("e.0", lease_ms=LEASE, pool=FLUX) is None
        assert stores.claim("e.0", pool=SDXL).id == mine.id
        stores.tasks.oldest_pending_ms(SDXL)

    found = plans(stores.database, work)
    (turn,) = {plan for statement, plan in found.items() if "ORDER BY queues.running" in statement}
    assert "USING COVERING INDEX queues_turn (pool=?)" in turn or "queues_turn (pool=?)" in turn
    assert "TEMP B-TREE" not in turn
    (next_one,) = {plan for statement, plan in found.items() if "ORDER BY tasks.pool" in statement}
    assert "tasks_waiting ((pool,key_id)>(?,?) AND (pool,key_id)<(?,?))" in next_one
    assert "TEMP B-TREE" not in next_one
    (age,) = {plan for statement, plan in found.items() if "ORDER BY tasks.created_ms" in statement}
    assert "tasks_age (pool=?)" in age
    assert not any("SCAN queues" in plan or "SCAN keys" in plan for plan in found.values())


@pytest.mark.parametrize("worker", ["engine-1-ab", "100%_\\"])
def test_what_all_hands_of_a_dead_process_held_is_taken_back(stores: Stores, worker: str) -> None:
    key = stores.key()
    for hand in ("", ".0", ".15"):
        stores.submit(key, pool=SDXL)
        stores.claim(f"{worker}{hand}", pool=SDXL)
    for other in (f"{worker}c.0", f"x{worker}.0", "100xx.0"):
        stores.submit(key, pool=SDXL)
        stores.claim(other, pool=SDXL)
    assert stores.tasks.release_worker(worker) == 3
    assert stores.tasks.queues()[SDXL] == Queue(pending=3, running=3)


def test_tasks_of_a_pool_without_workers_go_where_their_models_are_painted_now(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    ann, bob = stores.key("ann", images=20), stores.key("bob")
    moved = [stores.submit(key, pool=SDXL, model="photo") for key in (ann, ann, bob)]
    lost = stores.submit(ann, n=2, pool=SDXL, model="gone {model}")
    runs = stores.submit(bob, pool=SDXL, model="photo")
    to_ordinary = stores.submit(ann, pool=SDXL, model="plain")
    stays = stores.submit(ann, pool=FLUX, model="photo")
    held = [stores.claim(f"e.{hand}", pool=SDXL) for hand in range(2)]
    now = {"photo": (FLUX, FLUX), "plain": ("erase", ORDINARY)}

    def reroute() -> tuple[int, int]:
        return stores.tasks.reroute(("", FLUX), now.get, "{model} is not here.")

    waited = [task for task in moved if task.id not in {one.id for one in held}]
    sent, failed = reroute()
    assert failed == 1
    assert sent == len(waited) + 1 + (runs.id not in {one.id for one in held})
    for task in waited:
        seen = stores.tasks.get(task.id)
        assert seen is not None
        assert (seen.engine, seen.pool, seen.state) == (FLUX, FLUX, State.PENDING)
    gone = stores.tasks.get(lost.id)
    assert gone is not None
    assert gone.state is State.FAILED
    assert gone.failure == Failure(kind="EngineFailed", message="gone {model} is not here.")
    elsewhere = stores.tasks.get(to_ordinary.id)
    assert elsewhere is not None
    assert (elsewhere.engine, elsewhere.pool) == ("erase", ORDINARY)
    assert stores.state(stays) == State.PENDING
    assert all(stores.tasks.is_held(task) for task in held)  # until it is taken back
    assert reroute() == (0, 0)
    assert stores.tasks.release_worker("e") == 2
    assert reroute() == (2, 0)
    assert stores.claim("w").id == to_ordinary.id
    assert stores.quota(ann) == (0, 5 - 1)
    taken = {stores.claim(f"f.{hand}", pool=FLUX).id for hand in range(5)}
    assert taken == {*(task.id for task in moved), runs.id, stays.id}


def test_a_pool_is_dismissed_with_a_reason_and_refunded(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    key = stores.key(images=20)
    tasks = [stores.submit(key, n=2, pool=SDXL, model="photo") for _ in range(5)]
    running = stores.claim("e.0", pool=SDXL)
    other = stores.submit(key)
    assert stores.tasks.dismiss(SDXL, "{model} cannot be loaded.") == 4
    assert stores.tasks.dismiss(SDXL, "{model} cannot be loaded.") == 0
    for task in tasks[1:]:
        seen = stores.tasks.get(task.id)
        assert seen is not None
        assert (seen.state, seen.tries, seen.ended_ms) == (State.FAILED, 0, stores.clock.now)
        assert seen.failure == Failure(kind="EngineFailed", message="photo cannot be loaded.")
    assert stores.state(other) == State.PENDING
    assert stores.tasks.is_held(running)
    assert stores.quota(key) == (0, 3)


def test_the_roll_tells_the_pool_and_how_far_its_engine_is(stores: Stores) -> None:
    stores.tasks.beat("e", pid=1, task_id=None, pool=SDXL, state="loading")
    stores.tasks.beat("w", pid=2, task_id=None)
    assert [(one.pool, one.state) for one in stores.tasks.workers()] == [
        (SDXL, "loading"),
        (ORDINARY, "ready"),
    ]
    stores.tasks.beat("e", pid=1, task_id="t", pool=SDXL, state="ready")
    assert stores.tasks.workers()[0].state == "ready"
