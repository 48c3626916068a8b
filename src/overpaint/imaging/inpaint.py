"""Continue the background of a photograph into the masked part."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.values import Mask, OnStep, Rgb8, Step


def continue_background(
    pixels: Rgb8, mask: Mask, *, seed: int = 0, on_step: OnStep | None = None
) -> Rgb8:
    """Fill the masked part of `pixels` from what lies around it.

    pixels: height x width x 3, uint8. mask: height x width, bool, True = fill.
    Returns a new array; pixels outside the mask are those of `pixels`.
    """
    filled = pixels.copy()
    if mask.all():
        filled[...] = 128
    elif mask.any():
        near = cv2.inpaint(pixels, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        filled[mask] = near[mask]
    if on_step is not None:
        on_step(Step(stage="erase", done=1, total=1))
    return filled
