"""A caller's sketch: found lines, brought to where they belong in the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.errors import InvalidOption
from overpaint.imaging.decode import decode_reference
from overpaint.imaging.source import Source
from overpaint.values import Box, Region, Rgba8, Weight

#: How far the shape of a sketch may be from that of the picture, and of the mask's box.
SAME_SHAPE = 0.015
NEAR_SHAPE = 0.1
#: Levels of 255 between the ground and the strongest line, at least.
LEAST_CONTRAST = 48
#: From which share of the strongest line's contrast on something is a line, and surely one.
FAINT, FIRM = 0.25, 0.6
#: An opacity under this hides something, of 255.
SEEN_THROUGH = 250

#: Height x width, uint8: 255 = a line.
Lines = npt.NDArray[np.uint8]


def decode_sketch(
    source: Source, *, size: tuple[int, int], box: Box, field: str = "sketch"
) -> Lines:
    """Decode lines drawn for a picture of this size (height, width; upright).

    Dark lines on light, light lines on dark, or lines on a clear canvas; which it is is told by
    what there is most of. A sketch of the picture's shape is laid over the picture, one of the
    shape of the mask's box (within a tenth) over that box.

    Returns:
        Height x width of the picture, uint8, 255 where a line is, 0 where none.

    Raises:
        InvalidImage: it is no picture that can be used; sides 16 to 4095 px.
        InvalidOption: it has another shape, or shows no lines.
    """
    drawn = decode_reference(source, field=field)
    lines = _lines(drawn, field)
    height, width = lines.shape
    if abs(np.log(width / height * size[0] / size[1])) <= SAME_SHAPE and (
        (height, width) != (box.height, box.width)
    ):
        return _sized(lines, *size)
    if abs(np.log(width / height * box.height / box.width)) > NEAR_SHAPE:
        limit = (
            f"must have the shape of the base ({size[1]} x {size[0]} px)"
            f" or of the masked part's box ({box.width} x {box.height} px)"
        )
        raise InvalidOption(field, limit, f"{width} x {height} px")
    whole = np.zeros(size, np.uint8)
    whole[box.slices] = _sized(lines, box.height, box.width)
    return whole


def take_lines(lines: Lines, region: Region) -> Weight:
    """Cut the region out of a whole picture's lines: height x width, 0 to 1."""
    own = _sized(lines[region.box.slices], region.height, region.width)
    padded = np.pad(own, ((0, region.pad_bottom), (0, region.pad_right)))
    return padded.astype(np.float32) / np.float32(255)


def _lines(drawn: Rgba8, field: str) -> Lines:
    alpha = drawn[..., 3].astype(np.float32)
    if (alpha < SEEN_THROUGH).mean() > 0.5:  # strokes on a clear canvas, whatever their colour
        contrast = alpha
    else:
        levels = drawn[..., :3].astype(np.float32)
        levels = 255 + (levels - 255) * (alpha / np.float32(255))[..., None]  # over white
        ground = np.median(levels.reshape(-1, 3), axis=0).astype(np.float32)
        contrast = np.asarray(np.abs(levels - ground).max(axis=-1), np.float32)
    strongest = float(np.quantile(contrast, 0.999)) if contrast.any() else 0.0
    strongest = max(strongest, float(contrast.max()) * 0.8)
    if strongest < LEAST_CONTRAST:
        limit = "must show lines: dark on light, light on dark, or on a clear canvas"
        raise InvalidOption(field, limit, f"a contrast of {strongest:.0f} of 255")
    share = np.clip((contrast / strongest - FAINT) / (FIRM - FAINT), 0, 1)
    return np.asarray(np.rint(share * 255), np.uint8)


def _sized(lines: Lines, height: int, width: int) -> Lines:
    """Resample; lines that shrink stay as dark as they were."""
    if lines.shape == (height, width):
        return lines
    shrinks = height * width < lines.shape[0] * lines.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    sized = np.asarray(cv2.resize(lines, (width, height), interpolation=how), np.uint8)
    strong = sized[sized > 25]
    if not shrinks or not strong.size:
        return sized
    gain = 255 / max(64.0, float(np.quantile(strong, 0.8)))
    return np.asarray(np.clip(np.rint(sized * max(1.0, gain)), 0, 255), np.uint8)
