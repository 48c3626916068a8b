"""Lettering: a text set into a mask, as large as fits, with colour and effects.

fit (`textfit`) -> draw the glyphs, supersampled, in the text's own frame -> finish (`texteffects`)
-> turn into the picture's frame -> reduce. Every painted pixel lies in the mask.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from overpaint.errors import EmptyMask, InvalidOption, InvalidPrompt, MaskSizeMismatch
from overpaint.imaging.fonts import find_faces, find_font, is_ideograph
from overpaint.imaging.linebreaks import split_atoms
from overpaint.imaging.textchars import clean_text, refuse_unsettable
from overpaint.imaging.texteffects import EFFECTS, ROOM, Finish, finish_letters
from overpaint.imaging.textfit import Fit, fit_text, shrink
from overpaint.imaging.textsurface import Layer
from overpaint.imaging.texttones import calming, luminance, tones, unrest, weakness
from overpaint.imaging.typesetting import Glyph, rotation
from overpaint.values import Mask, Rgb8, Rgba8

__all__ = ["EFFECTS", "find_font", "letter"]

MIN_EM = 9  # below it strokes of Chinese run together, px (the characters are 8 px high then)
_CANVAS_PIXELS = 2.0e6  # how many the letters are drawn with before they are reduced, about


def letter(
    mask: Mask,
    text: str,
    *,
    color: tuple[int, int, int] | None = None,
    effects: tuple[str, ...] = (),
    backdrop: Rgb8 | None = None,
    seed: int = 0,
    vertical: bool | None = None,
) -> Rgba8:
    """Set a text into a mask.

    The text follows the tilt of the mask's largest island, is broken into lines or set in columns
    so that it becomes as large as fits, and stays inside with its glow, shadow and depth.

    Args:
        mask: height x width, True = may be painted.
        text: Chinese, Latin or mixed; a line break is kept, other blanks are one.
        color: RGB, 0 to 255; None chooses one that stands out from the backdrop.
        effects: any of `EFFECTS`; "gold" and "silver" bring their own colour, "embossed" without
            a colour keeps that of the surface.
        backdrop: height x width x 3, the picture under the mask; None = unknown.
        seed: for the jitter of "handwritten"; the same arguments give the same layer.
        vertical: True sets columns, with Latin letters upright under each other; False lines;
            None what becomes largest.

    Returns:
        A layer of the mask's size, alpha 0 where nothing is painted.

    Raises:
        InvalidPrompt: no text, or so much that its characters would be below 8 px; letters that
            run from right to left or are joined, such as Arabic; characters that no font has.
        FontMissing: no font has some of the Chinese characters.
        EmptyMask, MaskSizeMismatch, InvalidOption: the argument named in `field` is not valid.

    """
    _check(mask, color, effects, backdrop)
    clean = clean_text(text)
    refuse_unsettable(clean)
    faces = find_faces(clean, handwritten="handwritten" in effects)
    reserve = max([0.0, *(ROOM[effect] for effect in effects if effect in ROOM)])
    hand = seed if "handwritten" in effects else None
    atoms = split_atoms(clean, faces)
    if vertical and not any(map(is_ideograph, clean)):
        atoms = tuple(replace(atom, upright=True) for atom in atoms)
    fit = fit_text(
        mask, clean, atoms, reserve=reserve, hand=hand, least_em=MIN_EM, vertical=vertical
    )
    if fit is None or fit.em < MIN_EM:
        limit = f"the text must be short enough to be set {MIN_EM - 1} px high inside the mask"
        raise InvalidPrompt("prompt", limit, _shown(clean, fit))
    return _draw(mask, fit, color, effects, backdrop)


def _check(
    mask: Mask, color: tuple[int, int, int] | None, effects: tuple[str, ...], backdrop: Rgb8 | None
) -> None:
    if not mask.any():
        raise EmptyMask("mask")
    for effect in effects:
        if effect not in EFFECTS:
            raise InvalidOption("effects", f"must be of {', '.join(EFFECTS)}", repr(effect))
    if color is not None and not all(0 <= value <= 255 for value in color):
        raise InvalidOption("color", "must be three numbers from 0 to 255", color)
    if backdrop is not None and backdrop.shape[:2] != mask.shape:
        height, width = backdrop.shape[:2]
        limit = f"must have the {mask.shape[1]} x {mask.shape[0]} px of the mask"
        raise MaskSizeMismatch("backdrop", limit, f"{width} x {height}")


def _shown(text: str, fit: Fit | None) -> str:
    start = text if len(text) <= 20 else text[:20] + "…"
    height = f" at {fit.em - 1:.1f} px" if fit is not None else ""
    return f"{len(text)} characters ({start!r}){height}"


def _draw(
    mask: Mask,
    fit: Fit,
    color: tuple[int, int, int] | None,
    effects: tuple[str, ...],
    backdrop: Rgb8 | None,
) -> Rgba8:
    pixels = np.full((1, 3), 200, np.uint8) if backdrop is None else backdrop[mask][:, :3]
    around = pixels[:: 1 + len(pixels) // 20_000].astype(np.float32) / 255.0
    under = around.mean(axis=0)
    tone, contrast = tones(under, color, effects)
    look = Finish(
        effects=effects,
        color=tone,
        contrast=contrast,
        halo=0.0 if backdrop is None or tone is None else calming(around, tone),
        rim=0.0 if backdrop is None or color is None or tone is None else weakness(around, tone),
        veil=0.0 if backdrop is None else unrest(around),
        bright=bool(luminance(under) > 0.3),
    )
    for _ in range(6):
        ink, layer_box, finished = _render(mask, fit, look)
        top, left, height, width = layer_box
        inside = mask[top : top + height, left : left + width]
        if float(ink[~inside].sum()) <= 0.0005 * float(ink.sum()):
            break
        fit = shrink(fit, 0.96)
    # what is soft fades out towards the edge of the mask instead of being cut off
    padded = np.pad(inside.astype(np.uint8), 1)
    for side, at_border in enumerate(
        (top == 0, left == 0, top + height == mask.shape[0], left + width == mask.shape[1])
    ):
        if not at_border:
            edge = (slice(0, 1), slice(None)), (slice(None), slice(0, 1))
            ends = (slice(-1, None), slice(None)), (slice(None), slice(-1, None))
            padded[(edge + ends)[side]] = 1
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    soft = 0.4 if "neon" in effects or look.halo else 0.12  # em
    fade = np.clip(distance / max(soft * fit.em, 1.0), 0.0, 1.0)
    fade = np.where(inside, np.maximum(fade * fade * (3 - 2 * fade), ink), 0.0)
    finished = finished * fade[..., None].astype(np.float32)
    alpha = finished[..., 3:]
    straight = finished[..., :3] / np.maximum(alpha, 1e-6)
    out = np.zeros((*mask.shape, 4), np.uint8)
    values = np.rint(255 * np.clip(np.dstack([straight, alpha]), 0.0, 1.0)).astype(np.uint8)
    values[values[..., 3] == 0] = 0
    out[top : top + height, left : left + width] = values
    return out


def _render(
    mask: Mask, fit: Fit, look: Finish
) -> tuple[npt.NDArray[np.float32], tuple[int, int, int, int], Layer]:
    """Ink and finished layer in the picture's frame, cut to the box (top, left, height, width)."""
    reach = {"neon": 0.8, "3d": 0.45, "shadow": 0.35}
    room = max([0.4 if look.halo else 0.2, *(reach.get(effect, 0.0) for effect in look.effects)])
    left, top, right, bottom = fit.layout.box
    corners = np.array(
        [[x, y] for x in (left - room, right + room) for y in (top - room, bottom + room)]
    )
    page = corners @ rotation(fit.angle).T * fit.em + fit.origin
    x0, y0 = np.maximum(np.floor(page.min(axis=0)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(page.max(axis=0)), mask.shape[::-1]).astype(int)
    width, height = int(x1 - x0), int(y1 - y0)
    wide, high = (right - left + 2 * room) * fit.em, (bottom - top + 2 * room) * fit.em
    times = int(np.clip(np.sqrt(_CANVAS_PIXELS / (wide * high)), 1, 4))
    em = fit.em * times
    turned = fit.angle % 360 != 0
    # the canvas' px (0, 0) in em; without a tilt the canvas is the page's box, enlarged
    if turned:
        start = np.array([left - room, top - room])
        size = (int(np.ceil(wide * times)), int(np.ceil(high * times)))
    else:
        start = (np.array([x0, y0]) - fit.origin) / fit.em
        size = (width * times, height * times)
    ink = _ink(fit.layout.glyphs, start, em, size)
    light = rotation(-fit.angle) @ np.array([-0.55, -0.835])
    boxes = fit.layout.boxes
    if fit.layout.vertical:  # every cell of a column is a line of its own
        cells = np.arange(top, bottom, (bottom - top) / max(1, round(bottom - top)))
        boxes = tuple((left, float(y), right, float(y) + 1.0) for y in cells)
    finish = replace(
        look,
        bands=tuple(((a - start[1]) * em, (b - start[1]) * em) for _, a, _, b in boxes),
        em=em,
        light=(float(light[0]), float(light[1])),
    )
    stack: Any = np.dstack([finish_letters(ink, finish), ink])
    if turned:
        turn = rotation(fit.angle)
        shift = (np.array(fit.origin) - (x0, y0) + turn @ start * fit.em) * times
        half = np.array([0.5, 0.5])
        matrix = np.column_stack([turn, shift + turn @ half - half])
        stack = _warped(stack, matrix, (width * times, height * times))
    if times > 1:
        stack = stack.reshape(height, times, width, times, 5).mean(axis=(1, 3))
    return stack[..., 4], (int(y0), int(x0), height, width), stack[..., :4]


def _warped(
    stack: npt.NDArray[np.float32], matrix: npt.NDArray[np.float64], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    parts: list[Any] = [
        cv2.warpAffine(np.ascontiguousarray(part), matrix, size, flags=cv2.INTER_LINEAR)
        for part in (stack[..., :4], stack[..., 4])
    ]
    return np.asarray(np.dstack(parts), np.float32)


def _ink(
    glyphs: tuple[Glyph, ...], start: npt.NDArray[np.float64], em: float, size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Draw the glyphs on a canvas of size (width, height) px: coverage, float32, 0 to 1."""
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    turned: list[Glyph] = []
    for glyph in glyphs:
        if glyph.turn or glyph.scale != 1.0:
            turned.append(glyph)
            continue
        at = ((glyph.x - start[0]) * em, (glyph.y - start[1]) * em)
        draw.text(at, glyph.character, fill=255, font=glyph.face.at(em), anchor="ls")
    canvas = np.asarray(image, np.uint8).copy()
    for glyph in turned:
        font = glyph.face.at(em)
        left, top, right, bottom = font.getbbox(glyph.character, anchor="ls")
        # Pillow's boxes are whole px; two more on each side keep the edge soft
        patch = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
        place = (2.0 - left, 2.0 - top)
        ImageDraw.Draw(patch).text(place, glyph.character, fill=255, font=font, anchor="ls")
        turn = rotation(glyph.turn) * glyph.scale
        origin = np.array([glyph.x - start[0], glyph.y - start[1]]) * em
        half = np.array([0.5, 0.5])
        shift = origin - turn @ np.array(place) + turn @ half - half
        matrix = np.column_stack([turn, shift])
        drawn = cv2.warpAffine(np.asarray(patch), matrix, size, flags=cv2.INTER_LINEAR)
        canvas = np.maximum(canvas, drawn)
    return canvas.astype(np.float32) / 255.0
