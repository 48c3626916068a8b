"""Encode: a `Picture` becomes the bytes of a file, with its provenance inside."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zlib
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import cv2
import numpy as np
from PIL import Image

from overpaint.errors import InvalidOption
from overpaint.imaging import profile
from overpaint.imaging.deep import quiet, to_8_bit
from overpaint.imaging.provenance import Provenance, aigc_label, to_xmp
from overpaint.values import Picture, Pixels, Rgb8

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_BY_SUFFIX = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_KEEPS_ALPHA = ("PNG", "WEBP", "TIFF")
_KEEPS_16_BIT = ("PNG", "TIFF")
_HOLDS_METADATA = ("PNG", "JPEG", "WEBP", "TIFF")  # XMP and ICC
_FULL_CHROMA_FROM = 90  # JPEG quality at which colour keeps its full resolution
_PNG_LEVEL = 4  # of zlib's 9: 2.5 times as fast as its default of 6, and 3 % larger
_HEADER_END = 33  # signature and IHDR of a PNG
_XMP_TAG = 700
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the format that a file name asks for: PNG, JPEG, WEBP, TIFF or BMP.

    Raises `InvalidOption` for any other extension.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in _BY_SUFFIX:
        known = ", ".join(_BY_SUFFIX)
        raise InvalidOption("output", f"must end in one of {known}", suffix or str(path))
    return _BY_SUFFIX[suffix]


def is_lossy(format: str) -> bool:
    """Whether the format changes pixels: JPEG and WEBP (which is written lossy) do."""
    return _checked_format(format) in ("JPEG", "WEBP")


def losses(picture: Picture, format: str) -> tuple[str, ...]:
    """Say in plain words what this picture loses in this format; nothing for PNG and TIFF."""
    kind = _checked_format(format)
    lost = []
    if is_lossy(kind):
        lost.append(f"{kind} is lossy: pixels outside the mask change slightly")
    if picture.has_alpha and kind not in _KEEPS_ALPHA:
        lost.append(f"{kind} has no alpha: flattened on white")
    if picture.pixels.dtype == np.uint16 and kind not in _KEEPS_16_BIT:
        lost.append(f"{kind} has 8 bits a channel: rounded from 16")
    if kind not in _HOLDS_METADATA:
        if picture.icc_profile is not None:
            lost.append(f"{kind} holds no ICC profile: converted to sRGB")
        lost.append(f"{kind} holds no metadata: provenance is left out")
    return tuple(lost)


def encode(
    picture: Picture, *, format: str, provenance: Provenance | None = None, quality: int = 95
) -> bytes:
    """Encode a picture; the same arguments give the same bytes.

    PNG and TIFF (deflate) keep every pixel, 16 bits, alpha and the ICC profile. JPEG and WEBP are
    lossy, at `quality` 1 to 100; `losses` says what else a format drops. Provenance goes in as
    XMP, in PNG also as the text chunk `AIGC` that readers of the Chinese label look for; its
    `content_id` is taken from the pixels when empty. BMP has no place for it.

    Raises `InvalidOption` for an unknown format or quality.
    """
    kind = _checked_format(format)
    if not 1 <= quality <= 100:
        raise InvalidOption("quality", "must be 1 to 100", quality)
    if kind == "PNG":
        return _encode_png(picture, provenance)
    if kind == "TIFF":
        return _encode_tiff(picture, provenance)
    pixels = to_8_bit(picture.pixels)
    if kind == "JPEG":
        return _encode_jpeg(_flatten(pixels), picture.icc_profile, provenance, quality)
    if kind == "BMP":
        return _save(profile.pixels_to_srgb(_flatten(pixels), picture.icc_profile), "BMP")
    options: dict[str, Any] = {"quality": quality}
    if picture.icc_profile is not None:
        options["icc_profile"] = picture.icc_profile
    if provenance is not None:
        options["xmp"] = to_xmp(_numbered(provenance, np.ascontiguousarray(pixels).data))
    return _save(pixels, "WEBP", **options)


def _checked_format(format: str) -> str:
    kind = {"JPG": "JPEG", "TIF": "TIFF"}.get(format.upper(), format.upper())
    if kind not in FORMATS:
        raise InvalidOption("format", f"must be one of {', '.join(FORMATS)}", format)
    return kind


def _numbered(provenance: Provenance, content: bytes | memoryview) -> Provenance:
    """Give the content its number, unless it has one: a hash of pixels or of their coding."""
    if provenance.content_id:
        return provenance
    digest = hashlib.sha256(repr(provenance).encode())
    digest.update(content)
    return replace(provenance, content_id=digest.hexdigest()[:32])


def _save(pixels: Pixels, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def _flatten(pixels: Rgb8) -> Rgb8:
    """Lay RGBA over white."""
    if pixels.shape[2] == 3:
        return pixels
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    for first in range(0, len(pixels), 256):  # 16 bits of a band at a time
        band = pixels[first : first + 256].astype(np.uint16)  # rows x width x 4
        alpha = band[..., 3:]
        flat[first : first + 256] = (band[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return flat


def _encode_jpeg(
    pixels: Rgb8, icc_profile: bytes | None, provenance: Provenance | None, quality: int
) -> bytes:
    height, width = pixels.shape[:2]
    # Four bytes a pixel are what Pillow would make of it, more slowly, and can take uncopied.
    padded = cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA)
    image = Image.frombuffer("RGBX", (width, height), padded, "raw", "RGBX", 0, 1)
    buffer = io.BytesIO()
    chroma = 0 if quality >= _FULL_CHROMA_FROM else 2  # 4:4:4 or 4:2:0
    image.save(buffer, "JPEG", quality=quality, subsampling=chroma, icc_profile=icc_profile)
    encoded = buffer.getvalue()
    if provenance is None:
        return encoded
    xmp = _XMP_IN_JPEG + to_xmp(_numbered(provenance, encoded))
    segment = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    after_jfif = 4 + int.from_bytes(encoded[4:6])  # SOI and APP0 stay first
    return b"".join([encoded[:after_jfif], segment, memoryview(encoded)[after_jfif:]])


def _encode_png(picture: Picture, provenance: Provenance | None) -> bytes:
    if picture.pixels.dtype == np.uint8:
        encoded = memoryview(_save(picture.pixels, "PNG", compress_level=_PNG_LEVEL))
    else:
        encoded = _encode_png16(picture.pixels)
    chunks = []
    if picture.icc_profile is not None:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc_profile)))
    if provenance is not None:
        provenance = _numbered(provenance, encoded)
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + to_xmp(provenance)))
        label = json.dumps(aigc_label(provenance), separators=(",", ":"))
        chunks.append(_chunk(b"tEXt", b"AIGC\0" + label.encode("ascii")))
    return b"".join([encoded[:_HEADER_END], *chunks, encoded[_HEADER_END:]])


def _encode_png16(pixels: Pixels) -> memoryview:
    code = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    with quiet():
        done, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, code))
    assert done  # pixels in memory are always writable as PNG
    return encoded.ravel().data


def _chunk(name: bytes, data: bytes) -> bytes:
    """Frame a PNG chunk: length, name, data, checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _encode_tiff(picture: Picture, provenance: Provenance | None) -> bytes:
    import tifffile  # slow to import, and only TIFF needs it

    tags = []
    if provenance is not None:
        xmp = to_xmp(_numbered(provenance, np.ascontiguousarray(picture.pixels).data))
        tags.append((_XMP_TAG, 1, len(xmp), xmp, True))
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        picture.pixels,
        photometric="rgb",
        planarconfig="contig",
        compression="zlib",
        predictor=True,
        extrasamples=["unassalpha"] if picture.has_alpha else None,
        iccprofile=picture.icc_profile,
        extratags=tags,
        metadata=None,
        software=False,
        rowsperstrip=64,
    )
    return buffer.getvalue()
