"""Which part of a picture an engine is given, at which size, and how its answer is fitted back.

A small mask in a large picture costs what the region costs: everything here works on a box
round the mask, never on the whole picture (but for `fit_to_size`, which the caller asks for).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.errors import EngineFailed
from overpaint.values import (
    Box,
    EngineInfo,
    Mask,
    OnStep,
    PaintedRegion,
    Picture,
    Pixels,
    Region,
    Rgb8,
    Step,
)

#: Context on each side of the mask, as a share of the mask's longer side.
CONTEXT = 0.5
#: Context on each side at least, px; less where the picture ends.
MIN_CONTEXT = 48
#: Rows that are worked on at a time where a box may be large.
STRIP = 256


def mask_box(mask: Mask) -> Box:
    """The smallest box that holds every True of a height x width mask; it has at least one."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return Box(
        top=int(rows[0]),
        left=int(columns[0]),
        height=int(rows[-1] - rows[0] + 1),
        width=int(columns[-1] - columns[0] + 1),
    )


def plan_region(mask: Mask, info: EngineInfo) -> Region:
    """Crop round the mask with context and choose the size at which the engine gets it.

    An engine with native sizes gets the smallest of them that loses no detail (else the
    largest), padded by reflection to a square; any other gets the crop as it is, scaled down
    only where it is longer than `info.max_side`.
    """
    inner = mask_box(mask)
    margin = max(MIN_CONTEXT, round(CONTEXT * max(inner.height, inner.width)))
    top, height = _grow(inner.top, inner.height, margin, mask.shape[0])
    left, width = _grow(inner.left, inner.width, margin, mask.shape[1])
    box = Box(top=top, left=left, height=height, width=width)

    longest = max(height, width)
    if not info.native_sizes:
        scale = min(1.0, info.max_side / longest)
        return Region(box=box, height=_scaled(height, scale), width=_scaled(width, scale))
    native = min(
        (side for side in info.native_sizes if side >= longest),
        default=max(info.native_sizes),
    )
    height, width = _scaled(height, native / longest), _scaled(width, native / longest)
    return Region(
        box=box,
        height=height,
        width=width,
        pad_bottom=native - height,
        pad_right=native - width,
    )


def _grow(start: int, length: int, margin: int, limit: int) -> tuple[int, int]:
    """Add the margin on both sides; what one end of the picture cuts off goes to the other."""
    wanted = min(limit, length + 2 * margin)
    new_start = min(max(0, start - margin), limit - wanted)
    return new_start, wanted


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def take_pixels(rgb: Rgb8, region: Region) -> Rgb8:
    """Scale the box's pixels (height x width x 3, uint8) to the region's size and pad them."""
    return _pad(_resize(rgb, region.height, region.width), region)


def take_mask(mask: Mask, region: Region) -> Mask:
    """Cut the region out of a whole mask; a pixel that is touched at all is repainted."""
    own = mask[region.box.slices]
    if own.shape != (region.height, region.width):
        share = _resize(own.astype(np.uint8) * np.uint8(255), region.height, region.width)
        own = share > 0
    bottom, right = region.pad_bottom, region.pad_right
    if not (bottom or right):
        return own
    return np.pad(own, ((0, bottom), (0, right)))  # padding is never repainted


def fit_back(painted: PaintedRegion, region: Region) -> PaintedRegion:
    """Bring an engine's answer to the size of the region's box.

    Colours are weighted by coverage while they are resampled, so that what lies under
    transparent pixels of the layer does not bleed into visible ones.

    Raises:
        EngineFailed: the answer has not the shape, dtype or range that was asked for.
    """
    _check(painted, region)
    box = region.box
    pixels = painted.pixels[: region.height, : region.width]  # drop the padding
    coverage = painted.coverage
    if coverage is not None:
        coverage = coverage[: region.height, : region.width]
    if (region.height, region.width) == (box.height, box.width):
        return PaintedRegion(pixels=pixels, coverage=coverage, notes=painted.notes)
    if coverage is None:
        return PaintedRegion(pixels=_resize(pixels, box.height, box.width), notes=painted.notes)
    opacity = np.clip(_resize(coverage, box.height, box.width), 0, 1)
    weighted = np.rint(pixels * coverage[..., None] * 257).astype(np.uint16)  # premultiplied
    weighted = _resize(weighted, box.height, box.width)
    straight = np.empty((box.height, box.width, 3), np.uint8)
    for top in range(0, box.height, STRIP):  # the box may be the whole of a large picture
        rows = slice(top, top + STRIP)
        levels = weighted[rows] / (257 * np.maximum(opacity[rows], 1e-3)[..., None])
        straight[rows] = np.clip(np.rint(levels), 0, 255)
    return PaintedRegion(pixels=straight, coverage=opacity, notes=painted.notes)


