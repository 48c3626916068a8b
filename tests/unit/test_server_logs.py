from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from overpaint.dispatch.logs import configure
from overpaint.server.app import respond
from overpaint.server.logs import CLIENT_LEFT, RequestLog, note_task
from overpaint.settings import Settings

TASK = "0f4b2a6e-4c4e-4b43-9b86-0e3f3f7f9f11"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[io.StringIO]:
    """What the service logs, as JSON lines."""
    root, own = logging.getLogger(), logging.getLogger("overpaint")
    before = (list(root.handlers), root.level, own.level)
    stream = io.StringIO()
    configure(Settings(data_dir=tmp_path, log_format="json", log_level="debug"), stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def make_app(seen: list[tuple[str, str, int, float]] | None = None) -> FastAPI:
    router = APIRouter()

    @router.get("/tasks/{task_id}")
    def get_task(task_id: str, request: Request) -> dict[str, str]:
        request.state.key_id = "k1"
        logging.getLogger("overpaint.service").info("looked up")
        return {"request_id": request.state.request_id}

    @router.post("/orders")
    def order(request: Request) -> dict[str, str]:
        note_task(request, TASK)
        return {}

    @router.get("/files/{signature}/{name}")
    def file(signature: str, name: str) -> dict[str, str]:
        return {}

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("the cupboard is bare")

    @router.get("/broken-off")
    def broken_off() -> StreamingResponse:
        def parts() -> Iterator[bytes]:
            yield b"a"
            raise RuntimeError("half way")

        return StreamingResponse(parts())

    app = FastAPI()
    app.include_router(router, prefix="/api/v1")

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {}

    observe = None if seen is None else lambda *a: seen.append(a)
    app.add_middleware(RequestLog, respond=respond, observe=observe)
    return app


def test_a_request_has_one_id_in_its_answer_its_header_and_every_line(lines: io.StringIO) -> None:
    answer = TestClient(make_app()).get(f"/api/v1/tasks/{TASK}?token=abc")
    said = answer.headers["x-request-id"]
    assert str(uuid.UUID(said)) == said
    assert answer.json() == {"request_id": said}
    inner, line = read(lines)
    assert inner["event"] == "looked up"
    assert inner["request_id"] == line["request_id"] == said


def test_each_request_has_an_id_of_its_own() -> None:
    client = TestClient(make_app())
    ids = {client.get("/healthz", headers={"X-Request-Id": "mine"}).headers["x-request-id"]}
    ids.add(client.get("/healthz").headers["x-request-id"])
    assert len(ids) == 2
    assert "mine" not in ids


def test_a_line_says_method_route_status_time_key_and_task(lines: io.StringIO) -> None:
    TestClient(make_app()).get(f"/api/v1/tasks/{TASK}")
    line = read(lines)[-1]
    assert line["event"] == "request"
    assert line["level"] == "info"
    assert (line["method"], line["route"]) == ("GET", "/api/v1/tasks/{task_id}")
    assert line["status"] == 200
    assert line["ms"] >= 0
    assert (line["key_id"], line["task_id"]) == ("k1", TASK)


def test_a_task_that_a_handler_made_is_named(lines: io.StringIO) -> None:
    TestClient(make_app()).post("/api/v1/orders")
    assert read(lines)[-1]["task_id"] == TASK


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/files/SECRETSIGNATURE/a.png",
        "/api/v1/tasks/SECRETSIGNATURE",
        "/SECRETSIGNATURE",
        "/api/v1/tasks/1?Signature=SECRETSIGNATURE",
    ],
)
def test_what_a_caller_puts_into_a_url_is_not_logged(lines: io.StringIO, path: str) -> None:
    TestClient(make_app()).get(path)
    assert read(lines)
    assert "SECRETSIGNATURE" not in lines.getvalue()


def test_an_unforeseen_error_is_answered_without_its_words_and_logged_with_them(
    lines: io.StringIO,
) -> None:
    answer = TestClient(make_app()).get("/api/v1/broken")
    assert answer.status_code == 500
    body = answer.json()
    assert body["code"] == "InternalError"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "cupboard" not in answer.text
    failed, line = read(lines)
    assert "the cupboard is bare" in failed["exception"]
    assert failed["request_id"] == line["request_id"] == body["request_id"]
    assert line["status"] == 500


def test_an_answer_that_fails_half_way_is_broken_off_and_logged(lines: io.StringIO) -> None:
    with pytest.raises(RuntimeError, match="half way"):
        TestClient(make_app()).get("/api/v1/broken-off")
    assert [line["event"] for line in read(lines)] == ["request failed", "request"]


def test_probes_are_only_logged_for_debugging(lines: io.StringIO) -> None:
    TestClient(make_app()).get("/healthz")
    assert read(lines)[-1]["level"] == "debug"


def test_each_request_is_counted_by_its_route() -> None:
    seen: list[tuple[str, str, int, float]] = []
    client = TestClient(make_app(seen))
    client.get("/api/v1/tasks/1")
    client.get("/nothing/here")
    assert [one[:3] for one in seen] == [
        ("GET", "/api/v1/tasks/{task_id}", 200),
        ("GET", "", 404),
    ]


@pytest.mark.anyio
async def test_a_request_that_no_one_answered_counts_as_left_by_the_client() -> None:
    seen: list[tuple[str, str, int, float]] = []

    async def nothing(*_: object) -> None:
        return None

    log = RequestLog(nothing, respond=respond, observe=lambda *a: seen.append(a))
    await log({"type": "http", "method": "GET", "headers": []}, nothing, nothing)  # type: ignore[arg-type]
    assert seen[0][2] == CLIENT_LEFT


@pytest.mark.anyio
async def test_what_is_not_a_request_passes_through() -> None:
    kinds: list[str] = []

    async def app(scope: Any, *_: object) -> None:
        kinds.append(scope["type"])

    await RequestLog(app, respond=respond)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert kinds == ["lifespan"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
