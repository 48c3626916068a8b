"""Orders in DashScope's dialect, made as its SDKs make them."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.dashscope_fixture import ASYNC, CREATE, INPUT, Caller, data_url, said
from tests.unit.service_fixture import BASE, MASK, PIXELS, png, service_in

from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS, Plan, State

MISSING = str(uuid.UUID(int=0))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("data")
    with service_in(folder, fetch_allow_private=True, max_pending=5) as (service, _):
        yield service


@pytest.fixture(scope="module")
def app(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), base_url="http://paint.example:8000") as client:
        yield client


@pytest.fixture
def caller(app: TestClient, service: Service) -> Caller:
    return Caller(app, service, PLANS["unlimited"])


def test_a_task_is_made(caller: Caller) -> None:
    answer = caller.create()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"request_id", "output"}
    assert set(body["output"]) == {"task_id", "task_status"}
    assert body["output"]["task_status"] == "PENDING"
    task = caller.service.get(caller.key, body["output"]["task_id"])
    assert task is not None
    assert task.request_id == body["request_id"] == answer.headers["x-request-id"]
    assert task.options["size"] == "1024x1024"
    assert isinstance(task.options["seed"], int)
    assert set(task.inputs) == {"base", "mask"}


def test_everything_that_was_asked_for_is_stored(caller: Caller) -> None:
    given = {**INPUT, "prompt": "帽" * 900, "ref_img": data_url(BASE), "function": "x"}
    parameters = {"n": 3, "seed": 5, "style": "<anime>", "size": "original", "steps": 9}
    parameters |= {"mask_color": [[255, 255, 255]], "palette": "red", "output_format": "jpeg"}
    task = caller.service.get(caller.key, caller.created(input=given, parameters=parameters))
    assert task is not None
    assert task.n == 3
    assert set(task.inputs) == {"base", "mask", "reference"}
    assert task.notes == ("the prompt was cut to 800 characters",)
    options = task.options
    assert (options["seed"], options["style"], options["size"]) == (5, "anime", None)
    assert options["steps"] == 9
    assert (options["mask_color"], options["format"]) == ([[255, 255, 255]], "jpeg")
    assert len(str(options["prompt"])) == 800


@pytest.mark.parametrize("value", [None, "", "disable", "true"])
def test_a_synchronous_call_is_declined(caller: Caller, value: str | None) -> None:
    answer = caller.create(headers={} if value is None else {"X-DashScope-Async": value})
    assert said(answer) == (403, "AccessDenied")
    message = "current user api does not support synchronous calls."
    assert answer.json()["message"] == message


def test_the_key_is_looked_at_before_anything_else(app: TestClient) -> None:
    answer = app.post(CREATE, content=b"{", headers={"Authorization": "Bearer sk-none"})
    assert said(answer) == (401, "InvalidApiKey")
    assert app.get("/api/v1/tasks?page_no=x").status_code == 401
    assert app.get("/api/v1/uploads").status_code == 401
    assert app.get(f"/api/v1/tasks/{MISSING}").status_code == 401
    assert app.post(f"/api/v1/tasks/{MISSING}/cancel").status_code == 401


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a":NaN}'])
def test_a_body_that_is_no_object_is_refused(caller: Caller, content: bytes) -> None:
    headers = {**ASYNC, "Content-Type": "application/json"}
    answer = caller.post(CREATE.removeprefix("/api/v1"), content=content, headers=headers)
    assert said(answer) == (400, "InvalidParameter")
    message = "Required body invalid, please check the request body format."
    assert answer.json()["message"] == message


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x"])
def test_another_content_type_is_refused(caller: Caller, kind: str) -> None:
    assert said(caller.create(headers={**ASYNC, "Content-Type": kind})) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": ...}, "BadRequest.EmptyModel"),
        ({"model": ""}, "BadRequest.EmptyModel"),
        ({"model": "wanx-v0"}, "InvalidParameter"),
        ({"input": ...}, "BadRequest.EmptyInput"),
        ({"input": {**INPUT, "prompt": ""}}, "InvalidParameter"),
        ({"parameters": {"n": 5}}, "InvalidParameter"),
        ({"model": "wanx2.1-imageedit"}, "InvalidParameter"),
        ({"input": {**INPUT, "base_image_url": ""}}, "InvalidURL"),
        ({"input": {**INPUT, "base_image_url": "file:///etc/passwd"}}, "InvalidURL"),
        ({"input": {**INPUT, "base_image_url": "ftp://h/a.png"}}, "InvalidURL"),
        ({"input": {**INPUT, "base_image_url": "http://h/图.png"}}, "InvalidURL"),
        ({"input": {**INPUT, "base_image_url": "oss://a/b.png"}}, "InvalidURL"),
        ({"input": {**INPUT, "base_image_url": data_url(b"nothing")}}, "InvalidImageFormat"),
        ({"input": {**INPUT, "base_image_url": data_url(BASE[:900])}}, "InvalidImageFormat"),
        (
            {"input": {**INPUT, "base_image_url": data_url(png(PIXELS[:200]))}},
            "InvalidImageResolution",
        ),
        (
            {"input": {**INPUT, "mask_image_url": data_url(png(PIXELS[:260, :260]))}},
            "InvalidImageResolution",
        ),
        ({"input": {**INPUT, "mask_image_url": data_url(png(PIXELS * 0))}}, "InvalidParameter"),
        ({"parameters": {"palette": "/etc/passwd"}}, "InvalidParameter"),
    ],
)
def test_what_is_wrong_with_an_order_is_told(
    caller: Caller, change: dict[str, Any], code: str
) -> None:
    assert said(caller.create(**change)) == (400, code)
    assert caller.service.tasks.counts().get(State.RUNNING, 0) == 0


def test_a_picture_is_named_as_the_caller_named_it(caller: Caller) -> None:
    given = {**INPUT, "mask_image_url": data_url(b"nothing")}
    assert caller.create(input=given).json()["message"].startswith("mask_image_url: ")


class Files(BaseHTTPRequestHandler):
    """Pictures at /base and /mask, nothing elsewhere."""

    def do_GET(self) -> None:
        data = {"/base": BASE, "/mask": MASK}.get(self.path)
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_pictures_are_fetched(caller: Caller, host: str) -> None:
    urls = {"base_image_url": f"{host}/base", "mask_image_url": f"{host}/mask"}
    task = caller.service.get(caller.key, caller.created(input={**INPUT, **urls}))
    assert task is not None
    assert caller.service.blobs.get(task.inputs["base"]) == BASE
    assert caller.service.blobs.get(task.inputs["mask"]) == MASK


def test_a_picture_that_is_not_there_is_told(caller: Caller, host: str) -> None:
    answer = caller.create(input={**INPUT, "base_image_url": f"{host}/none"})
    assert said(answer) == (400, "InvalidParameter.FileDownload")
    answer = caller.create(input={**INPUT, "mask_image_url": "http://127.0.0.1:2/"})
    assert said(answer) == (400, "InvalidURL.ConnectionRefused")


def test_the_plan_limits_how_often_and_how_much(app: TestClient, service: Service) -> None:
    caller = Caller(app, service, PLANS["free"])
    assert [caller.create().status_code for _ in range(2)] == [200, 200]
    answer = caller.create()
    assert said(answer) == (429, "Throttling.RateQuota")
    assert answer.headers["retry-after"] == "1"
    caller = Caller(app, service, Plan(name="free", images=3))
    assert caller.create(parameters={"n": 2}).status_code == 200
    assert said(caller.create(parameters={"n": 2})) == (403, "AllocationQuota.FreeTierOnly")


def test_more_than_may_wait_is_refused(caller: Caller) -> None:
    for _ in range(5):
        caller.created()
    assert said(caller.create()) == (429, "Throttling.AllocationQuota")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_order_is_more_than_the_server_can_take(caller: Caller, data: st.DataObject) -> None:
    leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    value = st.recursive(
        leaf, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6
    )
    names = ["n", "seed", "size", "style", "mask_color", "strength", "guidance", "palette"]
    names += [
        "grow",
        "steps",
        "feather",
        "invert_mask",
        "soft_mask",
        "watermark",
        "output_format",
        "negative_prompt",
    ]
    drawn = data.draw(st.dictionaries(st.sampled_from(names), value, min_size=1, max_size=3))
    given = {**INPUT, **data.draw(st.dictionaries(st.sampled_from([*INPUT, "ref_img"]), value))}
    body = json.dumps({"model": "erase", "input": given, "parameters": drawn}).encode()
    answer = caller.post(
        CREATE.removeprefix("/api/v1"),
        content=body,
        headers={**ASYNC, "Content-Type": "application/json"},
    )
    assert answer.status_code in (200, 400, 429), answer.text
