"""Glyphs in em units: kerning, horizontal lines, vertical columns, a hand's unevenness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from overpaint.imaging.fonts import BRUSH, SCRIPT, Face, is_ideograph

_MEASURED_AT = 512.0  # em at which metrics are read, px
_UPRIGHT = "，。、：；！？…—（）《》〈〉「」『』【】“”‘’〖〗"
_VERTICAL = dict(
    zip(_UPRIGHT, "︐︒︑︓︔︕︖︙︱︵︶︽︾︿﹀﹁﹂﹃﹄︻︼﹃﹄﹁﹂︗︘", strict=True)
)
_SIDEWAYS = "…—～（）《》〈〉「」『』【】〖〗()[]-–:;"  # turned when the face has no vertical form
_GAP = 0.17  # least blank between the inks of two lines, em
_TIGHT = 0.12  # the brush fills its cells less than type does, em
_STANDING_GAP = 0.14  # between upright letters of a column, em
_COLUMN = 1.18  # from column to column, em

#: left, top, right, bottom, in em, y down.
EmBox = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Glyph:
    """A character at its place.

    Point p of the glyph (em, from its origin) is drawn at (x, y) + rotation(turn) @ p * scale.
    """

    character: str
    face: Face
    x: float  # origin on the baseline, em
    y: float  # em, down
    turn: float = 0.0  # degrees, clockwise
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Text broken into lines, in em units."""

    glyphs: tuple[Glyph, ...]
    boxes: tuple[EmBox, ...]  # the ink of each line
    vertical: bool = False

    @property
    def box(self) -> EmBox:
        """The ink of all lines."""
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


@dataclass(frozen=True, kw_only=True)
class Atom:
    """Characters that stay on one line."""

    text: str
    faces: tuple[Face, ...]
    spaced: bool = False  # a blank stands before it
    forced: bool = False  # it begins a line
    upright: bool = False  # its letters stand under each other in a column


@lru_cache(maxsize=4096)
def measure(face: Face, character: str) -> tuple[float, EmBox]:
    """Advance and ink box of a character, em, from its origin on the baseline."""
    font = face.at(_MEASURED_AT)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    advance = font.getlength(character) / _MEASURED_AT
    return advance, (
        left / _MEASURED_AT,
        top / _MEASURED_AT,
        right / _MEASURED_AT,
        bottom / _MEASURED_AT,
    )


def _row(text: str, faces: tuple[Face, ...], x: float, y: float) -> tuple[list[Glyph], float]:
    """Glyphs along a baseline, and where the next one would begin."""
    glyphs: list[Glyph] = []
    for i, (character, face) in enumerate(zip(text, faces, strict=True)):
        if i and faces[i - 1] == face:
            x += face.kerning(text[i - 1], character)
        tight = _TIGHT if face == BRUSH and is_ideograph(character) else 0.0
        glyphs.append(Glyph(character=character, face=face, x=x - tight / 2, y=y))
        x += measure(face, character)[0] - tight
    return glyphs, x


def _ink(glyph: Glyph) -> EmBox:
    left, top, right, bottom = measure(glyph.face, glyph.character)[1]
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
    placed = corners @ rotation(glyph.turn).T * glyph.scale + (glyph.x, glyph.y)
    return (*placed.min(axis=0).tolist(), *placed.max(axis=0).tolist())


def rotation(degrees: float) -> npt.NDArray[np.float64]:
    """2 x 2 matrix that turns (x, y down) clockwise as seen on the screen."""
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _union(glyphs: list[Glyph]) -> EmBox:
    boxes = np.array([_ink(glyph) for glyph in glyphs])
    return (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())


def _moved(glyphs: list[Glyph], dx: float, dy: float) -> list[Glyph]:
    return [replace(glyph, x=glyph.x + dx, y=glyph.y + dy) for glyph in glyphs]


def _short(text: str) -> bool:
    return len(text) <= 2 and not any(is_ideograph(character) for character in text)


def _stand(atom: Atom, y: float) -> tuple[list[Glyph], float]:
    """Latin letters upright under each other, closer where none has a descender."""
    inks = [measure(face, each) for each, face in zip(atom.text, atom.faces, strict=True)]
    top, bottom = (pick(ink[i] for _, ink in inks) for pick, i in ((min, 1), (max, 3)))
    placed: list[Glyph] = []
    for character, face, (_, ink) in zip(atom.text, atom.faces, inks, strict=True):
        x = -(ink[0] + ink[2]) / 2
        placed.append(Glyph(character=character, face=face, x=x, y=y - top))
        y += bottom - top + _STANDING_GAP
    return placed, y


