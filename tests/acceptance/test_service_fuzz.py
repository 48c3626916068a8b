"""Whatever strangers send, to whichever door: an answer, never a fault of the server."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.acceptance.fuzz_stage import (
    METHODS,
    ORDER,
    ROUTES,
    SOME,
    TEXTS,
    VALUES,
    check,
    opened,
    order,
)

from overpaint.server.process import server
from overpaint.service import Service


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, TestClient]]:
    with opened(tmp_path_factory.mktemp("server")) as both:
        yield both


@pytest.fixture(scope="module")
def client(stage: tuple[Service, TestClient]) -> TestClient:
    return stage[1]


def test_the_whole_order_is_valid(client: TestClient) -> None:
    assert check(client.post(ORDER, json=order())).status_code == 200


# Bodies and JSON

_COMPLETE = order()
_PLACES = [
    ("model",), ("input",), ("parameters",), ("unknown",),
    *(("input", name) for name in [*_COMPLETE["input"], "ref_img", "reference_image_url",
                                   "sketch_image_url", "x"]),
    *(("parameters", name) for name in [*_COMPLETE["parameters"], "x"]),
]  # fmt: skip


@settings(SOME, max_examples=120)
@given(place=st.sampled_from(_PLACES), value=VALUES)
@example(place=("parameters", "strength"), value=10**400)
@example(place=("parameters", "guidance"), value=-(10**400))
@example(place=("parameters", "feather"), value=10**400)
def test_any_value_at_any_place_of_an_order(
    client: TestClient, place: tuple[str, ...], value: Any
) -> None:
    body = order()
    inner = body
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    check(client.post(ORDER, content=json.dumps(body), headers={"Content-Type": "x/y+json"}))


@settings(SOME, max_examples=40)
@given(st.data())
def test_any_damage_to_the_text_of_an_order(client: TestClient, data: st.DataObject) -> None:
    short = order()
    short["input"] |= {"base_image_url": "data:,x", "mask_image_url": "data:,y"}
    text = bytearray(json.dumps(short).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(client.post(ORDER, content=bytes(text)))


@settings(SOME, max_examples=80)
@given(
    route=st.sampled_from(ROUTES),
    body=st.one_of(st.binary(max_size=200), VALUES.map(lambda value: json.dumps(value).encode())),
    kind=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart",
         "multipart/form-data", "multipart/form-data; boundary=x", "application/json; charset=x"]
    ),
)  # fmt: skip
def test_any_body_to_any_route(client: TestClient, route: str, body: bytes, kind: str) -> None:
    check(client.post(route, content=body, headers={"Content-Type": kind}))


# Headers, paths, queries, methods

_header_value = st.one_of(
    st.binary(max_size=40).map(lambda raw: re.sub(rb"[\r\n\x00]", b"", raw).strip()),
    st.sampled_from([b"", b"Bearer", b"Bearer  ", b"Basic eDp5", b"bytes=0-", b"*", b"gzip", b"-1",
                     b"9" * 30, b"chunked", b"\xe5\x9b\xbe", b"\xff", b"overpaint_session=a.1.b",
                     b"overpaint_session=k.\xb2.c", b'"', b";;=;", b"http://[", b"null"]),
)  # fmt: skip
_headers = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Cookie", "Host", "Origin", "Referer", "Content-Type", "Accept", "Range",
         "Accept-Language", "Accept-Encoding", "X-DashScope-Async", "X-DashScope-WorkSpace",
         "X-DashScope-OssResourceResolve", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded",
         "X-Request-Id", "Sec-Fetch-Site", "If-None-Match", "If-Modified-Since", "Expect",
         "Content-Encoding", "X-HTTP-Method-Override", "User-Agent", "Upgrade", "Content-Length"]
    ),
    _header_value,
    max_size=5,
)  # fmt: skip


@settings(SOME, max_examples=120)
@given(
    method=st.sampled_from(METHODS[:7]),
    route=st.sampled_from(ROUTES),
    headers=_headers,
    keyless=st.booleans(),
)
def test_any_headers_to_any_route(
    client: TestClient, method: str, route: str, headers: dict[str, bytes], keyless: bool
) -> None:
    sent = [(name.encode(), value) for name, value in headers.items()]
    request = client.build_request(method, route, headers=sent, content=b"{}")
    if keyless:
        request.headers.pop("Authorization", None)
    check(client.send(request))


@settings(SOME, max_examples=80)
@given(
    route=st.sampled_from(ROUTES),
    names=st.lists(
        st.sampled_from(
            ["page_no", "page_size", "start_time", "end_time", "model_name", "status", "task_id",
             "api_key_id", "region", "action", "model", "size", "n", "lang", "limit", "x"]
        ),
        max_size=4,
    ),
    data=st.data(),
)  # fmt: skip
def test_any_query_to_any_route(
    client: TestClient, route: str, names: list[str], data: st.DataObject
) -> None:
    value = st.one_of(
        TEXTS.map(quote),
        st.integers().map(str),
        st.binary(max_size=10).map(quote),
        st.sampled_from(["20260101000000", "99999999999999", "00000000000000", "getPolicy", "erase",
                         "20261122000000", "%", "%zz", "%00", "a=b", "&", "PENDING", "UNKNOWN",
                         "20260231000000", "２０２６０１０１００００００".encode().hex()]),
    )  # fmt: skip
    query = "&".join(f"{name}={data.draw(value)}" for name in names)
    check(client.get(f"{route}?{query}"))


@settings(SOME, max_examples=100)
@given(
    method=st.sampled_from(METHODS),
    path=st.one_of(
        st.text(max_size=30).map(lambda text: "/" + quote(text)),
        st.binary(max_size=30).map(lambda raw: "/" + quote(raw)),
        st.builds(
            "{}{}".format,
            st.sampled_from(["/api/v1/tasks/", "/v1/models/", "/sign-in/", "/api/v1/files/a/1/b/",
                             "/api/v1/files/a/", "/docs/", "/api/v1/tasks/a/cancel/", "/api/v1"]),
            st.binary(max_size=30).map(quote),
        ),
    ),
)  # fmt: skip
def test_any_method_to_any_path(client: TestClient, method: str, path: str) -> None:
    check(client.request(method, path))


@settings(SOME, max_examples=30)
@given(
    expires=st.one_of(st.integers().map(str), TEXTS.map(quote), st.sampled_from(["²", "١"])),
    signature=st.one_of(st.text("0123456789abcdef", max_size=64), TEXTS.map(quote)),
)
def test_addresses_of_results_cannot_be_made_up(
    client: TestClient, expires: str, signature: str
) -> None:
    name = f"{uuid.UUID(int=7)}-0.png"
    path = f"/api/v1/files/{uuid.UUID(int=7)}/{expires or 0}/{signature or 0}/{name}"
    assert check(client.get(path)).status_code == 404


# Below HTTP


@pytest.fixture(scope="module")
def address(stage: tuple[Service, TestClient]) -> Iterator[tuple[str, int]]:
    """Of the server as `overpaint serve` runs it."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = server(stage[0])
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield listener.getsockname()
    running.should_exit = True
    thread.join()
    listener.close()


_line = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"GET / HTTP/1.1", b"POST /v1/images/edits HTTP/1.1", b"GET /%ff%00 HTTP/1.0",
                     b"GET http://x/ HTTP/1.1", b"* HTTP/1.1", b"OPTIONS * HTTP/1.1",
                     b"PRI * HTTP/2.0", b"CONNECT x:1 HTTP/1.1", b"GET //api//v1/tasks?& HTTP/1.1",
                     b"GET / HTTP/9.9",
                     b"Host: x", b"Host: \xff", b"Host: x", b"Content-Length: 5",
                     b"Content-Length: -1", b"Transfer-Encoding: chunked", b"5\r\nhello", b"0", b"",
                     b"Connection: upgrade", b"Upgrade: websocket", b"Expect: 100-continue",
                     b"Authorization: Bearer \xff", b"Cookie: overpaint_session=\xff.1.\xff"]),
)  # fmt: skip


@settings(SOME, max_examples=80)
@given(lines=st.lists(_line, max_size=8))
def test_any_bytes_on_the_wire(address: tuple[str, int], lines: list[bytes]) -> None:
    with socket.create_connection(address) as connection:
        connection.settimeout(10)
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer):
        assert status < b"500", answer[:500]
