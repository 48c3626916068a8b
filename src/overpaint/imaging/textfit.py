"""The place of a text in a mask: its tilt, its lines and the largest size that stays inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.fonts import is_ideograph
from overpaint.imaging.linebreaks import break_lines, split_phrases
from overpaint.imaging.typesetting import (
    Atom,
    EmBox,
    Layout,
    atom_lengths,
    by_hand,
    rotation,
    set_lines,
)
from overpaint.values import Mask

_WORK_SIDE = 320  # long side of the mask that is searched, px
_SNAP = 3.0  # a tilt below this is none, degrees
_ROUND = 1.25  # a mask with axes closer than this has no direction
_MARGIN = 0.045  # kept free along the edge, of the inscribed circle's diameter
_OFF_CENTRE = 0.025  # how far from the middle of the mask still looks centred, of its extent
_CENTRED = 0.86  # being centred may cost this much of the size
_FEW = 40  # atoms up to which more ways of breaking are tried
_MORE_LINES = 0.96  # each further line must gain 4 % of size
_SPLIT = 0.90  # and 10 % more when it splits a phrase


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A layout at its place: em point p lies at origin + rotation(angle) @ p * em."""

    layout: Layout
    em: float  # px
    angle: float  # degrees, clockwise
    origin: tuple[float, float]  # x, y of the layout's (0, 0), px


@dataclass(frozen=True, kw_only=True)
class _Frame:
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


def _frame(island: Mask, angle: float) -> _Frame:
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
    return _Frame(angle=angle, sums=sums, free=free, to_page=to_page, scale=1 / float(per.mean()))


