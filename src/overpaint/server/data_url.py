"""Reading a data: URL (RFC 2397): a picture written into the address itself."""

from __future__ import annotations

import binascii
import math
import re

from overpaint.errors import FileTooLarge, InvalidURL
from overpaint.imaging.source import MAX_BYTES

_MAX_HEAD = 1024  # characters before the comma
_MEDIA_TYPE = re.compile(r"(?:image/[a-z0-9][a-z0-9!#$&^_.+-]*)?", re.IGNORECASE)
_PARAMETER = re.compile(r"[^\s;,=]+=[^\s;,]*")


def read_data_url(url: str, *, field: str) -> bytes:
    """The bytes that a data: URL holds, as base64 or percent-encoded.

    The media type must be image/* or absent; parameters are passed over. Base64 is the standard
    alphabet; "=" at the end may be missing, anything else out of place is an error.

    Raises:
        InvalidURL: it is malformed, of another media type, or empty.
        FileTooLarge: it would be over 10 MB; found before anything is decoded.
    """
    head, comma, payload = url[:_MAX_HEAD].partition(",")
    if not comma:
        raise InvalidURL(field, "must be data:image/TYPE;base64,DATA")
    payload = url[len(head) + 1 :].partition("#")[0]
    media_type, *parameters = head.partition(":")[2].split(";")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise InvalidURL(field, "must be of the media type image/*", ascii(media_type[:80]))
    is_base64 = bool(parameters) and parameters[-1].lower() == "base64"
    if is_base64:
        parameters.pop()
    if not all(_PARAMETER.fullmatch(parameter) for parameter in parameters):
        raise InvalidURL(field, "must be data:image/TYPE;base64,DATA")
    if not payload.isascii():
        raise InvalidURL(field, "must be ASCII: write other bytes percent-encoded")
    size = len(payload) - 2 * payload.count("%")
    if (size * 3 // 4 - 2 if is_base64 else size) > MAX_BYTES:
        raise too_large(field)
    raw = _from_percent(payload, field)
    data = _from_base64(raw, field) if is_base64 else raw
    if not data:
        raise InvalidURL(field, "must hold data after the comma")
    if len(data) > MAX_BYTES:
        raise too_large(field)
    return data


def _from_percent(payload: str, field: str) -> bytes:
    """Decode %XX; as Python's own \\xXX, since that is quick and strict for megabytes of them."""
    if "%" not in payload:  # nearly always, and the event loop waits for this
        return payload.encode("ascii")
    escaped = payload.replace("\\", "%5C").replace("%", "\\x").encode("ascii")
    try:
        return escaped.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        raise InvalidURL(field, "must have two hexadecimal digits after each %") from None


def _from_base64(raw: bytes, field: str) -> bytes:
    digits = raw.rstrip(b"=")
    padding = b"=" * (-len(digits) % 4)
    try:
        if b"=" in digits or raw[len(digits) :] not in (b"", padding):
            raise binascii.Error("padding")  # Python's own check of it differs between versions
        return binascii.a2b_base64(digits + padding, strict_mode=True)
    except binascii.Error:
        limit = "must be base64 after the comma, without spaces, line breaks or other characters"
        raise InvalidURL(field, limit) from None


def too_large(field: str, size: int | None = None) -> FileTooLarge:
    """The error for a file over the limit, of `size` bytes where that is known."""
    value = "more" if size is None else f"{math.ceil(size / 1024**2 * 100) / 100:.2f} MB"
    return FileTooLarge(field, "must be a file of at most 10 MB", value)
