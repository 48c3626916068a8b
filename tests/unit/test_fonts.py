"""Every character gets a face that really draws it, or an error that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from overpaint.errors import FontMissing
from overpaint.imaging import fonts
from overpaint.imaging.fonts import BRUSH, SANS, SCRIPT, Face, find_faces, find_font


@pytest.fixture
def bare_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A system whose only font folder is an empty one."""

    def forget() -> None:
        fonts._system_faces.cache_clear()
        fonts._system_face.cache_clear()

    monkeypatch.setattr(fonts, "_system_folders", lambda: (tmp_path / "absent", tmp_path))
    forget()
    yield tmp_path
    forget()


def _gb2312() -> str:
    pairs = (bytes([row, cell]) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return "".join(pair.decode("gb2312", errors="ignore") for pair in pairs)


@pytest.mark.parametrize("face", [SANS, BRUSH])
def test_the_shipped_chinese_faces_have_all_of_gb2312(face: Face) -> None:
    hanzi = _gb2312()
    assert len(hanzi) == 6763
    assert not [character for character in hanzi if not face.has(character)]


def test_the_sans_has_common_traditional_characters_and_vertical_punctuation() -> None:
    assert all(SANS.has(character) for character in "生日快樂愛與夢龍飛萬歲囍喆玥︐︒︕﹁﹂︵︶")


@pytest.mark.parametrize("face", [SANS, BRUSH, SCRIPT])
def test_what_a_face_claims_it_draws(face: Face) -> None:
    font = face.at(40)
    absent = bytes(font.getmask("\U0010fffd"))
    for character in "Aag0&!" + ("生福乐" if face != SCRIPT else ""):
        assert face.has(character)
        assert bytes(font.getmask(character)) != absent
    assert not face.has("\U0010fffd")


def test_latin_pairs_are_kerned() -> None:
    assert -0.1 < SANS.kerning("A", "V") < -0.02
    assert SANS.kerning("T", "o") < 0
    assert SANS.kerning("H", "H") == 0


def test_handwriting_takes_the_brush_for_chinese_and_the_script_for_latin() -> None:
    assert find_font("生日快乐", handwritten=True) == BRUSH
    assert find_font("Happy", handwritten=True) == SCRIPT
    assert find_font("生日快乐 Happy") == SANS


def test_a_character_that_the_brush_lacks_comes_from_the_sans() -> None:
    assert find_faces("生樂", handwritten=True) == (BRUSH, SANS)


def test_a_missing_character_comes_from_a_font_of_the_system(bare_system: Path) -> None:
    with pytest.raises(FontMissing):
        find_faces("\u0915")
    (bare_system / "more").mkdir()
    (bare_system / "more" / "Other.ttf").write_bytes(SCRIPT.path.read_bytes())
    (bare_system / "more" / "broken.ttf").write_bytes(b"\0\1\0\0 no font at all")
    (bare_system / "more" / "notes.txt").write_bytes(b"no font either")
    fonts._system_faces.cache_clear()
    fonts._system_face.cache_clear()
    only_there = next(chr(code) for code in sorted(SCRIPT.characters - SANS.characters))
    expected = Face(bare_system / "more" / "Other.ttf")
    assert find_faces(f"A{only_there}") == (SANS, expected)
    assert find_font(only_there) == expected


def test_missing_characters_are_named_once_each(bare_system: Path) -> None:
    message = "No font that has these characters was found: 😀 (U+1F600), क (U+0915)"
    with pytest.raises(FontMissing) as caught:
        find_faces("生😀क😀")
    assert str(caught.value) == message
    with pytest.raises(FontMissing) as caught:
        find_font("生😀क")
    assert str(caught.value) == message


def test_blanks_need_no_glyph(bare_system: Path) -> None:
    assert find_faces("a\u3000\u2003b") == (SANS,) * 4


def test_each_font_has_its_licence_beside_it() -> None:
    for face in (SANS, BRUSH, SCRIPT):
        licence = face.path.with_name(f"{face.path.stem}-OFL.txt").read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE Version 1.1" in licence
        assert "Copyright" in licence
