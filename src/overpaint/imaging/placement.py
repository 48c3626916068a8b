"""Where an object goes in a mask: its place, size and tilt, and its pixels warped there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgba8, Weight

#: The search for a place is made on a grid of this long side, px.
GRID = 96
#: Share of an object's opacity that may fall outside its slot (the mask cuts it off).
OUTSIDE = 0.01
#: An object is widened or narrowed by at most this factor to follow the slot's proportions.
STRETCH = 1.15
#: A slot this much longer than wide has a direction that the object follows.
ELONGATED = 1.25
#: Room left for the shadow under what stands, as a share of its height.
GROUND = 0.03
#: A thing this much longer than wide, along its own axis, is laid along its slot.
SLENDER = 1.8
#: Its axis is upright or level within this, degrees; else it is drawn slanting.
DRAWN_LEVEL = 12.0
#: Tilts below this are taken for a shaky hand, degrees.
LEVEL = 3.0
#: Of a mask in more islands than this only the largest count: a dithered mask has thousands.
MOST_ISLANDS = 12


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where an object of given proportions goes."""

    x: float  # centre, px
    y: float
    width: float  # of the upright object, px
    height: float
    tilt: float = 0.0  # degrees, clockwise


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A part of the mask for one object, as an oriented box."""

    mask: Mask  # height x width of the region
    x: float  # centre, px
    y: float
    length: float  # longer side, px
    breadth: float  # shorter side, px
    angle: float  # of the longer side against the horizontal, degrees, clockwise, -90 to 90


def measure_slot(mask: Mask) -> Slot:
    """The smallest oriented box round a mask that is True somewhere."""
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)  # n x 2: x, y
    (x, y), (width, height), angle = cv2.minAreaRect(cv2.convexHull(points))
    width, height = width + 1, height + 1  # from centres of pixels to their borders
    if width < height:
        width, height, angle = height, width, angle + 90
    angle = (angle + 90) % 180 - 90
    return Slot(mask=mask, x=x, y=y, length=width, breadth=height, angle=angle)


def split_slots(mask: Mask, count: int) -> list[Slot]:
    """Share a mask out to several objects.

    Islands come first: with as many large islands as objects each gets one, and one object
    alone goes into every large island, up to `MOST_ISLANDS` of them. Otherwise the mask is cut
    along its longer side, and in rows when it is nearly square.

    Args:
        mask: height x width, True somewhere.
        count: objects, at least 1.

    Returns:
        Slots, from left to right and top to bottom; at least one, for one object maybe several.
    """
    islands = _islands(mask)
    if count == 1:
        return [measure_slot(island) for island in islands]
    if len(islands) == count:
        return [measure_slot(island) for island in islands]
    whole = measure_slot(mask)
    columns = round(math.sqrt(count * whole.length / whole.breadth))
    columns = min(count, max(1, columns))
    rows = math.ceil(count / columns)
    height, width = mask.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    turn = math.radians(whole.angle if abs(whole.angle) <= 45 else whole.angle - 90)
    lengthwise = (xs - whole.x) * math.cos(turn) + (ys - whole.y) * math.sin(turn)
    across = (ys - whole.y) * math.cos(turn) - (xs - whole.x) * math.sin(turn)
    if abs(whole.angle) > 45:  # the longer side stands upright
        lengthwise, across = across, lengthwise
    slots = []
    for row, in_row in enumerate(np.array_split(np.arange(count), rows)):
        band = mask & _between(across, mask, row / rows, (row + 1) / rows)
        for column in range(len(in_row)):
            part = band & _between(
                lengthwise, band, column / len(in_row), (column + 1) / len(in_row)
            )
            if part.any():
                slots.append(measure_slot(part))
    return slots or [whole]


def _between(along: npt.NDArray[np.float32], mask: Mask, low: float, high: float) -> Mask:
    """Pixels from one share to another of the way a mask extends in a direction."""
    if not mask.any():
        return mask
    first, last = float(along[mask].min()), float(along[mask].max()) + 1e-3
    share = (along - first) / (last - first)
    return (share >= low) & (share < high)


def _islands(mask: Mask) -> list[Mask]:
    """Connected parts of at least a quarter of the largest, from left to right."""
    _, labels, stats, centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = np.asarray(stats[1:, cv2.CC_STAT_AREA])
    by_size = np.argsort(-areas, kind="stable")[:MOST_ISLANDS]
    large = [int(i) + 1 for i in by_size if areas[i] >= areas.max() / 4]
    large.sort(key=lambda i: float(centers[i][0]))
    return [np.asarray(labels == i) for i in large]


def place_object(
    alpha: Weight, slot: Slot, *, stands: bool = False, lean: float = 0.0, scale: float = 1.0
) -> Placement:
    """Find the largest placement of an object that stays in its slot.

    Args:
        alpha: opacity of the object, height x width, cropped to what is visible.
        slot: where it goes.
        stands: it rests on something, so it is kept nearly upright and goes to the bottom.
        lean: added to the tilt, degrees clockwise.
        scale: 0 to 1, taken of the largest size.

    Returns:
        The placement, in px of the slot's mask.
    """
    height, width = alpha.shape
    tilt = _tilt(alpha, slot, stands=stands) + lean
    along, across = _extent(slot, tilt)
    aspect = width / height
    stretch = float(np.clip((along / across) / aspect, 1 / STRETCH, STRETCH))
    aspect *= stretch
    largest = min(along, across * aspect)  # width of the object at which it spans the slot
    room = _make_room(slot)
    for step in range(48):  # down to a tenth: an upright thing in a slanted stroke
        wide = largest * 0.95**step
        stamp = _stamp(alpha, wide * room.scale, wide / aspect * room.scale, tilt)
        spot = _best_spot(stamp, room, slot, stands=stands)
        if spot is not None:
            break
    else:
        spot = (slot.x, slot.y)
    x, y = spot
    whole = wide / aspect  # height at which it fills its slot
    if stands:  # it shrinks towards the ground, and leaves room there for its shadow
        scale *= 1 - GROUND
        y += whole * (0.5 - GROUND - scale / 2)
    wide *= scale
    tall = whole * scale
    return Placement(x=x, y=y, width=wide, height=tall, tilt=tilt)


def _tilt(alpha: Weight, slot: Slot, *, stands: bool) -> float:
    """How far the object turns to lie along its slot, degrees."""
    if slot.length / slot.breadth < ELONGATED:
        return 0.0
    own = measure_slot(alpha > 0.5) if (alpha > 0.5).any() else None
    if own is not None and own.length / own.breadth >= SLENDER:
        tilt = (slot.angle - own.angle + 90) % 180 - 90  # axis on axis, whichever way is nearer
        upright = abs(abs(own.angle) - 90) < DRAWN_LEVEL or abs(own.angle) < DRAWN_LEVEL
        if not upright:  # drawn slanting, as pencils and swords are: any direction is as good
            return tilt
    else:
        height, width = alpha.shape
        across = slot.angle - 90 if slot.angle > 0 else slot.angle + 90
        tilt = slot.angle if width >= height else across
        if 0.8 < width / height < 1.25:  # as wide as high: whichever turns it less
            tilt = min(slot.angle, across, key=abs)
    limit = 15.0 if stands else 50.0
    return tilt if LEVEL <= abs(tilt) <= limit else 0.0


def _extent(slot: Slot, tilt: float) -> tuple[float, float]:
    """Width and height of the slot in a frame turned by the tilt, px."""
    points = np.argwhere(slot.mask)[:, ::-1].astype(np.float32)  # n x 2: x, y
    turn = math.radians(tilt)
    along = points @ np.array([math.cos(turn), math.sin(turn)], np.float32)
    across = points @ np.array([-math.sin(turn), math.cos(turn)], np.float32)
    return float(np.ptp(along)) + 1, float(np.ptp(across)) + 1


@dataclass(frozen=True, kw_only=True)
class _Room:
    """A slot on the search grid."""

    cells: Weight  # share of each cell that is in the slot
    scale: float  # cells a px
    x: float  # of the grid's corner, px
    y: float


def _make_room(slot: Slot) -> _Room:
    rows = np.flatnonzero(slot.mask.any(axis=1))
    columns = np.flatnonzero(slot.mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = slot.mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1].astype(np.float32)
    scale = GRID / max(part.shape)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    cells = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return _Room(cells=np.asarray(cells, np.float32), scale=scale, x=left, y=top)


def _best_spot(
    stamp: Weight, room: _Room, slot: Slot, *, stands: bool
) -> tuple[float, float] | None:
    """Where an object of this size fits, nearest to the slot's centre (or lowest), or None."""
    rows, columns = stamp.shape
    outside = cv2.copyMakeBorder(
        1 - room.cells, rows, rows, columns, columns, cv2.BORDER_CONSTANT, value=1.0
    )
    lost = np.asarray(cv2.matchTemplate(outside, stamp, cv2.TM_CCORR)) / float(stamp.sum())
    fits = lost <= OUTSIDE
    if not fits.any():
        return None
    ys, xs = np.nonzero(fits)
    centers_x = room.x + (xs - columns / 2) / room.scale
    centers_y = room.y + (ys - rows / 2) / room.scale
    away = np.hypot(centers_x - slot.x, 0 if stands else centers_y - slot.y)
    away += lost[ys, xs] * slot.length
    if stands:
        away -= 2 * centers_y
    best = int(np.argmin(away))
    return float(centers_x[best]), float(centers_y[best])


