"""Files that the tests of decode, mask and encode share, built in code."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

HEIGHT, WIDTH = 261, 300


def noise(channels: int, dtype: type = np.uint8, *, seed: int = 0) -> npt.NDArray[Any]:
    """height x width x channels, every value as likely as any other."""
    top = int(np.iinfo(dtype).max) + 1
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return np.random.default_rng(seed).integers(0, top, shape, dtype=dtype)


def smooth() -> npt.NDArray[np.uint8]:
    """height x width x 3, gradients that JPEG keeps within a few levels."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([rows % 256, columns * 255 // WIDTH, (rows + columns) // 3], 2).astype(np.uint8)


def file_of(image: Image.Image | npt.NDArray[Any], kind: str, **options: Any) -> bytes:
    """Save by Pillow."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        buffer, kind, **options
    )
    return buffer.getvalue()


def tiff_of(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    """Save by tifffile, which writes what Pillow cannot."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(pixels: npt.NDArray[Any], *extra: bytes) -> bytes:
    """Write a 16-bit PNG by hand; extra chunks come before the pixels."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows, 1))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def gray_profile(gamma: float = 1.8, pcs: bytes = b"XYZ ") -> bytes:
    """Build a gray ICC profile, version 2, with a pure gamma."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    text = b"text\0\0\0\0none\0\0\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"gray\0" + bytes(79)
    tags = [(b"desc", name), (b"cprt", text), (b"wtpt", white), (b"kTRC", curve)]
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags:
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", tag, at + len(body), len(content))
        body += content
    header = bytearray(128)
    header[0:4] = struct.pack(">I", at + len(body))
    header[8:12] = b"\x02\x10\0\0"
    header[12:24] = b"mntrGRAY" + pcs
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">iii", 63190, 65536, 54061)
    return bytes(header) + table + body
