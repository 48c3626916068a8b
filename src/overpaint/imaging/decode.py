"""Decode: a path, bytes, a PIL image or an array becomes an upright, checked `Picture`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from overpaint.errors import InvalidImage
from overpaint.imaging import deep, profile
from overpaint.imaging.source import (
    PICTURE_LIMITS,
    REFERENCE_LIMITS,
    RESULT_LIMITS,
    LengthChecked,
    Limits,
    Opened,
    Source,
    assemble,
    check_sides,
    open_source,
    orientation_of,
    reading,
)
from overpaint.values import Picture, Pixels, Rgba8


def decode_picture(source: Source, *, field: str = "base") -> Picture:
    """Decode a picture and turn it upright.

    JPEG, PNG, BMP, TIFF or WEBP, recognised by content; at most 10 MB; each side over 256 and
    under 4096 px. The result is RGB or RGBA, uint8 or uint16. Gray becomes three equal channels,
    a gray ICC profile the RGB profile with the same tone curve; CMYK and LAB become sRGB through
    their profile, or Pillow's plain conversion without one. Of several frames the first is taken;
    `notes` says so.

    Raises the subclasses of `InvalidImage`, with `field` as their field.
    """
    return _decode(source, field=field, limits=PICTURE_LIMITS)


def decode_reference(source: Source, *, field: str = "reference") -> Rgba8:
    """Decode the caller's own picture to put in: height x width x 4, uint8, sRGB.

    As `decode_picture`, but sides may be 16 to 4095 px, and the ICC profile is applied.
    """
    picture = _decode(source, field=field, limits=REFERENCE_LIMITS)
    pixels = deep.to_8_bit(picture.pixels)
    rgba = np.empty((*pixels.shape[:2], 4), np.uint8)
    rgba[..., 3] = pixels[..., 3] if picture.has_alpha else 255
    rgba[..., :3] = profile.pixels_to_srgb(pixels[..., :3], picture.icc_profile)
    return rgba


def decode_result(data: bytes) -> Picture:
    """Decode a file that `encode` wrote; as `decode_picture`, at any length and from 1 px a side.

    Raises the subclasses of `InvalidImage` where it has been damaged since.
    """
    return _decode(LengthChecked(data), field="result", limits=RESULT_LIMITS)


def _decode(source: Source, *, field: str, limits: Limits) -> Picture:
    if isinstance(source, np.ndarray):
        return Picture(pixels=_from_array(source, field, limits))
    if isinstance(source, Image.Image):
        check_sides(*source.size, field=field, limits=limits)
        return _from_image(source, field)
    opened = open_source(source, field=field, limits=limits)
    if deep.takes(opened, field=field):
        picture = _from_codec(opened, field)
    else:
        picture = _from_image(opened.image, field)
        if opened.format == "WEBP":  # of an animation every frame comes with alpha
            picture = replace(picture, pixels=_without_idle_alpha(picture.pixels))
    return replace(picture, format=opened.format, notes=(*_frame_note(opened), *picture.notes))


def _without_idle_alpha(pixels: Pixels) -> Pixels:
    """Return RGB if nothing is seen through."""
    if pixels.shape[2] == 3 or (pixels[..., 3] < 255).any():
        return pixels
    return cast(Pixels, np.ascontiguousarray(pixels[..., :3]))


def _from_array(array: npt.NDArray[Any], field: str, limits: Limits) -> Pixels:
    """Copy an array into RGB(A)."""
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise InvalidImage(field, "must be an array of uint8 or uint16", array.dtype)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        shape = " x ".join(str(side) for side in array.shape)
        raise InvalidImage(
            field, "must be an array of height x width, or with 1, 3 or 4 channels", shape
        )
    check_sides(array.shape[1], array.shape[0], field=field, limits=limits)
    native = array.dtype.newbyteorder("=")
    if array.shape[2] == 1:
        array = np.broadcast_to(array, (*array.shape[:2], 3))
    return cast(Pixels, np.array(array, dtype=native, order="C"))


def _from_codec(opened: Opened, field: str) -> Picture:
    """Decode by another codec than Pillow's."""
    with reading(field, opened.format):
        orientation = deep.orientation(opened)
        stored = deep.decode(opened, field=field)
    channels = stored.shape[2]
    if orientation == 1 and channels >= 3:
        pixels = np.ascontiguousarray(stored)
    else:
        pixels = assemble(
            lambda first, last: stored[first:last],
            height=stored.shape[0],
            width=stored.shape[1],
            channels=(max(channels, 3),),
            dtype=stored.dtype,
            orientation=orientation,
        )
    icc_profile, notes = _profile_of(opened.image, gray=channels == 1)
    return Picture(pixels=cast(Pixels, pixels), icc_profile=icc_profile, notes=notes)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """How bands of a PIL image become arrays."""

    rows: Callable[[Image.Image], npt.NDArray[Any]]
    channels: int = 3
    dtype: npt.DTypeLike = np.uint8
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()


