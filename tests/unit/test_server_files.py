"""Results, by signed addresses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from tests.unit.service_fixture import BASE, order, paint, service_in

from overpaint.server.app import create_app
from overpaint.tasks.task import PLANS


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A service with a painted task, and the path of its picture."""
    with service_in(tmp_path_factory.mktemp("data")) as (service, clock):
        key = service.keys.create("k", PLANS["unlimited"])[0]
        clock.now = time.time_ns() // 1_000_000
        service.submit(key, order())
        task = paint(service)
        with TestClient(create_app(service)) as client:
            path = f"/api/v1/{service.sign_file(task, 0)}"
            yield SimpleNamespace(client=client, path=path, task=task, service=service, clock=clock)


def test_a_result_needs_no_key_and_is_a_picture(at: SimpleNamespace) -> None:
    answer = at.client.get(at.path)
    assert answer.status_code == 200
    assert answer.content == BASE
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == str(len(BASE))
    assert headers["content-disposition"] == f'inline; filename="{at.task.id}-0.png"'
    assert headers["cache-control"].startswith("private, immutable, max-age=")
    assert 86_000 < int(headers["cache-control"].rpartition("=")[2]) <= 86_401
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-request-id"]


def test_its_head_can_be_asked_for(at: SimpleNamespace) -> None:
    answer = at.client.head(at.path)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(BASE))
    assert answer.headers["content-type"] == "image/png"


def test_a_path_that_was_changed_leads_nowhere(at: SimpleNamespace) -> None:
    parts = at.path.split("/")
    changes = {4: "x", 5: "9" * 10, 6: "0" * 64, 7: f"{at.task.id}-1.png"}
    for index, part in changes.items():
        changed = "/".join([*parts[:index], part, *parts[index + 1 :]])
        answer = at.client.get(changed)
        assert answer.status_code == 404
        assert answer.json()["code"] == "NotFound"
        assert answer.headers["content-type"] == "application/json"
    for odd in ("%E7%BA%A2", "%00", "%22"):
        assert at.client.get("/".join([*parts[:6], odd, parts[7]])).status_code == 404


def test_a_lost_picture_is_the_servers_fault(at: SimpleNamespace) -> None:
    key = at.service.keys.get(at.task.key_id)
    at.service.submit(key, order())
    task = paint(at.service)
    path = f"/api/v1/{at.service.sign_file(task, 0)}"
    at.service.blobs.delete(f"tasks/{task.id}")
    answer = at.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert str(at.service.settings.data_dir) not in answer.text


def test_a_path_ends(at: SimpleNamespace) -> None:
    at.clock.forward(hours=25)
    try:
        answer = at.client.get(at.path)
    finally:
        at.clock.forward(hours=-25)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
