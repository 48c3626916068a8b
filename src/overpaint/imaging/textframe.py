"""The free places of a mask, turned upright, and the largest size at which boxes fit into them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.typesetting import EmBox, rotation
from overpaint.values import Mask

_WORK_SIDE = 320  # long side of the mask that is searched, px
_SNAP = 3.0  # a tilt below this is none, degrees
_ROUND = 1.25  # a mask with axes closer than this has no direction
_MARGIN = 0.045  # kept free along the edge, of the inscribed circle's diameter
_OFF_CENTRE = 0.025  # how far from the middle of the mask still looks centred, of its extent


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The mask turned upright at work resolution."""

    angle: float  # of its x axis in the picture, degrees, clockwise
    sums: npt.NDArray[np.int64]  # integral of the free places, one row and column more
    free: Mask
    to_page: npt.NDArray[np.float64]  # 2 x 3: work px -> picture px
    scale: float  # work px per picture px


def largest_island(mask: Mask) -> Mask:
    """Keep the largest 8-connected part of a mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask.copy()
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def tilt(mask: Mask) -> float:
    """The direction of a mask's long axis, degrees clockwise in (-90, 90]; 0 for a compact one.

    A filled rectangle has that of its smallest enclosing rectangle, anything else that of its
    second moments.
    """
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    if not moments["m00"]:
        return 0.0
    xx, xy, yy = (moments[key] / moments["m00"] for key in ("mu20", "mu11", "mu02"))
    root = float(np.hypot((xx - yy) / 2, xy))
    long, short = (xx + yy) / 2 + root, (xx + yy) / 2 - root
    if long < (_ROUND**2) * max(short, 1e-9):
        return 0.0
    angle = float(np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy)))
    points = cv2.findNonZero(mask.astype(np.uint8))
    _, (width, height), turned = cv2.minAreaRect(points)
    if moments["m00"] > 0.85 * (width + 1) * (height + 1):
        angle = float(turned) if width >= height else float(turned) + 90.0
    angle = 90.0 - (90.0 - angle) % 180.0  # (-90, 90]
    for axis in (-90.0, 0.0, 90.0):
        if abs(angle - axis) < _SNAP:
            angle = axis
    return 90.0 if angle == -90.0 else angle


def upright_frame(island: Mask, angle: float) -> Frame:
    """Turn an island by -angle (degrees) and find the places that lie well inside it."""
    rows, columns = (np.flatnonzero(island.any(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    crop = island[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.float32)
    height, width = crop.shape
    scale = _WORK_SIDE / max(height, width)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.pad(cv2.resize(crop, size, interpolation=way), 1)
    # work = turn @ (small - 1, in its own px) + shift
    turn = rotation(-angle)
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size], float) @ turn.T
    shift = 2.0 - corners.min(axis=0)
    extent = np.ceil(corners.max(axis=0) - corners.min(axis=0)).astype(int) + 4
    if angle:
        # pixel centres lie at half-integers of the continuous plane
        half = np.array([0.5, 0.5])
        offset = turn @ (half - 1.0) + shift - half
        upright = cv2.warpAffine(
            small, np.column_stack([turn, offset]), extent.tolist(), flags=cv2.INTER_LINEAR
        )
    else:
        upright = np.zeros(extent[::-1], np.float32)
        upright[2 : 2 + size[1], 2 : 2 + size[0]] = small[1:-1, 1:-1]
    inside = (upright > 0.99).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    margin = max(2 * _MARGIN * float(distance.max()), 1.0 * scale)
    free = distance > margin
    sums = np.zeros((free.shape[0] + 1, free.shape[1] + 1), np.int64)
    sums[1:, 1:] = free.cumsum(0).cumsum(1)
    per = np.array([width / size[0], height / size[1]])
    back = np.diag(per) @ turn.T
    to_page = np.column_stack([back, (left, top) - back @ shift])
    return Frame(angle=angle, sums=sums, free=free, to_page=to_page, scale=1 / float(per.mean()))


def places(
    frame: Frame, boxes: tuple[EmBox, ...], em: float, *, centred: bool = False
) -> Mask | None:
    """Where the layout's top left may lie, work px: every box on free places only.

    `centred` asks for the middle of the layout near the middle of the mask.
    """
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    spans = []
    for box in boxes:
        x0, y0 = (int(np.floor((box[i] - o) * em)) for i, o in ((0, left), (1, top)))
        x1, y1 = (int(np.ceil((box[i] - o) * em)) for i, o in ((2, left), (3, top)))
        spans.append((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    height, width = frame.free.shape
    rows = height - max(span[3] for span in spans) + 1
    columns = width - max(span[2] for span in spans) + 1
    if rows < 1 or columns < 1:
        return None
    allowed = np.ones((rows, columns), bool)
    for x0, y0, x1, y1 in spans:
        counted = (
            frame.sums[y1 : y1 + rows, x1 : x1 + columns]
            - frame.sums[y0 : y0 + rows, x1 : x1 + columns]
            - frame.sums[y1 : y1 + rows, x0 : x0 + columns]
            + frame.sums[y0 : y0 + rows, x0 : x0 + columns]
        )
        allowed &= counted == (x1 - x0) * (y1 - y0)
    if centred:
        for axis, size in ((0, max(s[3] for s in spans)), (1, max(s[2] for s in spans))):
            free = np.flatnonzero(frame.free.any(axis=1 - axis))
            middle = (free[0] + free[-1] + 1) / 2
            off = np.abs(np.arange(allowed.shape[axis]) + size / 2 - middle)
            near = off <= max(1.0, _OFF_CENTRE * len(free))
            allowed &= near[:, None] if axis == 0 else near[None, :]
    return allowed if allowed.any() else None


def largest_em(
    frame: Frame, boxes: tuple[EmBox, ...], least: float, *, centred: bool = False
) -> float:
    """The largest em, work px, at which the boxes fit; 0 if not even at `least`."""
    wide = max(box[2] for box in boxes) - min(box[0] for box in boxes)
    high = max(box[3] for box in boxes) - min(box[1] for box in boxes)
    high_em = min(frame.free.shape[1] / wide, frame.free.shape[0] / high)
    if high_em <= least or places(frame, boxes, least, centred=centred) is None:
        return 0.0
    low_em = least
    while high_em - low_em > 0.004 * high_em:
        middle = (low_em + high_em) / 2
        if places(frame, boxes, middle, centred=centred) is None:
            high_em = middle
        else:
            low_em = middle
    return low_em
