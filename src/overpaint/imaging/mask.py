"""Masks: any dialect of painted picture becomes height x width, bool, True = repaint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from overpaint.errors import EmptyMask, InvalidMask, InvalidOption, MaskSizeMismatch
from overpaint.imaging.marking import Colour, Rows, histogram, judge, threshold
from overpaint.imaging.source import (
    PICTURE_LIMITS,
    Source,
    assemble,
    check_sides,
    is_lossless,
    open_source,
    orientation_of,
    reading,
)
from overpaint.values import Levels, Mask

_SOME = "must mark something to repaint"
LOSSY_TOLERANCE = 32  # how far JPEG may move a colour, per channel
LOSSY_LEVELS = 16  # levels of a lossy soft mask that are this near to 0 or 255 are those


def decode_mask(
    source: Source,
    *,
    size: tuple[int, int],
    colors: Sequence[Colour] = (),
    invert: bool = False,
    field: str = "mask",
) -> Mask:
    """Decode a mask for a picture of this size (height, width; upright).

    Files as `decode_picture` takes them, PIL images of any mode, arrays of bool, uint8 or uint16,
    height x width or with 1, 3 or 4 channels. What repaints:

    - with `colors` (RGB, 0 to 255): exactly these colours, opaque; in a JPEG or lossy WEBP those
      within 32 per channel of one. Everything else, white included, is background.
    - in a picture with transparency whose opaque pixels all have one colour: those (strokes on a
      clear canvas). Black ones are refused, since other programs mean the clear part then: with
      `invert` that part repaints, with black in `colors` the black one.
    - else what is white: the smallest channel, over black where transparent, is at least 128. A
      mask that does not reach from under 64 to over 191 but has two clear sides (48 apart) is cut
      between them by Otsu's method (IEEE Trans. SMC 9, 1979). Levels of 0 and 1, or all ones, are
      a mask too.

    `invert` swaps both sides at the end.

    Raises `InvalidImage` for the file, `InvalidMask` for its pixels, `MaskSizeMismatch`,
    `EmptyMask`, and `InvalidOption` for a colour that is not one.
    """
    levels, least, _ = _read(source, size, colors, invert, field, soft=False)
    mask = np.greater_equal(levels, least, out=levels.view(np.bool_))  # no second array
    if invert:
        np.logical_not(mask, out=mask)
    _check_some(mask, invert, colors, field)
    return mask


def decode_levels(
    source: Source,
    *,
    size: tuple[int, int],
    colors: Sequence[Colour] = (),
    invert: bool = False,
    field: str = "mask",
) -> Levels:
    """Decode a soft mask: how strongly each pixel of a picture of this size is repainted.

    Takes and refuses what `decode_mask` does, and cuts nothing: the level is the smallest channel,
    over black where transparent, by its high byte if it has 16 bits; of strokes of one colour on a
    clear canvas it is their opacity. Colours that are listed, and masks of bool or of 0 and 1
    alone, give 0 and 255. In a JPEG or lossy WEBP, levels under 16 are 0 and those over 239 are
    255, for compression moves them. `invert` takes each from 255.
    """
    levels, least, lossy = _read(source, size, colors, invert, field, soft=True)
    if least == 1:  # a mask of 0 and 1
        levels *= np.uint8(255)
    elif lossy:
        levels[levels < LOSSY_LEVELS] = 0
        levels[levels > 255 - LOSSY_LEVELS] = 255
    if invert:
        np.subtract(np.uint8(255), levels, out=levels)
    _check_some(levels, invert, colors, field)
    return levels


def _read(
    source: Source,
    size: tuple[int, int],
    colors: Sequence[Colour],
    invert: bool,
    field: str,
    *,
    soft: bool,
) -> tuple[Levels, int, bool]:
    """Levels of a mask, the least that a hard one repaints, and whether compression moved them.

    Of a soft one the second is 1 where there are only the levels 0 and 1, else 255.
    """
    wanted = tuple(_checked_colour(color) for color in colors)
    tolerance = 0
    if isinstance(source, np.ndarray):
        pixels = _checked_array(source, field)
        _check_size(pixels.shape[1], pixels.shape[0], size, field)
        if pixels.dtype == np.bool_ and not wanted:
            return pixels[..., 0].astype(np.uint8), 1, False
        height, width, channels = pixels.shape
        rows = _rows_of_array(pixels, as_colors=bool(wanted))
        orientation = 1
    else:
        if isinstance(source, Image.Image):
            image = source
        else:
            opened = open_source(source, field=field)
            image = opened.image
            tolerance = 0 if is_lossless(opened) else LOSSY_TOLERANCE
        check_sides(*image.size, field=field, limits=PICTURE_LIMITS)
        if sorted(image.size) != sorted(size):  # not even when turned: spare the decoding
            _check_size(*image.size, size, field)
        with reading(field, image.format or ""):
            image.load()
        orientation = orientation_of(image)
        width, height = image.size
        turned = (height, width) if orientation >= 5 else (width, height)
        _check_size(*turned, size, field)
        rows, channels = _rows_of(image, field)
    mark, by_level = judge(
        rows,
        height=height,
        channels=channels,
        colors=wanted,
        tolerance=tolerance,
        invert=invert,
        soft=soft,
        field=field,
    )
    levels = assemble(
        lambda first, last: mark(rows(first, last)),
        height=height,
        width=width,
        channels=(),
        dtype=np.uint8,
        orientation=orientation,
    )
    if soft:
        return levels, 1 if by_level and levels.max() == 1 else 255, tolerance > 0 and by_level
    return levels, threshold(histogram(levels)) if by_level else 1, False


def grow_mask(mask: Mask, px: int) -> Mask:
    """Grow the marked part by a disc of this radius in pixels; a negative radius shrinks it.

    Beyond the picture's border the mask is taken to go on as it is at the border, so shrinking
    never eats in from there. Shrinking may leave nothing.
    """
    if px < 0:
        return np.logical_not(grow_mask(np.logical_not(mask), -px))
    marked_rows = np.flatnonzero(mask.any(axis=1))
    if px == 0 or not marked_rows.size:
        return mask.copy()
    marked_columns = np.flatnonzero(mask.any(axis=0))
    near = (
        slice(max(int(marked_rows[0]) - px, 0), int(marked_rows[-1]) + px + 1),
        slice(max(int(marked_columns[0]) - px, 0), int(marked_columns[-1]) + px + 1),
    )
    away = cv2.distanceTransform(
        np.logical_not(mask[near]).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    grown = mask.copy()
    grown[near] = away <= px
    return grown


def _checked_colour(color: Colour) -> Colour:
    channels = tuple(color)  # callers need not be typed
    if len(channels) != 3 or not all(0 <= channel <= 255 for channel in channels):
        raise InvalidOption("mask_color", "must be three numbers from 0 to 255", tuple(color))
    return color


def _checked_array(array: npt.NDArray[Any], field: str) -> npt.NDArray[Any]:
    """View an array as height x width x channels."""
    if array.dtype not in (np.bool_, np.uint8, np.uint16):
        raise InvalidMask(field, "must be an array of bool, uint8 or uint16", array.dtype)
    if array.ndim == 2:
        array = array[..., None]
    allowed = (1,) if array.dtype == np.bool_ else (1, 3, 4)
    if array.ndim != 3 or array.shape[2] not in allowed:
        shape = " x ".join(str(side) for side in array.shape)
        raise InvalidMask(
            field, "must be an array of height x width, or with 1, 3 or 4 channels", shape
        )
    return array


def _check_size(width: int, height: int, size: tuple[int, int], field: str) -> None:
    if (height, width) == tuple(size):
        return
    limit = f"must have the resolution of the base picture, {size[1]} x {size[0]} px"
    if (width, height) == tuple(size):
        limit += (
            " (the sides are swapped: a photo with an EXIF orientation is turned upright first,"
            " so its mask must be upright too)"
        )
    raise MaskSizeMismatch(field, limit, f"{width} x {height} px")


def _check_some(marked: Mask | Levels, invert: bool, colors: Sequence[Colour], field: str) -> None:
    if marked.any():
        return
    if invert:
        raise EmptyMask(field, _SOME, "none once inverted")
    if colors:
        listed = ", ".join("#{:02x}{:02x}{:02x}".format(*color) for color in colors)
        raise EmptyMask(field, _SOME, f"no pixel of the colour {listed}")
    raise EmptyMask(field, _SOME, "no white pixel (other colours must be listed)")


def _to_8_bit(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.view(np.uint8) * np.uint8(255)
    return (pixels >> 8).astype(np.uint8)


def _rows_of_array(pixels: npt.NDArray[Any], *, as_colors: bool) -> Rows:
    """Bands of an array as uint8; levels of 0 and 1 are as good as bool, in every channel."""
    most = pixels.max(initial=0)

    def rows(first: int, last: int) -> npt.NDArray[np.uint8]:
        band = pixels[first:last]
        if most == 1 and not as_colors:
            return band.astype(np.uint8) * np.uint8(255)
        if band.dtype == np.uint16 and most <= 255:  # 8-bit levels in a wider array
            return band.astype(np.uint8)
        return _to_8_bit(band)

    return rows


def _rows_of(image: Image.Image, field: str) -> tuple[Rows, int]:
    """Return what gives bands of a loaded PIL image as height x width x channels, and how many."""
    width = image.size[0]
    if image.mode.startswith("I"):
        # 16 bits by their high byte, unless the whole mask lives in the low one
        low, high = cast(tuple[int, int], image.getextrema())
        if low < 0 or high > 65535:
            raise InvalidMask(field, "must have 8 or 16 bits a channel", "32-bit integers")
        shift = 0 if high <= 255 else 8

        def deep(first: int, last: int) -> npt.NDArray[np.uint8]:
            band = np.asarray(image.crop((0, first, width, last)))
            return (band >> shift).astype(np.uint8)[..., None]

        return deep, 1
    if image.mode == "F":
        raise InvalidMask(field, "must have 8 or 16 bits a channel", "floating point")
    if image.has_transparency_data:
        mode, channels = "RGBA", 4
    elif image.mode in ("1", "L"):
        mode, channels = "L", 1
    else:
        mode, channels = "RGB", 3

    def rows(first: int, last: int) -> npt.NDArray[np.uint8]:
        band = image.crop((0, first, width, last))
        if band.mode == "La":
            band = band.convert("LA")
        converted = band if band.mode == mode else band.convert(mode)
        array = np.asarray(converted)
        return array[..., None] if channels == 1 else array

    return rows, channels
