"""Reading data: URLs."""

from __future__ import annotations

import base64
import contextlib
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import FileTooLarge, InvalidURL
from overpaint.imaging.source import MAX_BYTES
from overpaint.server.data_url import read_data_url


@given(st.binary(min_size=1, max_size=200))
def test_both_encodings_give_the_bytes_back(data: bytes) -> None:
    text = base64.b64encode(data).decode("ascii")
    assert read_data_url(f"data:image/png;base64,{text}", field="f") == data
    assert read_data_url(f"data:image/png;base64,{text.rstrip('=')}", field="f") == data
    assert read_data_url(f"data:image/png,{quote_from_bytes(data)}", field="f") == data
    escaped = "".join(f"%{byte:02x}" for byte in data)
    assert read_data_url(f"data:image/png,{escaped}", field="f") == data
    assert read_data_url(f"data:image/png;base64,{quote_from_bytes(text.encode())}", field="f") == (
        data
    )


@pytest.mark.parametrize(
    "head",
    [
        "data:", "data:;base64", "DATA:IMAGE/PNG;BASE64", "data:image/jpeg;charset=utf-8;base64",
        "data:image/x-ms-bmp;name=a%20b.bmp;base64", "data:;charset=utf-8", "data:image/svg+xml",
        "data:image/vnd.x-y;a=;b=c",
    ],
)  # fmt: skip
def test_media_types_and_parameters_are_tolerated(head: str) -> None:
    assert read_data_url(f"{head},QUJD", field="f") in (b"ABC", b"QUJD")


def test_a_comma_in_the_data_and_a_fragment_after_it_are_no_trouble() -> None:
    assert read_data_url("data:,a,b\\x41#c", field="f") == b"a,b\\x41"
    assert read_data_url("data:;base64,QUJD#c", field="f") == b"ABC"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:", "must be data:image/TYPE;base64,DATA"),
        ("data:image/png;base64", "must be data:image/TYPE;base64,DATA"),
        ("data:image/png;base64;QUJD", "must be data:image/TYPE;base64,DATA"),
        ("data:image/png;base64;x=y;z,QUJD", "must be data:image/TYPE;base64,DATA"),
        ("data:image/png;;base64,QUJD", "must be data:image/TYPE;base64,DATA"),
        ("data:" + "a" * 2000 + ",QUJD", "must be data:image/TYPE;base64,DATA"),
        ("data:text/html,<b>", "must be of the media type image/\\*, got 'text/html'"),
        ("data:text/plain;base64,QUJD", "must be of the media type"),
        ("data:image,QUJD", "must be of the media type"),
        ("data:image/,QUJD", "must be of the media type"),
        ("data:base64,QUJD", "must be of the media type"),
        ("data: image/png;base64,QUJD", "must be of the media type"),
        ("data:图/png,QUJD", "must be of the media type"),
        ("data:image/png;base64,图", "must be ASCII"),
        ("data:image/png,\udc80", "must be ASCII"),
        ("data:image/png,a%", "must have two hexadecimal digits after each %"),
        ("data:image/png,a%4", "must have two hexadecimal digits after each %"),
        ("data:image/png,%zz", "must have two hexadecimal digits after each %"),
        ("data:image/png,%%41", "must have two hexadecimal digits after each %"),
        ("data:image/png;base64,%+1", "must have two hexadecimal digits after each %"),
        ("data:image/png;base64,QUJD\n", "must be base64 after the comma"),
        ("data:image/png;base64,QU JD", "must be base64 after the comma"),
        ("data:image/png;base64,QUJD====", "must be base64 after the comma"),
        ("data:image/png;base64,QQ==QQ==", "must be base64 after the comma"),
        ("data:image/png;base64,=QUJ", "must be base64 after the comma"),
        ("data:image/png;base64,Q", "must be base64 after the comma"),
        ("data:image/png;base64,QU-_", "must be base64 after the comma"),
        ("data:image/png;base64,QUJD,QUJD", "must be base64 after the comma"),
        ("data:,", "must hold data after the comma"),
        ("data:image/png;base64,", "must hold data after the comma"),
        ("data:image/png;base64,#QUJD", "must hold data after the comma"),
    ],
)
def test_a_refusal_says_why(url: str, why: str) -> None:
    with pytest.raises(InvalidURL, match=why) as caught:
        read_data_url(url, field="mask_image_url")
    assert caught.value.field == "mask_image_url"


@pytest.mark.parametrize("over", [0, 1, 2, 3, 1000])
def test_the_limit_is_of_the_bytes_that_come_out(over: int) -> None:
    data = b"\x00" * (MAX_BYTES + over)
    urls = (
        "data:;base64," + base64.b64encode(data).decode("ascii"),
        "data:,a" + "%41" * (len(data) - 1),
    )
    for url in urls:
        if over:
            with pytest.raises(FileTooLarge, match="must be a file of at most 10 MB"):
                read_data_url(url, field="f")
        else:
            assert len(read_data_url(url, field="f")) == MAX_BYTES


@given(st.text())
def test_whatever_the_text_is_there_are_bytes_or_a_refusal(text: str) -> None:
    with contextlib.suppress(InvalidURL):
        assert read_data_url("data:" + text, field="f")
