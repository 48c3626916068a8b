"""Pictures of a mug, drawn here, for the tests of a user's own concepts."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.values import Rgb8, Rgba8

BLUE, PINK = (20, 60, 200), (235, 40, 150)


def mug(color: tuple[int, int, int] = BLUE, side: int = 240) -> Rgba8:
    """A mug with a handle and a white stripe at its left: side x side x 4."""
    big = np.zeros((side * 4, side * 4, 4), np.uint8)
    s = side * 4 / 100
    paint = (*color, 255)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * s), round(y * s)

    cv2.ellipse(big, at(72, 50), at(16, 18), 0, 0, 360, paint, round(7 * s))
    cv2.rectangle(big, at(18, 20), at(72, 82), paint, -1)
    cv2.ellipse(big, at(45, 82), at(27, 7), 0, 0, 180, paint, -1)
    cv2.ellipse(big, at(45, 20), at(27, 7), 0, 0, 360, (*(v // 2 for v in color), 255), -1)
    cv2.rectangle(big, at(24, 38), at(34, 66), (245, 245, 245, 255), -1)
    small = cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, np.uint8)


def photographed(color: tuple[int, int, int] = BLUE, side: int = 240) -> Rgb8:
    """The mug before a plain wall: side x side x 3."""
    thing = mug(color, side).astype(np.float32)
    alpha = thing[..., 3:] / 255
    wall = np.linspace(205, 220, side, dtype=np.float32)[:, None, None]
    wall = wall + np.random.default_rng(1).normal(0, 1, (side, side, 3)).astype(np.float32)
    return np.clip(thing[..., :3] * alpha + wall * (1 - alpha), 0, 255).astype(np.uint8)
