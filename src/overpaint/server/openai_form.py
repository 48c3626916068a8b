"""Reads the form of OpenAI's route `POST /v1/images/edits`, as its clients send it."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from overpaint import options
from overpaint.errors import InvalidImage, InvalidOption, InvalidPrompt
from overpaint.server.forms import check_charset
from overpaint.service import Submission
from overpaint.service.submission import FORMATS

DEFAULT_MODEL = "gpt-image-1"
RESPONSE_FORMATS = ("url", "b64_json")
QUALITIES = frozenset({"low", "medium", "high", "xhigh", "max"})
MAX_FILES, MAX_FIELDS = 24, 100  # of a form; more is refused unread

_NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How the result is to be answered."""

    by_url: bool  # else in base64
    stream: bool  # as server-sent events
    format: str  # "png", "jpeg" or "webp"
    size: str  # "WxH" or "auto"
    quality: str  # as the caller named it, one of `QUALITIES`, else ""; all are painted alike


def open_form(request: Request) -> AbstractAsyncContextManager[FormData]:
    """The request's form, while the block lasts; large files are on the disk.

    Raises:
        InvalidOption: it is no form.
        Declined: it is in a charset that is not read.
        HTTPException: it cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise InvalidOption("body", "must be a form (multipart/form-data)", kind or "nothing")
    check_charset(request)
    return request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS)


async def read_form(form: FormData, request_id: str) -> tuple[Submission, Wanted]:
    """Read and check the form.

    Raises:
        InvalidInput: a field is missing or not allowed.
    """
    images = await _files(form, "image")
    if not images:
        raise InvalidImage("image", "must be a picture's file", "none")
    if len(images) > 2:
        limit = "must be one picture, and one more as reference at most"
        raise InvalidImage("image", limit, len(images))
    masks = await _files(form, "mask")
    sketches = await _files(form, "sketch")
    wanted = _wanted(form)
    prompt, notes = _prompt(form)
    submission = Submission(
        model=_text(form, "model") or DEFAULT_MODEL,
        prompt=prompt,
        base=images[0],
        mask=masks[-1] if masks else None,
        mask_by_alpha=True,
        reference=images[1] if len(images) > 1 else None,
        sketch=sketches[-1] if sketches else None,
        options={
            "n": _whole(form, "n"),
            "size": None if wanted.size == "auto" else wanted.size,
            "format": wanted.format,
            # extensions, by the names that `repaint` has for them
            "seed": _whole(form, "seed"),
            "style": _text(form, "style").removeprefix("<").removesuffix(">") or None,
            "negative_prompt": _text(form, "negative_prompt") or None,
            "palette": ",".join(_texts(form, "palette")) or None,
            "strength": _number(form, "strength"),
            "guidance": _number(form, "guidance"),
            "steps": _whole(form, "steps"),
            "grow": _whole(form, "grow"),
            "feather": _number(form, "feather"),
            "watermark": _flag(form, "watermark"),
        },
        notes=notes,
        request_id=request_id,
    )
    return submission, wanted


def _wanted(form: FormData) -> Wanted:
    format = _one_of("output_format", _text(form, "output_format") or "png", tuple(FORMATS))
    default = "url" if _text(form, "model").startswith("dall-e") else "b64_json"
    answer = _one_of("response_format", _text(form, "response_format") or default, RESPONSE_FORMATS)
    stream = _flag(form, "stream") or False
    if stream and answer == "url":
        raise InvalidOption("stream", "must be false where response_format is url", "true")
    size, quality = _text(form, "size"), _text(form, "quality")
    return Wanted(
        by_url=answer == "url",
        stream=stream,
        format=FORMATS[format],
        size="auto" if size.lower() in ("", "auto", "original") else size,
        quality=quality if quality in QUALITIES else "",
    )


def _prompt(form: FormData) -> tuple[str, tuple[str, ...]]:
    """The prompt, cut where it is too long, and a note that says so. It may be empty: erase."""
    given = form.get("prompt")
    if not isinstance(given, str):
        raise InvalidPrompt("prompt", "must be text", "none" if given is None else "a file")
    if len(given) <= options.MAX_PROMPT:
        return given, ()
    note = f"the prompt was cut to {options.MAX_PROMPT} characters"
    return given[: options.MAX_PROMPT], (note,)


async def _files(form: FormData, name: str) -> list[bytes]:
    """The files of a field that may be sent as `name` or, several times, as `name[]`."""
    found = []
    for value in [*form.getlist(name), *form.getlist(f"{name}[]")]:
        if isinstance(value, UploadFile):
            found.append(await value.read())
        elif value:
            raise InvalidImage(name, "must be sent as a file", "text")
    return found


def _texts(form: FormData, name: str) -> list[str]:
    values = [*form.getlist(name), *form.getlist(f"{name}[]")]
    if not all(isinstance(value, str) for value in values):
        raise InvalidOption(name, "must be text", "a file")
    return [text for value in values if (text := str(value).strip())]


def _text(form: FormData, name: str) -> str:
    """A field's text; "" where it is absent."""
    texts = _texts(form, name)
    return texts[-1] if texts else ""


