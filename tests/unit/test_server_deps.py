"""Whose a request is, and how it named the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from tests.unit.service_fixture import service_in

from overpaint.server.app import create_app
from overpaint.server.deps import SESSION_COOKIE, CurrentKey, base_url, request_id_of
from overpaint.service import Service
from overpaint.tasks.task import PLANS


def client_of(service: Service, base: str = "http://paint.example:8000") -> TestClient:
    app: FastAPI = create_app(service)

    @app.api_route("/whose", methods=["GET", "POST"])
    async def whose(request: Request, key: CurrentKey) -> JSONResponse:
        return JSONResponse({"key": key.name, "id": request_id_of(request)})

    @app.get("/base")
    async def base_of(request: Request) -> JSONResponse:
        return JSONResponse({"base": base_url(request)})

    return TestClient(app, base_url=base)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_in(tmp_path_factory.mktemp("data")) as (service, _):
        yield service


@pytest.fixture(scope="module")
def secret(service: Service) -> str:
    return service.keys.create("mine", PLANS["unlimited"])[1]


@pytest.fixture(scope="module")
def cookie(service: Service, secret: str) -> str:
    return service.new_session(service.authenticate(secret))


def test_a_bearer_key_is_found(service: Service, secret: str) -> None:
    client = client_of(service)
    for scheme in ("Bearer", "bearer"):
        answer = client.get("/whose", headers={"Authorization": f"{scheme} {secret}"})
        assert answer.json()["key"] == "mine"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "No API-key provided."),
        ("Bearer", "No API-key provided."),
        ("Bearer ", "No API-key provided."),
        ("Bearer sk-wrong", "Invalid API-key provided."),
        ("Bearer \u00e9\u00ff", "Invalid API-key provided."),
        ("Basic eDp5", "Invalid API-key provided."),
        ("", "Invalid API-key provided."),
    ],
)
def test_without_a_key_nothing_is_answered(
    service: Service, header: str | None, message: str
) -> None:
    headers: dict[bytes, bytes] = (
        {} if header is None else {b"Authorization": header.encode("latin-1")}
    )
    answer = client_of(service).get("/whose", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "InvalidApiKey"
    assert answer.json()["message"] == message
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_session_counts_for_the_servers_own_page(service: Service, cookie: str) -> None:
    client = client_of(service)
    client.cookies.set(SESSION_COOKIE, cookie)
    own = {"Origin": "http://paint.example:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.get("/whose").status_code == 200
    assert client.post("/whose", headers=own).status_code == 200
    assert client.post("/whose", headers={"Origin": own["Origin"]}).status_code == 200
    assert client.post("/whose", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://paint.example:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://paint.example:8000", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_sites_page_cannot_use_a_session(
    service: Service, cookie: str, headers: dict[str, str]
) -> None:
    client = client_of(service)
    client.cookies.set(SESSION_COOKIE, cookie)
    answer = client.post("/whose", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "AccessDenied"


def test_a_forged_session_is_none(service: Service, cookie: str) -> None:
    client = client_of(service)
    for forged in (cookie[:-1] + "x", "x", "a.b.c"):
        client.cookies.set(SESSION_COOKIE, forged)
        assert client.get("/whose").status_code == 401


@pytest.mark.parametrize(
    "host",
    ["paint.example", "paint.example:8000", "127.0.0.1:1", "[::1]:8000", "a", "my_host:80", "h.:1"],
)
def test_urls_are_of_the_host_that_was_asked(service: Service, host: str) -> None:
    answer = client_of(service).get("/base", headers={"Host": host})
    assert answer.json() == {"base": f"http://{host}"}


@pytest.mark.parametrize(
    "host", ["a b", "evil.example/x", "a@b", "a:b", "a:123456", "[::1", "-a", "红", 'a"', "a?b"]
)
def test_a_host_that_is_none_is_refused(service: Service, host: str) -> None:
    answer = client_of(service).get("/base", headers={b"Host": host.encode()})
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter"


def test_the_setting_goes_before_what_was_asked(tmp_path: Path) -> None:
    with service_in(tmp_path, public_url="https://paint.example/over") as (service, _):
        client = client_of(service)
        assert client.get("/base").json() == {"base": "https://paint.example/over"}
        cookie = service.new_session(service.keys.create("k", PLANS["free"])[0])
        client.cookies.set(SESSION_COOKIE, cookie)
        answer = client.post("/whose", headers={"Origin": "https://paint.example"})
        assert answer.status_code == 200


def test_every_request_has_an_id_of_its_own(service: Service, secret: str) -> None:
    client = client_of(service)
    headers = {"Authorization": f"Bearer {secret}", "X-Request-Id": "mine"}
    answers = [client.get("/whose", headers=headers) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids == [answer.json()["id"] for answer in answers]
    assert len({*ids, "mine"}) == 3
