"""From what the caller hands in to an open, checked picture whose pixels are still undecoded.

Everything that can be refused without decoding is refused here: bytes, format, header, sides.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from overpaint.errors import (
    CorruptImage,
    FileTooLarge,
    InvalidImage,
    ResolutionOutOfRange,
)
from overpaint.imaging import container

#: A path, the bytes of a file, a PIL image, or an array (height x width, or x 1, 3 or 4).
Source: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[Any]

MAX_BYTES = 10 * 1024 * 1024
BAND_ROWS = 64  # rows converted at a time, so that no second whole copy is alive
ORIENTATION_TAG = 0x0112


class LengthChecked(bytes):
    """The bytes of a file whose length was looked at where they came in: any is taken here.

    A service has results of its own, which are as long as a lossless format makes them, and takes
    them as pictures to go on with.
    """


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many pixels a side may have, inclusive."""

    smallest: int
    largest: int
    words: str  # how the message says it


PICTURE_LIMITS = Limits(
    smallest=257, largest=4095, words="each side must be over 256 and under 4096 px"
)
REFERENCE_LIMITS = Limits(smallest=16, largest=4095, words="each side must be 16 to 4095 px")
#: Results: of any size that may be asked for.
RESULT_LIMITS = Limits(smallest=1, largest=4095, words="each side must be 1 to 4095 px")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A picture whose header was read and checked."""

    image: Image.Image  # not loaded yet
    format: str  # JPEG, PNG, BMP, TIFF, WEBP
    data: bytes


def check_sides(width: int, height: int, *, field: str, limits: Limits) -> None:
    """Raise `ResolutionOutOfRange` unless both sides, in pixels, are within the limits."""
    if not all(limits.smallest <= side <= limits.largest for side in (width, height)):
        raise ResolutionOutOfRange(field, limits.words, f"{width} x {height} px")


def read_bytes(source: str | os.PathLike[str] | bytes, *, field: str) -> bytes:
    """Return the bytes of a file, at most `MAX_BYTES`; a path is sized before it is read.

    `LengthChecked` bytes may be more.

    Raises `InvalidImage` for a path that cannot be read or another type, `FileTooLarge`, and
    `CorruptImage` when there are no bytes.
    """
    if isinstance(source, LengthChecked):
        data: bytes = source
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        _check_length(len(data), field)
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(Path(source), field)
    else:  # callers need not be typed
        kinds = "must be a path, the bytes of a file, a PIL image or an array"
        raise InvalidImage(field, kinds, type(source).__name__)
    if not data:
        raise CorruptImage(field, "must be a whole, undamaged picture", "an empty file")
    return data


def _read_file(path: Path, field: str) -> bytes:
    try:
        if path.is_dir():
            raise InvalidImage(field, "must be a picture file, not a folder", path)
        with path.open("rb") as file:
            _check_length(os.fstat(file.fileno()).st_size, field)
            data = file.read(MAX_BYTES + 1)  # a pipe has no size beforehand
    except FileNotFoundError:
        raise InvalidImage(field, "must be a file that exists", path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise InvalidImage(field, f"must be a file that can be read ({reason})", path) from error
    _check_length(len(data), field)
    return data


def _check_length(length: int, field: str) -> None:
    if length > MAX_BYTES:
        size_mb = math.ceil(length / 1024**2 * 100) / 100  # never rounded down to the limit
        raise FileTooLarge(field, "must be a file of at most 10 MB", f"{size_mb:.2f} MB")


def open_source(
    source: str | os.PathLike[str] | bytes, *, field: str, limits: Limits = PICTURE_LIMITS
) -> Opened:
    """Read the header of a file and check it against the limits; no pixel is decoded.

    Raises the errors of `read_bytes` and `container.sniff`, `CorruptImage`, `ResolutionOutOfRange`.
    """
    data = read_bytes(source, field=field)
    kind = container.sniff(data, field=field)
    if kind == "PNG":
        check_sides(*container.png_sides(data, field=field), field=field, limits=limits)
        container.check_png(data, field=field)
    elif kind == "WEBP":  # Pillow's reader would already set its canvas up
        check_sides(*container.webp_sides(data, field=field), field=field, limits=limits)
    with reading(field, kind) as noticed:
        try:
            image = Image.open(io.BytesIO(data), formats=(kind,))
        except UnidentifiedImageError:
            if kind != "TIFF":
                raise
            from overpaint.imaging.tiff import gray_alpha_as_rgba  # slow, and few files need it

            check = partial(check_sides, field=field, limits=limits)
            data = gray_alpha_as_rgba(data, field=field, check_sides=check)
            image = Image.open(io.BytesIO(data), formats=(kind,))
        check_sides(*image.size, field=field, limits=limits)
    if any("Truncated File Read" in notice for notice in noticed):
        raise container.damaged(field, kind)
    return Opened(image=image, format=kind, data=data)


class _Caught:
    """Keeps what Pillow warns of from the caller, while threads decode side by side.

    Python has one set of warning filters a process, so threads that changed it each on its own
    would restore each other's. The first one in changes it, the last one out restores it, and what
    is warned of meanwhile goes to the list of the thread that it comes from; a thread that is not
    in here has its warnings shown as ever. The lock is held for these two moments only, never
    while a picture is read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters: warnings.catch_warnings[None] = warnings.catch_warnings()
        self._lists = threading.local()

    @contextmanager
    def __call__(self) -> Iterator[list[str]]:
        """Yield a list that receives the texts of this thread's warnings."""
        texts: list[str] = []
        outer: list[str] | None = getattr(self._lists, "texts", None)
        self._enter()
        self._lists.texts = texts
        try:
            yield texts
        finally:
            self._lists.texts = outer
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("always", module=r"PIL\b")
                self._show_elsewhere = warnings.showwarning
                warnings.showwarning = self._show
            self._inside += 1

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(None, None, None)  # restores showwarning, too

    def _show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        texts: list[str] | None = getattr(self._lists, "texts", None)
        if texts is None:
            self._show_elsewhere(message, category, filename, lineno, file, line)
        else:
            texts.append(str(message))