def _from_image(image: Image.Image, field: str) -> Picture:
    """Convert a PIL image band by band, so that the second copy is never whole."""
    with reading(field, image.format or ""):
        image.load()
        width, height = image.size
        plan = _plan(image, field)
        pixels = assemble(
            lambda first, last: plan.rows(image.crop((0, first, width, last))),
            height=height,
            width=width,
            channels=(plan.channels,),
            dtype=plan.dtype,
            orientation=orientation_of(image),
        )
    kind = image.format if image.format in ("JPEG", "PNG", "BMP", "TIFF", "WEBP") else "PNG"
    return Picture(
        pixels=cast(Pixels, pixels), icc_profile=plan.icc_profile, format=kind, notes=plan.notes
    )


def _plan(image: Image.Image, field: str) -> _Plan:
    mode = image.mode
    if mode == "F":
        raise InvalidImage(field, "must have 8 or 16 bits a channel", "floating point")
    if mode == "I":
        low, high = cast(tuple[int, int], image.getextrema())
        if low < 0 or high > 65535:
            raise InvalidImage(field, "must have 8 or 16 bits a channel", "32-bit integers")
    if mode.startswith("I"):
        icc_profile, notes = _profile_of(image, gray=True)
        inverted = image.info.get("compression") is not None and deep.is_white_zero(image)
        return _Plan(
            rows=lambda band: _gray16(band, inverted),
            dtype=np.uint16,
            icc_profile=icc_profile,
            notes=notes,
        )
    if mode in ("CMYK", "LAB"):
        transform = profile.transform_to_srgb(image.info.get("icc_profile"), mode)
        if transform is None and mode == "LAB":
            raise InvalidImage(field, "must be RGB, gray, palette, CMYK or LAB", mode)
        if transform is None:
            return _Plan(
                rows=lambda band: np.asarray(band.convert("RGB")),
                notes=(f"{mode} without a usable profile was converted to RGB",),
            )
        return _Plan(
            rows=lambda band: np.asarray(profile.apply(transform, band)),
            notes=(f"{mode} was converted to sRGB",),
        )
    icc_profile, notes = _profile_of(image, gray=mode in ("1", "L", "LA", "La"))
    if image.has_transparency_data:
        return _Plan(rows=_rgba, channels=4, icc_profile=icc_profile, notes=notes)
    if mode in ("1", "L"):
        return _Plan(
            rows=lambda band: np.asarray(band.convert("L"))[..., None],
            icc_profile=icc_profile,
            notes=notes,
        )
    return _Plan(rows=_rgb, icc_profile=icc_profile, notes=notes)


def _rgb(band: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(band if band.mode == "RGB" else band.convert("RGB"))


def _rgba(band: Image.Image) -> npt.NDArray[np.uint8]:
    if band.mode == "La":
        band = band.convert("LA")
    return np.asarray(band if band.mode == "RGBA" else band.convert("RGBA"))


def _gray16(band: Image.Image, inverted: bool) -> npt.NDArray[np.uint16]:
    gray = np.asarray(band).astype(np.uint16)[..., None]
    return np.invert(gray) if inverted else gray


def _profile_of(image: Image.Image, *, gray: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the profile for the RGB pixels, and what to say about one that cannot be kept."""
    embedded = image.info.get("icc_profile")
    if not embedded:
        return None, ()
    space = profile.colour_space(embedded)
    if space == "RGB" and profile.is_usable(embedded):
        return embedded, ()
    if space == "GRAY" and gray:
        kept = profile.rgb_profile_of_gray(embedded)
        if kept is not None and profile.is_usable(kept):
            return kept, ()
    return None, ("the ICC profile cannot be used with this picture and was left out",)


def _frame_note(opened: Opened) -> tuple[str, ...]:
    image = opened.image
    if not getattr(image, "is_animated", False):
        return ()
    if opened.format == "TIFF":  # counting the pages would read every directory
        return ("the first page of several was taken",)
    return (f"the first frame of {getattr(image, 'n_frames', 2)} was taken",)