def _stack(atom: Atom, y: float) -> tuple[list[Glyph], float]:
    """An atom in a column centred on x = 0 from y down, and where the next one would begin."""
    if atom.upright:
        return _stand(atom, y)
    if _short(atom.text) and atom.text not in _VERTICAL:  # side by side in one cell
        glyphs, width = _row(atom.text, atom.faces, 0.0, 0.0)
        ink = _union(glyphs)
        middle = y + 0.5 - (ink[1] + ink[3]) / 2
        return _moved(glyphs, -width / 2, middle), y + 1.0
    if not any(is_ideograph(c) or c in _VERTICAL for c in atom.text):  # a word lies on its side
        glyphs, width = _row(atom.text, atom.faces, 0.0, 0.0)
        return [replace(g, x=-0.36, y=y + 0.06 + g.x, turn=90.0) for g in glyphs], y + width + 0.12
    placed: list[Glyph] = []
    for character, face in zip(atom.text, atom.faces, strict=True):
        form, turn = character, 0.0
        if character in _VERTICAL and face.has(_VERTICAL[character]):
            form = _VERTICAL[character]
        elif character in _SIDEWAYS:
            turn = 90.0
        advance, ink = measure(face, form)
        if turn:
            across, along = (ink[1] + ink[3]) / 2, (ink[0] + ink[2]) / 2
            glyph = Glyph(character=form, face=face, x=across, y=y + 0.5 - along, turn=90.0)
        else:
            glyph = Glyph(character=form, face=face, x=-advance / 2, y=y + 0.88)
        placed.append(glyph)
        y += 1.0
    return placed, y


@lru_cache(maxsize=64)
def atom_lengths(atoms: tuple[Atom, ...], *, vertical: bool) -> tuple[float, ...]:
    """How far each atom reaches along its line, em, without the blank before it."""
    way = _stack_length if vertical else _row_length
    return tuple(way(atom) for atom in atoms)


def _row_length(atom: Atom) -> float:
    return _row(atom.text, atom.faces, 0.0, 0.0)[1]


def _stack_length(atom: Atom) -> float:
    return _stack(atom, 0.0)[1]


def set_lines(broken: tuple[tuple[Atom, ...], ...], *, vertical: bool) -> Layout:
    """Place lines centred under each other, or columns from right to left; Latin from the left."""
    rows = [_set_column(line) if vertical else _set_row(line) for line in broken]
    inks = [_union(row) for row in rows]
    placed: list[list[Glyph]] = []
    if vertical:
        way = 1 if broken[0][0].upright else -1
        for number, row in enumerate(rows):
            placed.append(_moved(row, way * number * _COLUMN, 0.0))
    else:
        pitch = max(
            (above[3] - below[1] + _GAP for above, below in pairwise(inks)),
            default=0.0,
        )
        for number, (row, ink) in enumerate(zip(rows, inks, strict=True)):
            placed.append(_moved(row, -_centre(row, ink), number * pitch))
    return Layout(
        glyphs=tuple(glyph for row in placed for glyph in row),
        boxes=tuple(_union(row) for row in placed),
        vertical=vertical,
    )


def _centre(row: list[Glyph], ink: EmBox) -> float:
    """The middle of a row: of its cells where a Chinese character ends it, else of its ink."""
    first, last = row[0], row[-1]
    left = first.x if is_ideograph(first.character) else ink[0]
    right = last.x + measure(last.face, last.character)[0]
    return (left + (right if is_ideograph(last.character) else ink[2])) / 2


def _set_row(line: tuple[Atom, ...]) -> list[Glyph]:
    glyphs: list[Glyph] = []
    x = 0.0
    for number, atom in enumerate(line):
        if number and atom.spaced:
            x += 0.26
        row, x = _row(atom.text, atom.faces, x, 0.0)
        glyphs += row
    return glyphs


def _set_column(line: tuple[Atom, ...]) -> list[Glyph]:
    glyphs: list[Glyph] = []
    y = 0.0
    for number, atom in enumerate(line):
        if number and atom.spaced:
            y += 0.5
        column, y = _stack(atom, y)
        glyphs += column
    return glyphs


def by_hand(layout: Layout, seed: int) -> Layout:
    """Turn, lift and size each glyph a little, as a hand does; the script's letters stay joined."""
    random = np.random.default_rng(seed)
    glyphs: list[Glyph] = []
    for glyph in layout.glyphs:
        turn, dx, dy, grow = random.uniform(-1.0, 1.0, 4)
        if glyph.face == SCRIPT or glyph.turn:
            glyphs.append(glyph)
            continue
        ink = measure(glyph.face, glyph.character)[1]
        middle = np.array([(ink[0] + ink[2]) / 2, (ink[1] + ink[3]) / 2])
        turn, scale = 3.2 * turn, 1.0 + 0.05 * grow
        shift = middle - rotation(turn) @ middle * scale + (0.012 * dx, 0.028 * dy)
        x, y = glyph.x + float(shift[0]), glyph.y + float(shift[1])
        glyphs.append(replace(glyph, x=x, y=y, turn=turn, scale=scale))
    boxes = tuple((a - 0.05, b - 0.06, c + 0.05, d + 0.06) for a, b, c, d in layout.boxes)
    return replace(layout, glyphs=tuple(glyphs), boxes=boxes)
