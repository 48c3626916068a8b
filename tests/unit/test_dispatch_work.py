"""What a worker makes of tasks, and of everything that can go wrong with one."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.dispatch_stage import (
    HOLE,
    Stage,
    ended,
    png,
    until,
)
from tests.unit.family_fixture import SECRET, family

from overpaint.dispatch.painting import LeaseLost, failure_of, paint
from overpaint.dispatch.work import Worker
from overpaint.errors import ContentRefused, EngineFailed, StorageFull, StoreFailed
from overpaint.imaging.provenance import read_provenance
from overpaint.policy import Permissive
from overpaint.storage.local import LocalBlobs
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import MAX_TRIES, Failure, PictureOutcome, Preview, State, Task
from overpaint.values import BlobRef, Rgb8, Step

pytestmark = pytest.mark.usefixtures("stage_engines")


class FullDisk(LocalBlobs):
    """A folder on a disk without space for the next `puts` pictures."""

    def __init__(self, folder: Path, puts: int, error: type[Exception] = StorageFull) -> None:
        super().__init__(folder)
        self.puts, self.error = puts, error

    def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
        if self.puts:
            self.puts -= 1
            raise self.error
        return super().put(name, data)


class LookingOn(Permissive):
    """Does something at the moment at which a result has been painted."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do

    def check_picture(self, pixels: Rgb8, prompt: str) -> None:
        self._do()


# What is painted


def test_a_task_is_painted_stored_and_settled(stage: Stage) -> None:
    task = stage.submit()
    assert stage.worker().work()
    done = stage.now(task)
    assert done.state is State.SUCCEEDED
    assert (done.painter, done.notes, done.tries) == ("stage", ("said at the door",), 1)
    assert set(done.seconds) == {"decode", "plan", "paint", "blend"}
    assert stage.results(task) == ["result-1-0.png"]
    assert stage.ledger() == (1, 0)
    painted = stage.picture(task)
    kept = stage.mask == 0
    assert np.array_equal(painted[kept], stage.base[kept])
    assert painted[HOLE, HOLE].std() < stage.base[HOLE, HOLE].std() / 2


def test_nothing_is_done_where_nothing_waits(stage: Stage) -> None:
    assert not stage.worker().work()


def test_n_pictures_have_seeds_one_after_the_other(stage: Stage) -> None:
    task = stage.submit(n=3, seed=7)
    alone = stage.submit(seed=8)
    worker = stage.worker()
    assert worker.work()
    assert worker.work()
    assert [picture.seed for picture in stage.now(task).pictures] == [7, 8, 9]
    assert len(stage.results(task)) == 3
    assert np.array_equal(stage.picture(task, 1), stage.picture(alone))
    assert stage.ledger() == (4, 0)


