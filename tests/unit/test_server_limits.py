"""Bodies over the limit, over a real socket: the answer arrives."""

from __future__ import annotations

import http.client
import json
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import httpx
import pytest
import requests
from starlette.types import Message, Receive, Scope, Send
from tests.unit.dashscope_fixture import CREATE
from tests.unit.http_fixture import serving
from tests.unit.service_fixture import service_in

from overpaint.server.errors import Declined
from overpaint.server.limits import MB, BodyLimit
from overpaint.server.logs import CLIENT_LEFT
from overpaint.server.protocol import PatientH11
from overpaint.tasks.task import PLANS

LARGE = b"x" * (12 * MB)  # more than sockets buffer


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of the server, and headers with a key."""
    with service_in(tmp_path_factory.mktemp("data"), max_body_mb=1) as (service, _):
        secret = service.keys.create("k", PLANS["unlimited"])[1]
        headers = {"Authorization": f"Bearer {secret}", "X-DashScope-Async": "enable"}
        with serving(service) as url:
            yield url, headers


def check(status: int, body: dict[str, str], *, authorized: bool) -> None:
    expected = (413, "BadRequest.TooLarge") if authorized else (401, "InvalidApiKey")
    assert (status, body["code"]) == expected


@pytest.mark.parametrize("authorized", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_requests_receives_the_answer(
    opened: tuple[str, dict[str, str]], authorized: bool, chunked: bool
) -> None:
    url, headers = opened
    pieces = (LARGE[at : at + 65536] for at in range(0, len(LARGE), 65536))
    answer = requests.post(
        url + CREATE,
        data=pieces if chunked else LARGE,
        headers={**(headers if authorized else {}), "Content-Type": "application/json"},
        timeout=30,
    )
    check(answer.status_code, answer.json(), authorized=authorized)
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_httpx_receives_the_answer(opened: tuple[str, dict[str, str]]) -> None:
    url, headers = opened
    answer = httpx.post(url + CREATE, content=LARGE, headers=headers, timeout=30)
    check(answer.status_code, answer.json(), authorized=True)
    assert answer.json()["message"] == "Payload Too Large. The body may have 1 MB."


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("authorized", [True, False])
@pytest.mark.parametrize("more", ["Expect: 100-continue", "Expect:", "Transfer-Encoding: chunked"])
def test_curl_receives_the_answer(
    opened: tuple[str, dict[str, str]], tmp_path: Path, authorized: bool, more: str
) -> None:
    url, headers = opened
    (tmp_path / "large").write_bytes(LARGE)
    said = {**(headers if authorized else {}), "Content-Type": "application/json"}
    lines = [*(f"{name}: {value}" for name, value in said.items()), more]
    command = ["curl", "-sS", "-w", "%{stderr}%{http_code}", "--data-binary", "@large"]
    for line in lines:
        command += ["-H", line]
    done = subprocess.run(
        [*command, url + CREATE], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stderr == ("413" if authorized else "401")
    assert '"request_id"' in done.stdout


def test_the_answer_comes_before_the_body_does(opened: tuple[str, dict[str, str]]) -> None:
    url, headers = opened
    head = [f"POST {CREATE} HTTP/1.1", "Host: h", "Content-Length: 99999999999"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    with connected(url) as sock:
        sock.sendall("\r\n".join([*head, "", "{"]).encode())
        assert sock.recv(12) == b"HTTP/1.1 413"
        while sock.recv(65536):  # and then the server hangs up
            pass


def test_a_connection_is_used_again_after_an_answer_that_came_early(
    opened: tuple[str, dict[str, str]],
) -> None:
    url, headers = opened
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(url + CREATE, data=b"x" * (MB // 2), timeout=30)
            assert answer.status_code == 401
        assert session.get(f"{url}/api/v1/tasks", headers=headers, timeout=30).ok


def test_who_leaves_in_the_middle_of_a_body_is_no_fault(
    opened: tuple[str, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    url, headers = opened
    lines = [f"POST {CREATE} HTTP/1.1", "Host: h", "Content-Length: 99", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with caplog.at_level(logging.INFO, logger="overpaint"):
        with connected(url) as sock:
            sock.sendall("\r\n".join([*lines, "", "{"]).encode())
        deadline = time.monotonic() + 30
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [(one.levelname, one.message) for one in caplog.records] == [("INFO", "request")]
    assert caplog.records[0].__dict__["status"] == CLIENT_LEFT


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_what_is_not_http_is_answered_as_every_error(opened: tuple[str, dict[str, str]]) -> None:
    with connected(opened[0]) as sock:
        sock.sendall(b"NOT HTTP\r\n\r\n")
        said = b"".join(iter(lambda: sock.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in said
    assert b'{"code": "InvalidParameter", "message": "Invalid HTTP request' in said


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_a_request_that_does_not_come_is_not_waited_for(
    opened: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(PatientH11, "head_s", 0.1)
    with connected(opened[0]) as sock:
        sock.sendall(begun)
        assert sock.recv(1) == b""


def test_a_connection_that_is_in_use_is_kept(
    opened: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientH11, "head_s", 2.0)
    host, port = opened[0].removeprefix("http://").split(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
        connection.connect()
        first = connection.sock
        for pause in (2.5, 0):  # the time for the first request's head is over by then
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, json.load(answer)) == (200, {"status": "alive"})
            assert connection.sock is first
            time.sleep(pause)


def test_a_body_that_stalls_is_not_waited_for() -> None:
    caught: list[Declined] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
        except Declined as declined:
            caught.append(declined)

    async def never() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    scope: Scope = {"type": "http", "headers": [(b"content-length", b"5")]}
    anyio.run(BodyLimit(app, max_bytes=10, idle_s=0.01), scope, never, send)
    assert (caught[0].problem.status, caught[0].problem.code) == (408, "RequestTimeOut")
