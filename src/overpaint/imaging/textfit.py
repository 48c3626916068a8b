"""The place of a text in a mask: its tilt, its lines and the largest size that stays inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overpaint.imaging.fonts import is_ideograph
from overpaint.imaging.linebreaks import break_lines, split_phrases
from overpaint.imaging.textframe import (
    Frame,
    largest_em,
    largest_island,
    places,
    tilt,
    upright_frame,
)
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


def _line_counts(frame: Frame, length: float, atoms: int, *, vertical: bool) -> range:
    height, width = (int(frame.free.any(axis=axis).sum()) for axis in (1, 0))
    along, across = (height, width) if vertical else (width, height)
    guess = np.sqrt(max(length, 1.0) * across / max(along, 1) / 1.1)
    low = min(atoms, max(1, int(guess * 0.5)))
    high = max(low, min(atoms, int(guess * 1.5) + 2))
    return range(low, high + 1, 1 + (high - low) // (8 if atoms <= 5 * _FEW else 2))


def _targets(frame: Frame, lines: int, *, vertical: bool) -> tuple[float, ...]:
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
    frames: dict[float, Frame] = {}
    best: tuple[float, float, Layout, Frame] | None = None
    for angle, columns, welcome in _candidates(island, text, vertical):
        frame = frames.setdefault(angle, upright_frame(island, angle))
        if not frame.free.any():
            continue
        layouts = _layouts(frame, atoms, vertical=columns)
        for lines, splits, layout in layouts:
            chosen = by_hand(layout, hand) if hand is not None else layout
            boxes = _grown(chosen.boxes, reserve)
            factor = welcome * _MORE_LINES ** (lines - 1) * _SPLIT**splits
            least = max((best[0] if best else 0.0) / factor, 1.0)
            em = largest_em(frame, boxes, least, centred=True)
            em = max(em, _CENTRED * largest_em(frame, boxes, max(least, em) / _CENTRED))
            if em * factor > (best[0] if best else 0.0):
                best = (em * factor, em, chosen, frame)
    if best is None:
        return None
    _, em, layout, frame = best
    boxes = _grown(layout.boxes, reserve)
    em = max(0.985 * em, 1.0)
    free = places(frame, boxes, em, centred=True)
    if free is None:
        em /= _CENTRED
        free = places(frame, boxes, em)
    if free is None:
        return None
    spots = np.argwhere(free)
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
    frame: Frame, atoms: tuple[Atom, ...], *, vertical: bool
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