@pytest.mark.parametrize(("format", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_a_lossy_format_is_stored_as_such_and_said(stage: Stage, format: str, suffix: str) -> None:
    task = stage.submit(format=format)
    assert stage.worker().work()
    (picture,) = stage.now(task).pictures
    assert picture.blob is not None
    assert picture.blob.name == f"tasks/{task.id}/result-1-0.{suffix}"
    with Image.open(io.BytesIO(stage.blobs.get(picture.blob))) as image:
        assert image.format == format.upper()
    assert any("lossy" in note for note in stage.now(task).notes)


# Pictures that fail


def kinds(task: Task) -> list[str]:
    return [picture.failure.kind if picture.failure else "" for picture in task.pictures]


def test_what_fails_together_is_painted_one_by_one(stage: Stage) -> None:
    task, plain = stage.submit("fail-together", n=3), stage.submit(n=3)
    worker = stage.worker()
    assert worker.work()
    assert worker.work()
    assert kinds(stage.now(task)) == ["", "", ""]
    for index in range(3):
        assert np.array_equal(stage.picture(task, index), stage.picture(plain, index))


@pytest.mark.parametrize(
    ("prompt", "kind"), [("fail-odd", "EngineFailed"), ("refuse-odd", "ContentRefused")]
)
def test_a_picture_that_fails_leaves_the_others(stage: Stage, prompt: str, kind: str) -> None:
    task = stage.submit(prompt, n=4)
    assert stage.worker().work()
    done = stage.now(task)
    assert done.state is State.SUCCEEDED
    assert kinds(done) == ["", kind, "", kind]
    assert [picture.seed for picture in done.pictures] == [4, 5, 6, 7]
    assert stage.ledger() == (2, 0)


def test_a_result_that_the_policy_refuses_fails_alone(stage: Stage) -> None:
    shown: list[Rgb8] = []

    def refuse_the_second() -> None:
        shown.append(stage.base)
        if len(shown) == 2:
            raise ContentRefused

    task = stage.submit(n=2)
    assert stage.worker(policy=LookingOn(refuse_the_second)).work()
    assert kinds(stage.now(task)) == ["", "ContentRefused"]
    assert stage.results(task) == ["result-1-0.png"]
    assert stage.ledger() == (1, 0)


def test_a_task_whose_results_are_all_refused_fails_at_once(stage: Stage) -> None:
    def refuse() -> None:
        raise ContentRefused

    task = stage.submit(n=2)
    assert stage.worker(policy=LookingOn(refuse)).work()
    done = stage.now(task)
    assert done.state is State.FAILED
    assert done.failure == Failure(kind="ContentRefused", message=str(ContentRefused()))
    assert stage.ledger() == (0, 0)


# Tasks that fail


def test_what_the_caller_can_mend_fails_at_once_and_says_how(stage: Stage) -> None:
    task = stage.submit("reject", n=2)
    assert stage.worker().work()
    done = stage.now(task)
    assert (done.state, done.tries) == (State.FAILED, 1)
    assert done.failure == Failure(kind="InvalidPrompt", message="prompt: must be nicer")
    assert done.notes == ("said at the door",)
    assert stage.ledger() == (0, 0)


def test_a_prompt_that_names_nothing_known_continues_the_background_and_says_so(
    stage: Stage,
) -> None:
    task = stage.submit("unknown flurb", n=2)
    assert stage.worker().work()
    done = stage.now(task)
    assert (done.state, done.painter, len(done.pictures)) == (State.SUCCEEDED, "erase", 2)
    assert done.notes == (
        "said at the door",
        "prompt: names nothing that is in the concept library (nearest: known), got flurb; "
        "the background was continued instead",
    )
    picture = stage.picture(done)
    assert np.array_equal(picture[stage.mask == 0], stage.base[stage.mask == 0])
    assert not np.array_equal(picture, stage.base)
    assert stage.ledger() == (2, 0)


@pytest.mark.parametrize(
    ("prompt", "n", "kind", "message"),
    [
        ("fail 4711", 1, "EngineFailed", "The engine could not paint."),
        ("fail 4711", 2, "EngineFailed", "The engine could not paint."),
        ("bug 4711", 1, "InternalError", "Something unforeseen ended the painting."),
        ("memory", 2, "InternalError", "Something unforeseen ended the painting."),
        ("exit", 1, "InternalError", "Something unforeseen ended the painting."),
    ],
)
def test_what_may_pass_is_tried_three_times_and_refunded(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    prompt: str,
    n: int,
    kind: str,
    message: str,
) -> None:
    task = stage.submit(prompt, n=n)
    worker = stage.worker()
    for tries in range(1, MAX_TRIES + 1):
        assert stage.now(task).state is State.PENDING
        assert stage.ledger() == (0, n)
        assert worker.work()
        assert stage.now(task).tries == tries
    done = stage.now(task)
    assert done.state is State.FAILED
    assert done.failure == Failure(kind=kind, message=message)  # nothing of our insides
    assert stage.ledger() == (0, 0)
    assert not worker.work()
    record = caplog.records[-1]
    assert (record.message, vars(record)["task_id"]) == ("painting failed", task.id)
    assert "Traceback" in vars(record)["exception"]  # those are in the log
    assert prompt not in vars(record)["exception"]


def test_the_log_has_ids_and_never_the_prompt(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "overpaint")
    task = stage.submit("bug a red bridge over the river")
    stage.submit("paint a red bridge over the river")
    worker = stage.worker()
    while worker.work():
        pass
    assert {record.message for record in caplog.records} == {
        "painting",
        "painting failed",
        "painted",
    }
    for record in caplog.records:
        assert "bridge" not in str(vars(record))
        assert vars(record)["request_id"] == "r1"
        assert vars(record)["key_id"] == task.key_id


@pytest.mark.parametrize("name", ["many:/srv/secret/models/a?fast=1", "gone:/srv/secret/models/a"])
def test_the_path_of_a_checkpoint_that_cannot_be_opened_is_in_the_log_alone(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    task = replace(stage.submit(), engine=name)
    inputs = {"base": png(stage.base), "mask": png(stage.mask)}
    with family(monkeypatch), pytest.raises(EngineFailed) as raised:
        paint(task, inputs, Permissive(), on_step=lambda step: None)
    assert str(raised.value).startswith(f"engine {name} cannot be opened: engine: must ")
    told = failure_of(raised.value)
    assert told == Failure(kind="EngineFailed", message="The engine could not paint.")


def test_a_checkpoint_paints_and_no_note_or_file_says_where_it_lies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(stage.submit(style="anime", steps=9), engine=f"many:{SECRET}/sdxl?steps=8")
    inputs = {"base": png(stage.base), "mask": png(stage.mask)}
    with family(monkeypatch):
        painted = paint(task, inputs, Permissive(), on_step=lambda step: None)
    assert painted.painter == "many:sdxl"
    assert painted.notes == ("the engine many:sdxl does not take a style",)
    (file,) = painted.files.values()
    assert isinstance(file, bytes)
    said = read_provenance(file)
    assert said is not None
    assert said.engine == "many:sdxl"
    assert SECRET.encode() not in file


def test_what_no_door_would_let_in_fails_the_task_at_once(stage: Stage) -> None:
    task = stage.submit(strength=5)
    assert stage.worker().work()
    failure = stage.now(task).failure
    assert failure is not None
    assert failure.kind == "InvalidOption"


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda path: path.write_bytes(b"x"), "BlobDamaged"),
        (lambda path: path.unlink(), "BlobMissing"),
    ],
)
def test_an_input_that_was_lost_fails_the_task_at_once(
    stage: Stage, harm: Callable[[Path], object], kind: str
) -> None:
    task = stage.submit(n=2)
    harm(stage.settings.blobs_dir / task.inputs["mask"].name)
    assert stage.worker().work()
    done = stage.now(task)
    assert (done.state, done.tries) == (State.FAILED, 1)
    assert done.failure is not None
    assert done.failure.kind == kind
    assert task.id not in done.failure.message  # where we keep it is not the caller's
    assert stage.ledger() == (0, 0)


