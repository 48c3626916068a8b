"""What holds for every route."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.unit.service_fixture import service_in

from overpaint.errors import InvalidOption
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_in(tmp_path_factory.mktemp("data")) as (service, _):
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service)) as client:
        secret = service.keys.create("k", PLANS["unlimited"])[1]
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/services/aigc/text2image/image-synthesis",
        "/api/v1/tasks/a/b/c",
        "/%00",
        "/api/v1/tasks/..%2f..%2fetc",
    ],
)
def test_there_is_nothing_at_a_wrong_path(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    body = answer.json()
    assert body["code"] == "NotFound"
    assert body["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/services/aigc/image2image/image-synthesis", "POST"),
        ("DELETE", "/api/v1/tasks/x", "GET"),
        ("POST", "/api/v1/tasks", "GET"),
        ("GET", "/api/v1/tasks/x/cancel", "POST"),
        ("POST", "/api/v1/uploads", "GET"),
        ("GET", "/api/v1/uploads/files", "POST"),
        ("POST", "/api/v1/files/a/b/c/d", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.json()["code"] == "InvalidParameter"
    assert answer.json()["message"] == f"Request method '{method}' is not supported."


def test_openais_paths_fail_in_openais_words(client: TestClient) -> None:
    answer = client.get("/v1/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_what_nobody_foresaw_is_answered_without_its_insides(
    service: Service,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(service, "list", fail)
    with caplog.at_level(logging.ERROR, logger="overpaint"):
        answer = client.get("/api/v1/tasks")
    assert answer.status_code == 500
    assert answer.json()["code"] == "InternalError"
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "a secret of the inside" in caplog.text


def test_what_nobody_foresaw_is_told_in_openais_words_too(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(service, "engine_of", fail)
    answer = client.get("/v1/models/x")
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/nothing", "/healthz", "/openapi.json"])
def test_every_answer_has_safe_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_other_sites_get_no_leave_to_read(client: TestClient) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    answer = client.options("/api/v1/tasks", headers=asked)
    assert answer.status_code == 405
    simple = client.get("/api/v1/tasks", headers={"Origin": "http://evil.example"})
    for headers in (answer.headers, simple.headers):
        assert not [name for name in headers if name.startswith("access-control")]


def test_every_operation_is_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    paths = described["paths"]
    assert "/api/v1/services/aigc/image2image/image-synthesis" in paths
    assert "/api/v1/tasks/{task_id}" in paths
    for path, operations in paths.items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["tags"], where
            assert "422" not in operation["responses"], where
            assert all("description" in one for one in operation["responses"].values()), where
    create = paths["/api/v1/services/aigc/image2image/image-synthesis"]["post"]
    assert {"200", "400", "401", "403", "413", "429", "500"} <= set(create["responses"])
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["input"]["required"] == [
        "prompt",
        "base_image_url",
        "mask_image_url",
    ]
    assert create["security"]
    schemas = described["components"]["schemas"]
    assert not [name for name in schemas if "Validation" in name]


def test_a_time_zone_must_be_one(tmp_path: Path) -> None:
    with (
        service_in(tmp_path, time_zone="Mars/Olympus") as (service, _),
        pytest.raises(InvalidOption, match="time_zone"),
    ):
        create_app(service)
