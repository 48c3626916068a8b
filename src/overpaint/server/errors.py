"""The one map from what went wrong to what a caller is answered: status, code, message.

The codes are DashScope's. Doors in another dialect (OpenAI's) dress the same `Problem` otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from overpaint import errors

MAX_MESSAGE = 600  # characters; a value that is quoted may be long

UNFORESEEN = "An internal error has occurred, please try again later."


@dataclass(frozen=True)
class Problem:
    """What a caller is answered when a request fails."""

    status: int  # HTTP
    code: str  # "InvalidParameter", ...
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Declined(HTTPException):
    """The server declines a request for a reason of HTTP's own; carries the answer.

    An HTTPException, because FastAPI lets those pass where it reads a form for a handler.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.problem = Problem(status, code, message, headers or {})
        super().__init__(status, message, dict(headers or {}))


class ErrorBody(BaseModel):
    """How every error looks."""

    code: str = Field(examples=["InvalidParameter"], description="what went wrong, for programs")
    message: str = Field(description="what went wrong, in words")
    request_id: str = Field(description="of this answer; the same as the header X-Request-Id")


# Status and code of each kind of error; a kind that is not here is answered as its base is.
_KINDS: Mapping[str, tuple[int, str]] = {
    "InvalidInput": (400, "InvalidParameter"),
    "InvalidImage": (400, "InvalidImageFormat"),
    "FileTooLarge": (400, "InvalidFile.Size"),
    "ResolutionOutOfRange": (400, "InvalidImageResolution"),
    "MaskSizeMismatch": (400, "InvalidImageResolution"),
    "InvalidURL": (400, "InvalidURL"),
    "DownloadFailed": (400, "InvalidParameter.FileDownload"),
    "InvalidKey": (401, "InvalidApiKey"),
    "ContentRefused": (400, "DataInspectionFailed"),
    "QuotaExhausted": (403, "AllocationQuota.FreeTierOnly"),
    "RateLimited": (429, "Throttling.RateQuota"),
    "QueueFull": (429, "Throttling.AllocationQuota"),
    "NotPending": (400, "UnsupportedOperation"),
    "UnknownTask": (404, "NotFound"),
    "UploadRefused": (403, "AccessDenied"),
    "AlreadyUploaded": (409, "FileAlreadyExists"),
    "EngineFailed": (500, "InternalError.Algo"),
    "StoreFailed": (503, "ServiceUnavailable"),
    "OverpaintError": (500, "InternalError"),
}

# Why a download failed -> code
_DOWNLOADS: Mapping[str, str] = {
    "timeout": "InvalidURL.Timeout",
    "refused": "InvalidURL.ConnectionRefused",
}


def answer_for(error: BaseException) -> Problem:
    """What a caller is answered for an error; the unforeseen is not described to strangers."""
    if isinstance(error, Declined):
        return error.problem
    if not isinstance(error, errors.OverpaintError):
        return Problem(500, "InternalError", UNFORESEEN)
    status, code = _kind(type(error))
    message = str(error)
    if isinstance(error, errors.UnknownModel):
        message = "Model not exist."
    elif isinstance(error, errors.DownloadFailed):
        code = _DOWNLOADS.get(error.reason, code)
    elif isinstance(error, errors.StoreFailed):
        message = "The service is not available at the moment, please try again later."
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return Problem(status, code, short(message), headers)


def code_of(kind: str) -> str:
    """The code of a stored failure's kind: a name in `overpaint.errors`, or anything else."""
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, errors.OverpaintError):
        return _kind(known)[1]
    return "InternalError"


def _kind(error: type[errors.OverpaintError]) -> tuple[int, str]:
    return next(_KINDS[base.__name__] for base in error.__mro__ if base.__name__ in _KINDS)


def short(message: str) -> str:
    """The message, cut where it would be endless, and such that it can be sent as UTF-8."""
    if len(message) > MAX_MESSAGE:
        message = message[: MAX_MESSAGE - 1] + "…"
    return message.encode("utf-8", "backslashreplace").decode("utf-8")


_MEANINGS: Mapping[int, str] = {
    400: "The request is not valid: `InvalidParameter` and others.",
    401: "No key, or one that is not known: `InvalidApiKey`.",
    403: "`AccessDenied`, or the key's pictures are used up: `AllocationQuota.FreeTierOnly`.",
    404: "There is no such thing: `NotFound`.",
    405: "There is no such method here; `Allow` names those there are.",
    408: "The body came too slowly: `RequestTimeOut`.",
    409: "There is something else of this name: `FileAlreadyExists`.",
    413: "The request is too large: `BadRequest.TooLarge`.",
    429: "Too many submissions (`Throttling.RateQuota`) or tasks (`Throttling.AllocationQuota`).",
    500: "The server failed: `InternalError`.",
    503: "The database does not answer; try again: `ServiceUnavailable`.",
}


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its description; 500 and 503 go with every route."""
    return {
        status: {"model": ErrorBody, "description": _MEANINGS[status]}
        for status in (*statuses, 500, 503)
    }