# Stores that fail


@pytest.mark.parametrize("error", [StorageFull, StoreFailed])
def test_a_full_disk_is_waited_for_with_the_picture_in_hand(
    stage: Stage, error: type[Exception]
) -> None:
    task = stage.submit(n=2)
    assert stage.worker(blobs=FullDisk(stage.settings.blobs_dir, 1, error)).work()
    done = stage.now(task)
    assert (done.state, done.tries) == (State.SUCCEEDED, 1)
    assert len(stage.results(task)) == 2


def test_a_result_that_finds_no_space_takes_none_while_it_waits(stage: Stage) -> None:
    class Tight(LocalBlobs):
        """Has space for one picture, until somebody looks."""

        seen: list[list[str]]

        def put(self, name: str, data: bytes, *, called: str = "") -> BlobRef:
            self.seen.append(stage.results(task))
            if name.endswith("1-1.png") and len(self.seen) < 3:
                raise StorageFull
            return super().put(name, data)

    disk = Tight(stage.settings.blobs_dir)
    disk.seen = []
    task = stage.submit(n=2)
    assert stage.worker(blobs=disk).work()
    first = ["result-1-0.png"]
    assert disk.seen == [[], first, [], first]
    assert stage.now(task).state is State.SUCCEEDED
    assert len(stage.results(task)) == 2


def test_a_disk_that_stays_full_costs_no_try_and_leaves_nothing_half(stage: Stage) -> None:
    task = stage.submit(n=2)
    disk = FullDisk(stage.settings.blobs_dir, 0)

    def fill() -> None:
        disk.puts = 0 if stage.results(task) else 1000

    worker = stage.worker(blobs=disk, patience_s=0, policy=LookingOn(fill))
    disk.puts = 1000
    for _ in range(MAX_TRIES + 1):
        with pytest.raises(StorageFull):
            worker.work()
        assert (stage.now(task).state, stage.now(task).tries) == (State.PENDING, 0)
        assert stage.results(task) == []
        assert stage.ledger() == (0, 2)
    assert stage.worker().work()
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.ledger() == (2, 0)


