"""From a caller's lines to a silhouette, and an object warped into it."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.canvas import Canvas
from overpaint.values import Mask, Rgba8, Weight

#: Gaps in an outline that are closed, as shares of the drawing's size, least first.
GAPS = (0.01, 0.025, 0.05, 0.1)
#: A closed outline holds at least this much more than its lines.
HOLDS = 2.0
#: From this strength on something is a line.
LINE = 0.35
#: Long side of the grid on which an object is fitted, px.
GRID = 128
#: Directions that are tried, degrees; a turn must earn this much overlap a degree.
TURNS = tuple(range(-60, 61, 6))
TURN_COST = 0.004
#: An object is stretched or squeezed by at most this factor before its outline is bent.
STRETCH = 1.8
#: Overlap after turning and stretching from which on an object is bent, and bent all the way:
#: a circle drawn for a cat says where it goes, not that it is round.
BENT = (0.55, 0.8)
#: Reach of the distances that pull the outlines together, px of the grid.
PULL = 14.0
#: Rounds of pulling, and how stiff the object is in them, px of the grid.
ROUNDS = ((30, 7.0), (40, 3.5), (30, 2.0))

Field = npt.NDArray[np.float32]  # rows x columns x 2: x, y


def silhouette(lines: Weight, mask: Mask) -> Mask | None:
    """What the lines inside a mask enclose.

    Args:
        lines: height x width, 1 = a line.
        mask: height x width.

    Returns:
        height x width, inside the mask; None where no line is. An outline that stays open
        even with its gaps closed gives the hull of its lines.
    """
    drawn = (lines > LINE) & mask
    if drawn.sum() < 8:
        return None
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    size = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    for gap in GAPS:
        filled = _filled(drawn, max(1, round(gap * size)))
        if filled.sum() >= HOLDS * drawn.sum():
            return np.asarray(filled & mask, np.bool_)
    points = np.argwhere(drawn)[:, ::-1].astype(np.int32)
    hull = np.zeros(drawn.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return np.asarray((hull > 0) & mask, np.bool_)


def _filled(drawn: Mask, reach: int) -> Mask:
    """The lines and what cannot be reached from outside once gaps of twice `reach` are closed."""
    room = 2 * reach + 2
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    thick = np.asarray(cv2.dilate(np.pad(drawn, room).astype(np.uint8), disc), np.uint8)
    cv2.floodFill(thick, None, (0, 0), 2)
    closed = np.asarray(cv2.erode((thick != 2).astype(np.uint8), disc), np.uint8)
    return (closed[room:-room, room:-room] > 0) | drawn


def warp_to_outline(exemplar: Rgba8, outline: Mask, *, mirrorable: bool = False) -> Canvas:
    """Draw an object into an outline: turned, stretched, then bent until their edges meet.

    Args:
        exemplar: height x width x 4, straight alpha, cropped to what is visible.
        outline: height x width of the canvas, True somewhere.
        mirrorable: left and right may be swapped if that fits better.

    Returns:
        The canvas: height x width x 4, premultiplied; an object whose shape is near the
        outline's has nothing outside it.
    """
    rows, columns = np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = outline[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    scale = GRID / max(part.shape)
    size = (max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale)))
    room = int(PULL)
    target = cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    cells: Weight = np.pad(np.asarray(target), room).astype(np.float32)  # gh x gw
    alpha = exemplar[..., 3].astype(np.float32) / np.float32(255)
    matrix, overlap = _turned(alpha, cells, mirrorable=mirrorable)
    bend = float(np.clip((overlap - BENT[0]) / (BENT[1] - BENT[0]), 0, 1))
    field = _affine_field(cells.shape, matrix)
    if bend > 0:
        field = _pulled(alpha, cells, field, matrix, bend)

    margin = math.floor((room - 1) / scale)  # what stays unbent may reach out a little
    rows = np.arange(max(0, top - margin), min(outline.shape[0], top + part.shape[0] + margin))
    columns = np.arange(max(0, left - margin), min(outline.shape[1], left + part.shape[1] + margin))
    grid_y = (rows - top + 0.5) * (size[1] / part.shape[0]) + room - 0.5
    grid_x = (columns - left + 0.5) * (size[0] / part.shape[1]) + room - 0.5
    xs, ys = np.meshgrid(grid_x.astype(np.float32), grid_y.astype(np.float32))
    source = cv2.remap(field, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    straight = exemplar.astype(np.float32) / np.float32(255)
    straight[..., :3] *= straight[..., 3:]
    drawn = cv2.remap(straight, source[..., 0], source[..., 1], cv2.INTER_LINEAR)
    window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    inside = np.asarray(cv2.GaussianBlur(outline[window].astype(np.float32), (0, 0), 0.7))
    kept = 1 - np.float32(bend) * (1 - inside)
    canvas: Canvas = np.zeros((*outline.shape, 4), np.float32)
    canvas[window] = np.clip(np.asarray(drawn), 0, 1) * kept[..., None]
    return canvas


def _turned(
    alpha: Weight, target: Weight, *, mirrorable: bool
) -> tuple[npt.NDArray[np.float64], float]:
    """The 2 x 3 matrix from the grid to the exemplar under which they overlap best; by how much."""
    points = np.argwhere(target > 0.5)[:, ::-1].astype(np.float64)  # n x 2: x, y
    best, best_score, best_overlap = np.zeros((2, 3)), -math.inf, 0.0
    for turn in TURNS:
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        frame = np.array([[cos, sin], [-sin, cos]])  # upright in the turned frame
        along = points @ frame.T
        low, high = along.min(axis=0) - 0.5, along.max(axis=0) + 0.5
        extent = high - low
        ratio = (extent[0] / extent[1]) * (alpha.shape[0] / alpha.shape[1])
        if ratio > STRETCH:
            extent[0] *= STRETCH / ratio
        elif ratio < 1 / STRETCH:
            extent[1] *= ratio * STRETCH
        scales = np.array([alpha.shape[1], alpha.shape[0]]) / extent
        middle = (low + high) / 2
        for flip in (1, -1) if mirrorable else (1,):
            linear = np.diag(scales * [flip, 1]) @ frame
            shift = np.array([alpha.shape[1] - 1, alpha.shape[0] - 1]) / 2
            matrix = np.column_stack([linear, shift - np.diag(scales * [flip, 1]) @ middle])
            seen = _sampled(alpha, _affine_field(target.shape, matrix))
            union = np.maximum(seen, target).sum()
            overlap = float(np.minimum(seen, target).sum() / union)
            score = overlap - TURN_COST * abs(turn)
            if score > best_score:
                best, best_score, best_overlap = matrix, score, overlap
    return best, best_overlap


def _affine_field(shape: tuple[int, ...], matrix: npt.NDArray[np.float64]) -> Field:
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    points = np.stack([xs, ys, np.ones_like(xs)], axis=-1)
    return np.asarray(points @ matrix.T.astype(np.float32), np.float32)


def _sampled(plane: npt.NDArray[Any], field: Field) -> Weight:
    seen = cv2.remap(plane, field[..., 0], field[..., 1], cv2.INTER_LINEAR)
    return np.asarray(seen, np.float32)


def _pulled(
    alpha: Weight, target: Weight, field: Field, matrix: npt.NDArray[np.float64], bend: float
) -> Field:
    """Bend the field until the object's edge lies on the target's, by a share of the way.

    Demons registration (Thirion, Medical Image Analysis 2, 1998) of signed distances.
    """
    aim = _distance(target)
    start = _distance(_sampled(alpha, field))
    rows, columns = np.mgrid[0 : aim.shape[0], 0 : aim.shape[1]].astype(np.float32)
    moved = np.zeros((*aim.shape, 2), np.float32)
    for rounds, stiffness in ROUNDS:
        for _ in range(rounds):
            here = np.stack([columns, rows], axis=-1) + moved
            now = cv2.remap(
                start, here[..., 0], here[..., 1], cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
            off = np.asarray(now, np.float32) - aim
            slope_y, slope_x = np.gradient(np.asarray(now, np.float32))
            steep = slope_x**2 + slope_y**2 + np.float32(0.1) * off**2 + np.float32(0.05)
            moved -= np.stack([off * slope_x / steep, off * slope_y / steep], axis=-1)
            moved = np.asarray(cv2.GaussianBlur(moved, (0, 0), stiffness), np.float32)
    linear = matrix[:, :2].astype(np.float32)
    return np.asarray(field + np.float32(bend) * (moved @ linear.T), np.float32)


def _distance(plane: Weight) -> Weight:
    """Signed distance to the edge, inside positive, within `PULL` px."""
    inside = (plane > 0.5).astype(np.uint8)
    if not inside.any():
        return np.full(plane.shape, -PULL, np.float32)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return np.clip(np.asarray(within - without, np.float32), -PULL, PULL)
