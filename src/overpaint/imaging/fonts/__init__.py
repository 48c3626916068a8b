"""Which font draws which character: the shipped faces first, then what the system has.

Three faces lie beside this file (built by `scripts/build_fonts.py`, OFL-1.1, see NOTICE): a bold
sans for Chinese, Latin, Greek, Cyrillic and kana, a brush hand for simplified Chinese, and a Latin
script. The reader of the `cmap` table follows the OpenType specification (formats 4 and 12).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ImageFont

from overpaint.errors import FontMissing

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
#: Parts of file names that promise Chinese, best looking first.
_PREFERRED = (
    "notosanscjk-bold",
    "notosanscjk",
    "sourcehansans",
    "pingfang",
    "hiragino sans gb",
    "msyhbd",
    "msyh",
    "simhei",
    "wqy",
    "droidsansfallback",
    "arial unicode",
    "dejavusans-bold",
)


_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Face:
    """One face of one font file."""

    path: Path
    index: int = 0  # which face of a collection

    @property
    def characters(self) -> frozenset[int]:
        """Code points that it maps to a glyph."""
        return _characters(self.path, self.index)

    def has(self, character: str) -> bool:
        """Whether it can draw the character."""
        return ord(character) in self.characters

    def kerning(self, left: str, right: str) -> float:
        """How much closer (below 0) or farther the right character stands, em; shipped faces only.

        Pillow's basic layout rounds kerning away, so the pairs are kept beside the fonts.
        """
        return _pairs().get(self.path.stem, {}).get(left + right, 0.0)

    def at(self, size: float) -> ImageFont.FreeTypeFont:
        """The face at an em of `size` px, with the layout that every Pillow has."""
        return _sized(self.path, self.index, size)


SANS = Face(_HERE / "OverpaintSans.ttf")
BRUSH = Face(_HERE / "OverpaintBrush.ttf")
SCRIPT = Face(_HERE / "OverpaintScript.ttf")


def is_ideograph(character: str) -> bool:
    """Whether it is a Chinese character or kana, set in a square cell."""
    code = ord(character)
    return (
        0x2E80 <= code <= 0x2FDF
        or 0x3005 <= code <= 0x3007
        or 0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x9FFF
        or 0xAC00 <= code <= 0xD7AF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x3FFFF
    )


def find_faces(text: str, *, handwritten: bool = False) -> tuple[Face, ...]:
    """Choose a face for each character of `text`, as few different ones as possible.

    Args:
        text: any characters; blanks take the face of the first choice.
        handwritten: prefer the brush (Chinese in the text) or the script (none).

    Raises:
        FontMissing: neither the shipped fonts nor the system's have some character; it names them.

    """
    faces = _shipped(text, handwritten)
    found = {character: _face(character, faces) for character in dict.fromkeys(text)}
    missing = [character for character, face in found.items() if face is None]
    if missing:
        raise FontMissing(_names(missing))
    return tuple(face for character in text if (face := found[character]) is not None)


def missing_characters(text: str) -> tuple[str, ...]:
    """The characters that neither the shipped fonts nor the system's have, once each."""
    faces = (SANS, BRUSH, SCRIPT)
    return tuple(each for each in dict.fromkeys(text) if _face(each, faces) is None)


def _face(character: str, faces: tuple[Face, ...]) -> Face | None:
    if character.isspace():
        return faces[0]
    face = next((face for face in faces if face.has(character)), None)
    return face or _system_face(frozenset({character}))


def find_font(text: str, *, handwritten: bool = False) -> Face:
    """Choose one face that has every character of `text`; cheap after the first call.

    Args:
        text: any characters; blanks do not count.
        handwritten: prefer the brush or the script.

    Raises:
        FontMissing: no single font has them all; it names those that the shipped one lacks.

    """
    faces = _shipped(text, handwritten)
    needed = frozenset(character for character in text if not character.isspace())
    for face in faces:
        if all(face.has(character) for character in needed):
            return face
    face_found = _system_face(needed)
    if face_found is None:
        raise FontMissing(_names([c for c in dict.fromkeys(text) if not faces[0].has(c)]))
    return face_found


def _shipped(text: str, handwritten: bool) -> tuple[Face, ...]:
    if not handwritten:
        return (SANS,)
    if any(is_ideograph(character) for character in text):
        return (BRUSH, SANS)
    return (SCRIPT, BRUSH, SANS)


