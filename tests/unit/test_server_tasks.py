"""Tasks in DashScope's dialect: asked for, canceled, listed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.dashscope_fixture import Caller, said
from tests.unit.service_fixture import BASE, order, paint, service_in

from overpaint.errors import StoreFailed
from overpaint.server import app as app_module
from overpaint.server.answers import Clockface
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS, Failure, PictureOutcome

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
