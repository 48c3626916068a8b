"""What the tests that send nonsense share: the service, values to send, what an answer must be."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.unit.http_fixture import painting
from tests.unit.service_fixture import BASE, MASK, service_in

from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS

ORDER = "/api/v1/services/aigc/image2image/image-synthesis"
UPLOAD = "/api/v1/uploads/files"
EDIT = "/v1/images/edits"
ROUTES = [
    ORDER, "/api/v1/tasks", "/api/v1/tasks/", f"/api/v1/tasks/{uuid.UUID(int=7)}",
    f"/api/v1/tasks/{uuid.UUID(int=7)}/cancel", "/api/v1/uploads", UPLOAD, EDIT, "/v1/models",
    "/v1/models/erase", "/", "/sign-in", "/sign-out", "/sign-in/x", "/healthz", "/metrics", "/docs",
    "/openapi.json", f"/api/v1/files/{uuid.UUID(int=7)}/1/x/y.png",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get"]

SOME = settings(deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Service, TestClient]]:
    """A service, and a client with a key of it."""
    with service_in(folder) as (service, _), painting(service):
        secret = service.keys.create("somebody", PLANS["unlimited"])[1]
        with TestClient(create_app(service), follow_redirects=False) as client:
            client.headers["Authorization"] = f"Bearer {secret}"
            client.headers["X-DashScope-Async"] = "enable"
            yield service, client


def check(answer: httpx2.Response) -> httpx2.Response:
    """An answer is no fault of the server, and an error says what is wrong."""
    request = answer.request
    said = f"{request.method} {request.url.raw_path!r} {request.headers.raw} {answer.text[:500]}"
    assert answer.status_code < 500, said
    identity = str(uuid.UUID(answer.headers["x-request-id"]))
    if answer.status_code < 400 or request.method == "HEAD":
        return answer
    if answer.headers["content-type"].startswith("text/html"):
        assert request.url.path.startswith("/sign-"), said
        return answer
    assert answer.headers["content-type"].startswith("application/json"), said
    body = answer.json()
    if "error" in body:
        assert request.url.path.startswith("/v1/"), said
        assert isinstance(body["error"]["message"], str), said
        assert body["error"]["code"], said
    else:
        assert body["code"], said
        assert isinstance(body["message"], str), said
        assert body["request_id"] == identity, said
    assert "Traceback" not in answer.text, said
    return answer


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def order() -> dict[str, Any]:
    """A request that every known key is in."""
    return {
        "model": "erase",
        "input": {
            "prompt": "remove it",
            "negative_prompt": "text",
            "base_image_url": data_url(BASE),
            "mask_image_url": data_url(MASK),
            "function": "description_edit_with_mask",
        },
        "parameters": {
            "n": 1, "seed": 7, "size": "original", "style": "<auto>", "mask_color": [],
            "strength": 0.5, "guidance": 2, "palette": "red", "grow": 2, "feather": 1.5,
            "invert_mask": False, "soft_mask": True, "watermark": False, "output_format": "png",
            "steps": 20,
        },
    }  # fmt: skip


NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([10**400, -(10**400), 2**63, 2**64, -1, 0, 1e308, 1e-320, -0.0]),
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "\x00", "�", "𝟙𝟚", "1e999", "../../etc/passwd", "oss://", "oss://x/y",
                     "data:", "http://[", "null", "9" * 5000, "a" * 5000, "<" * 50, "%n%s{0}"]),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
