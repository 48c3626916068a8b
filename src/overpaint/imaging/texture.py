"""What painted looks and materials are made of: noise, relief, stroke direction, smoothing.

All planes are height x width float32; pictures height x width x 3 float32, 0 to 1. Lengths are in
pixels; callers scale them with the object.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.oklab import Lab, Plane
from overpaint.values import Rgba8


def noise(
    shape: tuple[int, int], cell: float, rng: np.random.Generator, *, octaves: int = 1
) -> Plane:
    """Return value noise of mean 0 and deviation 1; its largest blobs are about `cell` px wide."""
    height, width = shape
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = (int(np.ceil(height / size)) + 3, int(np.ceil(width / size)) + 3)
        coarse: Plane = rng.standard_normal(grid, dtype=np.float32)
        if size > 1:
            scaled = cv2.resize(
                coarse,
                (int(np.ceil(grid[1] * size)), int(np.ceil(grid[0] * size))),
                interpolation=cv2.INTER_CUBIC,
            )
            top, left = int(size), int(size)
            coarse = scaled[top : top + height, left : left + width]
        total += coarse[:height, :width] / 2**octave
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), dtype=np.float32)


def soft(plane: Plane, sigma: float) -> Plane:
    """Blur with a Gaussian of `sigma` px; large ones at a quarter of the size."""
    if sigma < 0.3:
        return plane.copy()
    height, width = plane.shape[:2]
    if sigma > 12 and min(height, width) > 32:
        small = cv2.resize(plane, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
        return np.asarray(cv2.resize(small, (width, height)), dtype=np.float32)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), dtype=np.float32)


def smoothstep(low: float | Plane, high: float | Plane, plane: Plane) -> Plane:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    part = np.clip((plane - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float32)


def filled(exemplar: Rgba8) -> tuple[Lab, Plane]:
    """Split into colour 0 to 1, continued past the silhouette, and alpha 0 to 1.

    Filters can then look across the edge without meeting the colours hidden under alpha 0.
    """
    alpha = exemplar[..., 3].astype(np.float32) / 255
    rgb = exemplar[..., :3].astype(np.float32) / 255
    height, width = alpha.shape
    reach = 160 / max(height, width)  # what is hidden may be coarse
    size = (max(1, round(width * min(reach, 1))), max(1, round(height * min(reach, 1))))
    cover = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    color = cv2.resize(rgb * alpha[..., None], size, interpolation=cv2.INTER_AREA)
    mean = color.sum(axis=(0, 1)) / max(float(cover.sum()), 1e-6)
    beyond: Lab = np.broadcast_to(mean, color.shape).astype(np.float32)
    for sigma in (16.0, 5.0, 1.6):
        weight = soft(cover, sigma)[..., None]
        near = soft(color, sigma) / np.maximum(weight, 1e-4)
        trust = np.clip(weight * 8, 0, 1)
        beyond = near * trust + beyond * (1 - trust)
    beyond = cv2.resize(beyond, (width, height), interpolation=cv2.INTER_LINEAR)
    keep = smoothstep(0.3, 0.9, alpha)[..., None]
    return np.clip(rgb * keep + beyond * (1 - keep), 0, 1).astype(np.float32), alpha


def shrunk(exemplar: Rgba8, size: tuple[int, int]) -> Rgba8:
    """Scale down to (width, height); the colours hidden under alpha 0 do not bleed in."""
    alpha: Plane = exemplar[..., 3:].astype(np.float32)
    solid = cv2.resize(exemplar[..., :3] * (alpha / 255), size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None]
    color = solid / np.maximum(alpha / 255, 1e-3)
    whole = np.clip(np.concatenate([color, alpha], axis=-1), 0, 255)
    return np.asarray(np.rint(whole), dtype=np.uint8)


def dome(alpha: Plane, radius: float) -> Plane:
    """Return the height, 0 to 1, of the silhouette blown up with a round edge of `radius` px."""
    inside = np.pad((alpha > 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = np.clip(depth / max(radius, 1.0), 0, 1)
    height = np.sqrt(np.maximum(1 - (1 - reach) ** 2, 0))
    return soft(height.astype(np.float32), 0.12 * radius)


def lit(
    height: Plane, depth: float, *, light: tuple[float, float, float] = (-0.45, -0.7, 0.55)
) -> Plane:
    """Return -1 to 1: how much a surface faces the light (x right, y down, z to the viewer).

    `height` is multiplied by `depth` px first; a flat surface gives the light's z.
    """
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=depth / 8)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=depth / 8)
    x, y, z = np.array(light) / np.linalg.norm(light)
    length = np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    return np.asarray((z - x * slope_x - y * slope_y) / length, dtype=np.float32)


def kuwahara(picture: Lab, radius: float, *, sharpness: float = 8.0) -> Lab:
    """Flatten regions and sharpen their edges: each pixel takes its calmest neighbourhoods.

    Generalised Kuwahara filter with eight round sectors (Papari, Petkov, Campisi 2007;
    Kyprianidis, Kang, Döllner 2009), each a blurred picture looked up `radius` px away.
    """
    height, width = picture.shape[:2]
    mean = cv2.GaussianBlur(picture, (0, 0), max(0.55 * radius, 0.5))
    gray = picture.mean(axis=-1)
    first = cv2.GaussianBlur(gray, (0, 0), max(0.55 * radius, 0.5))
    second = cv2.GaussianBlur(gray * gray, (0, 0), max(0.55 * radius, 0.5))
    unrest = np.maximum(second - first * first, 0)
    pad = int(np.ceil(radius)) + 1
    mean = cv2.copyMakeBorder(mean, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    unrest = cv2.copyMakeBorder(unrest, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    calm = (1 / (1e-5 + unrest)) ** (sharpness / 2)
    calm /= calm.max()
    total = np.zeros((height, width, 3), dtype=np.float32)
    weights = np.full((height, width), 1e-30, dtype=np.float32)
    for sector in range(8):
        angle = sector * np.pi / 4
        dy, dx = pad + round(radius * np.sin(angle)), pad + round(radius * np.cos(angle))
        window = (slice(dy, dy + height), slice(dx, dx + width))
        weight = calm[window] + 1e-30
        total += mean[window] * weight[..., None]
        weights += weight
    return np.asarray(total / weights[..., None], dtype=np.float32)


def stroke_direction(gray: Plane, sigma: float) -> tuple[Plane, Plane]:
    """Return unit x and y along the edges nearby: the smoothed structure tensor's minor axis.

    Brox et al. 2006; where nothing has a direction the strokes lie along a slow diagonal.
    """
    dx, dy = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    xx, yy, xy = soft(dx * dx, sigma), soft(dy * dy, sigma), soft(dx * dy, sigma)
    xx, xy = xx + 2e-5, xy + 2e-5
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def smear(plane: Plane, direction: tuple[Plane, Plane], length: float, *, steps: int = 6) -> Plane:
    """Average along the strokes, `length` px each way (line integral convolution, Cabral 1993)."""
    height, width = plane.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    total = plane.astype(np.float32).copy()
    for sign in (-1.0, 1.0):
        x, y = columns.copy(), rows.copy()
        vx, vy = direction
        for _ in range(steps):
            x += sign * length / steps * vx
            y += sign * length / steps * vy
            total += cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(total / (2 * steps + 1), dtype=np.float32)


def brush_strokes(
    picture: Lab,
    cover: Plane,
    direction: tuple[Plane, Plane],
    side: float,
    rng: np.random.Generator,
) -> tuple[Lab, Plane]:
    """Paint what `cover` shows in strokes, broad ones first, fine ones where detail is missed.

    Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", 1998. Returns the
    painting and the height of the paint, 0 to 1: every stroke lies at a height of its own.
    """
    height, width = picture.shape[:2]
    canvas = np.zeros((height, width, 4), dtype=np.uint8)  # colour, and paint height
    canvas[..., :3] = np.rint(np.clip(soft(picture, 0.03 * side), 0, 1) * 255)
    near = soft(cover, 0.015 * side)
    for brush, tolerance in ((0.026, -1.0), (0.013, 0.04), (0.0075, 0.065)):
        radius = max(brush * side, 0.8)
        goal = soft(picture, 0.5 * radius)
        missed = soft(np.abs(canvas[..., :3] / np.float32(255) - goal).mean(axis=-1), radius)
        step = 1.3 * radius
        grid = np.mgrid[step / 2 : height : step, step / 2 : width : step].reshape(2, -1)
        places = grid.T + rng.uniform(-0.5, 0.5, grid.T.shape) * step
        y = np.clip(places[:, 0], 0, height - 1)
        x = np.clip(places[:, 1], 0, width - 1)
        wanted = missed[y.astype(int), x.astype(int)] > tolerance
        wanted &= near[y.astype(int), x.astype(int)] > 0.01
        order = rng.permutation(int(wanted.sum()))
        y, x = y[wanted][order], x[wanted][order]
        color = goal[y.astype(int), x.astype(int)]
        color = color * rng.normal(1, 0.055, (len(x), 1)) + rng.normal(0, 0.012, color.shape)
        paint = np.concatenate([color, rng.uniform(0.2, 1, (len(x), 1))], axis=1)
        paint = np.rint(np.clip(paint, 0, 1) * 255)
        path = _stroke_paths(x, y, direction, radius, color, goal)
        thickness = max(1, round(1.7 * radius))
        for points, load in zip(path, paint.tolist(), strict=True):
            cv2.polylines(canvas, [points], False, load, thickness, cv2.LINE_8, 4)
    painted = canvas.astype(np.float32) / 255
    return painted[..., :3], painted[..., 3]


def _stroke_paths(
    x: Plane, y: Plane, direction: tuple[Plane, Plane], radius: float, color: Lab, goal: Lab
) -> npt.NDArray[np.int32]:
    """Follow the direction both ways while the goal keeps the stroke's colour.

    Returns strokes x points x 2 (x, y), in sixteenths of a pixel.
    """
    height, width = direction[0].shape
    halves = []
    for sign in (-1.0, 1.0):
        px, py, going = x.copy(), y.copy(), np.ones(len(x))
        half = []
        for _ in range(2):
            row, column = py.astype(int), px.astype(int)
            px = np.clip(px + sign * going * 1.5 * radius * direction[0][row, column], 0, width - 1)
            py = np.clip(
                py + sign * going * 1.5 * radius * direction[1][row, column], 0, height - 1
            )
            here = goal[py.astype(int), px.astype(int)]
            going = going * (np.abs(here - color).mean(axis=1) < 0.10)
            half.append(np.stack([px, py], axis=-1))
        halves.append(half)
    points = [*reversed(halves[0]), np.stack([x, y], axis=-1), *halves[1]]
    return np.asarray(np.rint(np.stack(points, axis=1) * 16), dtype=np.int32)


def gradient_map(tone: Plane, stops: tuple[tuple[float, int, int, int], ...]) -> Lab:
    """Turn tone 0 to 1 into colour 0 to 1 through stops (tone, red, green, blue of 0 to 255)."""
    positions = [stop[0] for stop in stops]
    bands = [np.interp(tone, positions, [stop[c] / 255 for stop in stops]) for c in (1, 2, 3)]
    return np.stack(bands, axis=-1).astype(np.float32)


def joined(rgb: Lab, alpha: Plane) -> Rgba8:
    """Put colour and alpha, 0 to 1, together again as uint8."""
    whole = np.concatenate([rgb, alpha[..., None]], axis=-1)
    return np.asarray(np.rint(np.clip(whole, 0, 1) * 255), dtype=np.uint8)
