"""Canvases of letters and what their shape tells: distance, thickness, slope of a rounded edge."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.floating[Any]]  # height x width, 0 to 1
Layer = npt.NDArray[np.floating[Any]]  # height x width x 4, RGB times alpha, 0 to 1
Tone = npt.NDArray[np.floating[Any]]  # 3, 0 to 1


def over(top: Layer, bottom: Layer) -> Layer:
    """Lay one layer over another."""
    return np.asarray(top + bottom * (1.0 - top[..., 3:]), np.float32)


def flat(alpha: Canvas, color: Tone) -> Layer:
    """A layer of one colour."""
    return np.dstack([alpha[..., None] * color, alpha]).astype(np.float32)


def painted(alpha: Canvas, rgb: Layer) -> Layer:
    """A layer of many colours: height x width x 3, clipped to 0 to 1."""
    return np.dstack([np.clip(rgb, 0.0, 1.0) * alpha[..., None], alpha]).astype(np.float32)


def blurred(canvas: Canvas, sigma: float) -> Canvas:
    """Gaussian blur; a wide one is made at a lower resolution."""
    step = int(sigma // 4)
    if step < 2:
        return np.asarray(cv2.GaussianBlur(canvas, (0, 0), max(sigma, 0.3)), np.float32)
    height, width = canvas.shape
    size = (max(1, -(-width // step)), max(1, -(-height // step)))
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def depth_inside(ink: Canvas) -> Canvas:
    """Distance to the edge inside the letters, px."""
    inside = (ink > 0.5).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5), np.float32)


def dilated(ink: Canvas, by: float) -> Canvas:
    """Letters grown by some px with round corners and a smooth edge."""
    outside = (ink <= 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
    return np.asarray(np.maximum(ink, np.clip(by + 0.5 - distance, 0.0, 1.0)), np.float32)


def normals(ink: Canvas, width: float) -> tuple[Canvas, Canvas, Canvas]:
    """x, y, z of the surface of letters with rounded edges `width` px wide."""
    depth = np.clip(depth_inside(ink) / max(width, 1.0), 0.0, 1.0)
    height = np.sqrt(np.clip(1.0 - (1.0 - depth) ** 2, 0.0, 1.0)).astype(np.float32)
    height = blurred(height, 0.16 * width) * width
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    length = np.sqrt(dx * dx + dy * dy + 1.0)
    return -dx / length, -dy / length, 1.0 / length


def half_stroke(ink: Canvas) -> float:
    """Half the thickness of the main strokes, px."""
    depth = depth_inside(ink)
    ridge = depth[(depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (depth > 1.0)]
    return float(np.percentile(ridge, 75)) if ridge.size else 1.0


def smooth_step(low: float, high: float, x: Canvas) -> Canvas:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def local_half_width(depth: Canvas) -> Canvas:
    """Half the thickness of the stroke around each place, px."""
    step = max(1, int(float(depth.max()) // 4))  # px of the reduced canvas it is worked out on
    height, width = depth.shape
    size = (-(-width // step), -(-height // step))
    small = cv2.resize(cv2.dilate(depth, np.ones((step, step), np.uint8)), size)
    reach = 2 * int(np.ceil(float(depth.max()) / step)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    grown = cv2.GaussianBlur(cv2.dilate(small, kernel), (0, 0), 0.3 * reach)
    return np.asarray(cv2.resize(grown, (width, height)), np.float32)


def shifted(canvas: npt.NDArray[np.float32], dx: float, dy: float) -> npt.NDArray[np.float32]:
    """Move a canvas by some px, right and down."""
    moved = cv2.warpAffine(
        canvas,
        np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]]),
        (canvas.shape[1], canvas.shape[0]),
        flags=cv2.INTER_LINEAR,
    )
    return np.asarray(moved, np.float32)
