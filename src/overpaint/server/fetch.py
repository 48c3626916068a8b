"""Fetching the pictures that callers name by URL, from addresses that strangers choose.

Nothing of the answer is believed but its bytes, and those only up to 10 MB and for a limited time:
what kind of picture they are, if one, is found by whoever decodes them.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from contextlib import aclosing
from urllib.parse import quote, urljoin

import certifi
import httpcore

from overpaint._version import __version__
from overpaint.errors import DownloadFailed, InvalidURL
from overpaint.imaging.source import MAX_BYTES
from overpaint.server.addresses import neighbourhood
from overpaint.server.data_url import read_data_url, too_large
from overpaint.server.network import CONNECT_S, PinnedBackend, Resolver
from overpaint.server.turns import Turns
from overpaint.server.web_address import WebAddress, read_web_address
from overpaint.settings import Settings

MAX_FETCHES = 64  # at a time
MAX_FETCHES_A_HOST = 8

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_GZIP_OR_ZLIB = 47  # zlib's window bits: either, told by its header


class Fetcher:
    """Fetches input pictures; one a process, used from one event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._resolver = resolver or Resolver(allow_private=settings.fetch_allow_private)
        self._tls = tls or _trusted()
        # Whose turn it is goes by host: those who wait for a slow one keep no one else waiting.
        self._turns = Turns(in_all=MAX_FETCHES, a_key=MAX_FETCHES_A_HOST)
        self._running: set[asyncio.Timeout] = set()
        self._closed = False

    async def fetch(self, url: str, *, field: str) -> bytes:
        """The bytes at an http, https or data: URL: 1 to 10 MB of them.

        Raises:
            InvalidURL: it is malformed, of another scheme, or not on a public address.
            DownloadFailed: there is no such thing there, or it did not come whole and in time.
            FileTooLarge: it is over 10 MB.
        """
        if not isinstance(url, str):
            raise InvalidURL(field, "must be a URL in text", type(url).__name__)
        if url[:5].lower() == "data:":
            return read_data_url(url, field=field)
        place = read_web_address(url, field=field)
        if self._closed:
            raise _stopping(field)
        seconds = self._settings.fetch_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                self._running.add(limit)
                try:
                    return await self._follow(place, field)
                finally:
                    self._running.discard(limit)
        except TimeoutError:
            if self._closed:
                raise _stopping(field) from None
            words = f"must be downloaded within {seconds:g} s"
            raise DownloadFailed(field, words, place.host[:80], reason="timeout") from None

    async def close(self) -> None:
        """End what is under way; it and whatever comes later raises `DownloadFailed`."""
        self._closed = True
        for limit in self._running:
            if not limit.expired():
                limit.reschedule(0)

    async def _follow(self, place: WebAddress, field: str) -> bytes:
        """Fetch, and follow redirects: each is a URL like the first, checked anew."""
        for _ in range(self._settings.fetch_redirects + 1):
            answer = await self._get(place, field)
            if isinstance(answer, bytes):
                return answer
            place = answer
        limit = f"must not be redirected more than {self._settings.fetch_redirects} times"
        raise DownloadFailed(field, limit, place.host[:80], reason="redirects")

    async def _get(self, place: WebAddress, field: str) -> bytes | WebAddress:
        """One request: the body, or where it says to ask instead."""
        addresses = await self._resolver.resolve(place, field=field)
        headers = [
            ("Host", place.authority),
            ("User-Agent", f"overpaint/{__version__}"),
            ("Accept", "image/*, */*;q=0.1"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        url = httpcore.URL(
            scheme=place.scheme, host=place.host, port=place.port, target=place.target
        )
        times = {"connect": CONNECT_S}  # the rest is within the time in all
        turn = self._turns.of(neighbourhood(addresses[0]))
        async with turn, aclosing(PinnedBackend(addresses)) as backend:
            connection = httpcore.AsyncHTTPConnection(
                url.origin, ssl_context=self._tls, network_backend=backend
            )
            try:
                async with connection.stream(
                    "GET", url, headers=headers, extensions={"timeout": times}
                ) as response:
                    if response.status in _REDIRECTS:
                        return _redirected(place, response, field)
                    return await _read(response, place, field)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                raise _failed(error, place, field) from error
            except (httpcore.ProtocolError, OSError) as error:
                limit = "must be answered whole, in HTTP"
                raise DownloadFailed(field, limit, place.host[:80], reason="broken") from error


def _redirected(place: WebAddress, response: httpcore.Response, field: str) -> WebAddress:
    location = _header(response, b"location")
    if not location:
        limit = "must not be redirected to nowhere"
        raise DownloadFailed(field, limit, place.host[:80], reason="redirects")
    try:  # servers write spaces and UTF-8 in it as it is
        url = urljoin(place.url, quote(location, safe=_PRINTABLE))
    except ValueError:
        limit = "must not be redirected to what is no URL"
        raise DownloadFailed(field, limit, place.host[:80], reason="redirects") from None
    try:
        there = read_web_address(url, field=field)
    except InvalidURL as error:
        limit = f"is redirected to a URL that {error.limit}"
        raise InvalidURL(field, limit) from None
    if place.scheme == "https" and there.scheme == "http":
        limit = "must not be redirected from https to http"
        raise DownloadFailed(field, limit, there.host[:80], reason="redirects")
    return there


async def _read(response: httpcore.Response, place: WebAddress, field: str) -> bytes:
    """The body, decompressed; the limit holds for what is sent and for what comes of it."""
    host = place.host[:80]
    if response.status != 200:
        limit = "must be answered with the status 200"
        raise DownloadFailed(field, limit, response.status, reason="status")
    length = _header(response, b"content-length")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise too_large(field, int(length))
    encoding = _header(response, b"content-encoding").strip().lower()
    if encoding not in (b"", b"identity", b"gzip", b"x-gzip", b"deflate"):
        limit = "must be sent without compression"
        raise DownloadFailed(field, limit, host, reason="broken")
    inflate = None if encoding in (b"", b"identity") else zlib.decompressobj(_GZIP_OR_ZLIB)
    received = 0
    body = bytearray()
    async for chunk in response.aiter_stream():
        received += len(chunk)
        if inflate is None:
            body += chunk
        elif not inflate.eof:  # what follows the end counts; zlib would copy all of it each time
            try:
                body += inflate.decompress(chunk, MAX_BYTES + 1 - len(body))
            except zlib.error:
                limit = "must be compressed as its header says"
                raise DownloadFailed(field, limit, host, reason="broken") from None
        if max(received, len(body)) > MAX_BYTES:
            raise too_large(field)
    if inflate is not None and not inflate.eof:
        limit = "must be answered whole, in HTTP"
        raise DownloadFailed(field, limit, host, reason="broken")
    if not body:
        raise DownloadFailed(field, "must not be empty", host, reason="broken")
    return bytes(body)


def _header(response: httpcore.Response, name: bytes) -> bytes:
    return next((value for key, value in response.headers if key.lower() == name), b"")


def _failed(error: Exception, place: WebAddress, field: str) -> DownloadFailed:
    """What the caller is told of a connection that could not be made or broke."""
    host = place.host[:80]
    if isinstance(error, httpcore.TimeoutException):
        limit = f"must be on a host that takes a connection within {CONNECT_S:g} s"
        return DownloadFailed(field, limit, host, reason="timeout")
    if isinstance(error.__cause__, ssl.SSLError):
        limit = "must be on a host whose TLS certificate is valid"
        return DownloadFailed(field, limit, host, reason="broken")
    if isinstance(error, httpcore.ConnectError):
        limit = "must be on a host that takes a connection"
        return DownloadFailed(field, limit, host, reason="refused")
    return DownloadFailed(field, "must be answered whole, in HTTP", host, reason="broken")


def _stopping(field: str) -> DownloadFailed:
    return DownloadFailed(field, "cannot be fetched now: the service is stopping", reason="refused")


def _trusted() -> ssl.SSLContext:
    """Check certificates against the system's authorities; where it has none, against Mozilla's."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:
        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context()
