"""Whatever the URL and whatever the answer: bytes, or one of Overpaint's errors."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, provisional, settings
from hypothesis import strategies as st
from tests.unit.loopback import TLS, answering, connecting_elsewhere, knowing, options, serving

from overpaint.errors import DownloadFailed, FileTooLarge, InvalidURL
from overpaint.server.addresses import is_public
from overpaint.server.fetch import Fetcher
from overpaint.server.network import Resolver


def test_data_urls_need_no_network() -> None:
    assert (
        asyncio.run(Fetcher(options(), tls=TLS).fetch("DATA:image/png;base64,QUJD", field="f"))
        == b"ABC"
    )


@pytest.mark.parametrize("value", [None, 7, ["http://example.com/"], b"http://example.com/"])
def test_what_is_not_text_is_no_url(value: Any) -> None:
    with pytest.raises(InvalidURL, match="base: must be a URL in text, got "):
        asyncio.run(Fetcher(options(), tls=TLS).fetch(value, field="base"))


_urls = st.one_of(
    st.text(),
    st.from_regex(r"(https?|data|ftp):(//)?[!-~]*", fullmatch=True),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "hTTps"]),
        st.one_of(
            st.ip_addresses(v=4).map(str),
            st.ip_addresses(v=6).map("[{}]".format),
            st.text("0123456789.xabcdefABCDEF", max_size=20),
            st.text(max_size=20),
            provisional.domains(),
        ),
        st.one_of(st.just(""), st.integers(-1, 70_000).map(":{}".format)),
        st.text(max_size=20).map("/{}".format),
    ),
    st.builds("data:{},{}".format, st.text(max_size=20), st.text(max_size=20)),
)


@settings(max_examples=300, deadline=None)
@given(_urls)
def test_any_url_gives_bytes_or_one_of_our_errors(url: str) -> None:
    resolver = Resolver(allow_private=False, look_up=knowing("93.184.216.34"))
    fetcher = Fetcher(options(fetch_allow_private=False), resolver=resolver, tls=TLS)
    with pytest.MonkeyPatch.context() as patch:
        meant = connecting_elsewhere(patch, to=None)
        with contextlib.suppress(InvalidURL, DownloadFailed, FileTooLarge):
            assert asyncio.run(fetcher.fetch(url, field="base"))
    assert all(is_public(address) for address in meant)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(lambda body: b"HTTP/1.1 200 OK\r\n" + body, st.binary(max_size=200)),
        st.builds(lambda body: b"HTTP/1.1 302 F\r\nLocation: " + body, st.binary(max_size=200)),
        st.builds(
            lambda where: answering(b"", "Location: " + where, status="302 F"),
            st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60),
        ),
    )
)
def test_any_answer_gives_bytes_or_one_of_our_errors(answer: bytes) -> None:
    async def run() -> None:
        async with serving(answer) as server:
            fetcher = Fetcher(options(fetch_seconds=0.05, fetch_redirects=0), tls=TLS)
            with contextlib.suppress(InvalidURL, DownloadFailed, FileTooLarge):
                assert await fetcher.fetch(server.url, field="base")

    asyncio.run(run())
