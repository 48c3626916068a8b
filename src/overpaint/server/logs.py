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
    the header X-Request-Id of the answer, and in every line that is logged meanwhile.
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
            structlog.contextvars.clear_contextvars()

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        if self._observe is not None:
            self._observe(scope["method"], route, status, seconds)
        state = scope["state"]
        task_id = state.get("task_id") or scope.get("path_params", {}).get("task_id")
        said = {
            "method": _method(scope),
            "route": route or "-",
            "status": status,
            "ms": round(seconds * 1000, 1),
            "key_id": state.get("key_id"),
            "task_id": _uuid(task_id),
        }
        level = logging.DEBUG if route in QUIET and status < 400 else logging.INFO
        logger.log(level, "request", extra={k: v for k, v in said.items() if v is not None})


def note_task(request: Request, task_id: str) -> None:
    """Let the request's log line name the task that it is about."""
    request.state.task_id = task_id


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, "" where none did."""
    # FastAPI keeps the whole path of an included router's route here; the route has the rest.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(whole, "path", None) or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else ""


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method.isascii() and method.isalpha() and len(method) <= 16 else "-"


def _uuid(task_id: object) -> str | None:
    """A task's id as it is logged; what is none was made up by the caller."""
    try:
        return str(uuid.UUID(str(task_id))) if task_id else None
    except ValueError:
        return None
