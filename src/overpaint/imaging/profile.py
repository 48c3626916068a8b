"""ICC profiles: to sRGB, and from gray to RGB without changing a pixel."""

from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from overpaint.values import Rgb8

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def colour_space(icc_profile: bytes) -> str:
    """Return "RGB", "GRAY", "CMYK", ... of an ICC profile, "" when it is not one."""
    if len(icc_profile) < 132 or icc_profile[36:40] != b"acsp":
        return ""
    return icc_profile[16:20].decode("latin-1").strip()


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile, as bytes of an ICC file."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def transform_to_srgb(icc_profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the transform from a picture of this PIL mode to sRGB; None when none can be built.

    Without a profile only LAB has a meaning of its own.
    """
    try:
        if mode == "LAB":
            profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif icc_profile is None:
            return None
        else:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        return ImageCms.buildTransform(profile, srgb, mode, "RGB", _INTENT, _FLAGS)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def is_usable(icc_profile: bytes) -> bool:
    """Whether RGB pixels can be converted from this profile to sRGB and back again."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        srgb = ImageCms.createProfile("sRGB")
        for source, target in ((profile, srgb), (srgb, profile)):
            ImageCms.buildTransform(source, target, "RGB", "RGB", _INTENT)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return True


def apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    """Return the picture through the transform, mode RGB."""
    return transform.apply(image)


def pixels_to_srgb(pixels: Rgb8, icc_profile: bytes | None) -> Rgb8:
    """Return RGB pixels, height x width x 3, uint8, in sRGB; without a profile they are that."""
    transform = transform_to_srgb(icc_profile, "RGB")
    if transform is None:
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(apply(transform, image))


def rgb_profile_of_gray(gray: bytes) -> bytes | None:
    """Return an RGB profile under which (v, v, v) looks as v does under the gray profile.

    It is sRGB with the gray's tone curve in all three channels (ICC.1:2022, 8.3 and 8.4). None
    for a profile that is not made of a curve towards XYZ.
    """
    curve = _tags(gray).get(b"kTRC")
    if colour_space(gray) != "GRAY" or curve is None or gray[20:24] != b"XYZ ":
        return None
    base = srgb_profile()
    tags = _tags(base) | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    header = bytearray(base[:128])
    header[84:100] = bytes(16)  # the profile's own checksum no longer holds
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    placed: dict[bytes, int] = {}
    for name, content in tags.items():
        if content not in placed:  # tags may share their data
            placed[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", placed[content], len(content))
    header[0:4] = struct.pack(">I", start + len(body))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def _tags(icc_profile: bytes) -> dict[bytes, bytes]:
    if len(icc_profile) < 132:
        return {}
    (count,) = struct.unpack(">I", icc_profile[128:132])
    tags = {}
    for at in range(132, min(132 + 12 * count, len(icc_profile) - 11), 12):
        name, offset, length = struct.unpack(">4sII", icc_profile[at : at + 12])
        tags[name] = icc_profile[offset : offset + length]
    return tags