def test_a_result_stays_when_the_database_ended_the_task_and_did_not_say_so(
    stage: Stage,
) -> None:
    class Mute(TaskStore):
        def finish(self, task: Task, pictures: Sequence[PictureOutcome], **rest: object) -> bool:
            if super().finish(task, pictures, **rest):  # type: ignore[arg-type]
                raise StoreFailed
            return False

    task = stage.submit()
    assert stage.worker(store=Mute(stage.database)).work()
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.picture(task).shape == stage.base.shape
    assert stage.ledger() == (1, 0)


def test_a_result_stays_when_the_database_ends_the_task_only_after_all_patience(
    stage: Stage,
) -> None:
    class Late(TaskStore):
        late: Callable[[], bool]

        def finish(self, task: Task, pictures: Sequence[PictureOutcome], **rest: object) -> bool:
            write = super().finish
            self.late = lambda: write(task, pictures, **rest)  # type: ignore[arg-type]
            raise StoreFailed

        def give_back(self, task: Task) -> bool:
            assert self.late()  # it was under way all the time
            return super().give_back(task)

    task = stage.submit()
    with pytest.raises(StoreFailed):
        stage.worker(store=Late(stage.database), patience_s=0).work()
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.picture(task).shape == stage.base.shape


def test_a_worker_outlives_a_database_that_does_not_answer(stage: Stage) -> None:
    class Away(TaskStore):
        calls = 0

        def claim(self, worker: str, *, lease_ms: int, pool: str = "") -> Task | None:
            self.calls += 1
            if self.calls == 1:
                raise StoreFailed
            return super().claim(worker, lease_ms=lease_ms, pool=pool)

    task = stage.submit()
    with serving(stage.worker(store=Away(stage.database))):
        until(lambda: ended(stage, task))
    assert stage.now(task).state is State.SUCCEEDED


# Leases


