"""How tasks, listings and times look on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from overpaint.errors import InvalidOption
from overpaint.server import schemas
from overpaint.server.answers import Clockface, row_of, task_answer, unknown_answer, window
from overpaint.tasks.task import Failure, PictureOutcome, State, Task
from overpaint.values import BlobRef

SHANGHAI = Clockface.of("Asia/Shanghai")
NOON = 1_795_348_800_000  # 2026-11-22 12:00:00.000 UTC
BLOB = BlobRef(name="tasks/t/result-1-0.png", bytes=1, sha256="0" * 64)

PENDING = Task(
    id="t-1",
    key_id="k1",
    request_id="r-1",
    model="wanx-x-painting",
    engine="auto",
    n=2,
    options={},
    inputs={},
    created_ms=NOON + 7,
)
RUNNING = replace(PENDING, state=State.RUNNING, started_ms=NOON + 1000)
GOOD, BAD = (
    PictureOutcome(seed=7, blob=BLOB),
    PictureOutcome(seed=8, failure=Failure(kind="ContentRefused", message="no")),
)
SUCCEEDED = replace(RUNNING, state=State.SUCCEEDED, ended_ms=NOON + 2000, pictures=(GOOD, GOOD))
FAILED = replace(
    RUNNING,
    state=State.FAILED,
    ended_ms=NOON + 2000,
    failure=Failure(kind="EngineFailed", message="it broke"),
)


def answer(task: Task) -> dict[str, Any]:
    said = task_answer(task, "q", url_of=lambda index: f"http://h/{index}.png", clock=SHANGHAI)
    schemas.Answer.model_validate(json.loads(json.dumps(said)))
    return said


def test_a_pending_task() -> None:
    assert answer(PENDING) == {
        "request_id": "q",
        "output": {
            "task_id": "t-1",
            "task_status": "PENDING",
            "submit_time": "2026-11-22 20:00:00.007",
            "task_metrics": {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 0},
        },
    }


def test_a_running_task_says_since_when() -> None:
    output = answer(RUNNING)["output"]
    assert output["task_status"] == "RUNNING"
    assert output["scheduled_time"] == "2026-11-22 20:00:01.000"
    assert "end_time" not in output
    assert "results" not in output


def test_a_task_that_succeeded_has_urls_and_usage() -> None:
    said = answer(SUCCEEDED)
    assert said["usage"] == {"image_count": 2}
    assert said["output"]["results"] == [
        {"url": "http://h/0.png", "seed": "7"},
        {"url": "http://h/1.png", "seed": "7"},
    ]
    assert said["output"]["end_time"] == "2026-11-22 20:00:02.000"
    assert said["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}


def test_pictures_that_failed_are_told_beside_those_that_did_not() -> None:
    said = answer(replace(SUCCEEDED, pictures=(GOOD, BAD)))
    assert said["output"]["results"][1] == {"code": "DataInspectionFailed", "message": "no"}
    assert said["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1}
    assert said["usage"] == {"image_count": 1}
    for result in said["output"]["results"]:
        assert all(isinstance(value, str) for value in result.values())


def test_a_task_that_failed_says_why() -> None:
    said = answer(FAILED)
    assert said["output"]["code"] == "InternalError.Algo"
    assert said["output"]["message"] == "it broke"
    assert said["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 2}
    assert "usage" not in said


def test_a_task_whose_pictures_all_failed_says_why_the_first_did() -> None:
    output = answer(replace(FAILED, failure=None, pictures=(BAD, BAD)))["output"]
    assert (output["code"], output["message"]) == ("DataInspectionFailed", "no")


def test_a_task_that_failed_without_a_word_still_says_something() -> None:
    output = answer(replace(FAILED, failure=None))["output"]
    assert (output["code"], output["message"]) == ("InternalError", "The task failed.")
    unsaid = replace(SUCCEEDED, pictures=(GOOD, PictureOutcome(seed=1)))
    assert answer(unsaid)["output"]["results"][1]["message"] == "The picture failed."


def test_a_canceled_task_has_ended() -> None:
    output = answer(replace(PENDING, state=State.CANCELED, ended_ms=NOON))["output"]
    assert output["task_status"] == "CANCELED"
    assert output["end_time"] == "2026-11-22 20:00:00.000"
    assert output["task_metrics"]["FAILED"] == 0


def test_notes_are_there_only_when_there_are_any() -> None:
    assert "notes" not in answer(PENDING)["output"]
    assert answer(replace(PENDING, notes=("cut",)))["output"]["notes"] == ["cut"]


def test_an_unknown_task() -> None:
    output = {"task_id": "x", "task_status": "UNKNOWN"}
    assert unknown_answer("x", "q") == {"request_id": "q", "output": output}


def test_a_listings_row_has_text_and_milliseconds() -> None:
    row = row_of(SUCCEEDED)
    schemas.Row.model_validate(row)
    times = {name: row.pop(name) for name in ("gmt_create", "start_time", "end_time")}
    assert times == {"gmt_create": NOON + 7, "start_time": NOON + 1000, "end_time": NOON + 2000}
    assert all(isinstance(value, str) for value in row.values())
    unique = "apikey:v1:aigc:image2image:image-synthesis:wanx-x-painting"
    assert row["user_api_unique_key"] == unique
    assert "start_time" not in row_of(PENDING)
    assert "end_time" not in row_of(PENDING)


def test_times_are_read_in_the_zone_they_are_written_in() -> None:
    assert SHANGHAI.read("start_time", "20261122200000") == NOON
    local = Clockface.of("")
    digits = "".join(part for part in local.write(NOON)[:19] if part.isdigit())
    assert local.read("start_time", digits) == NOON


@pytest.mark.parametrize(
    "text", ["2026", "20261122", "20261322000000", "2026-11-22", "x" * 14, "٢" * 14, "0" * 14]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="start_time: must be a time, YYYYMMDDhhmmss"):
        SHANGHAI.read("start_time", text)


def test_a_zone_must_be_one() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "Asia"):
        with pytest.raises(InvalidOption, match="time_zone"):
            Clockface.of(name)


def test_a_listings_window_is_a_day_at_most() -> None:
    day = 86_400_000
    assert window(SHANGHAI, "", "") == (None, None)
    assert window(SHANGHAI, "20261122200000", "") == (NOON, NOON + day)
    assert window(SHANGHAI, "", "20261122200000") == (NOON - day, NOON + 999)
    assert window(SHANGHAI, "20261121200000", "20261122200000") == (NOON - day, NOON + 999)
    with pytest.raises(InvalidOption, match="at most 24 hours after start_time"):
        window(SHANGHAI, "20261121195959", "20261122200000")
    with pytest.raises(InvalidOption, match="must not be before start_time"):
        window(SHANGHAI, "20261122200000", "20261122195959")
