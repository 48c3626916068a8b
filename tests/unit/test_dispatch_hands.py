"""Several hands of one process at one engine: what they paint together, and what ends apart."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.dispatch_stage import (
    HOLE,
    Stage,
    batches,
    ended,
    together,
    until,
)

from overpaint.dispatch.deaths import Deaths
from overpaint.dispatch.engine import EngineWorker
from overpaint.dispatch.hands import MOST_HANDS, Hands, hands_for
from overpaint.dispatch.presence import UNLOADABLE
from overpaint.engines.registry import get_engine
from overpaint.errors import EngineFailed, StoreFailed
from overpaint.policy import Permissive
from overpaint.tasks.audit import audit
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import State, Task

pytestmark = pytest.mark.usefixtures("stage_engines")

MIDDLE = slice(HOLE.start + 20, HOLE.stop - 20)


@contextmanager
def serving(
    stage: Stage, slow: str, *, count: int = 8, store: TaskStore | None = None
) -> Iterator[Hands]:
    """Hands at work in threads."""
    hands = Hands(
        store or stage.store,
        stage.blobs,
        Permissive(),
        instance="engine-1-ab",
        pool=slow,
        count=count,
        lease_s=15,
        task_s=900,
    )
    thread = threading.Thread(target=hands.serve)
    thread.start()
    try:
        yield hands
    finally:
        hands.stop(60)
        thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize(("batch", "hands"), [(1, 2), (4, 8), (8, 16), (64, MOST_HANDS)])
def test_there_are_hands_for_the_batch_that_is_painted_and_for_the_next(
    batch: int, hands: int
) -> None:
    assert hands_for(batch) == hands


def test_tasks_are_painted_together_each_into_its_own_result(
    stage: Stage, slow: str, signs: Path
) -> None:
    with serving(stage, slow):
        tasks = together(stage, slow, "p0", "p1", "p2", "p3")
        until(lambda: all(ended(stage, task) for task in tasks))
    done = [stage.now(task) for task in tasks]
    assert {(task.state, task.painter) for task in done} == {(State.SUCCEEDED, "slow:signs")}
    assert len({task.worker for task in done}) == 4
    assert all(task.worker.startswith("engine-1-ab.") for task in done)
    assert batches(signs) == [["first"], ["p0", "p1", "p2", "p3"]]
    for seed, task in enumerate(tasks):
        assert (stage.picture(task)[MIDDLE, MIDDLE] == 10 * seed + 20).all()
    assert stage.ledger() == (5, 0)
    assert audit(stage.database) == []


def test_only_tasks_of_the_pool_are_taken_here_and_only_others_elsewhere(
    stage: Stage, slow: str
) -> None:
    here, there = stage.submit(engine=slow), stage.submit()
    with serving(stage, slow):
        until(lambda: ended(stage, here))
    assert stage.now(there).state is State.PENDING
    later = stage.submit(engine=slow)
    worker = stage.worker()
    assert worker.work()
    assert not worker.work()
    assert stage.now(there).state is State.SUCCEEDED
    assert stage.now(later).state is State.PENDING


def test_a_task_that_is_canceled_in_a_batch_leaves_the_others(
    stage: Stage, slow: str, signs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(stage, slow), caplog.at_level(logging.INFO, "overpaint"):
        tasks = together(stage, slow, "wait", "wait", "wait", "wait")
        stage.store.cancel(tasks[1].id, stage.key.id, running=True)
        until(lambda: "canceled" in [record.message for record in caplog.records])
        (signs / "go").touch()
        others = (tasks[0], *tasks[2:])
        until(lambda: all(ended(stage, task) for task in others))
    assert stage.now(tasks[1]).state is State.CANCELED
    assert stage.results(tasks[1]) == []
    for task in others:
        assert (stage.now(task).state, stage.now(task).tries) == (State.SUCCEEDED, 1)
    assert stage.ledger() == (4, 0)


def test_a_row_that_fails_fails_its_own_task_alone(stage: Stage, slow: str, signs: Path) -> None:
    with serving(stage, slow):
        bad, *good = together(stage, slow, "fail", "paint", "paint", "paint")
        until(lambda: all(ended(stage, task) for task in (bad, *good)))
    failure = stage.now(bad).failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("EngineFailed", "The engine could not paint.")
    assert {stage.now(task).state for task in good} == {State.SUCCEEDED}
    assert [stage.now(task).tries for task in good] == [1, 1, 1]


def test_a_task_that_was_tried_before_is_painted_alone(
    stage: Stage, slow: str, signs: Path
) -> None:
    suspects = [stage.submit(f"again-{number}", engine=slow) for number in range(2)]
    for _ in suspects:
        assert stage.store.claim("dead.0", lease_ms=60_000, pool=slow) is not None
    assert stage.store.release_worker("dead") == 2
    others = [stage.submit(f"new-{number}", engine=slow) for number in range(4)]
    with serving(stage, slow):
        until(lambda: all(ended(stage, task) for task in (*suspects, *others)))
    assert [stage.now(task).tries for task in suspects] == [2, 2]
    seen = batches(signs)
    assert ["again-0"] in seen
    assert ["again-1"] in seen
    assert {stage.now(task).state for task in (*suspects, *others)} == {State.SUCCEEDED}


def test_one_hand_looks_at_a_time(stage: Stage, slow: str) -> None:
    class Counting(TaskStore):
        looking = most = looks = 0

        def claim(self, worker: str, *, lease_ms: int, pool: str = "") -> Task | None:
            self.looking += 1
            self.looks += 1
            self.most = max(self.most, self.looking)
            try:
                return super().claim(worker, lease_ms=lease_ms, pool=pool)
            finally:
                self.looking -= 1

    store = Counting(stage.database)
    tasks = [stage.submit(engine=slow) for _ in range(4)]
    with serving(stage, slow, store=store):
        until(lambda: all(ended(stage, task) for task in tasks))
        seen = store.looks
        until(lambda: store.looks > seen + 3)
    assert store.most == 1


def test_hands_outlive_a_database_that_does_not_answer(stage: Stage, slow: str) -> None:
    class Away(TaskStore):
        calls = 0

        def claim(self, worker: str, *, lease_ms: int, pool: str = "") -> Task | None:
            self.calls += 1
            if self.calls == 1:
                raise StoreFailed
            return super().claim(worker, lease_ms=lease_ms, pool=pool)

    task = stage.submit(engine=slow)
    with serving(stage, slow, store=Away(stage.database)):
        until(lambda: ended(stage, task))
    assert stage.now(task).state is State.SUCCEEDED


def test_the_end_waits_for_tasks_in_hand_and_gives_back_those_that_take_too_long(
    stage: Stage, slow: str, signs: Path
) -> None:
    tasks = [stage.submit("wait", engine=slow) for _ in range(2)]
    with serving(stage, slow, count=2) as hands:
        until(lambda: all(stage.now(task).progress is not None for task in tasks))
        waiting = stage.submit(engine=slow)
        assert not hands.stop(0)
        given = [stage.now(task) for task in tasks]
        assert [(task.state, task.tries) for task in given] == [(State.PENDING, 0)] * 2
        (signs / "go").touch()
    assert stage.now(waiting).state is State.PENDING
    with serving(stage, slow, count=2) as hands:
        until(lambda: hands.task_ids() != [])
        assert hands.stop(60)
    assert stage.now(tasks[0]).state is State.SUCCEEDED
    used, reserved = stage.ledger()
    assert used + reserved == 3


def test_a_try_that_takes_too_long_ends_the_process_and_costs_the_others_one_try(
    stage: Stage, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)  # this process is to stay
    with serving(stage, slow) as hands:
        tasks = together(stage, slow, "wait", "wait", "wait", "wait")
        (hanging,) = [one for one in hands.all if one.task and one.task.id == tasks[0].id]
        until(lambda: stage.ledger()[0] == 1)  # the one before the batch
        assert hanging.task is not None
        hanging._overdue(hanging.task)
        assert codes == [1]
        for task in tasks:
            given = stage.now(task)
            assert (given.state, given.tries, given.worker) == (State.PENDING, 1, "")
    assert stage.ledger() == (1, 4)
    assert audit(stage.database) == []


# Loading


@contextmanager
def loading(stage: Stage, slow: str, *, refusing_s: float = 60) -> Iterator[list[int]]:
    """An engine's worker in a thread; what `serve` returned is in the list afterwards."""
    worker = EngineWorker(
        stage.settings, stage.store, Permissive(), instance="engine-1-cd", engine=slow
    )
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(worker.serve(refusing_s=refusing_s)))
    thread.start()
    try:
        yield codes
    finally:
        worker.stop(60)
        thread.join(60)
    assert not thread.is_alive()


