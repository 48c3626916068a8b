"""The time between being told to end and ending, in which balancers send clients elsewhere.

The process answers as ever meanwhile, but `/readyz` with 503, and each answer closes its
connection, so that nobody keeps one that would be cut off.
"""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Draining:
    """Whether the process is about to end.

    Args:
        seconds: how long it goes on after it was told to.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it was told to end."""
        return self._ends is not None

    def over(self) -> bool:
        """Begin, the first time; whether the time is over now."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self._seconds
        return now >= self._ends


class ClosingAnswers:
    """Has every answer close its connection while the process drains."""

    def __init__(self, app: ASGIApp, *, draining: Draining) -> None:
        self.app = app
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and self._draining.begun:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_and_close)
