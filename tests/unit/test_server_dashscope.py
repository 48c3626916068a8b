"""DashScope's routes, asked as its SDKs ask."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.service_fixture import BASE, MASK, PIXELS, order, paint, png, service_in

from overpaint.errors import StoreFailed
from overpaint.server import app as app_module
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS, Failure, Key, PictureOutcome, Plan, State

Answer: TypeAlias = Any  # of httpx, or of what Starlette has in its place

CREATE = "/api/v1/services/aigc/image2image/image-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
MISSING = str(uuid.UUID(int=0))


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


INPUT = {"prompt": "a hat", "base_image_url": data_url(BASE), "mask_image_url": data_url(MASK)}
_names = (f"key {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("data")
    with service_in(folder, fetch_allow_private=True, max_pending=5) as (service, _):
        yield service


@pytest.fixture(scope="module")
def app(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), base_url="http://paint.example:8000") as client:
        yield client


class Caller:
    """Someone with a key."""

    def __init__(self, client: TestClient, service: Service, plan: Plan) -> None:
        self.client, self.service = client, service
        self.key: Key
        self.key, secret = service.keys.create(next(_names), plan)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> Answer:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, **more: Any) -> Answer:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.post(f"/api/v1{path}", headers=headers, **more)

    def create(self, headers: dict[str, str] = ASYNC, **change: Any) -> Answer:
        body = {"model": "erase", "parameters": {}, "input": INPUT, **change}
        content = json.dumps({k: v for k, v in body.items() if v is not ...}, ensure_ascii=False)
        said = {**self.headers, "Content-Type": "application/json; charset=utf-8", **headers}
        return self.client.post(CREATE, headers=said, content=content.encode())

    def created(self, **change: Any) -> str:
        answer = self.create(**change)
        assert answer.status_code == 200, answer.text
        task_id: str = answer.json()["output"]["task_id"]
        return task_id


@pytest.fixture
def caller(app: TestClient, service: Service) -> Caller:
    return Caller(app, service, PLANS["unlimited"])


def said(answer: Answer) -> tuple[int, str]:
    """Status and code of an error, which looks like every error."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert body["message"]
    return answer.status_code, body["code"]


# --- create


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
    names += ["grow", "feather", "invert_mask", "watermark", "output_format", "negative_prompt"]
    drawn = data.draw(st.dictionaries(st.sampled_from(names), value, min_size=1, max_size=3))
    given = {**INPUT, **data.draw(st.dictionaries(st.sampled_from([*INPUT, "ref_img"]), value))}
    body = json.dumps({"model": "erase", "input": given, "parameters": drawn}).encode()
    answer = caller.post(
        CREATE.removeprefix("/api/v1"),
        content=body,
        headers={**ASYNC, "Content-Type": "application/json"},
    )
    assert answer.status_code in (200, 400, 429), answer.text


# --- query


@pytest.mark.parametrize("tail", ["", "/", "?size=1024*1024&n=1", "/?size=1024*1024&n=1"])
def test_a_task_is_asked_for_with_and_without_a_slash(caller: Caller, tail: str) -> None:
    task_id = caller.created()
    answer = caller.get(f"/tasks/{task_id}{tail}")
    assert answer.status_code == 200
    assert answer.json()["output"]["task_id"] == task_id
    assert answer.json()["output"]["task_status"] == "PENDING"


def test_a_task_that_succeeded_leads_to_its_pictures(app: TestClient, caller: Caller) -> None:
    task_id = caller.created(parameters={"n": 2})
    drain(caller.service, until=task_id)
    body = caller.get(f"/tasks/{task_id}").json()
    assert body["output"]["task_status"] == "SUCCEEDED"
    assert body["usage"] == {"image_count": 2}
    urls = [result["url"] for result in body["output"]["results"]]
    assert len(set(urls)) == 2
    for index, url in enumerate(urls):
        assert url.startswith("http://paint.example:8000/api/v1/files/")
        assert url.endswith(f"/{task_id}-{index}.png")
        assert app.get(url).content == BASE


def drain(service: Service, *, until: str) -> None:
    """Paint what waits, up to this task."""
    while paint(service).id != until:
        pass


def test_a_task_that_failed_is_still_answered(caller: Caller) -> None:
    task_id = caller.created()
    while (task := caller.service.tasks.claim("w", lease_ms=1000)) and task.id != task_id:
        pass
    assert task is not None
    outcome = PictureOutcome(seed=1, failure=Failure(kind="EngineFailed", message="it broke"))
    assert caller.service.tasks.finish(task, [outcome])
    answer = caller.get(f"/tasks/{task_id}")
    assert answer.status_code == 200
    assert answer.json()["output"]["task_status"] == "FAILED"
    assert answer.json()["output"]["code"] == "InternalError.Algo"


@pytest.mark.parametrize("task_id", [MISSING, "x", "a%00b", "%E7%BA%A2", "a" * 2000])
def test_an_unknown_task_is_answered_as_such(caller: Caller, task_id: str) -> None:
    answer = caller.get(f"/tasks/{task_id}")
    assert answer.status_code == 200
    assert answer.json()["output"]["task_status"] == "UNKNOWN"


