"""Layers on a transparent canvas, premultiplied, so that `over` is one line.

Porter and Duff, "Compositing digital images", SIGGRAPH 1984.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from overpaint.values import Rgb8, Rgba8, Weight

#: Height x width x 4, float32, 0 to 1, premultiplied sRGB.
Canvas: TypeAlias = npt.NDArray[np.float32]


def over(above: Canvas, below: Canvas) -> Canvas:
    """One layer over another."""
    return above + below * (1 - above[..., 3:])


def empty(shape: tuple[int, int]) -> Canvas:
    """A transparent canvas of this height and width."""
    return np.zeros((*shape, 4), np.float32)


def of_rgb(rgb: Rgb8) -> Canvas:
    """Opaque pixels as a canvas."""
    ones = np.ones((*rgb.shape[:2], 1), np.float32)
    return np.concatenate([rgb.astype(np.float32) / np.float32(255), ones], axis=2)


def of_rgba(rgba: Rgba8) -> Canvas:
    """Pixels with straight alpha as a canvas."""
    canvas: Canvas = rgba.astype(np.float32) / np.float32(255)
    canvas[..., :3] *= canvas[..., 3:]
    return canvas


def of_gray(opacity: Weight, level: float) -> Canvas:
    """One gray level, 0 to 1, laid on with this opacity (height x width, 0 to 1)."""
    tone = opacity * np.float32(level)
    return np.dstack([tone, tone, tone, opacity]).astype(np.float32)


def straight(canvas: Canvas) -> Rgb8:
    """The colours of a canvas, no longer premultiplied: height x width x 3."""
    return _to_rgb8(canvas[..., :3] / np.maximum(canvas[..., 3:], 1e-4))


def flatten(canvas: Canvas, backdrop: Rgb8) -> Rgb8:
    """What is seen when a canvas lies on opaque pixels: height x width x 3."""
    return _to_rgb8(over(canvas, of_rgb(backdrop))[..., :3])


def _to_rgb8(values: npt.NDArray[np.floating[Any]]) -> Rgb8:
    rgb: Rgb8 = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    return rgb
