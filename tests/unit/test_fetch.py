"""Fetching input pictures from servers that behave, and from those that do not."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from pathlib import Path

import pytest
from tests.unit.loopback import BODY, TLS, answering, failing, fetch, options, serving

from overpaint.errors import DownloadFailed, FileTooLarge
from overpaint.imaging.source import MAX_BYTES
from overpaint.server.fetch import Fetcher


def test_the_body_is_what_comes_back() -> None:
    assert fetch(answering(BODY)) == BODY


def test_the_request_is_plain_and_carries_nothing_of_ours() -> None:
    async def run() -> list[bytes]:
        async with serving(answering(BODY)) as server:
            await Fetcher(options(), tls=TLS).fetch(server.url + "a?b=%41#c", field="base")
            return [server.heads[0].replace(str(server.port).encode(), b"PORT")]

    head = asyncio.run(run())[0].split(b"\r\n")
    assert head[0] == b"GET /a?b=%41 HTTP/1.1"
    names = {line.split(b":")[0].lower() for line in head[1:] if line}
    assert names == {b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"}
    assert b"Host: 127.0.0.1:PORT" in head
    assert b"Accept-Encoding: identity" in head


def test_proxies_and_passwords_of_the_machine_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(answering(BODY)) == BODY


def test_chunks_are_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    assert fetch(chunked) == b"abcde"


def test_a_body_may_end_with_the_connection() -> None:
    assert fetch(b"HTTP/1.1 200 OK\r\n\r\n" + BODY) == BODY
    assert fetch(b"HTTP/1.0 200 OK\r\n\r\n" + BODY) == BODY


def test_what_the_server_calls_it_does_not_matter() -> None:
    assert fetch(answering(BODY, "Content-Type: text/html", "Set-Cookie: a=b")) == BODY


# Size


def test_the_largest_file_is_taken() -> None:
    assert len(fetch(answering(b"x" * MAX_BYTES))) == MAX_BYTES


def test_a_length_over_the_limit_is_refused_before_the_body() -> None:
    with pytest.raises(FileTooLarge) as caught:
        fetch(answering(b"", length=MAX_BYTES + 1))
    assert str(caught.value) == "base: must be a file of at most 10 MB, got 10.01 MB"


def test_more_than_the_limit_without_a_length_is_cut_off() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    with pytest.raises(FileTooLarge, match="got more"):
        fetch(endless)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate"])
def test_a_compressed_body_is_expanded(coding: str) -> None:
    packed = zlib.compress(BODY) if coding == "deflate" else gzip.compress(BODY)
    assert fetch(answering(packed, f"Content-Encoding: {coding}")) == BODY


def test_a_gzip_bomb_is_refused_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    with pytest.raises(FileTooLarge):
        fetch(answering(bomb, "Content-Encoding: gzip"))


def test_a_bomb_in_a_bomb_is_only_a_damaged_picture() -> None:
    inner = gzip.compress(bytes(1_000_000))
    assert fetch(answering(gzip.compress(inner), "Content-Encoding: gzip")) == inner


def test_what_follows_compressed_data_counts_too() -> None:
    packed = gzip.compress(BODY) + bytes(MAX_BYTES)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with pytest.raises(FileTooLarge):
        fetch(head + packed)


def test_what_follows_compressed_data_costs_no_time() -> None:
    async def trailing(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for piece in (gzip.compress(BODY), *[bytes(1400)] * (MAX_BYTES // 1500)):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    assert fetch(trailing) == BODY


@pytest.mark.parametrize(
    ("body", "coding", "why"),
    [
        (BODY, "br", "must be sent without compression"),
        (BODY, "gzip, gzip", "must be sent without compression"),
        (BODY, "gzip", "must be compressed as its header says"),
        (gzip.compress(BODY, mtime=0)[:-9], "gzip", "must be answered whole"),
        (b"", "gzip", "must be answered whole"),
        (gzip.compress(b"", mtime=0), "gzip", "must not be empty"),
        (b"", "identity", "must not be empty"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_broken(body: bytes, coding: str, why: str) -> None:
    error = failing(answering(body, f"Content-Encoding: {coding}"))
    assert error.reason == "broken"
    assert str(error) == f"base: {error.limit}, got 127.0.0.1"
    assert error.limit.startswith(why)


# What is not an answer


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        answering(BODY, length=len(BODY) + 1),
    ],
)
def test_what_is_not_whole_http_is_broken(answer: bytes) -> None:
    error = failing(answer)
    assert error.reason in ("broken", "status")
    assert len(str(error)) < 200


def test_a_connection_that_dies_in_the_body_is_broken() -> None:
    async def dying(writer: asyncio.StreamWriter) -> None:
        writer.write(answering(BODY, length=100_000))
        await writer.drain()
        sock = writer.get_extra_info("socket")
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # so that closing resets
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    assert failing(dying).reason == "broken"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 407, 500, 503])
def test_only_200_counts_and_the_body_is_not_told(status: int) -> None:
    body = b"" if status in (204, 304) else b"secret of the inside"
    error = failing(answering(body, status=f"{status} internal words"))
    assert error.reason == "status"
    assert str(error) == f"base: must be answered with the status 200, got {status}"


def test_a_host_that_takes_no_connection_refuses() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(DownloadFailed) as caught:
            asyncio.run(Fetcher(options(), tls=TLS).fetch(url, field="base"))
    assert caught.value.reason == "refused"
    assert str(caught.value) == "base: must be on a host that takes a connection, got 127.0.0.1"


def test_a_name_that_is_not_known_is_said_so() -> None:
    with pytest.raises(DownloadFailed) as caught:
        asyncio.run(Fetcher(options(), tls=TLS).fetch("http://nowhere.invalid/x", field="base"))
    assert caught.value.reason == "name"