def test_another_keys_task_is_unknown(app: TestClient, service: Service, caller: Caller) -> None:
    task_id = caller.created()
    other = Caller(app, service, PLANS["unlimited"])
    body = other.get(f"/tasks/{task_id}").json()
    assert body["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert said(other.post(f"/tasks/{task_id}/cancel")) == (404, "NotFound")


# --- cancel


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("cancel", {}),
        ("cancel", {"headers": {"Content-Type": "application/json"}, "content": b""}),
        ("cancel/", {"json": {"model": "", "parameters": {}, "input": ""}}),
        ("cancel", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ],
)
def test_a_pending_task_is_canceled(caller: Caller, path: str, more: dict[str, Any]) -> None:
    task_id = caller.created()
    answer = caller.post(f"/tasks/{task_id}/{path}", **more)
    assert answer.status_code == 200
    assert answer.json() == {"request_id": answer.headers["x-request-id"]}
    assert caller.get(f"/tasks/{task_id}").json()["output"]["task_status"] == "CANCELED"
    assert said(caller.post(f"/tasks/{task_id}/{path}")) == (400, "UnsupportedOperation")


def test_what_is_not_there_cannot_be_canceled(caller: Caller) -> None:
    for task_id in (MISSING, "x", "a%00b"):
        assert said(caller.post(f"/tasks/{task_id}/cancel")) == (404, "NotFound")


# --- list


@pytest.mark.parametrize("path", ["/tasks", "/tasks/"])
def test_tasks_are_listed_newest_first(caller: Caller, path: str) -> None:
    ids = [caller.created() for _ in range(3)]
    body = caller.get(path).json()
    assert [row["task_id"] for row in body["data"]] == ids[::-1]
    del body["data"]
    assert body.pop("request_id")
    assert body == {"total": 3, "total_page": 1, "page_no": 1, "page_size": 10}
    body = caller.get(f"{path}?page_no=2&page_size=2").json()
    assert [row["task_id"] for row in body["data"]] == ids[:1]
    assert (body["total"], body["total_page"], body["page_no"]) == (3, 2, 2)


def test_only_ones_own_tasks_are_listed(caller: Caller) -> None:
    body = caller.get("/tasks").json()
    assert (body["data"], body["total"], body["total_page"]) == ([], 0, 0)


def test_every_filter_filters(caller: Caller) -> None:
    first, second = caller.created(), caller.created(model="collage")
    caller.post(f"/tasks/{first}/cancel")
    row = caller.get(f"/tasks?task_id={first}").json()["data"][0]
    now = clock_digits(row["gmt_create"])
    rows: list[tuple[str, list[str]]] = [
        ("status=CANCELED", [first]),
        ("status=pending", [second]),
        ("status=UNKNOWN", []),
        ("status=SUSPENDED", []),
        ("status=", [second, first]),
        ("model_name=collage", [second]),
        ("model_name=other", []),
        (f"task_id={second}", [second]),
        ("task_id=x", []),
        (f"api_key_id={caller.key.id}", [second, first]),
        ("api_key_id=other", []),
        ("region=cn-beijing", [second, first]),
        ("region=mars", []),
        (f"start_time={now}", [second, first]),
        (f"end_time={now}", [second, first]),
        (f"start_time={now}&end_time={now}", [second, first]),
        ("start_time=20200101000000&end_time=20200102000000", []),
        ("nothing=known&start_time=&end_time=", [second, first]),
    ]
    for query, expected in rows:
        data = caller.get(f"/tasks?{query}").json()["data"]
        assert [one["task_id"] for one in data] == expected, query


def clock_digits(ms: int) -> str:
    from overpaint.server.answers import Clockface

    return "".join(part for part in Clockface.of("").write(ms)[:19] if part.isdigit())


@pytest.mark.parametrize(
    "query",
    [
        "page_no=0",
        "page_no=x",
        "page_no=",
        "page_no=99999999999999999999",
        "page_size=0",
        "page_size=1001",
        "status=DONE",
        "start_time=yesterday",
        "end_time=2026",
        "start_time=20200101000000&end_time=20200103000000",
        "start_time=20200102000000&end_time=20200101000000",
    ],
)
def test_a_filter_that_is_none_is_refused(caller: Caller, query: str) -> None:
    assert said(caller.get(f"/tasks?{query}")) == (400, "InvalidParameter")


def test_where_more_is_kept_a_day_is_listed(tmp_path: Path) -> None:
    with service_in(tmp_path, retention_hours=1000) as (service, clock):
        key, secret = service.keys.create("k", PLANS["unlimited"])
        clock.now = 1_000_000_000_000
        service.submit(key, order())
        with TestClient(create_app(service)) as client:
            client.headers["Authorization"] = f"Bearer {secret}"
            assert client.get("/api/v1/tasks").json()["total"] == 0


# --- what fails


def test_a_database_that_does_not_answer_is_told_slowly(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreFailed("db.example: refused")

    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(caller.service, "get", fail)
    monkeypatch.setattr("overpaint.server.app.asyncio.sleep", pause)
    answer = caller.get(f"/tasks/{MISSING}")
    assert said(answer) == (503, "ServiceUnavailable")
    assert "db.example" not in answer.text
    assert pauses == [app_module.UNAVAILABLE_S]
