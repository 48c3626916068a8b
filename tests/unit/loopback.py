"""A web server on loopback whose every byte a test decides, and fetching from it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

import httpcore
import pytest

from overpaint.errors import DownloadFailed
from overpaint.server import fetch as fetching
from overpaint.server.addresses import Address
from overpaint.server.fetch import Fetcher
from overpaint.server.network import PinnedBackend
from overpaint.settings import Settings

BODY = bytes(range(256)) * 40
TLS = ssl.create_default_context()  # making one takes longer than most tests

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


def options(**given: Any) -> Settings:
    return Settings(
        data_dir=Path("unused"),
        **{"fetch_allow_private": True, "fetch_seconds": 5.0, **given},
    )


def knowing(*answers: str | list[str]) -> Callable[..., list[tuple[Any, ...]]]:
    """A look-up that gives one answer after the other, and the last for ever."""
    left = [[one] if isinstance(one, str) else one for one in answers]

    def look_up(host: bytes, port: int, **_: Any) -> list[tuple[Any, ...]]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]

    return look_up


def fetch(answer: Answer | dict[str, Answer], path: str = "", **given: Any) -> bytes:
    """Serve the answer, and fetch it."""

    async def run() -> bytes:
        async with serving(answer) as server:
            return await Fetcher(options(**given), tls=TLS).fetch(server.url + path, field="base")

    return asyncio.run(run())


def failing(answer: Answer | dict[str, Answer], path: str = "", **given: Any) -> DownloadFailed:
    """Serve the answer, and return why fetching it fails."""
    with pytest.raises(DownloadFailed) as caught:
        fetch(answer, path, **given)
    assert caught.value.field == "base"
    return caught.value


def connecting_elsewhere(patch: pytest.MonkeyPatch, *, to: str | None) -> list[Address]:
    """Have fetchers connect to this address, or none; the list tells which were meant."""
    meant: list[Address] = []

    class Elsewhere(PinnedBackend):
        async def connect_tcp(self, host: str, *args: Any, **given: Any) -> Any:
            meant.extend(self._addresses)
            if to is None:
                raise httpcore.ConnectError("no connections here")
            self._addresses = (ip_address(to),)
            return await super().connect_tcp(host, *args, **given)

    patch.setattr(fetching, "PinnedBackend", Elsewhere)
    return meant
