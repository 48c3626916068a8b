"""What Pillow does not know of TIFF, by tifffile."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tifffile

from overpaint.errors import InvalidImage
from overpaint.imaging import profile
from overpaint.imaging.container import damaged

#: Compressions that tifffile undoes on its own: none, deflate, PackBits, old deflate.
OWN_COMPRESSIONS = (1, 8, 32773, 32946)
ORIENTATION_TAG, _ICC_TAG = 274, 34675
_EXTRA_SAMPLES = {1: "assocalpha", 2: "unassalpha"}


def open_tiff(data: bytes) -> tifffile.TiffFile:
    """Open a TIFF by tifffile, which then keeps its warnings to itself."""
    logger = logging.getLogger("tifffile")
    if not logger.handlers:  # without one, Python prints them
        logger.addHandler(logging.NullHandler())
    return tifffile.TiffFile(io.BytesIO(data))


def stored_pixels(page: tifffile.TiffPage) -> npt.NDArray[np.uint16]:
    """Decode a page of `OWN_COMPRESSIONS` to height x width (x channels), as stored."""
    stored = page.asarray()
    if page.axes[:1] == "S":  # one plane a channel
        stored = np.moveaxis(stored, 0, -1)
    return stored.astype(np.uint16, copy=False)


def gray_alpha_as_rgba(
    data: bytes, *, field: str, check_sides: Callable[[int, int], None]
) -> bytes:
    """Rewrite a TIFF of 16-bit gray with alpha, which Pillow does not open, as an RGBA one.

    The profile becomes the RGB one that looks the same; the orientation stays. `check_sides`
    (width, height) is asked before a pixel is decoded.

    Raises `InvalidImage` for a sound TIFF of any other layout, `CorruptImage` for a damaged one.
    """
    try:
        with open_tiff(data) as file:
            page = file.pages.first
            refusal = _refusal(page, data, field)
            sides = page.imagewidth, page.imagelength
    except Exception:  # it raises whatever the damage leads to
        raise damaged(field, "TIFF") from None
    if refusal is not None:
        raise refusal
    check_sides(*sides)
    try:
        with open_tiff(data) as file:
            return _rewritten(file.pages.first)
    except Exception:
        raise damaged(field, "TIFF") from None


def _refusal(page: tifffile.TiffPage, data: bytes, field: str) -> InvalidImage | None:
    """Why this page, which Pillow did not open, cannot be read at all; None if it can."""
    ends = [
        offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ]
    if not ends or max(ends) > len(data):
        return damaged(field, "TIFF")
    extra = tuple(map(int, page.extrasamples))
    shape = (str(page.dtype), page.samplesperpixel, int(page.photometric))
    if shape != ("uint16", 2, 1) or extra not in ((1,), (2,)):
        words = "must be a gray, RGB, RGBA, palette, CMYK or LAB TIFF of 8 or 16 bits a channel"
        return InvalidImage(field, words, f"{page.dtype} x {page.samplesperpixel} channels")
    if page.compression not in OWN_COMPRESSIONS:
        words = "must be uncompressed or deflated where a TIFF has 16-bit gray with alpha"
        return InvalidImage(field, words, getattr(page.compression, "name", page.compression))
    return None


def _rewritten(page: tifffile.TiffPage) -> bytes:
    stored = stored_pixels(page)  # height x width x gray, alpha
    icc_profile = page.tags[_ICC_TAG].value if _ICC_TAG in page.tags else None
    if icc_profile is not None and profile.colour_space(icc_profile) == "GRAY":
        icc_profile = profile.rgb_profile_of_gray(icc_profile) or icc_profile
    tags = []
    if ORIENTATION_TAG in page.tags:
        tags.append((ORIENTATION_TAG, 3, 1, int(page.tags[ORIENTATION_TAG].value), True))
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        stored[..., [0, 0, 0, 1]],
        photometric="rgb",
        planarconfig="contig",
        extrasamples=[_EXTRA_SAMPLES[int(page.extrasamples[0])]],
        iccprofile=icc_profile,
        extratags=tags,
        metadata=None,
    )
    return buffer.getvalue()
