"""Between a picture's own colours and the 8-bit sRGB that engines paint in.

Only the painted region ever makes this journey; the rest of a picture keeps its numbers.
"""

from __future__ import annotations

import io
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from overpaint.errors import CorruptImage
from overpaint.values import Pixels, Rgb8

#: What shows through transparent pixels while an engine looks at them.
BACKDROP = 255


def to_srgb8(pixels: Pixels, icc_profile: bytes | None) -> Rgb8:
    """Convert pixels of any depth and profile to what an engine sees.

    Args:
        pixels: height x width x 3 or 4, uint8 or uint16; alpha is flattened on white.
        icc_profile: the profile of the colours; None means sRGB.

    Returns:
        height x width x 3, uint8, sRGB.
    """
    rgb = _to_8bit(pixels)  # h x w x 3|4, 0..255
    if rgb.shape[2] == 4:
        alpha = rgb[..., 3:].astype(np.float32) / 255  # h x w x 1, 0..1
        flat = rgb[..., :3] * alpha + BACKDROP * (1 - alpha)
        rgb = np.rint(flat).astype(np.uint8)  # h x w x 3
    if icc_profile is None:
        return np.ascontiguousarray(rgb)
    return _convert(rgb, icc_profile, to_srgb=True)


def from_srgb8(rgb: Rgb8, icc_profile: bytes | None, dtype: np.dtype[np.generic]) -> Pixels:
    """Convert painted pixels to the colours and depth of the picture they go into.

    Args:
        rgb: height x width x 3, uint8, sRGB.
        icc_profile: the picture's profile; None means sRGB.
        dtype: uint8 or uint16.

    Returns:
        height x width x 3 of that dtype, full range.
    """
    own = rgb if icc_profile is None else _convert(rgb, icc_profile, to_srgb=False)
    if dtype == np.uint16:
        return own.astype(np.uint16) * np.uint16(257)  # 255 -> 65535
    return own


def _to_8bit(pixels: Pixels) -> Rgb8:
    if pixels.dtype == np.uint8:
        return cast(Rgb8, pixels)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 -> 255


def _convert(rgb: Rgb8, icc_profile: bytes, *, to_srgb: bool) -> Rgb8:
    srgb = ImageCms.createProfile("sRGB")
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        source, target = (own, srgb) if to_srgb else (srgb, own)
        picture = ImageCms.profileToProfile(
            Image.fromarray(rgb),
            source,
            target,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise CorruptImage("base", "the ICC profile must be usable for RGB", str(error)) from error
    assert picture is not None  # only None with inPlace
    return np.asarray(picture)
