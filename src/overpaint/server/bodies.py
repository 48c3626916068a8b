"""Reads JSON bodies that strangers wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, NoReturn, TypeVar

from fastapi import Request

from overpaint.server.errors import Declined

BODY_S = 300.0  # for a whole body: 32 MB at a megabit a second
MAX_DEPTH = 32  # brackets in brackets
MAX_BRACKETS = 10_000  # in all; a thousand colours have a thousand

Read = TypeVar("Read")

INVALID = "Required body invalid, please check the request body format."


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that is the request's body: UTF-8, with or without a byte order mark.

    Raises:
        Declined: it is not that, or says that it is of another type.
    """
    said = request.headers.get("content-type", "application/json")
    kind = said.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Declined(400, "InvalidParameter", "Content-Type must be application/json.")
    return parse_object(await in_time(request.body()))


async def in_time(reading: Awaitable[Read]) -> Read:
    """What is read of a body, within `BODY_S`: whoever waits for it has a turn that others want.

    Raises:
        Declined: it came too slowly.
    """
    try:
        return await asyncio.wait_for(reading, BODY_S)
    except TimeoutError:
        raise Declined(408, "RequestTimeOut", "The request body came too slowly.") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The object; NaN, numbers without end, halves of characters and depth are no JSON here.

    Raises:
        Declined: it is none.
    """
    try:
        text = body.decode("utf-8-sig")
        if text.count("[") + text.count("{") > MAX_BRACKETS:
            raise ValueError
        value = json.loads(text, parse_constant=_refuse)
        _check_depth(value)
        # Half of a character cannot be sent or stored. One sign is looked for first: that is quick.
        if "\\" in text and ("\\ud" in text or "\\uD" in text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # not UTF-8, not JSON, 5000 digits, too deep
        raise Declined(400, "InvalidParameter", INVALID) from None
    if not isinstance(value, dict):
        raise Declined(400, "InvalidParameter", INVALID)
    return value


def _check_depth(value: object) -> None:
    """Refuse what is so deep that to walk it, or to print it in a message, would fail."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