def _stamp(alpha: Weight, width: float, height: float, tilt: float) -> Weight:
    """The object's opacity on the search grid."""
    size = (max(1, round(width)), max(1, round(height)))
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    if not tilt:
        return small
    reach = math.ceil(math.hypot(*size)) | 1
    matrix = _turn_matrix(size, ((reach - 1) / 2, (reach - 1) / 2), tilt)
    turned = np.asarray(cv2.warpAffine(small, matrix, (reach, reach)), np.float32)
    rows = np.flatnonzero(turned.max(axis=1) > 0.05)
    columns = np.flatnonzero(turned.max(axis=0) > 0.05)
    if not rows.size or not columns.size:
        return np.ones((1, 1), np.float32)
    # symmetric about the centre, so that the stamp's centre stays the object's
    half_rows = max(reach // 2 - rows[0], rows[-1] - reach // 2)
    half_columns = max(reach // 2 - columns[0], columns[-1] - reach // 2)
    middle = reach // 2
    return turned[
        middle - half_rows : middle + half_rows + 1,
        middle - half_columns : middle + half_columns + 1,
    ]


def warp_object(
    exemplar: Rgba8, placement: Placement, shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Draw an object at its placement on a transparent canvas.

    Args:
        exemplar: height x width x 4, straight alpha, cropped to what is visible.
        placement: in px of the canvas.
        shape: height and width of the canvas.

    Returns:
        height x width x 4, float32, 0 to 1, premultiplied: resampling needs it so.
    """
    straight = exemplar.astype(np.float32) / 255  # h x w x 4
    straight[..., :3] *= straight[..., 3:]  # premultiplied
    size = (max(1, round(placement.width)), max(1, round(placement.height)))
    shrinks = size[0] * size[1] < straight.shape[0] * straight.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    sized = cv2.resize(straight, size, interpolation=how)
    center = (placement.x - 0.5, placement.y - 0.5)  # from px borders to px centres
    to_canvas = _turn_matrix(size, center, placement.tilt)
    warped = cv2.warpAffine(sized, to_canvas, (shape[1], shape[0]), flags=cv2.INTER_CUBIC)
    return np.clip(np.asarray(warped, np.float32), 0, 1)


def _turn_matrix(
    size: tuple[int, int], center: tuple[float, float], tilt: float
) -> npt.NDArray[np.float64]:
    """The 2 x 3 affine matrix that turns a picture of (width, height) and centres it there."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    shift = np.array(center) - turn @ middle
    return np.column_stack([turn, shift])
