"""What the server's routes are, for people (/docs) and programs (/openapi.json).

The page is Swagger UI, served from files that ship with Overpaint: no other host is asked, and its
Content-Security-Policy lets nothing else run.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from overpaint._version import __version__
from overpaint.server.errors import Declined

router = APIRouter(include_in_schema=False)

#: How `FastAPI(...)` is told what it serves.
ABOUT: dict[str, Any] = {
    "title": "Overpaint",
    "version": __version__,
    "summary": "Repaint the masked part of a picture as a prompt says; keep every other pixel.",
    "description": (
        "Two dialects lead to the same painters. Under `/api/v1`, DashScope's: an order is "
        "answered with a task, which is asked for until it has ended; a mask is white where the "
        "picture is to be repainted. Under `/v1`, OpenAI's: the answer is the picture; a mask is "
        "transparent there.\n\n"
        "Send a key as `Authorization: Bearer KEY`; `overpaint keys create` makes one. "
        "Every answer has the header `X-Request-Id`, which is in the server's log."
    ),
    "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "openapi_tags": [
        {"name": "tasks", "description": "DashScope's dialect: make, ask for, list, cancel."},
        {"name": "lookups", "description": "What can be asked for, and what is used of the key."},
        {"name": "uploads", "description": "Files sent ahead of their task."},
        {"name": "files", "description": "Results, by addresses that are signed and expire."},
        {"name": "openai", "description": "OpenAI's dialect: one call, one answer."},
        {"name": "operations", "description": "Alive, ready, and figures for Prometheus."},
    ],
    "openapi_url": "/openapi.json",
    "docs_url": None,  # FastAPI's own loads from another host
    "redoc_url": None,
}

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Overpaint: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> does not.</noscript>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""


@router.get("/docs")
@router.head("/docs")
def page() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers=HEADERS)


@router.get("/docs/{name}")
def asset(name: str) -> Response:
    """One of the page's files."""
    media_type = _ASSETS.get(name)
    if media_type is None:
        raise Declined(404, "NotFound", "There is no such file.")
    data = (resources.files("overpaint.server") / "swagger" / name).read_bytes()
    headers = {**HEADERS, "Cache-Control": "max-age=3600"}
    return Response(data, media_type=media_type, headers=headers)
