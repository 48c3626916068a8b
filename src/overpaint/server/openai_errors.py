"""What a caller of OpenAI's dialect is answered when a request fails: `{"error": {...}}`.

Status and words are those of `errors`; type and code are OpenAI's where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from overpaint import errors
from overpaint.errors import InvalidInput, OverpaintError
from overpaint.server.errors import Declined, Problem, answer_for, short
from overpaint.tasks.task import Failure

_INVALID = "invalid_request_error"
_SERVER = "server_error"

# Where OpenAI has words of its own: kind -> HTTP status, type, code
_KINDS: Mapping[type[OverpaintError], tuple[int, str, str]] = {
    errors.InvalidKey: (401, _INVALID, "invalid_api_key"),
    errors.UnknownModel: (404, _INVALID, "model_not_found"),
    errors.ContentRefused: (400, _INVALID, "content_policy_violation"),
    errors.QuotaExhausted: (429, "insufficient_quota", "insufficient_quota"),
    errors.RateLimited: (429, "requests", "rate_limit_exceeded"),
    errors.QueueFull: (429, "requests", "rate_limit_exceeded"),
}

# What this door calls them
_FIELDS = {"base": "image", "reference": "image[]", "format": "output_format"}

#: OpenAI's clients send a request again on 429 and 5xx, unless this says not to.
NO_RETRY = {"x-should-retry": "false"}


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str = Field(examples=[_INVALID])
    param: str | None = Field(description="the form field at fault")
    code: str | None = Field(examples=["model_not_found"])


class ErrorAnswer(BaseModel):
    """How every error of this dialect looks."""

    error: ErrorDetail


class TaskFailed(OverpaintError):
    """The task failed; asking again would fail again."""

    def __init__(self, failure: Failure) -> None:
        self.kind = failure.kind
        super().__init__(failure.message)


class DressedRoute(APIRoute):
    """A route whose errors are answered in this dialect."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors turned into answers."""
        handle = super().get_route_handler()

        async def dressed(request: Request) -> Response:
            try:
                return await handle(request)
            except (OverpaintError, HTTPException) as error:
                return error_answer(error)

        return dressed


def error_answer(error: BaseException) -> JSONResponse:
    """The answer to a request that failed."""
    status, detail, headers = explain(error)
    return JSONResponse({"error": detail}, status_code=status, headers=headers)


def explain(error: BaseException) -> tuple[int, dict[str, str | None], dict[str, str]]:
    """Status, the object `error`, and headers."""
    problem = _problem(error)
    headers = dict(problem.headers)
    kind = getattr(errors, error.kind, None) if isinstance(error, TaskFailed) else type(error)
    known = kind if isinstance(kind, type) and issubclass(kind, OverpaintError) else None
    own = None if known is None else _KINDS.get(known)
    if own is not None:
        status, type_, code = own
    else:
        status = problem.status
        type_ = _SERVER if status >= 500 else _INVALID
        code = _snake(problem.code.rpartition(".")[2] if known is None else known.__name__)
    if isinstance(error, TaskFailed) or code == "insufficient_quota":
        headers.update(NO_RETRY)
    message, param = problem.message, None
    if isinstance(error, InvalidInput):
        param = _FIELDS.get(error.field, error.field)
        message = _renamed(message)
    if isinstance(error, errors.UnknownModel):
        message = f"The model {error.value} does not exist or you do not have access to it."
    detail = {"message": short(message), "type": type_, "param": param, "code": code}
    return status, detail, headers


def _problem(error: BaseException) -> Problem:
    if isinstance(error, TaskFailed):
        known = getattr(errors, error.kind, None)
        if isinstance(known, type) and issubclass(known, errors.ContentRefused | InvalidInput):
            return Problem(400, "InvalidParameter", _renamed(str(error)))
        return Problem(500, "InternalError", str(error))
    if isinstance(error, HTTPException) and not isinstance(error, Declined):
        return Problem(error.status_code, "InvalidParameter", str(error.detail))
    return answer_for(error)


def _renamed(message: str) -> str:
    field, colon, rest = message.partition(":")
    return f"{_FIELDS.get(field, field)}{colon}{rest}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
