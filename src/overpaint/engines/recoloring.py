"""Recolouring: what is under the mask stays what it is, and takes another colour or material."""

from __future__ import annotations

import numpy as np

from overpaint.concepts.prompt import Recoloring
from overpaint.concepts.recall import LOOKS
from overpaint.errors import InvalidPrompt
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas
from overpaint.imaging.materials import material
from overpaint.imaging.region import mask_box
from overpaint.imaging.stylize import stylize
from overpaint.imaging.tint import tint
from overpaint.values import PaintJob, Rgb8, Style, Weight


def recolored(job: PaintJob, coverage: Weight, asked: Recoloring, style: Style) -> Canvas:
    """Give the thing under the mask the colour or material that is asked for.

    Args:
        job: the region and its mask; the palette's first colour serves where none is named.
        coverage: height x width, 0 to 1, how much of a pixel is the thing (`thing_within`).
        asked: the colour and material.
        style: how it is to look; "auto" leaves it a photograph.

    Returns:
        height x width x 4, premultiplied: the thing alone, in its new colour.

    Raises:
        InvalidPrompt: neither prompt nor palette says a colour.
    """
    rgb = asked.rgb or (job.palette[0] if job.palette else None)
    if rgb is None and asked.material is None:
        limit = 'must say a colour, as in "red" or 红色'
        raise InvalidPrompt("prompt", limit, repr(job.prompt))
    box = mask_box(coverage > 0)
    pixels = np.ascontiguousarray(job.pixels[box.slices])
    alpha = coverage[box.slices]
    if asked.material is not None:
        pixels = _made_of(pixels, alpha, asked, rgb, job.seed)
    elif rgb is not None:
        pixels = tint(pixels, alpha, rgb)
    if style != "auto":
        opaque = np.full((*alpha.shape, 1), 255, np.uint8)
        pixels = stylize(np.concatenate([pixels, opaque], axis=2), style, seed=job.seed)[..., :3]
    canvas = layers.empty((job.mask.shape[0], job.mask.shape[1]))
    opacity = np.rint(alpha * 255).astype(np.uint8)
    canvas[box.slices] = layers.of_rgba(np.dstack([pixels, opacity]))
    return canvas


def _made_of(
    pixels: Rgb8, alpha: Weight, asked: Recoloring, rgb: tuple[int, int, int] | None, seed: int
) -> Rgb8:
    """The thing in another material, with its own light and shade."""
    look, own = LOOKS.get(asked.material or "", (asked.material or "", None))
    color = own if asked.color == asked.material else rgb or own
    if color is not None:
        pixels = tint(pixels, alpha, color)
    opacity = np.rint(alpha * 255).astype(np.uint8)
    made = material(np.dstack([pixels, opacity]), look, seed=seed)
    seen = made[..., 3:].astype(np.float32) / np.maximum(opacity[..., None], 1)  # glass: what is
    seen = np.clip(seen, 0, 1)  # behind the material is what was there
    mixed = made[..., :3] * seen + pixels * (1 - seen)
    return np.asarray(np.rint(mixed), np.uint8)
