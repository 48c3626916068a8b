"""Which format bytes are in, and what their headers claim: byte by byte, nothing is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from overpaint.errors import CorruptImage, NotAnImage, UnsupportedFormat

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# (offset, signature, name); the first five are what Overpaint reads
_SIGNATURES = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, PNG_SIGNATURE, "PNG"),
    (8, b"WEBP", "WEBP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"GIF8", "GIF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (0, b"8BPS", "PSD"),
    (0, b"8BPB", "PSB"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"\0\0\2\0", "CUR"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"icns", "ICNS"),
    (0, b"gimp xcf", "XCF"),
    (0, b"<svg", "SVG"),
)
_READABLE = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_FORMATS = "must be a JPEG, PNG, BMP, TIFF or WEBP"
_FIRST_BYTES = 8  # of what is no picture, shown in the message


def damaged(field: str, kind: str = "") -> CorruptImage:
    """Return the error for a file of this format (JPEG, ...) that is damaged or cut short."""
    value = f"a {kind} file" if kind else "one"
    return CorruptImage(
        field, "must be a whole, undamaged picture", f"{value} that is damaged or cut short"
    )


def sniff(data: bytes, *, field: str) -> str:
    """Name the format by its signature: JPEG, PNG, BMP, TIFF or WEBP.

    Raises `UnsupportedFormat`, naming any other known format, and `NotAnImage`.
    """
    head = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    for offset, signature, name in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            if name in _READABLE:
                return name
            raise UnsupportedFormat(field, _FORMATS, name)
    if head.startswith((b"<svg", b"<?xml")) and b"<svg" in data[:4096]:
        raise UnsupportedFormat(field, _FORMATS, "SVG")
    raise NotAnImage(field, _FORMATS, f"a file that begins with {data[:_FIRST_BYTES]!r}")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of the data of each chunk; stops where the file does."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if at + 12 + length > len(data):
            return
        yield data[at + 4 : at + 8], at + 8, length
        at += 12 + length


def png_sides(data: bytes, *, field: str) -> tuple[int, int]:
    """Width and height as the header of a PNG claims them."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise damaged(field, "PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def check_png(data: bytes, *, field: str) -> None:
    """Refuse what Pillow lets pass: a missing end, damaged critical chunks."""
    view = memoryview(data)
    ended = False
    for name, start, length in png_chunks(data):
        if name in (b"IHDR", b"PLTE", b"IDAT"):
            end = start + length
            if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4]):
                raise damaged(field, "PNG")
        if name == b"IEND":
            ended = True
            break
    if not ended:
        raise damaged(field, "PNG")


def webp_sides(data: bytes, *, field: str) -> tuple[int, int]:
    """Width and height as the header of a WEBP claims them, RFC 9649."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise damaged(field, "WEBP")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", body[6:10])
    return width & 0x3FFF, height & 0x3FFF