class serving:
    """A worker that serves in a thread."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._thread = threading.Thread(target=worker.serve)

    def __enter__(self) -> Worker:
        self._thread.start()
        return self.worker

    def __exit__(self, *_: object) -> None:
        self.worker.stop(60)
        self._thread.join(60)


def test_a_worker_that_lost_its_lease_throws_its_result_away(stage: Stage) -> None:
    task = stage.submit(n=2)
    other = stage.worker("w2")

    def meanwhile() -> None:
        if stage.store.release_worker("w1"):
            assert other.work()

    assert stage.worker("w1", policy=LookingOn(meanwhile)).work()
    done = stage.now(task)
    assert (done.state, done.worker, done.fence) == (State.SUCCEEDED, "w2", 2)
    assert stage.results(task) == ["result-2-0.png", "result-2-1.png"]
    assert stage.ledger() == (2, 0)


def test_a_worker_that_lost_its_lease_stops_painting(stage: Stage, tmp_path: Path) -> None:
    task = stage.submit(f"wait {tmp_path}")  # for a file that never comes
    with serving(stage.worker(lease_s=0.2)) as worker:
        until(lambda: list(tmp_path.glob("begun-*")) != [])
        for _ in range(MAX_TRIES):
            until(lambda: stage.store.release_worker(worker.id) == 1)
        until(lambda: ended(stage, task))
    assert stage.now(task).state is State.FAILED
    assert stage.results(task) == []


def test_a_worker_whose_task_was_canceled_stops_painting_and_takes_the_next(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = stage.submit(f"wait {tmp_path}", n=2)  # for a file that never comes
    with serving(stage.worker()), caplog.at_level(logging.INFO, "overpaint"):
        until(lambda: stage.now(task).progress is not None)
        stage.store.cancel(task.id, stage.key.id, running=True)
        assert stage.now(task).state is State.CANCELED
        following = stage.submit()
        until(lambda: ended(stage, following))
    assert stage.now(following).state is State.SUCCEEDED
    assert stage.now(task).state is State.CANCELED
    assert stage.results(task) == []
    assert stage.ledger() == (1, 0)
    said = [record.message for record in caplog.records]
    assert said.count("canceled") == 1
    assert "lease lost" not in said


def test_what_is_painted_of_a_canceled_task_is_thrown_away(stage: Stage) -> None:
    task = stage.submit(n=2)

    def meanwhile() -> None:
        if stage.now(task).state is State.RUNNING:
            stage.store.cancel(task.id, stage.key.id, running=True)

    assert stage.worker(policy=LookingOn(meanwhile)).work()
    assert stage.now(task).state is State.CANCELED
    assert stage.now(task).pictures == ()
    assert stage.results(task) == []
    assert stage.ledger() == (0, 0)


def test_previews_are_shown_while_the_engine_paints_and_not_after(
    stage: Stage, tmp_path: Path
) -> None:
    task = stage.submit(f"wait {tmp_path}")

    def shown() -> Preview | None:
        return stage.store.look([task.id])[task.id].preview

    with serving(stage.worker(lease_s=0.2)):
        until(lambda: shown() is not None)
        first = shown()
        assert first is not None
        with Image.open(io.BytesIO(first.jpeg)) as image:
            assert image.format == "JPEG"
        box = first.box
        assert box.top <= HOLE.start
        assert box.top + box.height >= HOLE.stop
        until(lambda: (now := shown()) is not None and now.serial > first.serial)
        (tmp_path / "go").touch()
        until(lambda: ended(stage, task))
    assert shown() is None
    assert stage.now(task).state is State.SUCCEEDED


def test_a_lease_is_kept_and_progress_told_while_the_engine_paints(
    stage: Stage, tmp_path: Path
) -> None:
    task = stage.submit(f"wait {tmp_path}")
    with serving(stage.worker(lease_s=0.4)):
        until(lambda: stage.now(task).progress is not None)
        first = stage.now(task)
        assert first.progress is not None
        until(lambda: (stage.now(task).lease_until_ms or 0) > (first.lease_until_ms or 0) + 500)
        (seen,) = stage.store.workers()
        assert (seen.id, seen.task_id) == ("w1", task.id)
        (tmp_path / "go").touch()
        until(lambda: ended(stage, task))
    assert (stage.now(task).state, stage.now(task).tries) == (State.SUCCEEDED, 1)


def test_files_that_a_killed_try_left_are_deleted(stage: Stage) -> None:
    task = stage.submit(n=2)
    assert stage.store.claim("killed", lease_ms=1000) is not None
    stage.blobs.put(f"tasks/{task.id}/result-1-0.png", b"of the try that was killed")
    stage.store.release_worker("killed")
    assert stage.worker().work()
    assert stage.results(task) == ["result-2-0.png", "result-2-1.png"]


# The end


def test_a_worker_told_to_end_finishes_what_it_has(stage: Stage, tmp_path: Path) -> None:
    task, next_one = stage.submit(f"wait {tmp_path}"), stage.submit()
    with serving(stage.worker()) as worker:
        until(lambda: list(tmp_path.glob("begun-*")) != [])
        threading.Timer(0.1, (tmp_path / "go").touch).start()
        assert worker.stop(60)
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.now(next_one).state is State.PENDING


def test_a_worker_told_to_end_gives_back_what_takes_too_long_uncounted(
    stage: Stage, tmp_path: Path
) -> None:
    task = stage.submit(f"wait {tmp_path}")
    with serving(stage.worker()) as worker:
        until(lambda: list(tmp_path.glob("begun-*")) != [])
        assert not worker.stop(0.05)
        given = stage.now(task)
        assert (given.state, given.tries, stage.ledger()) == (State.PENDING, 0, (0, 1))
        (tmp_path / "go").touch()
    assert stage.now(task).state is State.PENDING  # what came after was thrown away
    assert stage.results(task) == []


def test_encoding_is_told_picture_by_picture_and_ends_with_the_lease(stage: Stage) -> None:
    task = stage.submit(n=3)
    inputs = {name: stage.blobs.get(ref) for name, ref in task.inputs.items()}
    told: list[Step] = []

    def tell(step: Step) -> None:
        told.append(step)
        if step == Step(stage="encode", done=1, total=3):
            raise LeaseLost

    with pytest.raises(LeaseLost):
        paint(task, inputs, Permissive(), on_step=tell)
    assert [step.done for step in told if step.stage == "encode"] == [0, 1]
