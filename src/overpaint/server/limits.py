"""What a request may cost: the size of its body, and how slowly that may come.

A client that is still sending when the server closes the connection gets a reset in place of the
answer. So an answer that is given early is sent, and what still comes is read and thrown away for
a while, before the connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overpaint.server.errors import Declined

MB = 1024**2
IDLE_S = 60.0  # longest pause in a body
DRAIN_BYTES = 256 * MB  # thrown away at most,
DRAIN_S = 10.0  # and for so long,
DRAIN_IDLE_S = 1.0  # until nothing comes any more


class BodyLimit:
    """Answers 413 to a body over the limit without reading it all, and 408 to one that stalls."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, idle_s: float = IDLE_S) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._idle_s = idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, send, max_bytes=self._max_bytes, idle_s=self._idle_s)
        # Who leaves in the middle of his body needs no answer, and it is no fault to be logged.
        with contextlib.suppress(ClientDisconnect):
            await self.app(scope, body.receive, body.send)


class _Body:
    """One request's body, and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, max_bytes: int, idle_s: float
    ) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        length = headers.get(b"content-length", b"")
        self._declared = int(length) if length.isdigit() else None
        self._receive, self._send = receive, send
        self._max_bytes, self._idle_s = max_bytes, idle_s
        self._taken = 0  # bytes
        self._ended = not self._declared and b"transfer-encoding" not in headers
        self._lingers = False

    async def receive(self) -> Message:
        """The next piece, as the application asks for it."""
        if self._ended:
            return await self._receive()
        if self._declared is not None and self._declared > self._max_bytes:
            raise self._too_large()
        try:
            message = await asyncio.wait_for(self._receive(), self._idle_s)
        except TimeoutError:
            raise Declined(408, "RequestTimeOut", "The request body came too slowly.") from None
        self._count(message)
        if self._taken > self._max_bytes:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """The answer; where it comes before the body's end, the connection lingers."""
        if message["type"] == "http.response.start":
            # The server itself reads over the rest of a body of a known, allowed length.
            known = self._declared is not None and self._declared <= self._max_bytes
            self._lingers = not self._ended and not known
            if self._lingers:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
        elif self._lingers and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        start = self._taken
        try:
            async with asyncio.timeout(DRAIN_S):
                while not self._ended and self._taken - start < DRAIN_BYTES:
                    self._count(await asyncio.wait_for(self._receive(), DRAIN_IDLE_S))
        except TimeoutError:
            return

    def _count(self, message: Message) -> None:
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
        else:  # the client left
            self._ended = True

    def _too_large(self) -> Declined:
        return Declined(
            413,
            "BadRequest.TooLarge",
            f"Payload Too Large. The body may have {self._max_bytes // MB} MB.",
        )
