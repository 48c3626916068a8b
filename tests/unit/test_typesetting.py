"""Glyphs stand where readers expect them."""

from __future__ import annotations

from overpaint.imaging.fonts import BRUSH, SANS, SCRIPT
from overpaint.imaging.linebreaks import break_lines, split_atoms
from overpaint.imaging.typesetting import Layout, by_hand, set_lines


def _one(text: str, *, vertical: bool = False) -> Layout:
    broken = break_lines(split_atoms(text, (SANS,) * len(text)), 1, vertical=vertical)
    assert broken is not None
    return set_lines(broken, vertical=vertical)


def test_lines_do_not_touch() -> None:
    broken = break_lines(split_atoms("gyp Åh", (SANS,) * 6), 2, vertical=False)
    assert broken is not None
    above, below = set_lines(broken, vertical=False).boxes
    assert below[1] > above[3] + 0.1


def test_kerning_brings_letters_closer() -> None:
    a, v = _one("AV").glyphs
    h, i = _one("HI").glyphs
    assert v.x - a.x < SANS.at(512).getlength("A") / 512 - 0.02
    assert abs(i.x - h.x - SANS.at(512).getlength("H") / 512) < 0.002


def test_two_digits_share_a_cell_of_a_column_and_words_lie_on_their_side() -> None:
    year = _one("10月", vertical=True).glyphs
    assert [glyph.turn for glyph in year] == [0.0, 0.0, 0.0]
    assert year[0].y == year[1].y < year[2].y
    word = _one("爱OPEN", vertical=True).glyphs
    assert [glyph.turn for glyph in word] == [0.0, 90.0, 90.0, 90.0, 90.0]
    assert [glyph.y for glyph in word] == sorted(glyph.y for glyph in word)


def test_punctuation_takes_its_vertical_form_in_columns() -> None:
    text = "（好），“一”。"
    drawn = "".join(glyph.character for glyph in _one(text, vertical=True).glyphs)
    assert drawn == "︵好︶︐﹃一﹄︒"


def test_a_hand_is_uneven_but_near_and_leaves_the_script_joined() -> None:
    broken = break_lines(split_atoms("生日", (BRUSH,) * 2), 1, vertical=False)
    assert broken is not None
    even = set_lines(broken, vertical=False)
    uneven = by_hand(even, 5)
    for before, after in zip(even.glyphs, uneven.glyphs, strict=True):
        assert 0 < abs(after.turn) < 4
        assert abs(after.x - before.x) < 0.15
        assert abs(after.y - before.y) < 0.15
    joined = break_lines(split_atoms("Love", (SCRIPT,) * 4), 1, vertical=False)
    assert joined is not None
    line = set_lines(joined, vertical=False)
    assert by_hand(line, 5).glyphs == line.glyphs
