"""Reading http and https URLs."""

from __future__ import annotations

import pytest

from overpaint.errors import InvalidURL
from overpaint.server.web_address import MAX_URL, read_web_address


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target"),
    [
        ("http://example.com", "http", "example.com", 80, "/"),
        ("HTTPS://EXAMPLE.com/A/b?C=d#e", "https", "example.com", 443, "/A/b?C=d"),
        ("http://example.com:8080/", "http", "example.com", 8080, "/"),
        ("http://example.com:/x", "http", "example.com", 80, "/x"),
        ("http://example.com?q=1", "http", "example.com", 80, "/?q=1"),
        ("http://example.com#f?x", "http", "example.com", 80, "/"),
        ("http://example.com./x", "http", "example.com", 80, "/x"),
        ("http://my_bucket.oss-cn-1.example/x", "http", "my_bucket.oss-cn-1.example", 80, "/x"),
        ("http://xn--fsq.example/%E5%9B%BE.png", "http", "xn--fsq.example", 80, "/%E5%9B%BE.png"),
        ("http://127.0.0.1/x", "http", "127.0.0.1", 80, "/x"),
        ("http://127.0.0.1./x", "http", "127.0.0.1", 80, "/x"),
        ("http://[2001:DB8::0001]:81/x", "http", "2001:db8::1", 81, "/x"),
        ("http://example.com/@x:y@z", "http", "example.com", 80, "/@x:y@z"),
        ("http://example.com/a|b{c}\\d^`\"<>", "http", "example.com", 80,
         "/a%7Cb%7Bc%7D%5Cd%5E%60%22%3C%3E"),
        ("http://example.com/a%20b+c;d=e&f=g,h", "http", "example.com", 80,
         "/a%20b+c;d=e&f=g,h"),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart(url: str, scheme: str, host: str, port: int, target: str) -> None:
    read = read_web_address(url, field="f")
    assert (read.scheme, read.host, read.port, read.target) == (scheme, host, port, target)


@pytest.mark.parametrize(
    "url", ["http://example.com/a?b", "https://example.com:8443/", "http://[2400::1]/x"]
)
def test_a_url_is_put_together_again(url: str) -> None:
    read = read_web_address(url, field="f")
    assert read.url == url
    assert read_web_address(read.url, field="f") == read


NUMBERS = [
    "0x7f.1", "0x7f000001", "2130706433", "127.1", "127.0.1", "0", "017700000001", "0177.0.0.1",
    "127.0.0.0x1", "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "1.1.1.0x", "x.1",
]  # fmt: skip


@pytest.mark.parametrize("host", NUMBERS)
def test_only_one_spelling_of_ipv4_addresses_is_taken(host: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        read_web_address(f"http://{host}/", field="base")
    assert str(caught.value).startswith("base: must write an IPv4 address as four decimal numbers")


@pytest.mark.parametrize(
    "authority",
    [
        "", ":80", "127.0.0.1..", ".", "..", ".example.com", "example..com", "-a.example",
        "a-.example", "a" * 64 + ".example", "a." * 127 + "ab", "exa%6Dple.com", "a,b", "a+b",
        "example.com:8o", "example.com:123456", "example.com:80:80", "example.com:-1", "a:+80",
        "[::1", "::1", "[::1]x", "[]", "[fe80::1%25eth0]", "[v1.x]", "example.com\\x", "a\\@b",
        "*", "$(id)", "a;b", "a'b",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(authority: str) -> None:
    with pytest.raises(InvalidURL):
        read_web_address(f"http://{authority}/", field="base")


@pytest.mark.parametrize("inside", ["[1::2::3]", "[:::]", "[1.2.3.4]", "[::ffff:1.2.3.400]"])
def test_what_is_no_ipv6_address_is_refused(inside: str) -> None:
    with pytest.raises(InvalidURL, match="must have an IPv6 address in the brackets"):
        read_web_address(f"http://{inside}/", field="base")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with http://, https://, data: or oss:// "),
        ("C:/x.png", r"\(SDKs upload files that exist\), got 'C:/x\.png'"),
        ("x", "must begin with"),
        ("example.com/x.png", "must begin with"),
        ("//example.com/x.png", "must begin with"),
        ("http:/example.com", "must begin with"),
        ("http:\\\\example.com", "must begin with"),
        ("http:example.com", "must begin with"),
        ("ftp://example.com/x", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("gopher://127.0.0.1:6379/_x", "must begin with"),
        ("oss://bucket/x", "must begin with"),
        ("unix:///run/x.sock", "must begin with"),
        ("javascript:alert(1)", "must begin with"),
        ("https+unix://x", "must begin with"),
        ("http://user@example.com/", "must not hold a user name or password"),
        ("http://user:pass@example.com/", "must not hold a user name or password"),
        ("http://1.1.1.1@127.0.0.1/", "must not hold a user name or password"),
        ("http://@example.com/", "must not hold a user name or password"),
        ("http://example.com/图.png", "must be ASCII.*U\\+56FE"),
        ("http://例子.example/", "must be ASCII"),
        ("http://１２７.0.0.1/", "must be ASCII"),
        ("http://127。0。0。1/", "must be ASCII"),
        ("http://ⓔxample.com/", "must be ASCII"),
        ("http://example.com/\udc80", "must be ASCII"),
        ("http://example.com/\x80", "must be ASCII"),
        ("http://example.com/a b", "must not hold spaces"),
        (" http://example.com/", "must not hold spaces"),
        ("http://example.com/ ", "must not hold spaces"),
        ("http://example.com/\r\nX: y", "must not hold"),
        ("http://example.com/\n", "must not hold line breaks or control characters"),
        ("ht\ttp://example.com/", "must not hold line breaks or control characters"),
        ("http://example.com/\x00", "must not hold line breaks or control characters"),
        ("http://example.com/\x7f", "must not hold line breaks or control characters"),
        ("http://example.com/" + "a" * MAX_URL, "must be at most 8192 characters, got 8211"),
        ("http://example.com:22/", "must not use a port of another protocol, got 22"),
        ("http://example.com:25/", "must not use a port of another protocol"),
        ("http://example.com:0/", "must not use a port of another protocol"),
        ("http://example.com:6667/", "must not use a port of another protocol"),
        ("http://example.com:65536/", "must not use a port of another protocol"),
    ],
)
def test_a_refusal_says_why(url: str, why: str) -> None:
    with pytest.raises(InvalidURL, match=why) as caught:
        read_web_address(url, field="base_image_url")
    assert caught.value.field == "base_image_url"
    assert "pass@" not in str(caught.value)


def test_the_longest_url_is_taken() -> None:
    url = "http://example.com/".ljust(MAX_URL, "a")
    assert read_web_address(url, field="f").url == url
