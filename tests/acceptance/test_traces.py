"""One trace a task, through every process: a real service, and a collector on loopback."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.heavy import require
from tests.otlp_receiver import EXTRA, Receiver, Seen, receiving
from tests.unit.dispatch_stage import install_engine
from tests.wire.process import ServeProcess

LONG_S = 90.0
SYNTHESIS = "/services/aigc/image2image/image-synthesis"
TRACE = "0af7651916cd43dd8448eb211c80319c"
UNSAMPLED = "1af7651916cd43dd8448eb211c80319c"
SECRET = "xylophone"  # in every prompt; in no trace


class Told:
    """What a service said while it painted a few tasks."""

    def __init__(self, receiver: Receiver, log: list[dict[str, Any]], early: int, key: str) -> None:
        self.bodies, self.log, self.early, self.key = receiver.bodies, log, early, key
        self.spans = receiver.spans()

    def of(self, trace: str) -> dict[str, list[Seen]]:
        """Name -> spans of a trace, by their start."""
        found: dict[str, list[Seen]] = {}
        for span in sorted(self.spans, key=lambda span: span.start):
            if span.trace == trace:
                found.setdefault(span.name, []).append(span)
        return found


def png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def order(client: httpx.Client, prompt: str, **headers: str) -> str:
    """Order two pictures, and wait for the end; the task's state."""
    mask = np.zeros((280, 320), np.uint8)
    mask[100:160, 120:200] = 255
    base = np.full((280, 320, 3), 90, np.uint8)
    pictures = {"base_image_url": png(base), "mask_image_url": png(mask)}
    sent = client.post(
        SYNTHESIS,
        json={
            "model": "stage",
            "input": {"function": "description_edit_with_mask", "prompt": prompt, **pictures},
            "parameters": {"n": 2, "size": "320*280", "seed": 2},
        },
        headers={"X-DashScope-Async": "enable", **headers},
    )
    assert sent.status_code == 200, sent.text
    task = sent.json()["output"]["task_id"]
    deadline = time.monotonic() + LONG_S
    while (state := _state(client, task)) in ("PENDING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return state


def _state(client: httpx.Client, task: str) -> str:
    return str(client.get(f"/tasks/{task}").json()["output"]["task_status"])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    require("opentelemetry.exporter.otlp.proto.http", EXTRA)
    folder = tmp_path_factory.mktemp("traced")
    with receiving() as receiver:
        serve = ServeProcess(
            folder,
            OVERPAINT_MODELS="stage=stage",
            OVERPAINT_WORKERS="1",
            OVERPAINT_NODE="n1",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_BSP_SCHEDULE_DELAY="3600000",  # all comes at the end, or not at all
        )
        install_engine(folder / "plugins")
        with serve:
            key = serve.make_key("k")
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=serve.base, headers=headers, trust_env=False) as client:
                done = order(client, SECRET, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
                assert done == "SUCCEEDED"
                failed = order(client, f"bug {SECRET}")
                assert failed == "FAILED"
                skipped = order(client, SECRET, traceparent=f"00-{UNSAMPLED}-b7ad6b7169203331-00")
                assert skipped == "SUCCEEDED"
                client.post(SYNTHESIS, json={"model": SECRET})
            early = len(receiver.bodies)
        log = [json.loads(line) for line in serve.said().splitlines() if line.startswith("{")]
        yield Told(receiver, log, early, key)


#: Span -> the one that it is below, of the caller's trace.
PARENTS = {
    f"POST /api/v1{SYNTHESIS}": None,
    "submit": f"POST /api/v1{SYNTHESIS}",
    "check": "submit",
    "inspect": "submit",
    "put": "submit",
    "insert": "submit",
    "queue": "submit",
    "task": "submit",
    "inputs": "task",
    "decode": "task",
    "plan": "task",
    "paint": "task",
    "blend": "task",
    "encode": "task",
    "store": "task",
    "finish": "task",
}


def test_a_task_is_one_trace_from_the_caller_to_the_end(told: Told) -> None:
    found = told.of(TRACE)
    assert {name: len(spans) for name, spans in found.items()} == dict.fromkeys(PARENTS, 1) | {
        "encode": 2
    }
    ids = {name: spans[0].id for name, spans in found.items()}
    for name, spans in found.items():
        above = PARENTS[name]
        parent = "b7ad6b7169203331" if above is None else ids[above]
        assert {span.parent for span in spans} == {parent}, name
        assert not any(span.error for span in spans), name
    named = {name: spans[0] for name, spans in found.items()}
    assert named["submit"].end <= named["task"].end
    assert named["queue"].start < named["task"].end


def test_its_spans_say_which_task_where_and_how(told: Told) -> None:
    found = {name: spans[0] for name, spans in told.of(TRACE).items()}
    asked, task = found[f"POST /api/v1{SYNTHESIS}"], found["task"]
    assert asked.kind == 2  # SERVER
    assert asked.about["http.request.method"] == "POST"
    assert asked.about["http.route"] == f"/api/v1{SYNTHESIS}"
    assert asked.about["http.response.status_code"] == 200
    assert asked.about["overpaint.model"] == "stage"
    assert asked.about["overpaint.key_id"] == task.about["overpaint.key_id"]
    assert asked.about["overpaint.task_id"] == task.about["overpaint.task_id"]
    assert task.kind == 5  # CONSUMER
    assert task.about["overpaint.engine"] == "stage"
    assert (task.about["overpaint.try"], task.about["overpaint.fence"]) == (1, 1)
    assert task.about["overpaint.pictures"] == 2
    assert task.resource["overpaint.node"] == asked.resource["overpaint.node"] == "n1"


def test_what_fails_is_tried_again_in_the_same_trace(told: Told) -> None:
    (trace,) = {span.trace for span in told.spans if span.about.get("overpaint.try") == 3}
    tries = told.of(trace)["task"]
    assert [span.about["overpaint.try"] for span in tries] == [1, 2, 3]
    assert {span.error for span in tries} == {"InternalError"}
    assert tries[0].events == [("retry", {"overpaint.kind": "InternalError"})]
    painted = told.of(trace)["paint"]
    assert {span.error for span in painted} == {"KeyError"}
    assert len(told.of(trace)["queue"]) == 1


def test_a_caller_who_does_not_sample_is_not_traced_but_found_in_the_log(told: Told) -> None:
    assert told.of(UNSAMPLED) == {}
    events = {line["event"] for line in told.log if line.get("trace_id") == UNSAMPLED}
    assert {"request", "painting", "painted"} <= events


def test_a_request_that_is_refused_is_a_trace_of_its_own_and_polling_is_none(told: Told) -> None:
    asked = [span for span in told.spans if span.kind == 2]
    statuses = [span.about["http.response.status_code"] for span in asked]
    assert sorted(statuses) == [200, 200, 403]


def test_no_trace_has_a_prompt_a_key_or_a_picture_in_it(told: Told) -> None:
    assert not any(SECRET.encode() in body or told.key.encode() in body for body in told.bodies)
    assert sum(map(len, told.bodies)) < 100_000


def test_all_of_it_came_when_the_processes_ended(told: Told) -> None:
    assert told.early == 0
    assert len(told.bodies) == 2  # of the API, and of the worker
