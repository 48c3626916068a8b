"""How DashScope's answers look: a task, a page of tasks, times."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from overpaint.errors import InvalidOption
from overpaint.server.errors import code_of, short
from overpaint.tasks.task import PictureOutcome, State, Task

#: The region whose contract this is; a listing has to name one.
REGION = "cn-beijing"
UNKNOWN = "UNKNOWN"
LONGEST_LISTING = timedelta(hours=24)


@dataclass(frozen=True)
class Clockface:
    """Writes and reads times in one time zone; None is the system's."""

    zone: tzinfo | None

    @classmethod
    def of(cls, name: str) -> Clockface:
        """The clock of an IANA name; raises `InvalidOption`."""
        try:
            return cls(ZoneInfo(name) if name else None)
        except (OSError, ValueError, KeyError) as error:
            raise InvalidOption("time_zone", "must be an IANA name", repr(name)) from error

    def write(self, ms: int) -> str:
        """YYYY-MM-DD HH:MM:SS.mmm."""
        time = datetime.fromtimestamp(ms / 1000, self.zone)
        return f"{time:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"

    def read(self, field: str, text: str) -> int:
        """Milliseconds since 1970 of YYYYMMDDhhmmss.

        Raises:
            InvalidOption: it is no such time.
        """
        limit = "must be a time, YYYYMMDDhhmmss"
        if not re.fullmatch(r"[0-9]{14}", text):
            raise InvalidOption(field, limit, repr(text[:40]))
        try:
            time = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=self.zone)
            return int(time.timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            raise InvalidOption(field, limit, repr(text)) from None


def task_answer(
    task: Task, request_id: str, *, url_of: Callable[[int], str], clock: Clockface
) -> dict[str, Any]:
    """The answer to a query; `url_of` gives the URL of a picture by its index."""
    done = sum(picture.blob is not None for picture in task.pictures)
    ended = task.state in (State.SUCCEEDED, State.FAILED)
    output: dict[str, Any] = {
        "task_id": task.id,
        "task_status": task.state.value,
        "submit_time": clock.write(task.created_ms),
    }
    if task.started_ms is not None:
        output["scheduled_time"] = clock.write(task.started_ms)
    if task.ended_ms is not None:
        output["end_time"] = clock.write(task.ended_ms)
    if task.state is State.SUCCEEDED:
        output["results"] = [
            _picture(picture, index, url_of) for index, picture in enumerate(task.pictures)
        ]
    if task.state is State.FAILED:
        output |= _failure(task)
    output["task_metrics"] = {
        "TOTAL": task.n,
        "SUCCEEDED": done,
        "FAILED": task.n - done if ended else 0,
    }
    if task.notes:
        output["notes"] = list(task.notes)
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.state is State.SUCCEEDED:
        answer["usage"] = {"image_count": done}
    return answer


def unknown_answer(task_id: str, request_id: str) -> dict[str, Any]:
    """The answer to a query for a task that is not there, or is another's."""
    output = {"task_id": task_id, "task_status": UNKNOWN}
    return {"request_id": request_id, "output": output}


def _picture(picture: PictureOutcome, index: int, url_of: Callable[[int], str]) -> dict[str, str]:
    """One entry of results; all values are text, as Java's SDK wants them."""
    if picture.blob is not None:
        return {"url": url_of(index), "seed": str(picture.seed)}
    failure = picture.failure
    kind, message = (failure.kind, failure.message) if failure else ("", "")
    return {"code": code_of(kind), "message": short(message or "The picture failed.")}


def _failure(task: Task) -> dict[str, str]:
    """Why a task failed: what is said of it, or else of its first picture."""
    failure = task.failure or next((one.failure for one in task.pictures if one.failure), None)
    kind, message = (failure.kind, failure.message) if failure else ("", "")
    return {"code": code_of(kind), "message": short(message or "The task failed.")}


def row_of(task: Task) -> dict[str, Any]:
    """One line of a listing."""
    row: dict[str, Any] = {
        "api_key_id": task.key_id,
        "caller_parent_id": task.key_id,
        "caller_uid": task.key_id,
        "gmt_create": task.created_ms,
        "model_name": task.model,
        "region": REGION,
        "request_id": task.request_id,
        "status": task.state.value,
        "task_id": task.id,
        "user_api_unique_key": f"apikey:v1:aigc:image2image:image-synthesis:{task.model}",
    }
    if task.started_ms is not None:
        row["start_time"] = task.started_ms
    if task.ended_ms is not None:
        row["end_time"] = task.ended_ms
    return row


def window(clock: Clockface, start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """First and last millisecond of a listing's filter, at most 24 h apart; None: not given.

    Raises:
        InvalidOption: a time is none, or they are too far apart or the wrong way round.
    """
    span = int(LONGEST_LISTING.total_seconds() * 1000)
    from_ms = clock.read("start_time", start) if start else None
    until_ms = clock.read("end_time", end) + 999 if end else None
    if from_ms is None and until_ms is not None:
        from_ms = until_ms - 999 - span
    elif from_ms is not None and until_ms is None:
        until_ms = from_ms + span
    elif from_ms is not None and until_ms is not None:
        if until_ms < from_ms:
            raise InvalidOption("end_time", "must not be before start_time", repr(end))
        if until_ms - 999 - from_ms > span:
            raise InvalidOption("end_time", "must be at most 24 hours after start_time", repr(end))
    return from_ms, until_ms
