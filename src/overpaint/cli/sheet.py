"""Sheets: of a repaint (before, mask, after), and of things cut out of pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from overpaint.imaging.fonts import find_font
from overpaint.values import Mask, Rgb8, Rgba8

_PAPER, _INK, _BRUSH = (250, 249, 246), (60, 58, 54), (84, 76, 240)
_GAP, _MARGIN, _CAPTION = 20, 28, 46  # px
_TEXT = 15  # px an em
_CELL, _SQUARE, _COLUMNS = 320, 16, 4  # px, px, cut-outs a row
_CHECKS = (150, 190)  # gray levels of what is seen through a cut-out


def draw_sheet(before: Rgb8, mask: Mask, after: Rgb8, *, caption: str) -> bytes:
    """Draw the sheet as a PNG file.

    Args:
        before: height x width x 3, uint8, sRGB.
        mask: height x width, bool, True = repainted.
        after: of the shape of `before`.
        caption: what stands under the last picture, in any language a font is there for.

    Raises:
        FontMissing: no font has the characters of the captions.
    """
    height, width = mask.shape
    panels = (
        (before, "原图 before"),
        (_brushed(before, mask), "蒙版 mask"),
        (after, caption),
    )
    size = (
        2 * _MARGIN + 3 * width + 2 * _GAP,
        _MARGIN + height + _CAPTION,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    left = _MARGIN
    for pixels, text in panels:
        sheet.paste(Image.fromarray(pixels), (left, _MARGIN))
        middle = _MARGIN + height + _CAPTION // 2
        draw.text((left, middle), text, fill=_INK, font=find_font(text).at(_TEXT), anchor="lm")
        left += width + _GAP
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def draw_cutouts(pictures: Sequence[Rgba8]) -> bytes:
    """Draw things, each height x width x 4 with straight alpha, on a chequered ground: a PNG."""
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (columns * (_CELL + _GAP) + _GAP, rows * (_CELL + _GAP) + _GAP)
    ys, xs = np.mgrid[: size[1], : size[0]] // _SQUARE
    sheet = Image.fromarray(np.where((ys + xs) % 2, *_CHECKS).astype(np.uint8)).convert("RGB")
    for number, pixels in enumerate(pictures):
        row, column = divmod(number, columns)
        thing = Image.fromarray(pixels)
        scale = _CELL / max(thing.size)
        width, height = (max(1, round(side * scale)) for side in thing.size)
        thing = thing.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
        left = _GAP + column * (_CELL + _GAP) + (_CELL - width) // 2
        top = _GAP + row * (_CELL + _GAP) + (_CELL - height) // 2
        thing = thing.convert("RGBA")
        sheet.paste(thing, (left, top), thing)
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def _brushed(pixels: Rgb8, mask: Mask) -> Rgb8:
    """The picture as it looks while someone paints the mask: a veil with a firm edge."""
    core = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1)
    opacity = np.where(core, 0.5, 0.85) * mask  # h x w, 0 to 1
    veiled: Rgb8 = (pixels + (np.array(_BRUSH) - pixels) * opacity[..., None]).astype(np.uint8)
    return veiled