caught_warnings = _Caught()


@contextmanager
def reading(field: str, kind: str = "") -> Iterator[list[str]]:
    """Turn what Pillow, tifffile and zlib raise on damaged data into `CorruptImage`.

    kind is the format that the message names. Yields a list that receives the texts of the
    warnings, which stay silent otherwise.
    """
    try:
        with caught_warnings() as texts:
            yield texts
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+ pixels", str(error))  # Pillow refuses before it tells the sides
        value = claimed.group() if claimed else None
        raise ResolutionOutOfRange(field, PICTURE_LIMITS.words, value) from error
    except InvalidImage:
        raise
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError) as error:
        raise container.damaged(field, kind) from error
    except (EOFError, OverflowError, struct.error, zlib.error, MemoryError) as error:
        raise container.damaged(field, kind) from error


def is_lossless(opened: Opened) -> bool:
    """Whether the file keeps every pixel exactly, so that colours can be compared exactly."""
    if opened.format == "JPEG":
        return False
    if opened.format == "WEBP":
        return b"VP8 " not in opened.data[12:4096]
    if opened.format == "TIFF":
        return opened.image.info.get("compression") not in ("jpeg", "tiff_jpeg", "webp")
    return True


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 when there is none or it makes no sense.

    Ask after loading: Pillow turns TIFFs upright by itself then, and PNG may keep EXIF at its end.
    """
    with caught_warnings():
        try:
            value = image.getexif().get(ORIENTATION_TAG, 1)
        except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
            return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def assemble(
    rows: Callable[[int, int], npt.NDArray[Any]],
    *,
    height: int,
    width: int,
    channels: tuple[int, ...],
    dtype: npt.DTypeLike,
    orientation: int = 1,
) -> npt.NDArray[Any]:
    """Fill a new upright array from `rows(first, last)` of the stored, not yet upright picture.

    height and width are the stored ones; channels is (), (3,) or (4,). Each band goes straight
    to its place, so that turning costs no second copy.
    """
    swapped = orientation >= 5
    sides = (width, height) if swapped else (height, width)
    upright = np.empty(sides + channels, dtype)
    stored = _stored_view(upright, orientation)
    for first in range(0, height, BAND_ROWS):
        last = min(first + BAND_ROWS, height)
        stored[first:last] = rows(first, last)
    return upright


def _stored_view(upright: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """View an upright array as the file stores it (EXIF 2.32, tag 0x0112)."""
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return np.rot90(upright, 1)
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(upright, -1)
        case _:
            return upright
