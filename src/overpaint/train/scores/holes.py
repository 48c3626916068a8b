"""Holes of several kinds, as people make them: strokes, text, blobs, and some at the edge."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.values import Mask

#: Kind and size, px: the width of a stroke, the diameter of a blob.
KINDS = ("stroke 5", "text", "blob 40", "blob 100", "blob 200", "border")


def hole_of(kind: str, side: int, rng: np.random.Generator) -> Mask:
    """A hole of one of `KINDS` in a square of `side` px."""
    canvas = np.zeros((side, side), np.uint8)
    shape, _, size = kind.partition(" ")
    if shape == "stroke":
        points = rng.integers(side // 8, side - side // 8, (5, 2)).astype(np.int32)
        cv2.polylines(canvas, [points], False, 1, int(size))
    elif shape == "text":
        for row in range(3):
            origin = (side // 10, side // 3 + row * side // 5)
            cv2.putText(canvas, "Overpaint 88", origin, cv2.FONT_HERSHEY_DUPLEX, side / 320, 1, 3)
    else:
        radius = int(size) / 2 if size else side / 7
        low, high = radius * 1.3, side - radius * 1.3
        centre = rng.uniform(low, high, 2)
        if shape == "border":
            centre[rng.integers(2)] = rng.choice([0.0, float(side)])
        noise = rng.standard_normal((side, side)).astype(np.float32)
        wobble = cv2.GaussianBlur(noise, (0, 0), radius / 2)
        y, x = np.mgrid[:side, :side]
        canvas[
            np.hypot(y - centre[0], x - centre[1]) < radius * (1 + 0.2 * wobble / wobble.std())
        ] = 1
    return canvas.astype(bool)