def _whole(form: FormData, name: str) -> int | None:
    text = _text(form, name)
    if not text:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        raise InvalidOption(name, "must be a whole number", repr(text))
    return int(text)


def _number(form: FormData, name: str) -> float | None:
    text = _text(form, name)
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise InvalidOption(name, "must be a number", repr(text))
    return float(text)


def _flag(form: FormData, name: str) -> bool | None:
    text = _text(form, name).lower()
    if text not in ("", "true", "false", "1", "0"):
        raise InvalidOption(name, "must be true or false", repr(text))
    return text in ("true", "1") if text else None


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.lower() not in allowed:
        raise InvalidOption(name, f"must be one of {', '.join(allowed)}", repr(value))
    return value.lower()


_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_NUMERIC: dict[str, Any] = {"type": "number"}

#: The form, for the server's description.
DESCRIPTION: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image", "prompt"],
                "properties": {
                    "image": _FILE
                    | {"description": "The picture. A second, sent as `image[]`, is a reference."},
                    "mask": _FILE
                    | {
                        "description": "Transparent where the picture is repainted, of its size. "
                        "Without one the picture's own transparency is meant."
                    },
                    "prompt": {"type": "string", "description": "What to paint; empty erases."},
                    "model": {"type": "string", "default": DEFAULT_MODEL},
                    "n": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": options.MAX_N,
                        "default": 1,
                    },
                    "size": {
                        "type": "string",
                        "default": "auto",
                        "description": "`WIDTHxHEIGHT`, or `auto`: the picture's own.",
                    },
                    "response_format": {"type": "string", "enum": list(RESPONSE_FORMATS)},
                    "output_format": {"type": "string", "enum": ["png", "jpeg", "webp"]},
                    "stream": {"type": "boolean", "default": False},
                    "seed": {"type": "integer", "minimum": 0, "maximum": options.MAX_SEED},
                    "style": {"type": "string", "default": "auto"},
                    "negative_prompt": {"type": "string"},
                    "palette": {"type": "string", "examples": ["red,#ffcc00"]},
                    "strength": _NUMERIC | {"minimum": 0, "maximum": 1},
                    "guidance": _NUMERIC | {"minimum": 1, "maximum": 10},
                    "steps": {
                        "type": "integer",
                        "minimum": options.STEPS_LIMITS[0],
                        "maximum": options.STEPS_LIMITS[1],
                    },
                    "grow": {
                        "type": "integer",
                        "minimum": -options.MAX_GROW,
                        "maximum": options.MAX_GROW,
                    },
                    "feather": _NUMERIC | {"minimum": 0, "maximum": options.MAX_FEATHER},
                    "watermark": {"type": "boolean", "default": False},
                    "sketch": _FILE | {"description": "Lines to follow."},
                },
            }
        }
    },
}

#: The answer, likewise.
ANSWER: dict[str, Any] = {
    "description": "The pictures; with `stream`, an event `image_edit.completed` for each.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["created", "data"],
                "properties": {
                    "created": {"type": "integer", "description": "Seconds since 1970."},
                    "data": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "b64_json": {"type": "string"},
                                "url": {"type": "string"},
                                "seed": {
                                    "type": "integer",
                                    "description": "Gives the same picture again.",
                                },
                            },
                        },
                    },
                    "usage": {"type": "object", "description": "Zeros: pictures are counted."},
                    "notes": {"type": "array", "items": {"type": "string"}},
                    "task_id": {"type": "string", "description": "As under `/api/v1/tasks`."},
                },
            }
        },
        "text/event-stream": {"schema": {"type": "string"}},
    },
}
