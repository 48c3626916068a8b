"""Looking names up and connecting: only public addresses, and the very ones that were checked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
from tests.unit.loopback import answering, serving

from overpaint.errors import DownloadFailed, InvalidURL
from overpaint.server.addresses import Address
from overpaint.server.network import MAX_CANDIDATES, MAX_LOOKUPS, PinnedBackend, Resolver
from overpaint.server.web_address import read_web_address

PUBLIC = ("93.184.216.34", "2606:2800:220:1::1")


class Names:
    """A name server that gives one answer after the other, and the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def __call__(self, host: bytes, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]


def resolve(url: str, look_up: Any, *, allow_private: bool = False) -> tuple[Address, ...]:
    async def run() -> tuple[Address, ...]:
        resolver = Resolver(allow_private=allow_private, look_up=look_up)
        return await resolver.resolve(read_web_address(url, field="base"), field="base")

    return asyncio.run(run())


def test_a_name_gives_its_addresses_in_order_and_once() -> None:
    names = Names([PUBLIC[0], PUBLIC[1], PUBLIC[0]])
    assert resolve("http://example.com./", names) == tuple(map(ip_address, PUBLIC))
    assert names.asked == [b"example.com"]


def test_only_so_many_addresses_are_tried() -> None:
    many = [f"93.184.216.{last}" for last in range(1, 30)]
    assert len(resolve("http://example.com/", Names(many))) == MAX_CANDIDATES


@pytest.mark.parametrize(
    "inner",
    ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254",
     "100.100.100.200", "fe80::1%eth0", "64:ff9b::7f00:1", "0.0.0.0"],
)  # fmt: skip
def test_one_private_address_among_public_ones_is_enough_to_refuse(inner: str) -> None:
    for answer in ([inner], [PUBLIC[0], inner], [inner, *PUBLIC], [*PUBLIC, inner]):
        with pytest.raises(InvalidURL) as caught:
            resolve("http://rebind.example/", Names(answer))
        assert str(caught.value) == "base: must be on a public address, got rebind.example"


def test_the_machines_own_public_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overpaint.server.network.is_own", lambda address: address.version == 6)
    with pytest.raises(InvalidURL, match="must be on a public address"):
        resolve("http://example.com/", Names(PUBLIC))
    assert resolve("http://example.com/", Names(PUBLIC[:1]))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "169.254.169.254",
             "[fd00:ec2::254]", "100.100.100.200", "[64:ff9b::a00:1]", "[::]", "255.255.255.255"],
)  # fmt: skip
def test_private_addresses_as_hosts_are_refused_without_asking(host: str) -> None:
    names = Names(PUBLIC)
    with pytest.raises(InvalidURL, match="must be on a public address"):
        resolve(f"http://{host}/", names)
    assert names.asked == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "localhost:8080"])
def test_the_machine_by_its_name_is_refused(host: str) -> None:
    with pytest.raises(InvalidURL, match="must be on a public address"):
        resolve(f"http://{host}/", None)  # the system's own look-up


def test_private_addresses_can_be_allowed() -> None:
    found = resolve("http://inside.example/", Names(["10.0.0.7"]), allow_private=True)
    assert found == (ip_address("10.0.0.7"),)


def _unknown(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(-2, "Name or service not known: 10.9.9.9")


def _odd(*_: Any, **__: Any) -> Any:
    return [(socket.AF_INET, 1, 6, "", ("not an address", 80))]


def _nothing(*_: Any, **__: Any) -> Any:
    return []


@pytest.mark.parametrize("look_up", [_unknown, _odd, _nothing])
def test_a_name_without_addresses_is_not_known(look_up: Any) -> None:
    with pytest.raises(DownloadFailed) as caught:
        resolve("http://example.com/", look_up)
    assert caught.value.reason == "name"
    assert str(caught.value) == "base: must be on a host whose name is known, got example.com"


def test_look_ups_that_nobody_waits_for_any_more_still_count() -> None:
    hold = threading.Event()
    asked: list[bytes] = []

    def slow(host: bytes, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        hold.wait(10)
        return [(socket.AF_INET, 1, 6, "", (PUBLIC[0], port))]

    async def run() -> None:
        resolver = Resolver(allow_private=False, look_up=slow)
        place = read_web_address("http://slow.example/", field="base")
        waiting = [
            asyncio.create_task(resolver.resolve(place, field="base")) for _ in range(MAX_LOOKUPS)
        ]
        while len(asked) < MAX_LOOKUPS:
            await asyncio.sleep(0.001)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        late = asyncio.create_task(resolver.resolve(place, field="base"))
        await asyncio.sleep(0.02)
        assert len(asked) == MAX_LOOKUPS
        hold.set()
        assert await late == (ip_address(PUBLIC[0]),)

    asyncio.run(run())


def test_an_answer_that_comes_after_the_end_of_the_loop_is_let_go() -> None:
    hold, done = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        hold.wait(10)
        done.set()
        return []

    async def run() -> None:
        resolver = Resolver(allow_private=False, look_up=slow)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.resolve(read_web_address("http://x.example/", field="f"), field="f")

    asyncio.run(run())
    hold.set()
    assert done.wait(10)
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(10)


def test_the_connection_goes_to_the_address_and_not_to_the_name() -> None:
    async def run() -> None:
        async with serving(answering(b"x")) as server:
            backend = PinnedBackend([ip_address("127.0.0.1")])
            stream = await backend.connect_tcp("name.invalid", server.port)
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
            await backend.aclose()

    asyncio.run(run())


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async def run() -> None:
        async with serving(answering(b"x")) as server:
            backend = PinnedBackend([ip_address("127.0.0.2"), ip_address("127.0.0.1")])
            stream = await backend.connect_tcp("name.invalid", server.port, timeout=5)
            assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
            await backend.aclose()
            nowhere = PinnedBackend([ip_address("127.0.0.2"), ip_address("127.0.0.3")])
            with pytest.raises(httpcore.ConnectError):
                await nowhere.connect_tcp("name.invalid", server.port, timeout=5)
            await nowhere.aclose()

    asyncio.run(run())


def test_the_machines_unix_sockets_are_out_of_reach() -> None:
    backend = PinnedBackend([])
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(backend.connect_unix_socket("/run/x.sock"))
