"""Fetching ends in time, lets others fetch too, and can be stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.loopback import (
    BODY,
    TLS,
    answering,
    failing,
    knowing,
    options,
    redirecting,
    serving,
)

from overpaint.errors import DownloadFailed
from overpaint.server import fetch as fetching
from overpaint.server.fetch import Fetcher
from overpaint.server.network import Resolver


async def _says_nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _drips_its_head(writer: asyncio.StreamWriter) -> None:
    for byte in answering(BODY):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


async def _drips_its_body(writer: asyncio.StreamWriter) -> None:
    writer.write(answering(b"", length=1_000_000))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _only_ever_promises(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "slow", [_says_nothing, _drips_its_head, _drips_its_body, _only_ever_promises]
)
def test_slow_servers_are_given_up(slow: Callable[[Any], Awaitable[None]]) -> None:
    error = failing(slow, fetch_seconds=0.2)
    assert error.reason == "timeout"
    assert str(error) == "base: must be downloaded within 0.2 s, got 127.0.0.1"


def test_the_time_is_for_all_redirects_together() -> None:
    async def lingering(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(redirecting("/"))
        await writer.drain()

    assert failing(lingering, fetch_seconds=0.4, fetch_redirects=20).reason == "timeout"


def test_a_name_server_that_does_not_answer_is_given_up() -> None:
    async def run() -> None:
        hold = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
            asyncio.run_coroutine_threadsafe(hold.wait(), loop).result()
            return []

        fetcher = Fetcher(
            options(fetch_seconds=0.1), resolver=Resolver(allow_private=False, look_up=slow)
        )
        with pytest.raises(DownloadFailed) as caught:
            await fetcher.fetch("http://slow.example/", field="base")
        assert caught.value.reason == "timeout"
        hold.set()
        await asyncio.sleep(0.05)

    asyncio.run(run())


def test_a_host_that_does_not_take_the_connection_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "CONNECT_S", 0.1)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.socket() as first, socket.socket() as second:
            for one in (first, second):  # fill its backlog
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            with pytest.raises(DownloadFailed) as caught:
                asyncio.run(Fetcher(options(fetch_seconds=1), tls=TLS).fetch(url, field="base"))
    assert caught.value.reason == "timeout"


# Many at a time, and the end


def test_only_so_many_connections_go_to_one_host() -> None:
    async def unhurried(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(answering(BODY))
        await writer.drain()

    async def run() -> None:
        async with serving(unhurried) as server:
            fetcher = Fetcher(options(), tls=TLS)
            bodies = await asyncio.gather(
                *(fetcher.fetch(server.url, field="base") for _ in range(30))
            )
            assert bodies == [BODY] * 30
            assert 1 < server.most <= fetching.MAX_FETCHES_A_HOST

    asyncio.run(run())


def test_a_slow_host_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_FETCHES", 10)

    async def run() -> None:
        async with serving(_says_nothing) as slow, serving(answering(BODY)) as quick:
            fetcher = Fetcher(
                options(),
                resolver=Resolver(allow_private=True, look_up=knowing("127.0.0.1")),
            )
            stuck = [asyncio.create_task(fetcher.fetch(slow.url, field="base")) for _ in range(20)]
            await asyncio.sleep(0.05)
            other = quick.url.replace("127.0.0.1", "127.0.0.2")
            with pytest.raises(DownloadFailed, match="takes a connection"):
                await fetcher.fetch(other, field="base")
            await fetcher.close()
            ends = await asyncio.gather(*stuck, return_exceptions=True)
            assert all("the service is stopping" in str(end) for end in ends)
            with pytest.raises(DownloadFailed, match="the service is stopping"):
                await fetcher.fetch(quick.url, field="base")

    asyncio.run(run())


def test_a_cancelled_fetch_lets_go_of_its_connection() -> None:
    async def run() -> None:
        async with serving(_drips_its_body) as server:
            fetcher = Fetcher(options(), tls=TLS)
            task = asyncio.create_task(fetcher.fetch(server.url, field="base"))
            while not server.heads:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                while server.open:
                    await asyncio.sleep(0.001)
            assert not fetcher._turns._keys

    asyncio.run(run())
