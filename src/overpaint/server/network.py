"""Connecting for a stranger: a name is looked up once, checked, and the very answer connected to.

A name server that says something else the second time it is asked therefore gains nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, TypeAlias

import anyio
import httpcore

from overpaint.errors import DownloadFailed, InvalidURL
from overpaint.server.addresses import Address, is_own, is_public
from overpaint.server.web_address import WebAddress

#: As `socket.getaddrinfo`, which is what it is outside tests.
LookUp: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]

MAX_CANDIDATES = 4  # addresses of one name that are tried
MAX_LOOKUPS = 256  # under way at a time, those included that nobody waits for any more
CONNECT_S = 10.0


class Resolver:
    """Looks names up and lets only public addresses through; used from one event loop."""

    def __init__(self, *, allow_private: bool, look_up: LookUp | None = None) -> None:
        self._allow_private = allow_private
        self._look_up = look_up or socket.getaddrinfo
        self._free = asyncio.Semaphore(MAX_LOOKUPS)

    async def resolve(self, place: WebAddress, *, field: str) -> tuple[Address, ...]:
        """The addresses to try, in order, at most `MAX_CANDIDATES`.

        Raises:
            InvalidURL: one of them is not public; which, is not told.
            DownloadFailed: the name is not known.
        """
        candidates = (await self._addresses(place.host, place.port))[:MAX_CANDIDATES]
        if not candidates:
            limit = "must be on a host whose name is known"
            raise DownloadFailed(field, limit, place.host[:80], reason="name")
        if not self._allow_private:
            for address in candidates:
                if not is_public(address) or is_own(address):
                    raise InvalidURL(field, "must be on a public address", place.host[:80])
        return candidates

    async def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        try:
            return (ip_address(host),)
        except ValueError:  # a name
            pass
        try:
            found = [ip_address(str(answer[4][0])) for answer in await self._ask(host, port)]
        except (OSError, ValueError):  # a gaierror is an OSError
            return ()
        return tuple(dict.fromkeys(found))

    async def _ask(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        """Run `look_up` in a thread of its own.

        It cannot be stopped, so it is left alone when the time is over; as a daemon it does not
        keep the process from ending either.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[tuple[Any, ...]]] = loop.create_future()

        def settle(found: Sequence[tuple[Any, ...]], error: Exception | None) -> None:
            self._free.release()
            if answer.done():  # nobody waits any more
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def work() -> None:
            found: Sequence[tuple[Any, ...]] = ()
            problem: Exception | None = None
            try:
                # as bytes: a name in ASCII needs no more encoding
                found = self._look_up(host.encode("ascii"), port, type=socket.SOCK_STREAM)
            except Exception as error:
                problem = error  # it is raised where the answer is awaited
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, found, problem)

        await self._free.acquire()
        try:
            threading.Thread(target=work, name="look-up", daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._free.release()
            raise OSError("names cannot be looked up now") from error
        return await answer


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked up and checked, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = tuple(addresses)
        self._backend = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def aclose(self) -> None:
        """Close what was connected to, even where a TLS handshake was cut off."""
        if self._stream is not None:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers; the time is shared out between them."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (CONNECT_S if timeout is None else timeout)
        problem: Exception = httpcore.ConnectError("no address")
        for index, address in enumerate(self._addresses):
            share = (end - loop.time()) / (len(self._addresses) - index)
            try:
                self._stream = await self._backend.connect_tcp(
                    str(address), port, max(share, 0.0), local_address, socket_options
                )
                return self._stream
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: strangers have no business with the machine's sockets."""
        raise httpcore.ConnectError("no sockets of the machine")

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        await self._backend.sleep(seconds)
