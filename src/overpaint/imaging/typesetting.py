"""Lines of glyphs in em units: line breaking, kerning, horizontal and vertical setting.

Chinese breaks between characters but never before closing or after opening punctuation (the
prohibition rules of GB/T 15834 and W3C's "Requirements for Chinese Text Layout"); Latin breaks
between words. Of all ways to break into n lines the one with the most even lines is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from overpaint.imaging.fonts import BRUSH, SCRIPT, Face, is_ideograph

_MEASURED_AT = 512.0  # em at which metrics are read, px
_CLOSING = "，。！？；：、）》〉」』】〕〗”’…～·,.!?;:)]}%℃°"
_OPENING = "（《〈「『【〔〖“‘—([{$￥¥"
_HANGING = "，。！？；：、"
_UPRIGHT = "，。、：；！？…—（）《》〈〉「」『』【】“”‘’〖〗"
_VERTICAL = dict(
    zip(_UPRIGHT, "︐︒︑︓︔︕︖︙︱︵︶︽︾︿﹀﹁﹂﹃﹄︻︼﹃﹄﹁﹂︗︘", strict=True)
)
_SIDEWAYS = "…—～（）《》〈〉「」『』【】〖〗()[]-–:;"  # turned when the face has no vertical form
_GAP = 0.17  # least blank between the inks of two lines, em
_TIGHT = 0.12  # the brush fills its cells less than type does, em
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


def split_atoms(text: str, faces: tuple[Face, ...]) -> tuple[Atom, ...]:
    """Split text (with a face for each character) into what lines are made of."""
    atoms: list[Atom] = []
    for found in re.finditer(r"\S+", text):
        before = text[: found.start()]
        blank = before[len(before.rstrip()) :]
        for number, (start, end) in enumerate(_unbreakable(found.group())):
            start, end = start + found.start(), end + found.start()
            first = number == 0 and bool(atoms)
            atoms.append(
                Atom(
                    text=text[start:end],
                    faces=faces[start:end],
                    spaced=first and "\n" not in blank,
                    forced=first and "\n" in blank,
                )
            )
    return tuple(atoms)


def _unbreakable(chunk: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for i, character in enumerate(chunk):
        joins = i > 0 and (
            character in _CLOSING
            or chunk[i - 1] in _OPENING
            or not (
                is_ideograph(character)
                or is_ideograph(chunk[i - 1])
                or character in _OPENING
                or chunk[i - 1] in _CLOSING[:17]
            )
        )
        if joins:
            spans[-1] = (spans[-1][0], i + 1)
        else:
            spans.append((i, i + 1))
    return spans


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


def _stack(atom: Atom, y: float) -> tuple[list[Glyph], float]:
    """An atom in a column centred on x = 0 from y down, and where the next one would begin."""
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


def break_lines(
    atoms: tuple[Atom, ...],
    lines: int,
    *,
    vertical: bool,
    targets: tuple[float, ...] | None = None,
    phrasing: float = 0.7,
) -> tuple[tuple[Atom, ...], ...] | None:
    """Break into exactly `lines` lines, as even as can be; None if it cannot be done.

    Args:
        atoms: from `split_atoms`.
        lines: how many.
        vertical: lengths are those of columns.
        targets: wished relative length of each line (1, 1, ... when None), above 0.
        phrasing: how much it costs to break inside a phrase; an even line costs 1.

    """
    count = len(atoms)
    if lines > count:
        return None
    blank = 0.5 if vertical else 0.26
    lengths = np.array(atom_lengths(atoms, vertical=vertical))
    gaps = np.array([blank if atom.spaced else 0.0 for atom in atoms])
    ends = np.concatenate([[0.0], np.cumsum(lengths + gaps)])
    # length[j, m]: atoms j to m - 1 on one line; punctuation at its end counts half
    hanging = [0.0, *(0.5 * (atom.text[-1] in _HANGING) for atom in atoms)]
    length = ends[None, :] - ends[:-1, None] - gaps[:, None] - np.array(hanging)[None, :]
    bad = np.tril(np.ones((count, count + 1), bool))
    for place, atom in enumerate(atoms):
        if atom.forced:
            bad[:place, place + 1 :] = True
    mean = (ends[-1] or 1.0) / lines
    inside = [phrasing * _split(last, first) for last, first in pairwise(atoms)] + [0.0]
    wished = np.array(targets or (1.0,) * lines)
    wished = wished / wished.mean()
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    origins: list[npt.NDArray[np.intp]] = []
    for line in range(lines):
        cost = (np.maximum(length, 0.0) / (mean * wished[line])) ** 4
        cost = np.where(bad, np.inf, cost) + np.array([0.0, *inside])[None, :]
        total = best[:-1, None] + cost
        origins.append(total.argmin(axis=0))
        best = total.min(axis=0)
    if not np.isfinite(best[count]):
        return None
    cuts = [count]
    for line in reversed(range(lines)):
        cuts.append(int(origins[line][cuts[-1]]))
    cuts.reverse()
    return tuple(atoms[a:b] for a, b in pairwise(cuts))


def split_phrases(broken: tuple[tuple[Atom, ...], ...]) -> float:
    """How much the line breaks cut phrases apart: 1 for each inside a Chinese phrase, 0 for those
    after punctuation and between Chinese and Latin, a little between words.
    """
    return sum(_split(above[-1], below[0]) for above, below in pairwise(broken))


def _split(last: Atom, first: Atom) -> float:
    if first.forced or last.text[-1] in _CLOSING:
        return 0.0
    chinese = is_ideograph(last.text[-1]), is_ideograph(first.text[0])
    if chinese[0] != chinese[1]:
        return 0.0
    return 0.6 if first.spaced else 1.0


def set_lines(broken: tuple[tuple[Atom, ...], ...], *, vertical: bool) -> Layout:
    """Place lines centred under each other, or columns from right to left."""
    rows = [_set_column(line) if vertical else _set_row(line) for line in broken]
    inks = [_union(row) for row in rows]
    placed: list[list[Glyph]] = []
    if vertical:
        for number, row in enumerate(rows):
            placed.append(_moved(row, -number * _COLUMN, 0.0))
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
