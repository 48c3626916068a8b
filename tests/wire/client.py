"""Plain requests, and a check of every answer against what the SDKs' models take."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

STATES = {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"}
FINAL = STATES - {"PENDING", "RUNNING"}
TIMES = ("submit_time", "scheduled_time", "end_time")
CREATE = "/services/aigc/image2image/image-synthesis"
DONE_SECONDS = 60

Json = dict[str, Any]


class Client:
    """Speaks DashScope with one key. `base` and `mask` are URLs that are sent unless others are."""

    def __init__(self, address: str, key: str, *, base: str, mask: str) -> None:
        self.address = address
        self.key = key
        self.base = base
        self.mask = mask
        self.http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )

    def close(self) -> None:
        self.http.close()

    def body(
        self,
        model: str = "instant",
        input: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> Json:
        """A request; what is None is left out. Size is the picture's own unless said."""
        both = {"prompt": "a red hat", "base_image_url": self.base, "mask_image_url": self.mask}
        said = {"size": "original", **parameters}
        return {
            "model": model,
            "parameters": {name: value for name, value in said.items() if value is not None},
            "input": {
                name: value
                for name, value in {**both, **(input or {})}.items()
                if value is not None
            },
        }

    def post(
        self, body: object, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Create a task from this very body."""
        sent = {"X-DashScope-Async": "enable", **(headers or {})}
        return self.http.post(CREATE, json=body, headers=sent, **options)

    def create(
        self,
        model: str = "instant",
        input: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> str:
        """Create a task that is accepted; returns its id."""
        response = self.post(self.body(model, input, **parameters), headers=headers)
        assert response.status_code == 200, response.text
        answer = check_envelope(response)
        assert set(answer) == {"request_id", "output"}
        assert set(answer["output"]) == {"task_id", "task_status"}
        assert answer["output"]["task_status"] == "PENDING"
        return str(answer["output"]["task_id"])

    def task(self, task_id: str) -> Json:
        """Query a task."""
        response = self.http.get(f"/tasks/{task_id}")
        assert response.status_code == 200, response.text
        return check_task(check_envelope(response), task_id)

    def wait(self, task_id: str, *states: str) -> Json:
        """Query until the task has ended, or has one of these states."""
        deadline = time.monotonic() + DONE_SECONDS
        while True:
            answer = self.task(task_id)
            if answer["output"]["task_status"] in (states or FINAL):
                return answer
            assert answer["output"]["task_status"] not in FINAL, answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)

    def done(
        self, model: str = "instant", input: Mapping[str, object] | None = None, **parameters: Any
    ) -> Json:
        """Create a task and wait for its end."""
        return self.wait(self.create(model, input, **parameters))

    def pictures(self, answer: Json) -> list[bytes]:
        """The files of a task that succeeded."""
        assert answer["output"]["task_status"] == "SUCCEEDED", answer
        return [self.download(one["url"]) for one in answer["output"]["results"]]

    def download(self, url: str) -> bytes:
        """The file of a result, fetched as a stranger would."""
        response = httpx.get(url, timeout=30)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("image/")
        return response.content

    def cancel(self, task_id: str) -> httpx.Response:
        return self.http.post(f"/tasks/{task_id}/cancel")

    def list(self, **query: object) -> Json:
        response = self.http.get("/tasks", params={k: str(v) for k, v in query.items()})
        assert response.status_code == 200, response.text
        return check_list(check_envelope(response))


def check_envelope(response: httpx.Response) -> Json:
    """What holds for every answer in JSON."""
    assert response.headers["content-type"].split(";")[0] == "application/json"
    answer = response.json()
    assert isinstance(answer, dict)
    assert str(uuid.UUID(answer["request_id"])) == answer["request_id"]
    assert response.headers["x-request-id"] == answer["request_id"]
    return answer


def check_error(response: httpx.Response, status: int, *codes: str) -> str:
    """An error's shape, status and code; returns the message."""
    assert response.status_code == status, response.text
    answer = check_envelope(response)
    assert set(answer) == {"code", "message", "request_id"}
    assert not codes or answer["code"] in codes, answer
    assert isinstance(answer["message"], str)
    assert answer["message"]
    return str(answer["message"])


def check_task(answer: Json, task_id: str) -> Json:
    """The types that Java's `ImageSynthesisResult` and Python's `ImageSynthesisOutput` take."""
    assert set(answer) <= {"request_id", "output", "usage"}
    output = answer["output"]
    assert output["task_id"] == task_id
    status = output["task_status"]
    assert status in STATES
    if status == "UNKNOWN":
        assert set(output) == {"task_id", "task_status"}
        return answer
    allowed = {"task_id", "task_status", "results", "task_metrics", "code", "message", "notes"}
    assert set(output) <= allowed | set(TIMES)
    assert "submit_time" in output
    for name in TIMES:
        if name in output:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", output[name])
    for result in output.get("results", []):  # Map<String, String>
        assert all(isinstance(value, str) for value in result.values())
        assert "url" in result or {"code", "message"} <= set(result)
    if "task_metrics" in output:
        metrics = output["task_metrics"]
        assert set(metrics) == {"TOTAL", "SUCCEEDED", "FAILED"}
        assert all(type(value) is int for value in metrics.values())
    for note in output.get("notes", []):
        assert isinstance(note, str)
    if status == "SUCCEEDED":
        urls = [result for result in output["results"] if "url" in result]
        assert len(urls) == metrics["SUCCEEDED"] == answer["usage"]["image_count"] > 0
        assert metrics["TOTAL"] == len(output["results"]) == len(urls) + metrics["FAILED"]
        assert all(name in output for name in TIMES)
        assert output["submit_time"] <= output["scheduled_time"] <= output["end_time"]
        assert type(answer["usage"]["image_count"]) is int
    if status == "FAILED":
        assert isinstance(output["code"], str)
        assert isinstance(output["message"], str)
        assert output["code"]
        assert output["message"]
    else:
        assert "code" not in output
    return answer


def check_list(answer: Json) -> Json:
    """The types that Java's `AsyncTaskListResult` and `AsyncTaskInfo` take."""
    assert set(answer) == {"request_id", "data", "total", "total_page", "page_no", "page_size"}
    for name in ("total", "total_page", "page_no", "page_size"):
        assert type(answer[name]) is int
    for row in answer["data"]:
        for name in ("gmt_create", "start_time", "end_time"):  # Long
            assert type(row.get(name, 0)) is int
        words = set(row) - {"gmt_create", "start_time", "end_time"}
        assert all(isinstance(row[name], str) for name in words)
        assert {"task_id", "status", "model_name", "region", "request_id"} <= words
        assert {"api_key_id", "caller_uid", "caller_parent_id", "user_api_unique_key"} <= words
        assert row["status"] in STATES
        kind = "apikey:v1:aigc:image2image:image-synthesis"
        assert row["user_api_unique_key"] == f"{kind}:{row['model_name']}"
        assert "gmt_create" in row
    return answer
