"""Holes as people draw them: blobs, boxes, ellipses and strokes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from overpaint.values import Mask

SHARE = (0.04, 0.5)  # of the picture that a hole covers


def random_hole(side: int, rng: np.random.Generator) -> Mask:
    """Return side x side bool, True = hole, 4 to 50 % of the picture."""
    return next(hole for hole in _holes(side, rng) if SHARE[0] < hole.mean() < SHARE[1])


def _holes(side: int, rng: np.random.Generator) -> Iterator[Mask]:
    shapes = (_blob, _box, _ellipse, _strokes)
    while True:
        hole = np.zeros((side, side), np.uint8)
        shapes[int(rng.integers(len(shapes)))](hole, rng)
        yield np.asarray(hole > 0, np.bool_)


def _place(side: int, rng: np.random.Generator) -> tuple[int, int]:
    x, y = rng.uniform(0.2, 0.8, 2) * side
    return round(x), round(y)


def _blob(hole: np.ndarray[tuple[int, int], np.dtype[np.uint8]], rng: np.random.Generator) -> None:
    side, (x, y) = hole.shape[0], _place(hole.shape[0], rng)
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = rng.uniform(0.12, 0.34) * side * np.ones_like(turn)
    for wave in range(2, 7):
        radius *= 1 + rng.normal(0, 0.3 / wave) * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    outline = np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)
    cv2.fillPoly(hole, [outline.round().astype(np.int32)], 1)


def _box(hole: np.ndarray[tuple[int, int], np.dtype[np.uint8]], rng: np.random.Generator) -> None:
    side, (x, y) = hole.shape[0], _place(hole.shape[0], rng)
    half_x, half_y = rng.uniform(0.1, 0.35, 2) * side
    cv2.rectangle(
        hole, (round(x - half_x), round(y - half_y)), (round(x + half_x), round(y + half_y)), 1, -1
    )


def _ellipse(
    hole: np.ndarray[tuple[int, int], np.dtype[np.uint8]], rng: np.random.Generator
) -> None:
    side, centre = hole.shape[0], _place(hole.shape[0], rng)
    axes = (round(rng.uniform(0.1, 0.38) * side), round(rng.uniform(0.1, 0.38) * side))
    cv2.ellipse(hole, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)


def _strokes(
    hole: np.ndarray[tuple[int, int], np.dtype[np.uint8]], rng: np.random.Generator
) -> None:
    side = hole.shape[0]
    thickness = round(rng.uniform(0.05, 0.16) * side)
    point = np.array(_place(side, rng), np.float64)
    turn = rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(3, 9))):
        turn += rng.normal(0, 1.2)
        step = point + rng.uniform(0.08, 0.22) * side * np.array([np.cos(turn), np.sin(turn)])
        step = np.clip(step, 0.08 * side, 0.92 * side)
        start, end = point.round().astype(int).tolist(), step.round().astype(int).tolist()
        cv2.line(hole, start, end, 1, thickness)
        point = step
