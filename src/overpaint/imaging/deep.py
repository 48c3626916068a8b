"""What Pillow does not do well enough, by OpenCV and tifffile.

Pillow cuts 16 bits a channel down to 8, and keeps four copies of a WEBP while it decodes it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from overpaint.errors import InvalidImage
from overpaint.imaging.container import PNG_SIGNATURE, damaged, png_chunks
from overpaint.imaging.source import (
    ORIENTATION_TAG,
    Opened,
    orientation_of,
)
from overpaint.values import Pixels

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT, _EXTRA = 258, 262, 339, 338
_WHITE_IS_ZERO, _RGB = 0, 2
_ASSOCIATED_ALPHA, _STRAIGHT_ALPHA = 1, 2
_LOG: Any = getattr(cv2.utils, "logging", cv2)  # OpenCV 5 moved getLogLevel and setLogLevel there
_SILENT = 0


def takes(opened: Opened, *, field: str) -> bool:
    """Whether to decode here: 16 bits in more than one channel, or a still WEBP.

    Raises `InvalidImage` for samples that are neither 8 nor 16 bits, such as floats.
    """
    if opened.format == "PNG":
        depth, colour = opened.data[24], opened.data[25]
        return depth == 16 and (colour != 0 or _transparent_gray(opened.data) is not None)
    if opened.format == "WEBP":
        return not getattr(opened.image, "is_animated", False)
    if opened.format != "TIFF":
        return False
    tags = _tags(opened.image)
    formats = set(tags.get(_SAMPLE_FORMAT, (1,)))
    bits = set(tags.get(_BITS, (1,)))
    if 3 in formats:
        raise InvalidImage(field, "must have 8 or 16 bits a channel", "floating point")
    if max(bits) > 16 or formats - {1, 4}:
        signed = ", signed" if 2 in formats else ""
        raise InvalidImage(field, "must have 8 or 16 bits a channel", f"{max(bits)} bits{signed}")
    return bits == {16} and tags.get(_PHOTOMETRIC) == _RGB


def decode(opened: Opened, *, field: str) -> Pixels:
    """Decode to height x width x 1, 3 or 4, straight alpha, as stored (not upright).

    uint8 for WEBP, else uint16.
    """
    if opened.format == "WEBP":
        return _opencv(opened.data, np.uint8, field, "WEBP")
    if opened.format == "PNG":
        return _decode_png(opened.data, field)
    return _decode_tiff(opened, field)


def orientation(opened: Opened) -> int:
    """EXIF orientation without decoding the pixels; PNG may keep it behind them."""
    if opened.format == "WEBP":
        return orientation_of(opened.image)
    if opened.format == "TIFF":
        value = _tags(opened.image).get(ORIENTATION_TAG, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    for name, start, length in png_chunks(opened.data):
        if name == b"eXIf":
            exif = Image.Exif()
            exif.load(b"Exif\0\0" + opened.data[start : start + length])
            opened.image.info["exif"] = exif.tobytes()
    return orientation_of(opened.image)


def is_white_zero(image: Image.Image) -> bool:
    """Whether a gray TIFF counts from white down, which Pillow leaves alone at 16 bits."""
    return _tags(image).get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def to_8_bit(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Scale 0..65535 to 0..255, rounded to nearest; 8 bits stay as they are."""
    if pixels.dtype == np.uint8:
        return cast(npt.NDArray[np.uint8], pixels)
    return cast(npt.NDArray[np.uint8], cv2.convertScaleAbs(pixels, alpha=1 / 257))


class _Quiet:
    """OpenCV has one log level a process: the first one in lowers it, the last one out restores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._level = _LOG.getLogLevel()
                _LOG.setLogLevel(_SILENT)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _LOG.setLogLevel(self._level)


_QUIET = _Quiet()


def quiet() -> AbstractContextManager[None]:
    """Keep OpenCV's codecs from writing to stderr; threads may overlap in it."""
    return _QUIET


def _tags(image: Image.Image) -> dict[int, Any]:
    return cast(dict[int, Any], getattr(image, "tag_v2", {}))


def _transparent_gray(data: bytes) -> int | None:
    """The gray level of a PNG that is transparent (chunk tRNS), if there is one."""
    for name, start, length in png_chunks(data):
        if name == b"tRNS" and data[25] == 0 and length >= 2:
            return int.from_bytes(data[start : start + 2])
        if name == b"IDAT":
            break
    return None


def _decode_png(data: bytes, field: str) -> Pixels:
    # Only what makes the pixels: libpng prints its opinion on other chunks, EXIF would turn
    # the picture, and an animation would be decoded.
    kept = [PNG_SIGNATURE]
    for name, start, length in png_chunks(data):
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(data[start - 8 : start + length + 4])
    decoded = _opencv(b"".join(kept), np.uint16, field, "PNG")
    clear = _transparent_gray(data)
    if clear is not None and decoded.shape[2] == 1:
        alpha = np.where(decoded == clear, np.uint16(0), np.uint16(65535))
        return np.concatenate([decoded, decoded, decoded, alpha], axis=2)
    return decoded


def _opencv(data: bytes, dtype: type[np.uint8 | np.uint16], field: str, kind: str) -> Pixels:
    with quiet():
        try:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            raise damaged(field, kind) from error
    if decoded is None or decoded.dtype != dtype:
        raise damaged(field, kind)
    if decoded.ndim == 2:
        return cast(Pixels, decoded[..., None])
    code = cv2.COLOR_BGR2RGB if decoded.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cast(Pixels, cv2.cvtColor(decoded, code, dst=decoded))


def _decode_tiff(opened: Opened, field: str) -> Pixels:
    """Decode an RGB TIFF of 16 bits."""
    from overpaint.imaging import tiff  # slow to import, and few files need it

    with tiff.open_tiff(opened.data) as file:
        page = file.pages.first
        if page.compression in tiff.OWN_COMPRESSIONS:
            stored = tiff.stored_pixels(page)
        else:
            upright = page.tags.get(ORIENTATION_TAG)
            data = bytearray(opened.data)
            if upright is not None:  # OpenCV would turn it
                one = b"\1\0" if file.byteorder == "<" else b"\0\1"
                data[upright.valueoffset : upright.valueoffset + 2] = one
            stored = cast(npt.NDArray[np.uint16], _opencv(bytes(data), np.uint16, field, "TIFF"))
    extra = _tags(opened.image).get(_EXTRA, ())
    colour, alpha = stored[..., :3], stored[..., 3:4]
    if not (alpha.size and extra and extra[0] in (_ASSOCIATED_ALPHA, _STRAIGHT_ALPHA)):
        return colour
    if extra[0] == _ASSOCIATED_ALPHA:
        colour = _straight(colour, alpha)
    return np.concatenate([colour, alpha], axis=2)


def _straight(
    colour: npt.NDArray[np.uint16], alpha: npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint16]:
    """Undo the multiplication of colour by alpha."""
    divisor = np.maximum(alpha, 1).astype(np.uint32)
    straight = (colour * np.uint32(65535) + divisor // 2) // divisor
    return cast(npt.NDArray[np.uint16], np.minimum(straight, 65535).astype(np.uint16))