def states(stage: Stage) -> list[tuple[str, str]]:
    return [(worker.pool, worker.state) for worker in stage.store.workers()]


def test_an_engine_is_loaded_before_a_task_is_taken_and_says_how_far_it_is(
    stage: Stage, slow: str, signs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (signs / "hold").touch()
    task = stage.submit(engine=slow)
    with caplog.at_level(logging.INFO, "overpaint"), loading(stage, slow) as codes:
        until(lambda: states(stage) == [(slow, "loading")])
        until(lambda: list(signs.glob("loading-*")) != [])
        assert stage.now(task).state is State.PENDING
        (signs / "hold").unlink()
        until(lambda: ended(stage, task) and states(stage) == [(slow, "ready")])
    assert codes == [0]
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.now(task).worker.startswith("engine-1-cd.")
    assert states(stage) == []
    said = [vars(record) for record in caplog.records]
    assert [one["stage"] for one in said if "stage" in one] == ["load"]
    (ready,) = [one for one in said if one["message"] == "ready"]
    assert (ready["engine"], ready["hands"]) == ("slow:signs", 8)
    assert str(signs) not in str([one for one in said if one["message"] != "cannot be loaded"])


def test_an_engine_that_cannot_be_loaded_fails_its_tasks_and_no_others(
    stage: Stage, slow: str, signs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (signs / "broken").touch()
    early, other = stage.submit(n=2, engine=slow), stage.submit()
    with loading(stage, slow, refusing_s=60) as codes:
        until(lambda: ended(stage, early))
        assert states(stage) == [(slow, "failed")]
        late = stage.submit(engine=slow)
        until(lambda: ended(stage, late))
    assert codes == [0]  # it was told to end
    for task in (early, late):
        done = stage.now(task)
        assert (done.state, done.tries) == (State.FAILED, 0)
        assert done.failure is not None
        assert done.failure.kind == "EngineFailed"
        assert done.failure.message == UNLOADABLE.replace("{model}", "wanx-x-painting")
    assert stage.now(other).state is State.PENDING
    assert stage.ledger() == (0, 1)
    (record,) = [one for one in caplog.records if one.message == "cannot be loaded"]
    assert vars(record)["reason"] == f"{signs} has no weights"  # the log says why
    assert audit(stage.database) == []


def test_what_a_load_took_that_failed_is_let_go_while_its_tasks_fail(
    stage: Stage, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Weights:
        pass

    taken: list[weakref.ref[Weights]] = []

    def fail(_name: str, _about: object) -> None:
        weights = Weights()
        taken.append(weakref.ref(weights))
        raise EngineFailed

    monkeypatch.setattr("overpaint.dispatch.engine.load", fail)
    with loading(stage, slow):
        until(lambda: states(stage) == [(slow, "failed")])
        until(lambda: taken[0]() is None, seconds=5)


def test_an_engine_that_ended_with_the_service_while_it_was_loaded_has_not_failed(
    stage: Stage, slow: str
) -> None:
    task = stage.submit(engine=slow)
    deaths = Deaths(stage.store)

    def load(instance: str) -> None:
        stage.store.beat(instance, pid=1, task_id=None, pool=slow, state="loading")

    load("engine-1-a")
    deaths.bury("engine-1-a")
    load("engine-1-b")
    deaths.bury("engine-1-b", ended=True)
    for former in ("engine-1-c", "engine-2-c"):
        load(former)
    deaths.bury_former()
    assert states(stage) == []
    assert stage.now(task).state is State.PENDING
    for one in ("engine-1-d", "engine-1-e"):
        load(one)
        deaths.bury(one)
    assert stage.now(task).state is State.FAILED


def test_an_engine_that_another_node_has_fails_nobody_s_task(
    stage: Stage, slow: str, signs: Path
) -> None:
    """Where it cannot be loaded here, tasks wait for the other node."""
    (signs / "broken").touch()
    task = stage.submit(engine=slow)
    other = TaskStore(stage.database, node="other")
    deaths = Deaths(stage.store, node="here", alive_ms=60_000)

    def die_loading(name: str) -> None:
        stage.store.beat(name, pid=1, task_id=None, pool=slow, state="loading")
        deaths.bury(name)

    other.beat("e", pid=1, task_id=None, pool=slow, state="ready")
    with loading(stage, slow, refusing_s=0.5) as codes:
        until(lambda: codes == [1])
    for name in ("d1", "d2"):
        die_loading(name)
    assert stage.now(task).state is State.PENDING
    deaths.bury_former()  # those of other nodes stay
    assert states(stage) == [(slow, "ready")]
    other.beat("e", pid=1, task_id=None, pool=slow, state="failed")
    die_loading("d3")
    assert stage.now(task).state is State.FAILED


def test_the_former_workers_of_a_node_are_buried_under_all_its_names(stage: Stage) -> None:
    for node in ("here", "before", "", "other"):
        TaskStore(stage.database, node=node).beat(f"w-{node}", pid=1, task_id=None)
    Deaths(stage.store, node="here").bury_former(["before"])
    assert [worker.node for worker in stage.store.workers()] == ["other"]


def test_loading_is_tried_again_by_the_next_process(stage: Stage, slow: str, signs: Path) -> None:
    (signs / "broken").touch()
    with loading(stage, slow, refusing_s=0) as codes:
        until(lambda: codes == [1])
    (signs / "broken").unlink()
    task = stage.submit(engine=slow)
    with loading(stage, slow) as codes:
        until(lambda: ended(stage, task))
    assert codes == [0]


def test_the_engine_of_a_process_is_made_once(slow: str) -> None:
    assert get_engine(slow) is get_engine(slow)
    assert isinstance(get_engine(slow).info.batch, int)
