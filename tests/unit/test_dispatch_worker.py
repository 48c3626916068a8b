"""Worker processes, killed and ended in every way while they paint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.dispatch_stage import Stage, batches, ended, together, until

from overpaint.dispatch.deaths import Deaths
from overpaint.dispatch.presence import UNLOADABLE
from overpaint.dispatch.supervisor import Supervisor, engine_children, worker_children
from overpaint.tasks.task import MAX_TRIES, State

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals there")

#: A worker that is less patient than a real one when it is told to end.
HASTY = """
import sys
from overpaint.dispatch import worker
worker.GRACE_S = 0.3
sys.exit(worker.main(["hasty"]))
"""


@contextmanager
def supervised(stage: Stage, *, engine: str = "", workers: int = 1) -> Iterator[Supervisor]:
    """Workers under a supervisor, as the service has them, but for pauses after deaths."""
    engines = engine_children([engine] if engine else [], stage.environment())
    children = [
        *worker_children(workers, stage.environment()),
        *(replace(child, pauses_s=(0.0,)) for child in engines),
    ]
    deaths = Deaths(stage.store, node=stage.settings.node)
    supervisor = Supervisor(children, on_death=deaths.bury)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        supervisor.stop()  # an engine may still be waiting
        thread.join(60)
    assert not thread.is_alive()


@contextmanager
def worker(stage: Stage, *argv: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A worker process of its own; its log is in `stderr`."""
    process = subprocess.Popen(
        [sys.executable, *(argv or ("-m", "overpaint.dispatch.worker", "alone"))],
        env=stage.environment(**settings),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def begun(signs: Path) -> list[int]:
    """Ids of the processes in which an engine began to wait."""
    return [int(path.name.partition("-")[2]) for path in signs.glob("begun-*")]


def test_a_task_whose_worker_is_killed_is_painted_again_into_one_result(
    stage: Stage, signs: Path
) -> None:
    task = stage.submit(f"wait {signs}", n=2)
    with supervised(stage):
        until(lambda: len(begun(signs)) == 1)
        os.kill(begun(signs)[0], signal.SIGKILL)
        (signs / "go").touch()
        until(lambda: ended(stage, task))
        (seen,) = stage.store.workers()  # the dead one is forgotten
    done = stage.now(task)
    assert (done.state, done.tries, done.worker) == (State.SUCCEEDED, 2, seen.id)
    assert stage.results(task) == ["result-2-0.png", "result-2-1.png"]
    assert stage.ledger() == (2, 0)
    assert stage.store.workers() == []


def test_a_task_that_kills_its_workers_fails_and_is_refunded(stage: Stage, signs: Path) -> None:
    deadly, harmless = stage.submit(f"wait {signs}", n=2), stage.submit()
    with supervised(stage):
        for count in range(1, MAX_TRIES + 1):
            until(lambda count=count: len(begun(signs)) == count)  # type: ignore[misc]
            newest = max(signs.glob("begun-*"), key=lambda path: path.stat().st_mtime_ns)
            os.kill(int(newest.name.partition("-")[2]), signal.SIGKILL)
        until(lambda: ended(stage, deadly) and ended(stage, harmless))
    done = stage.now(deadly)
    assert (done.state, done.tries) == (State.FAILED, MAX_TRIES)
    assert done.failure is not None
    assert done.failure.kind == "InternalError"
    assert stage.now(harmless).state is State.SUCCEEDED
    assert stage.ledger() == (1, 0)


def test_an_idle_worker_ends_when_told_to(stage: Stage) -> None:
    with worker(stage) as process:
        until(lambda: [one.id for one in stage.store.workers()] == ["alone"])
        process.terminate()
        assert process.wait(60) == 0
    assert stage.store.workers() == []


def test_a_worker_deep_in_an_engine_gives_its_task_back_uncounted(
    stage: Stage, signs: Path
) -> None:
    task = stage.submit(f"sleep {signs} 60")
    with worker(stage, "-c", HASTY) as process:
        until(lambda: len(begun(signs)) == 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    given = stage.now(task)
    assert (given.state, given.tries, given.worker) == (State.PENDING, 0, "")
    assert stage.ledger() == (0, 1)


def test_a_worker_finishes_its_task_when_told_to_end(stage: Stage, signs: Path) -> None:
    task, other = stage.submit(f"wait {signs}"), stage.submit()
    with worker(stage) as process:
        until(lambda: len(begun(signs)) == 1)
        process.terminate()
        (signs / "go").touch()
        assert process.wait(60) == 0
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.now(other).state is State.PENDING


def test_a_try_that_takes_too_long_ends_the_process_and_is_told(stage: Stage, signs: Path) -> None:
    task = stage.submit(f"sleep {signs} 60")
    for tries in range(1, MAX_TRIES):  # so that one more is the last
        taken = stage.store.claim("w", lease_ms=1000)
        assert taken is not None
        assert taken.tries == tries
        stage.store.release_worker("w")
    with worker(stage, task_seconds="1") as process:
        assert process.wait(60) == 1
    failure = stage.now(task).failure
    assert failure is not None
    assert (failure.kind, failure.message) == (
        "EngineFailed",
        "The pictures were not painted within 1 s.",
    )
    assert stage.ledger() == (0, 0)


def test_a_worker_ends_with_its_parent_whatever_it_is_at(stage: Stage, signs: Path) -> None:
    stage.submit(f"sleep {signs} 60")
    with worker(stage) as process:
        until(lambda: len(begun(signs)) == 1)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 1
        process.stdin = None


def test_a_worker_that_cannot_begin_says_why(stage: Stage) -> None:
    with worker(stage, database_url="sqlite:////nowhere/at/all.db") as process:
        assert process.wait(60) == 1
        assert process.stderr is not None
        log = process.stderr.read()
    assert "cannot work" in log
    assert "There is no database" in log
    assert "Traceback" not in log


# Engines with a process of their own


def test_a_task_that_kills_its_engine_fails_and_takes_none_of_its_batch_with_it(
    stage: Stage, signs: Path, slow: str
) -> None:
    with supervised(stage, engine=slow, workers=0):
        deadly, *others = together(stage, slow, "deadly", "paint", "paint", "paint")
        until(lambda: all(ended(stage, task) for task in (deadly, *others)))
        until(lambda: [one.state for one in stage.store.workers()] == ["ready"])
        (seen,) = stage.store.workers()  # hands have no place on the roll
        assert seen.pool == slow
    done = stage.now(deadly)
    assert (done.state, done.tries) == (State.FAILED, MAX_TRIES)
    assert done.failure is not None
    assert done.failure.kind == "InternalError"
    assert stage.results(deadly) == []
    for task in others:
        assert (stage.now(task).state, stage.now(task).tries) == (State.SUCCEEDED, 2)
        assert stage.results(task) == ["result-2-0.png"]
    assert stage.ledger() == (4, 0)
    again = [words for words in batches(signs)[2:] if words != ["first"]]
    assert sorted(again) == [["deadly"]] * 2 + [["paint"]] * 3  # alone: any of them may be it
    assert stage.store.workers() == []


def test_tasks_of_an_engine_that_dies_while_it_is_loaded_fail_and_no_others(
    stage: Stage, signs: Path, slow: str
) -> None:
    (signs / "too-large").touch()
    task, other = stage.submit(engine=slow), stage.submit()
    with supervised(stage, engine=slow, workers=0):
        until(lambda: ended(stage, task))
    failure = stage.now(task).failure
    assert failure is not None
    assert failure.message == UNLOADABLE.replace("{model}", "wanx-x-painting")
    assert len(list(signs.glob("loading-*"))) >= 2  # once may be bad luck
    assert stage.now(other).state is State.PENDING
    assert stage.ledger() == (0, 1)


def test_an_engine_ends_when_told_to_even_while_it_is_loaded(
    stage: Stage, signs: Path, slow: str
) -> None:
    (signs / "hold").touch()
    with worker(stage, "-m", "overpaint.dispatch.worker", "alone", "1", slow) as process:
        until(lambda: [one.state for one in stage.store.workers()] == ["loading"])
        process.terminate()
        assert process.wait(60) == 0