def named(characters: Sequence[str]) -> str:
    """Each character with its code point: 😀 (U+1F600)."""
    return ", ".join(f"{character} (U+{ord(character):04X})" for character in characters)


def _names(characters: Sequence[str]) -> str:
    return f"No font that has these characters was found: {named(characters)}"


@lru_cache(maxsize=1)
def _pairs() -> dict[str, dict[str, float]]:
    loaded: dict[str, dict[str, float]] = json.loads(
        (_HERE / "kerning.json").read_text(encoding="utf-8")
    )
    return loaded


@lru_cache(maxsize=64)
def _sized(path: Path, index: int, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, index, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=256)
def _system_face(needed: frozenset[str]) -> Face | None:
    for face in _system_faces():
        if all(face.has(character) for character in needed):
            return face
    return None


def _system_folders() -> tuple[Path, ...]:
    home = Path.home()
    return (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
        Path("/System/Library/Fonts"),
        Path("/Library/Fonts"),
        home / "Library/Fonts",
        Path("C:/Windows/Fonts"),
        home / "AppData/Local/Microsoft/Windows/Fonts",
    )


@lru_cache(maxsize=1)
def _system_faces() -> tuple[Face, ...]:
    files = [
        path
        for folder in _system_folders()
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SUFFIXES
    ]

    def rank(path: Path) -> int:
        name = path.name.lower()
        return next((i for i, part in enumerate(_PREFERRED) if part in name), len(_PREFERRED))

    return tuple(Face(path) for path in sorted(files, key=rank))


@lru_cache(maxsize=512)
def _characters(path: Path, index: int) -> frozenset[int]:
    """Read the code points of a face; a file that is no usable outline font has none."""
    try:
        with path.open("rb") as file:
            tables = _tables(file, index)
            if "cmap" not in tables or not ({"glyf", "CFF ", "CFF2"} & tables.keys()):
                return frozenset()
            file.seek(tables["cmap"][0])
            return frozenset(_code_points(file.read(tables["cmap"][1])))
    except (OSError, struct.error, ValueError, IndexError):
        return frozenset()


def _tables(file: BinaryIO, index: int) -> dict[str, tuple[int, int]]:
    """Table tag -> offset, length."""
    start = 0
    if file.read(4) == b"ttcf":
        file.seek(12 + 4 * index)
        (start,) = struct.unpack(">I", file.read(4))
    file.seek(start + 4)
    (count,) = struct.unpack(">H6x", file.read(8))
    records = [struct.unpack(">4sIII", file.read(16)) for _ in range(count)]
    return {tag.decode("latin-1"): (offset, length) for tag, _, offset, length in records}


def _code_points(cmap: bytes) -> Iterator[int]:
    (count,) = struct.unpack_from(">2xH", cmap)
    for record in range(count):
        platform, _, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * record)
        (form,) = struct.unpack_from(">H", cmap, offset)
        if platform in (0, 3) and form == 12:
            yield from _format_12(cmap, offset)
        elif platform in (0, 3) and form == 4:
            yield from _format_4(cmap, offset)


def _format_12(cmap: bytes, offset: int) -> Iterator[int]:
    (groups,) = struct.unpack_from(">I", cmap, offset + 12)
    for group in range(groups):
        first, last, glyph = struct.unpack_from(">III", cmap, offset + 16 + 12 * group)
        yield from range(first + (glyph == 0), last + 1)


def _format_4(cmap: bytes, offset: int) -> Iterator[int]:
    length, segments = struct.unpack_from(">2xH2xH", cmap, offset)
    words = np.frombuffer(cmap[offset : offset + length // 2 * 2], ">u2").astype(np.int64)
    segments //= 2
    ends = words[7 : 7 + segments]
    starts, deltas, jumps = (words[8 + k * segments : 8 + (k + 1) * segments] for k in (1, 2, 3))
    for segment in range(segments):
        codes = np.arange(starts[segment], min(ends[segment], 0xFFFE) + 1)
        glyphs = codes
        if jumps[segment]:
            at = 8 + 3 * segments + segment + jumps[segment] // 2 + (codes - starts[segment])
            glyphs = words[np.minimum(at, len(words) - 1)]
            codes, glyphs = codes[glyphs != 0], glyphs[glyphs != 0]
        yield from codes[(glyphs + deltas[segment]) % 0x10000 != 0].tolist()
