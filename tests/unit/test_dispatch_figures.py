from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from overpaint.dispatch.figures import (
    COUNTS,
    TIMES,
    Figures,
    failures_of,
    histogram_of,
    of_engine,
)
from overpaint.tasks.task import Failure, Task
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob

TASK = Task(
    id="t",
    key_id="k",
    request_id="r",
    model="m",
    engine="erase",
    n=1,
    options={},
    inputs={},
    created_ms=1000,
    started_ms=1300,
    tries=1,
    fence=1,
)
FAILED = Failure(kind="EngineFailed", message="no")


def test_all_counters_are_told_from_the_start_since_prometheus_sees_no_first_increase() -> None:
    told = Figures().read()
    assert all(told[name] == 0 for name in COUNTS)
    assert failures_of(told)["EngineFailed"] == 0
    for name in TIMES:
        buckets, seconds = histogram_of(told, name)
        assert (buckets[-1], seconds) == (("+Inf", 0), 0)


def test_a_task_that_is_taken_up_and_ends_is_counted_and_timed() -> None:
    figures = Figures()
    watch = figures.claimed(TASK)
    watch.ended(None)
    told = figures.read()
    assert (told["claims"], told["repeats"]) == (1, 0)
    waited, seconds = histogram_of(told, "wait")
    assert seconds == 0.3
    assert dict(waited)["0.25"] == 0
    assert dict(waited)["0.5"] == dict(waited)["+Inf"] == 1
    total, seconds = histogram_of(told, "total")
    assert dict(total)["+Inf"] == 1
    assert seconds >= 0.3
    assert not any(failures_of(told).values())


def test_a_later_try_has_waited_once_and_its_last_failure_is_the_end() -> None:
    figures = Figures()
    for number in (1, 2, 3):
        figures.claimed(replace(TASK, tries=number, fence=number)).retried(FAILED)
    told = figures.read()
    assert (told["claims"], told["repeats"], told["retries"]) == (3, 2, 2)
    assert dict(histogram_of(told, "wait")[0])["+Inf"] == 1
    assert dict(histogram_of(told, "total")[0])["+Inf"] == 1
    assert failures_of(told)["EngineFailed"] == 1


def test_a_task_that_waited_for_hours_is_in_the_last_bucket() -> None:
    figures = Figures()
    figures.claimed(replace(TASK, started_ms=10_000_000))
    buckets = dict(histogram_of(figures.read(), "wait")[0])
    assert (buckets["1800.0"], buckets["+Inf"]) == (0, 1)


@pytest.mark.parametrize(("kind", "told"), [("NoSuch", "InternalError"), ("CorruptImage", None)])
def test_kinds_are_those_of_our_errors(kind: str, told: str | None) -> None:
    figures = Figures()
    figures.claimed(TASK).ended(Failure(kind=kind, message=""))
    assert failures_of(figures.read())[told or kind] == 1


def test_figures_of_a_row_that_somebody_else_wrote_are_taken_as_far_as_they_are_known() -> None:
    assert failures_of({"failed.<script>": 1, "claims": 2}) == {}
    assert histogram_of({}, "wait")[0][-1] == ("+Inf", 0)


class Plain:
    info = EngineInfo(name="plain", summary="")

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        return []

    def close(self) -> None:
        pass


class Telling(Plain):
    def figures(self) -> dict[str, float]:
        return {"batches": 2, "batch_pictures": 7, "of-its-own": 1}


class Breaking(Plain):
    def figures(self) -> dict[str, float]:
        raise RuntimeError("the driver has gone")


def test_an_engine_may_tell_of_itself_and_what_is_not_known_is_passed_over() -> None:
    assert of_engine(Plain()) == {}
    assert of_engine(Telling()) == {"batches": 2, "batch_pictures": 7}
    assert of_engine(Breaking()) == {}
