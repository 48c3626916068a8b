"""A web server on loopback whose every byte a test decides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

#: What is sent back whatever is asked, or what handles the connection once its head was read.
Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Loopback:
    """A server that is running, and what it was asked."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    open: int = 0  # connections now
    most: int = 0  # connections at a time

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def serving(
    answer: Answer | dict[str, Answer], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Loopback]:
    """Serve one answer to all, or one a path; close after each."""
    loopback = Loopback(port=0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loopback.open += 1
        loopback.most = max(loopback.most, loopback.open)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            loopback.heads.append(head)
            path = head.split(b" ")[1].decode("ascii")
            what = answer[path] if isinstance(answer, dict) else answer
            if isinstance(what, bytes):
                writer.write(what)
                await writer.drain()
            else:
                await what(writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client had enough
        finally:
            loopback.open -= 1
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    loopback.port = server.sockets[0].getsockname()[1]
    try:
        yield loopback
    finally:
        server.close()
        await asyncio.sleep(0.01)  # lets handlers see that their clients are gone


def answering(body: bytes, *headers: str, status: str = "200 OK", length: int = -1) -> bytes:
    """A whole answer; Content-Length is the body's unless another is given."""
    size = len(body) if length < 0 else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def redirecting(location: str, status: str = "302 Found") -> bytes:
    return answering(b"elsewhere", f"Location: {location}", status=status)
