"""The stream's own ends: silence, long lives, and keys that were revoked meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.dashscope_fixture import Caller, said
from tests.unit.service_fixture import Clock, paint, service_in

from overpaint.errors import StoreFailed
from overpaint.server import events
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path, fetch_allow_private=True) as pair:
        yield pair


@pytest.fixture
def service(made: tuple[Service, Clock]) -> Service:
    return made[0]


@pytest.fixture
def caller(service: Service) -> Iterator[Caller]:
    with TestClient(create_app(service), base_url="http://paint.example:8000") as client:
        yield Caller(client, service, PLANS["unlimited"])


def told(text: str) -> list[tuple[str, Any]]:
    """The events of a whole stream."""
    head, *rest = text.removesuffix("\n\n").split("\n\n")
    assert head == "retry: 1000"
    found = []
    for block in rest:
        if block != ":":
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_an_ended_task_is_told_as_a_query_tells_it(caller: Caller, service: Service) -> None:
    task_id = caller.created(parameters={"n": 2})
    paint(service)
    answer = caller.get(f"/tasks/events?task_id={task_id}")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-accel-buffering"] == "no"
    output = caller.get(f"/tasks/{task_id}").json()["output"]
    assert told(answer.text) == [("task", output), ("end", {})]
    assert output["results"][0]["url"].startswith("http://paint.example:8000/api/v1/files/")


def test_an_expired_task_is_unknown(caller: Caller, made: tuple[Service, Clock]) -> None:
    service, clock = made
    task_id = caller.created()
    paint(service)
    clock.forward(hours=25)
    (first, _) = told(caller.get(f"/tasks/events?task_id={task_id}").text)
    assert first == ("task", {"task_id": task_id, "task_status": "UNKNOWN"})


def test_a_stream_lives_so_long_and_is_silent_so_long(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(events, "LONGEST_S", 0.5)
    task_id = caller.created()
    text = caller.get(f"/tasks/events?task_id={task_id}").text
    assert [name for name, _ in told(text)] == ["task"]  # no end: the client comes again
    assert 1 <= text.count("\n:\n\n") <= 10


def test_a_key_that_is_revoked_loses_its_streams(
    caller: Caller, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.05)
    task_id = caller.created()
    get, asked = service.keys.get, []

    def revoking(key_id: str) -> Any:
        asked.append(key_id)
        if len(asked) == 1:
            raise StoreFailed  # which is no reason to end
        service.keys.revoke(key_id)
        return get(key_id)

    monkeypatch.setattr(service.keys, "get", revoking)
    names = [name for name, _ in told(caller.get(f"/tasks/events?task_id={task_id}").text)]
    assert names == ["task"]
    assert len(asked) == 2


def test_a_store_that_is_away_at_first_is_told(
    caller: Caller, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overpaint.server import app

    def away(*_: object, **__: object) -> None:
        raise StoreFailed

    monkeypatch.setattr(app, "UNAVAILABLE_S", 0)
    monkeypatch.setattr(service.tasks, "unfinished", away)
    assert said(caller.get("/tasks/events")) == (503, "ServiceUnavailable")


def test_a_host_that_is_none_costs_no_stream(caller: Caller) -> None:
    for _ in range(10):
        answer = caller.client.get(
            "/api/v1/tasks/events", headers={**caller.headers, "Host": "a b"}
        )
        assert said(answer) == (400, "InvalidParameter")
    assert caller.get("/tasks/events").status_code == 200