def _places(
    frame: _Frame, boxes: tuple[EmBox, ...], em: float, *, centred: bool = False
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


def _largest(
    frame: _Frame, boxes: tuple[EmBox, ...], least: float, *, centred: bool = False
) -> float:
    """The largest em, work px, at which the boxes fit; 0 if not even at `least`."""
    wide = max(box[2] for box in boxes) - min(box[0] for box in boxes)
    high = max(box[3] for box in boxes) - min(box[1] for box in boxes)
    high_em = min(frame.free.shape[1] / wide, frame.free.shape[0] / high)
    if high_em <= least or _places(frame, boxes, least, centred=centred) is None:
        return 0.0
    low_em = least
    while high_em - low_em > 0.004 * high_em:
        middle = (low_em + high_em) / 2
        if _places(frame, boxes, middle, centred=centred) is None:
            high_em = middle
        else:
            low_em = middle
    return low_em


def _candidates(
    island: Mask, text: str, vertical: bool | None
) -> Iterator[tuple[float, bool, float]]:
    """Angle, vertical?, and how welcome it is (1 = most)."""
    angle = tilt(island)
    upright = (angle + 45.0) % 90.0 - 45.0 if angle not in (45.0, -45.0) else angle
    ideographs = sum(map(is_ideograph, text))
    digits = sum(character.isdigit() for character in text)
    letters = sum(character.isalpha() for character in text) - ideographs
    chinese = ideographs >= max(1.0, letters + 0.5 * digits)
    if vertical:
        yield upright, True, 1.0
        return
    for each in dict.fromkeys((angle, upright)):
        steep = max(0.0, abs(each) - 50.0) / 40.0
        yield each, False, 1.0 - (0.7 if chinese else 0.4) * steep
    if chinese and vertical is None:
        steep = max(0.0, abs(upright) - 10.0) / 35.0
        yield upright, True, (1.15 if abs(angle - upright) == 90.0 else 0.86) - 0.3 * steep


def _line_counts(frame: _Frame, length: float, atoms: int, *, vertical: bool) -> range:
    height, width = (int(frame.free.any(axis=axis).sum()) for axis in (1, 0))
    along, across = (height, width) if vertical else (width, height)
    guess = np.sqrt(max(length, 1.0) * across / max(along, 1) / 1.1)
    low = min(atoms, max(1, int(guess * 0.5)))
    high = max(low, min(atoms, int(guess * 1.5) + 2))
    return range(low, high + 1, 1 + (high - low) // (8 if atoms <= 5 * _FEW else 2))


def _targets(frame: _Frame, lines: int, *, vertical: bool) -> tuple[float, ...]:
    """How long each line may be: what the mask has free where the line will lie."""
    lengths = (frame.free.sum(axis=0)[::-1] if vertical else frame.free.sum(axis=1)).astype(float)
    lengths = lengths[lengths > 0]
    bands = np.array_split(lengths, lines) if len(lengths) >= lines else [np.ones(1)] * lines
    return tuple(max(float(band.min()), 0.25 * float(lengths.max())) for band in bands)


def fit_text(
    mask: Mask,
    text: str,
    atoms: tuple[Atom, ...],
    *,
    reserve: float,
    hand: int | None,
    least_em: float,
    vertical: bool | None = None,
) -> Fit | None:
    """Find the layout that sets the text largest in the mask's largest island.

    Args:
        mask: height x width, with something True.
        text: what the atoms were split from.
        atoms: from `split_atoms`, at least one.
        reserve: room kept around each line for glow, shadow or depth, em.
        hand: seed of the hand's jitter, None for type.
        least_em: smaller letters are not worth looking for, px.
        vertical: columns only, lines only, or (None) whichever is larger.

    Returns:
        None when nothing fits at any size worth looking for.

    """
    island = largest_island(mask)
    length = sum(atom_lengths(atoms, vertical=False))
    if least_em > np.sqrt(island.sum() / (0.6 * length)):
        return None  # not even the letters' own area is there
    frames: dict[float, _Frame] = {}
    best: tuple[float, float, Layout, _Frame] | None = None
    for angle, columns, welcome in _candidates(island, text, vertical):
        frame = frames.setdefault(angle, _frame(island, angle))
        if not frame.free.any():
            continue
        layouts = _layouts(frame, atoms, vertical=columns)
        for lines, splits, layout in layouts:
            chosen = by_hand(layout, hand) if hand is not None else layout
            boxes = _grown(chosen.boxes, reserve)
            factor = welcome * _MORE_LINES ** (lines - 1) * _SPLIT**splits
            least = max((best[0] if best else 0.0) / factor, 1.0)
            em = _largest(frame, boxes, least, centred=True)
            em = max(em, _CENTRED * _largest(frame, boxes, max(least, em) / _CENTRED))
            if em * factor > (best[0] if best else 0.0):
                best = (em * factor, em, chosen, frame)
    if best is None:
        return None
    _, em, layout, frame = best
    boxes = _grown(layout.boxes, reserve)
    em = max(0.985 * em, 1.0)
    places = _places(frame, boxes, em, centred=True)
    if places is None:
        em /= _CENTRED
        places = _places(frame, boxes, em)
    if places is None:
        return None
    spots = np.argwhere(places)
    spot = spots[((spots - spots.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    corner = np.array([min(box[0] for box in boxes), min(box[1] for box in boxes)])
    at = frame.to_page @ np.array([*(spot[::-1] - corner * em), 1.0])
    return Fit(
        layout=layout, em=em / frame.scale, angle=frame.angle, origin=(float(at[0]), float(at[1]))
    )


def shrink(fit: Fit, factor: float) -> Fit:
    """The same place with smaller letters, about the middle of the text."""
    left, top, right, bottom = fit.layout.box
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    moved = np.array(fit.origin) + rotation(fit.angle) @ middle * fit.em * (1 - factor)
    return replace(fit, em=fit.em * factor, origin=(float(moved[0]), float(moved[1])))


def _grown(boxes: tuple[EmBox, ...], by: float) -> tuple[EmBox, ...]:
    return tuple((a - by, b - by, c + by, d + by) for a, b, c, d in boxes)


def _layouts(
    frame: _Frame, atoms: tuple[Atom, ...], *, vertical: bool
) -> Iterator[tuple[int, float, Layout]]:
    whole = break_lines(atoms, 1, vertical=vertical)
    few = len(atoms) <= _FEW
    forced = 1 + sum(atom.forced for atom in atoms)
    length = float(sum(len(atom.text) for atom in atoms)) if whole is None else 0.0
    if whole is not None:
        box = set_lines(whole, vertical=vertical).box
        length = box[3] - box[1] if vertical else box[2] - box[0]
    seen: set[tuple[tuple[Atom, ...], ...]] = set()
    counts = {*_line_counts(frame, length, len(atoms), vertical=vertical), forced}
    for lines in sorted(counts):
        shaped = _targets(frame, lines, vertical=vertical)
        ways = ((None, 0.7), (None, 3.0), (shaped, 0.7)) if few else ((shaped, 0.7),)
        for targets, phrasing in ways:
            broken = break_lines(
                atoms, lines, vertical=vertical, targets=targets, phrasing=phrasing
            )
            if broken is not None and broken not in seen:
                seen.add(broken)
                yield lines, split_phrases(broken), set_lines(broken, vertical=vertical)
