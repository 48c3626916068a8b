"""JSON bodies that strangers wrote."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.server.bodies import INVALID, MAX_BRACKETS, MAX_DEPTH, parse_object
from overpaint.server.errors import Declined


def test_an_object_is_read() -> None:
    assert parse_object('{"prompt": "红"}'.encode()) == {"prompt": "红"}
    assert parse_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}, "a byte order mark is let pass"
    assert parse_object(rb'{"a": "\ud83d\ude00"}') == {"a": "😀"}, "a whole character in halves"
    assert parse_object(rb'{"a": "\\ud8"}') == {"a": r"\ud8"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        rb'{"a": "\ud800"}',
        rb'{"\uDFFF": 1}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
        b'{"a": [' + b"[]," * MAX_BRACKETS + b"[]]}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Declined) as caught:
        parse_object(body)
    assert caught.value.problem.status == 400
    assert caught.value.problem.code == "InvalidParameter"
    assert caught.value.problem.message == INVALID


def test_an_ordinary_depth_is_let_pass() -> None:
    deep = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert parse_object(b'{"a": ' + deep + b"}")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(Declined):  # and nothing else
        assert isinstance(parse_object(body), dict)


@given(
    st.dictionaries(
        st.text(max_size=3), st.none() | st.integers() | st.text(max_size=5), max_size=3
    )
)
def test_what_json_writes_is_read_again(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
