"""Forms that strangers send."""

from __future__ import annotations

from fastapi import Request
from python_multipart.multipart import parse_options_header

from overpaint.server.errors import Declined

#: What clients name where they name any; Starlette takes the last two for Latin-1.
_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1"})


def check_charset(request: Request) -> None:
    """Refuse a form that is to be read in a charset which nobody needs.

    Starlette reads text as the form says, and Python knows codecs (punycode) that take a minute
    for a megabyte, while the event loop waits, and some that fail.

    Raises:
        Declined: it is such a form.
    """
    _, parameters = parse_options_header(request.headers.get("content-type"))
    if parameters.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise Declined(400, "InvalidParameter", "Content-Type: charset must be utf-8.")
