"""Where a text may be broken, and how it is broken best.

Chinese breaks between characters but never before closing or after opening punctuation (the
prohibition rules of GB/T 15834 and W3C's "Requirements for Chinese Text Layout"); Latin breaks
between words. Of all ways to break into n lines the one with the most even lines is taken.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from overpaint.imaging.fonts import Face, is_ideograph
from overpaint.imaging.typesetting import Atom, atom_lengths

_CLOSING = "，。！？；：、）》〉」』】〕〗”’…～·,.!?;:)]}%℃°"
_OPENING = "（《〈「『【〔〖“‘—([{$￥¥"
_HANGING = "，。！？；：、"


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
    """How much the line breaks cut phrases apart.

    One inside a Chinese phrase counts 1, one between words less, one after punctuation nothing.
    """
    return sum(_split(above[-1], below[0]) for above, below in pairwise(broken))


def _split(last: Atom, first: Atom) -> float:
    if first.forced or last.text[-1] in _CLOSING:
        return 0.0
    mixed = is_ideograph(last.text[-1]) != is_ideograph(first.text[0])
    digits = last.text[-1].isdigit() or first.text[0].isdigit()
    if first.spaced:
        return 0.0 if mixed else 0.6
    return 0.5 if mixed and not digits else 1.0  # "2026年" belongs together
