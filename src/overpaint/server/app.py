"""The HTTP door: routes, middleware, and every error as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from overpaint.errors import OverpaintError
from overpaint.server import (
    dashscope,
    docs,
    events,
    files,
    lookups,
    openai,
    operations,
    signin,
    uploads,
    webpage,
)
from overpaint.server.answers import Clockface
from overpaint.server.deps import request_id_of
from overpaint.server.draining import ClosingAnswers, Draining
from overpaint.server.errors import Declined, Problem, answer_for, short
from overpaint.server.fetch import Fetcher
from overpaint.server.headers import SafeHeaders
from overpaint.server.limits import MB, BodyLimit
from overpaint.server.logs import RequestLog
from overpaint.server.metrics import Metrics
from overpaint.server.openai_errors import error_answer
from overpaint.server.turns import BlobThreads, Threads, Turns
from overpaint.server.watching import Watcher
from overpaint.service import Service

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig  # which older ones have not

THREADS = 32  # for what waits on the database and the disk
CONVERSIONS = 4  # of results at a time, one a task; each holds two pictures in memory
UNAVAILABLE_S = 1.0  # Java's SDK asks again at once after a 503: it is answered slowly

ROUTERS = (
    events.router,  # before the tasks, one of which could be called so
    dashscope.router,
    lookups.router,
    uploads.router,
    files.router,
    openai.router,
    operations.router,
    docs.router,
    signin.router,
    webpage.router,
)

#: FastAPI's own telemetry would send whole paths, with signatures in them, and errors' messages.
_NONE: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}


def create_app(service: Service) -> FastAPI:
    """The app that serves a service; who opened the service closes it.

    Raises `InvalidOption` for a time zone that there is not.
    """
    clock = Clockface.of(service.settings.time_zone)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        app.state.threads = Threads()
        app.state.blob_threads = BlobThreads()
        app.state.conversions = Threads(in_all=CONVERSIONS, a_key=1)
        app.state.turns = Turns()
        app.state.fetcher = Fetcher(service.settings)
        app.state.watcher = Watcher(service.tasks.look, service.tasks.signals)
        try:
            yield
        finally:
            app.state.watcher.close()
            await app.state.fetcher.close()

    app = _App(lifespan=lifespan, redirect_slashes=False, telemetry=_NONE, **docs.ABOUT)
    app.state.service = service
    app.state.clock = clock
    app.state.metrics = Metrics(service)
    app.state.draining = Draining(service.settings.drain_seconds)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(OverpaintError, _failed)
    app.add_exception_handler(HTTPException, _http_failed)
    app.add_exception_handler(RequestValidationError, _not_valid)
    # The last one added sees a request first.
    app.add_middleware(BodyLimit, max_bytes=service.settings.max_body_mb * MB)
    app.add_middleware(RequestLog, respond=respond, observe=app.state.metrics.observe)
    app.add_middleware(SafeHeaders)
    app.add_middleware(ClosingAnswers, draining=app.state.draining)
    return app


class _App(FastAPI):
    """FastAPI, which here answers 400 and not 422 to what it finds wrong, and says so."""

    def openapi(self) -> dict[str, Any]:
        """The description of the routes."""
        if self.openapi_schema is None:
            described = super().openapi()
            for path in described["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                described["components"]["schemas"].pop(name, None)
        return super().openapi()


async def _failed(request: Request, error: Exception) -> Response:
    """What handlers raise on purpose."""
    problem = answer_for(error)
    if problem.status == 503:
        await asyncio.sleep(UNAVAILABLE_S)
    return respond(request, problem)


async def _http_failed(request: Request, error: Exception) -> Response:
    """What is of HTTP: no such path, no such method, and what `Declined` says."""
    if isinstance(error, HTTPException) and not isinstance(error, Declined):
        return respond(request, _of_http(request, error))
    return respond(request, answer_for(error))


def _of_http(request: Request, error: HTTPException) -> Problem:
    if error.status_code == 404:
        return Problem(404, "NotFound", "There is nothing at this path.")
    if error.status_code == 405:
        message = f"Request method '{request.method}' is not supported."
        return Problem(405, "InvalidParameter", message, {"Allow": _allowed(request)})
    code = "InvalidParameter" if error.status_code < 500 else "InternalError"
    return Problem(error.status_code, code, short(str(error.detail)), error.headers or {})


def _allowed(request: Request) -> str:
    """The methods that there are at this path, in whichever routes."""
    methods: set[str] = set()
    for route in [*request.app.router.routes, *(one for of in ROUTERS for one in of.routes)]:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= set(getattr(route, "methods", None) or ())
    return ", ".join(sorted(methods))


async def _not_valid(request: Request, error: Exception) -> Response:
    """What FastAPI found in a query, a header or a form."""
    message = "The request is not valid."
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        message = f"{first['loc'][-1]}: {first['msg']}"
    return respond(request, Problem(400, "InvalidParameter", short(message)))


def respond(request: Request, problem: Problem) -> Response:
    """The answer for a problem, in the dialect of the path."""
    if request.scope["path"].startswith("/v1/"):
        said = Declined(problem.status, problem.code, problem.message, problem.headers)
        return error_answer(said)
    body = {
        "code": problem.code,
        "message": problem.message,
        "request_id": request_id_of(request),
    }
    return JSONResponse(body, status_code=problem.status, headers=dict(problem.headers))
