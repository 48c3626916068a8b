"""Redirects are followed by hand, and no address inside is reached by any way."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from tests.unit.loopback import (
    BODY,
    TLS,
    Answer,
    Loopback,
    answering,
    connecting_elsewhere,
    failing,
    fetch,
    knowing,
    options,
    redirecting,
    serving,
)

from overpaint.errors import DownloadFailed, InvalidURL
from overpaint.server.fetch import Fetcher
from overpaint.server.network import Resolver


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/there", "there", "//127.0.0.1:PORT/there", "there#x"])
def test_redirects_are_followed(status: int, location: str) -> None:
    async def run() -> Loopback:
        answers: dict[str, Answer] = {"/there": answering(BODY)}
        async with serving(answers) as server:
            there = location.replace("PORT", str(server.port))
            answers["/"] = redirecting(there, f"{status} Elsewhere")
            assert await Fetcher(options(), tls=TLS).fetch(server.url, field="base") == BODY
            return server

    assert [head.split(b" ")[1] for head in asyncio.run(run()).heads] == [b"/", b"/there"]


def test_cookies_do_not_go_along() -> None:
    async def run() -> None:
        cookie = answering(b"", "Location: /there", "Set-Cookie: a=b", status="302 Found")
        async with serving({"/": cookie, "/there": answering(BODY)}) as server:
            await Fetcher(options(), tls=TLS).fetch(server.url, field="base")
            assert b"cookie" not in server.heads[1].lower()
            assert b"referer" not in server.heads[1].lower()

    asyncio.run(run())


def test_text_in_a_redirect_is_percent_encoded() -> None:
    target = "/%E5%9B%BE%20a.png"
    answers: dict[str, Answer] = {
        "/": redirecting("/图 a.png".encode().decode("latin-1")),
        target: answering(BODY),
    }
    assert fetch(answers) == BODY


@pytest.mark.parametrize(("allowed", "hops"), [(0, 0), (1, 1), (3, 3), (0, 1), (3, 4)])
def test_only_so_many_redirects_are_followed(allowed: int, hops: int) -> None:
    answers: dict[str, Answer] = {
        ("/" if hop == 0 else f"/{hop}"): redirecting(f"/{hop + 1}") for hop in range(hops)
    }
    answers["/" if hops == 0 else f"/{hops}"] = answering(BODY)
    if hops <= allowed:
        assert fetch(answers, fetch_redirects=allowed) == BODY
    else:
        error = failing(answers, fetch_redirects=allowed)
        assert error.reason == "redirects"
        assert f"must not be redirected more than {allowed} times" in str(error)


def test_a_circle_of_redirects_ends() -> None:
    assert failing({"/": redirecting("/a"), "/a": redirecting("/")}).reason == "redirects"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("ftp://example.com/x", "is redirected to a URL that must begin with http"),
        ("file:///etc/passwd", "is redirected to a URL that must begin with http"),
        ("data:image/png;base64,QUJD", "is redirected to a URL that must begin with http"),
        ("http://user:word@127.0.0.1/", "is redirected to a URL that must not hold a user name"),
        ("http://0x7f.1/", "is redirected to a URL that must write an IPv4 address"),
        ("http://127.0.0.1:25/", "is redirected to a URL that must not use a port"),
        ("/" + "a" * 9000, "is redirected to a URL that must be at most 8192 characters"),
        ("http://exa%6Dple/x", "is redirected to a URL that must name a host"),
    ],
)
def test_a_redirect_is_checked_like_the_url_itself(location: str, why: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        fetch(redirecting(location))
    assert str(caught.value).startswith(f"base: {why}")
    assert "user:" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (redirecting(""), "must not be redirected to nowhere"),
        (answering(b"", status="302 Found"), "must not be redirected to nowhere"),
        (redirecting("http://[::1/"), "must not be redirected to what is no URL"),
    ],
)
def test_a_redirect_to_nothing_fails(answer: bytes, why: str) -> None:
    error = failing(answer)
    assert (error.reason, error.limit) == ("redirects", why)


# Addresses


def test_private_addresses_are_refused_before_anything_is_sent() -> None:
    async def run() -> None:
        async with serving(answering(BODY)) as server:
            fetcher = Fetcher(options(fetch_allow_private=False), tls=TLS)
            port = server.port
            for host in ("127.0.0.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]",
                         "0.0.0.0", "[::]", "127.1", "0x7f.1", "2130706433", "017700000001",
                         "127.0.0.1."):  # fmt: skip
                with pytest.raises(InvalidURL):
                    await fetcher.fetch(f"http://{host}:{port}/", field="base")
            assert server.most == 0

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1"])
def test_a_redirect_from_outside_to_the_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    meant = connecting_elsewhere(monkeypatch, to="127.0.0.1")

    async def run() -> None:
        answers: dict[str, Answer] = {"/secret": answering(b"secret")}
        async with serving(answers) as server:
            answers["/"] = redirecting(f"http://{host}:{server.port}/secret")
            resolver = Resolver(allow_private=False, look_up=knowing("93.184.216.34"))
            fetcher = Fetcher(options(fetch_allow_private=False), resolver=resolver, tls=TLS)
            with pytest.raises(InvalidURL, match="must be on a public address"):
                await fetcher.fetch(f"http://out.example:{server.port}/", field="base")
            assert len(server.heads) == 1

    asyncio.run(run())
    assert meant == [ip_address("93.184.216.34")]


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a name is asked for once a request, and what was checked is connected to."""
    meant = connecting_elsewhere(monkeypatch, to=None)
    resolver = Resolver(allow_private=False, look_up=knowing("93.184.216.34", "127.0.0.1"))
    fetcher = Fetcher(options(fetch_allow_private=False), resolver=resolver, tls=TLS)

    async def run() -> None:
        with pytest.raises(DownloadFailed):  # nobody is there
            await fetcher.fetch("http://rebind.example/", field="base")
        with pytest.raises(InvalidURL, match="must be on a public address"):
            await fetcher.fetch("http://rebind.example/", field="base")

    asyncio.run(run())
    assert meant == [ip_address("93.184.216.34")]


def test_a_name_that_changes_its_mind_between_redirects_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meant = connecting_elsewhere(monkeypatch, to="127.0.0.1")
    names = knowing("93.184.216.34", ["93.184.216.34", "127.0.0.1"])
    fetcher = Fetcher(
        options(fetch_allow_private=False),
        resolver=Resolver(allow_private=False, look_up=names),
        tls=TLS,
    )

    async def run() -> None:
        async with serving({"/": redirecting("/again"), "/again": answering(b"secret")}) as server:
            with pytest.raises(InvalidURL, match="must be on a public address"):
                await fetcher.fetch(f"http://rebind.example:{server.port}/", field="base")

    asyncio.run(run())
    assert meant == [ip_address("93.184.216.34")]
