"""Signs of life that cannot be given."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.unit.dispatch_stage import Stage, until

from overpaint.dispatch import pulse
from overpaint.dispatch.painting import LeaseLost
from overpaint.dispatch.pulse import Hold, Pulse
from overpaint.errors import StorageFull
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Progress, Task
from overpaint.values import Step


def never(task: Task) -> None:
    raise AssertionError(task.id)


@pytest.mark.parametrize("error", [StorageFull, RuntimeError])
def test_a_beat_that_fails_is_said_and_comes_again_soon(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    class Away(TaskStore):
        calls = 0

        def beat(self, *who: Any, **what: Any) -> None:
            self.calls += 1
            if self.calls < 4:
                raise error
            super().beat(*who, **what)

    monkeypatch.setattr(pulse, "_PROGRESS_S", 0.01)
    beats = Pulse(Away(stage.database), "w1", lease_s=0.2, task_s=900, overdue=never)
    beats.start()
    until(lambda: [one.id for one in stage.store.workers()] == ["w1"])
    beats.stop()
    said = [record.message for record in caplog.records]
    assert set(said) == {"no sign of life given"}
    assert len(said) == (1 if error is StorageFull else 3)  # a full disk is said once


def test_a_worker_whose_tasks_are_shorter_than_a_beat_gives_signs_of_life_too(
    stage: Stage,
) -> None:
    class Counting(TaskStore):
        calls = 0

        def beat(self, *who: Any, **what: Any) -> None:
            self.calls += 1

    store, task = Counting(stage.database), stage.submit()
    beats = Pulse(store, "w1", lease_s=0.2, task_s=900, overdue=never)
    beats.start()

    def one_more_task() -> bool:
        with beats.hold(task):
            time.sleep(0.005)
        return store.calls > 3

    until(one_more_task)
    beats.stop()


def test_a_step_is_progress_until_the_lease_is_lost(stage: Stage) -> None:
    hold = Hold(stage.submit(), 900)
    hold.step(Step(stage="paint", done=1, total=4))
    assert hold.progress == Progress(stage="paint", done=1, total=4)
    hold.lost = True
    with pytest.raises(LeaseLost):
        hold.step(Step(stage="paint", done=2, total=4))


def test_a_canceled_task_is_noticed_between_two_steps_long_before_its_lease_is_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "_PROGRESS_S", 0.01)
    task = stage.submit()
    claimed = stage.store.claim("w1", lease_ms=900_000)
    assert claimed is not None
    beats = Pulse(stage.store, "w1", lease_s=900, task_s=900, overdue=never)
    beats.start()
    try:
        with beats.hold(claimed) as hold:
            stage.store.cancel(task.id, stage.key.id, running=True)
            until(lambda: hold.lost)
            with pytest.raises(LeaseLost):
                hold.step(Step(stage="paint", done=1, total=4))
    finally:
        beats.stop()
