"""One line for each request: what was asked, by whom, how it ended, how long it took.

Never a query, a path that a caller made up, a secret, a prompt or a signature: the route's
template stands for the path.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import TypeAlias

import structlog
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overpaint import tracing
from overpaint.server.errors import Problem, answer_for

logger = logging.getLogger(__name__)

CLIENT_LEFT = 499  # nginx's: no answer was begun
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds; logged as debug

#: Called with method, route, status and seconds.
Observe: TypeAlias = Callable[[str, str, int, float], None]
#: Makes the answer to a request out of what it failed with.
Respond: TypeAlias = Callable[[Request, Problem], Response]


class RequestLog:
    """Gives each request its id, answers what no one foresaw, logs and counts how it ended.

    The id is a new UUID: in the scope's state as `request_id` (`deps.request_id_of` reads it), in
    the header X-Request-Id of the answer, and in every line that is logged meanwhile. Where traces
    are asked for, it has a span, and the lines the trace's id.
    """

    def __init__(self, app: ASGIApp, *, respond: Respond, observe: Observe | None = None) -> None:
        self.app = app
        self._respond = respond
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        # A copy: some servers share one state between requests.
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [
                    pair
                    for pair in message.get("headers", ())
                    if pair[0].lower() != b"x-request-id"
                ]
                headers.append((b"x-request-id", request_id.encode("ascii")))
                message = {**message, "headers": headers}
            await send(message)

        start = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with _span(scope) as span:
            if trace_id := tracing.trace_id(tracing.current()):
                structlog.contextvars.bind_contextvars(trace_id=trace_id)
            try:
                await self.app(scope, receive, send_with_id)
            except Exception as error:
                logger.exception("request failed", extra={"route": route_of(scope) or "-"})
                if status:  # begun: all that is left is to break it off
                    raise
                answer = self._respond(Request(scope), answer_for(error))
                await answer(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - start
                self._tell(scope, status or CLIENT_LEFT, seconds)
                if span.traced:
                    _describe(span, scope, status or CLIENT_LEFT)
                structlog.contextvars.clear_contextvars()

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        if self._observe is not None:
            self._observe(scope["method"], route, status, seconds)
        state = scope["state"]
        said = {
            "method": _method(scope),
            "route": route or "-",
            "status": status,
            "ms": round(seconds * 1000, 1),
            "key_id": state.get("key_id"),
            "task_id": _task_id(scope),
        }
        level = logging.DEBUG if route in QUIET and status < 400 else logging.INFO
        logger.log(level, "request", extra={k: v for k, v in said.items() if v is not None})


def note_task(request: Request, task_id: str, model: str = "") -> None:
    """Let the request's log line name the task that it is about, and its span the model too."""
    request.state.task_id, request.state.model = task_id, model


def _span(scope: Scope) -> tracing.Span:
    """The span of a request: one that changes something, or whose caller traces what it does.

    Else those who poll would fill the collector with traces that nobody looks at.
    """
    if not tracing.active() or not scope["path"].startswith(("/api/", "/v1/")):
        return tracing.NOTHING
    found = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    if scope["method"] in ("GET", "HEAD", "OPTIONS") and not found:
        return tracing.NOTHING
    return tracing.span(scope["method"], parent=found.decode("latin-1"), kind="server")


def _describe(span: tracing.Span, scope: Scope, status: int) -> None:
    route, state = route_of(scope), scope["state"]
    method = _method(scope)
    span.rename(f"{method} {route}".rstrip())
    span.set({"http.request.method": method, "http.response.status_code": status})
    said = {
        "http.route": route,
        "overpaint.request_id": state["request_id"],
        "overpaint.key_id": state.get("key_id"),
        "overpaint.task_id": _task_id(scope),
        "overpaint.model": state.get("model"),
    }
    span.set({name: value for name, value in said.items() if value})
    if status >= 500:
        span.fail(str(status))


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, "" where none did."""
    # FastAPI keeps the whole path of an included router's route here; the route has the rest.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(whole, "path", None) or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else ""


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method.isascii() and method.isalpha() and len(method) <= 16 else "-"


def _task_id(scope: Scope) -> str | None:
    """The task's id that a request is about; what is none was made up by the caller."""
    task_id = scope["state"].get("task_id") or scope.get("path_params", {}).get("task_id")
    try:
        return str(uuid.UUID(str(task_id))) if task_id else None
    except ValueError:
        return None
