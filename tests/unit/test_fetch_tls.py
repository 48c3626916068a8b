"""Fetching over TLS: the certificate must be good, and for the name that was asked for."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from tests.unit.loopback import BODY, Answer, answering, knowing, options, redirecting, serving

from overpaint.errors import DownloadFailed
from overpaint.server.fetch import Fetcher
from overpaint.server.network import Resolver


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _served_by(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def fetch_tls(
    host: str, context: ssl.SSLContext, tls: ssl.SSLContext | None, answer: Answer
) -> bytes:
    async def run() -> bytes:
        async with serving(answer, tls=context) as server:
            resolver = Resolver(allow_private=True, look_up=knowing("127.0.0.1"))
            fetcher = Fetcher(options(), resolver=resolver, tls=tls)
            return await fetcher.fetch(f"https://{host}:{server.port}/", field="base")

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["pictures.example", "PICTURES.example.", "127.0.0.1"])
def test_a_certificate_for_the_name_is_taken(authority: trustme.CA, host: str) -> None:
    context = _served_by(authority, "pictures.example", "127.0.0.1")
    assert fetch_tls(host, context, _trusting(authority), answering(BODY)) == BODY


def test_the_server_is_told_the_name_it_is_asked_by(authority: trustme.CA) -> None:
    names: list[str] = []
    context = _served_by(authority, "pictures.example")
    context.sni_callback = lambda _, name, __: names.append(name)
    fetch_tls("pictures.example", context, _trusting(authority), answering(BODY))
    assert names == ["pictures.example"]


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, host: str) -> None:
    context = _served_by(authority, "pictures.example")
    with pytest.raises(DownloadFailed) as caught:
        fetch_tls(host, context, _trusting(authority), answering(BODY))
    assert caught.value.reason == "broken"
    limit = "must be on a host whose TLS certificate is valid"
    assert str(caught.value) == f"base: {limit}, got {host}"


def test_a_certificate_of_ones_own_making_is_refused(authority: trustme.CA) -> None:
    context = _served_by(authority, "pictures.example")
    with pytest.raises(DownloadFailed, match="whose TLS certificate is valid"):
        fetch_tls("pictures.example", context, None, answering(BODY))


def test_https_does_not_fall_back_to_http(authority: trustme.CA) -> None:
    context = _served_by(authority, "pictures.example")
    with pytest.raises(DownloadFailed) as caught:
        fetch_tls(
            "pictures.example",
            context,
            _trusting(authority),
            redirecting("http://pictures.example/"),
        )
    assert caught.value.reason == "redirects"
    assert caught.value.limit == "must not be redirected from https to http"


def test_a_handshake_that_stands_still_is_given_up_and_closed() -> None:
    async def run() -> None:
        gone = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1000):
                pass
            writer.close()
            gone.set()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fetcher = Fetcher(options(fetch_seconds=0.2))
        with pytest.raises(DownloadFailed) as caught:
            await fetcher.fetch(f"https://127.0.0.1:{port}/", field="base")
        assert caught.value.reason == "timeout"
        await asyncio.wait_for(gone.wait(), 5)
        server.close()

    asyncio.run(run())
