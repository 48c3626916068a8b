"""The light and the folds of what was there, carried over to what is put in its place."""

from __future__ import annotations

import math

import cv2
import numpy as np

from overpaint.imaging.canvas import Canvas
from overpaint.imaging.oklab import from_oklab, to_oklab
from overpaint.values import Mask, Rgb8

#: What varies over more than this share of the mask's size is not shading but what things are.
SCALE = 0.22
#: By how much shading may darken and lighten, as a factor of lightness (OKLab).
LIMITS = (0.45, 1.5)


def carry_shading(layer: Canvas, pixels: Rgb8, mask: Mask, *, share: float) -> Canvas:
    """Shade a layer as what it covers is shaded.

    The lightness of the picture against its mean in the neighbourhood, within the mask, is what
    the layer's lightness is multiplied by: OKLab's lightness is a cube root of light, so this is
    a multiplication of light.

    Args:
        layer: height x width x 4, premultiplied.
        pixels: height x width x 3, the picture as it was.
        mask: height x width; nothing outside it counts.
        share: 0 (unchanged) to 1 (all of the shading).

    Returns:
        height x width x 4, with the same opacity.
    """
    if not mask.any() or share <= 0:
        return layer.copy()
    sigma = max(1.0, SCALE * math.sqrt(float(mask.sum())))
    inside = mask.astype(np.float32)
    lightness = to_oklab(pixels)[..., 0] * inside
    near = cv2.GaussianBlur(lightness, (0, 0), sigma)
    weight = cv2.GaussianBlur(inside, (0, 0), sigma)
    mean = np.maximum(near / np.maximum(weight, 1e-4), 0.02)
    shading = np.where(mask, np.clip(lightness / mean, *LIMITS), 1.0)
    alpha = layer[..., 3:]
    straight = np.clip(layer[..., :3] / np.maximum(alpha, 1e-4), 0, 1)
    lab = to_oklab(np.rint(straight * 255).astype(np.uint8))
    lab[..., 0] *= shading ** np.float32(share)
    shaded = from_oklab(lab).astype(np.float32) / np.float32(255) * alpha
    return np.concatenate([shaded, alpha], axis=2).astype(np.float32)
