"""Lines break where readers of Chinese and Latin expect it."""

from __future__ import annotations

import pytest

from overpaint.imaging.fonts import SANS
from overpaint.imaging.linebreaks import break_lines, split_atoms


def _atoms(text: str) -> list[str]:
    return [atom.text for atom in split_atoms(text, (SANS,) * len(text))]


def _lines(text: str, count: int) -> list[str]:
    broken = break_lines(split_atoms(text, (SANS,) * len(text)), count, vertical=False)
    assert broken is not None
    return ["".join(" " * atom.spaced + atom.text for atom in line).strip() for line in broken]


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("生日快乐", ["生", "日", "快", "乐"]),
        ("你好，世界！", ["你", "好，", "世", "界！"]),
        ("“永远”《爱》", ["“永", "远”", "《爱》"]),
        ("Happy Birthday!", ["Happy", "Birthday!"]),
        ("iPhone15发布", ["iPhone15", "发", "布"]),
        ("好的……——鲁迅", ["好", "的……", "——鲁", "迅"]),
        ("it's 50% off", ["it's", "50%", "off"]),
    ],
)
def test_what_must_stay_together_does(text: str, atoms: list[str]) -> None:
    assert _atoms(text) == atoms


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("生日快乐", ["生日", "快乐"]),
        ("Happy Birthday", ["Happy", "Birthday"]),
        ("生日快乐，万事如意", ["生日快乐，", "万事如意"]),
        ("我们爱你，妈妈", ["我们爱你，", "妈妈"]),
        ("2026年，国庆节", ["2026年，", "国庆节"]),
        ("one two three four", ["one two", "three four"]),
    ],
)
def test_two_lines_are_even_and_prefer_the_end_of_a_phrase(text: str, lines: list[str]) -> None:
    assert _lines(text, 2) == lines


def test_more_lines_than_atoms_cannot_be() -> None:
    assert break_lines(split_atoms("福", (SANS,)), 2, vertical=False) is None


def test_a_kept_line_break_rules_out_a_single_line() -> None:
    atoms = split_atoms("生日\n快乐", (SANS,) * 5)
    assert break_lines(atoms, 1, vertical=False) is None
    assert _lines("生日\n快乐", 2) == ["生日", "快乐"]