def placed(on_step: OnStep | None, region: Region) -> OnStep | None:
    """An `on_step` for the engine: previews lose their padding and are told where they lie."""
    if on_step is None:
        return None
    tell = on_step

    def tell_where(step: Step) -> None:
        if step.preview is not None:
            rows, columns = step.preview.shape[:2]  # of the padded region, at whatever size
            height = round(rows * region.height / (region.height + region.pad_bottom))
            width = round(columns * region.width / (region.width + region.pad_right))
            seen = step.preview[: max(1, height), : max(1, width)]
            step = replace(step, preview=seen, box=region.box)
        tell(step)

    return tell_where


def _check(painted: PaintedRegion, region: Region) -> None:
    height, width = region.height + region.pad_bottom, region.width + region.pad_right
    pixels, coverage = painted.pixels, painted.coverage
    if pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
        raise EngineFailed(
            f"the engine must return {height} x {width} x 3 uint8, "
            f"got {' x '.join(map(str, pixels.shape))} {pixels.dtype}"
        )
    if coverage is not None and (coverage.shape != (height, width) or coverage.dtype != np.float32):
        raise EngineFailed(
            f"the engine must return a coverage of {height} x {width} float32, "
            f"got {' x '.join(map(str, coverage.shape))} {coverage.dtype}"
        )
    if coverage is not None and not (coverage.min() >= 0 and coverage.max() <= 1):
        raise EngineFailed("the engine must return a coverage between 0 and 1")


def fit_to_size(picture: Picture, mask: Mask, *, width: int, height: int) -> tuple[Picture, Mask]:
    """Scale and crop a picture to cover width x height, the masked part kept in view.

    Args:
        picture: any depth, with or without alpha.
        mask: of the picture's height and width.
        width: of the result, px.
        height: of the result, px.

    Returns:
        The picture and the mask, both cropped and scaled alike. Every thin stroke of the mask
        may get thinner, but the mask is never empty.
    """
    scale = max(width / picture.width, height / picture.height)
    inner = mask_box(mask)
    rows = _window(inner.top, inner.height, round(height / scale), picture.height)
    columns = _window(inner.left, inner.width, round(width / scale), picture.width)
    pixels = _resize_any(picture.pixels[rows, columns], height, width)
    share = _resize(mask[rows, columns].astype(np.uint8) * np.uint8(255), height, width)
    cut = share >= 128
    if not cut.any():  # strokes thinner than the scale keeps
        cut = share > 0
    notes = picture.notes
    kept = (columns.stop - columns.start, rows.stop - rows.start)
    if picture.width - kept[0] > 1 or picture.height - kept[1] > 1:  # more than rounding
        whole = f"{picture.width} x {picture.height} px"
        said = f"cropped to {kept[0]} x {kept[1]} of {whole}, for the size {width} x {height}"
        notes = (*notes, said)
    return replace(picture, pixels=pixels, notes=notes), cut


def _window(start: int, length: int, wanted: int, limit: int) -> slice:
    """A window of `wanted` out of `limit`, centred on the mask as far as the picture goes."""
    wanted = min(max(1, wanted), limit)
    first = round(start + length / 2 - wanted / 2)
    first = min(max(0, first), limit - wanted)
    return slice(first, first + wanted)


def _resize_any(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resample any depth; colours weighted by alpha where a pixel is not opaque."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[2] == 3 or bool((pixels[..., 3] == np.iinfo(pixels.dtype).max).all()):
        return _resize(pixels, height, width)
    full = np.iinfo(pixels.dtype).max
    alpha = pixels[..., 3:].astype(np.float32) / full  # h x w x 1
    weighted = _resize(pixels[..., :3] * alpha, height, width)  # premultiplied
    opacity = np.clip(_resize(alpha[..., 0], height, width), 0, 1)[..., None]
    straight = weighted / np.maximum(opacity, 1e-6)
    both = np.concatenate([straight, opacity * full], axis=2)  # h x w x 4
    resampled: Pixels = np.clip(np.rint(both), 0, full).astype(pixels.dtype)
    return resampled


def _resize(array: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[Any]:
    """Resample: averaging where it shrinks, cubic where it grows; as it is where it fits."""
    if array.shape[:2] == (height, width):
        return array
    shrinks = height * width < array.shape[0] * array.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(array, (width, height), interpolation=how)
    return np.asarray(resized, array.dtype)


def _pad(rgb: Rgb8, region: Region) -> Rgb8:
    if not (region.pad_bottom or region.pad_right):
        return rgb
    padded = cv2.copyMakeBorder(
        rgb, 0, region.pad_bottom, 0, region.pad_right, cv2.BORDER_REFLECT_101
    )
    return np.asarray(padded, np.uint8)
