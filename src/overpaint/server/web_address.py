"""Reading an http or https URL, strictly, once: what is read here is what is connected to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

from overpaint.errors import InvalidURL

MAX_URL = 8192  # characters

_PORTS = {"http": 80, "https": 443}

# Ports of other protocols, to which a request for a picture might be a command; the list of
# https://fetch.spec.whatwg.org/#port-blocking, as browsers have it.
# fmt: off
_CLOSED_PORTS = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
})
# fmt: on

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#\\]*)(?P<path>[^?#]*)(?P<query>(?:\?[^#]*)?)(?:#.*)?",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_KEPT = "!#$%&'()*+,/:;=?@[]~-._"  # what a path and a query may hold as it is


@dataclass(frozen=True, kw_only=True)
class WebAddress:
    """Where a picture is fetched from."""

    scheme: str  # "http" or "https"
    host: str  # lower case, no dot at the end; an IPv6 address without brackets
    port: int
    target: str  # path and query, at least "/"

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, for redirects to be told from."""
        return f"{self.scheme}://{self.authority}{self.target}"


def check_characters(url: str, *, field: str) -> None:
    """Raise `InvalidURL` for what no URL may hold: non-ASCII, spaces, control characters."""
    if not url.isascii():
        character = next(one for one in url if not one.isascii())
        limit = "must be ASCII: write other characters, Chinese too, percent-encoded"
        raise InvalidURL(field, limit, f"U+{ord(character):04X}")
    if " " in url:
        raise InvalidURL(field, "must not hold spaces: write them as %20")
    if not url.isprintable():
        raise InvalidURL(field, "must not hold line breaks or control characters")


def read_web_address(url: str, *, field: str) -> WebAddress:
    """Take an http or https URL apart.

    Numbers as hosts are taken in the plain form only, four decimal numbers: 127.1, 0x7f.1 and
    2130706433 are refused, whatever they mean to the system.

    Raises:
        InvalidURL: it is not one, or names a user, or a port of another protocol.
    """
    if len(url) > MAX_URL:
        raise InvalidURL(field, f"must be at most {MAX_URL} characters", len(url))
    check_characters(url, field=field)
    parts = _URL.fullmatch(url)
    if parts is None:
        limit = "must begin with http://, https://, data: or oss:// (SDKs upload files that exist)"
        raise InvalidURL(field, limit, repr(url[:80]))
    if "@" in parts["authority"]:
        raise InvalidURL(field, "must not hold a user name or password")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise InvalidURL(field, "must name a host, and a port or none")
    scheme = parts["scheme"].lower()
    port = int(authority["port"] or _PORTS[scheme])
    if port in _CLOSED_PORTS or port > 0xFFFF:
        raise InvalidURL(field, "must not use a port of another protocol", port)
    path = parts["path"] or "/"
    if not path.startswith("/"):  # a backslash, which some read as "/"
        raise InvalidURL(field, "must name a host, and a port or none")
    return WebAddress(
        scheme=scheme,
        host=_read_host(authority["host"].lower(), field),
        port=port,
        target=quote(path + parts["query"], safe=_KEPT),
    )


def _read_host(host: str, field: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise InvalidURL(field, "must have an IPv6 address in the brackets") from None
    name = host.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # so it is an address, and not a name
        try:
            return str(IPv4Address(name))
        except AddressValueError:
            limit = "must write an IPv4 address as four decimal numbers"
            raise InvalidURL(field, limit, host[:80]) from None
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidURL(field, "must name a host, and a port or none", host[:80])
    return name
