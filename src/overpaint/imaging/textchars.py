"""Which characters of a text are drawn, and which cannot be: of joined scripts, without a font."""

from __future__ import annotations

import unicodedata

from overpaint.errors import InvalidPrompt
from overpaint.imaging.fonts import is_ideograph, missing_characters, named

#: Scripts whose letters change with their neighbours, by the first word of Unicode names. Letters
#: are placed one by one here, so even a Pillow that can join them would not help.
_JOINED = frozenset([
    "arabic", "hebrew", "syriac", "thaana", "nko", "mandaic", "mongolian", "devanagari", "bengali",
    "gurmukhi", "gujarati", "oriya", "tamil", "telugu", "kannada", "malayalam", "sinhala",
    "myanmar", "khmer", "tibetan", "thai", "lao",
])  # fmt: skip


def clean_text(text: str) -> str:
    """Compose accents, make blanks one, drop what draws nothing; the lines stay.

    Raises:
        InvalidPrompt: nothing is left.

    """
    lines = (" ".join(_printable(line).split()) for line in text.splitlines())
    clean = "\n".join(line for line in lines if line)
    if not clean:
        limit = "the text to set must have at least one character"
        raise InvalidPrompt("prompt", limit, repr(text))
    return clean


def refuse_unsettable(text: str) -> None:
    """Refuse letters that cannot be set.

    A Chinese character or kana without a font is left to `find_faces`: there a font is missing.

    Raises:
        InvalidPrompt: it names the script, or the characters that no font has.

    """
    for character in text:
        script = _script(character)
        if script in _JOINED or unicodedata.bidirectional(character) in ("R", "AL"):
            limit = f"{script.capitalize()} script cannot be set: its letters run right to left, "
            limit += "or change with their neighbours"
            raise InvalidPrompt("prompt", limit, repr(text))
    missing = [each for each in missing_characters(text) if not is_ideograph(each)]
    if missing:
        limit = "the text to set must have characters that a font has"
        raise InvalidPrompt("prompt", limit, named(missing))


def _script(character: str) -> str:
    name, _, _ = unicodedata.name(character, "unknown").partition(" ")
    return name.lower()


def _printable(line: str) -> str:
    """Drop controls, joiners and variation selectors; the emoji heart becomes that of type."""
    composed = unicodedata.normalize("NFC", line).replace("❤", "♥")
    return "".join(
        " " if c.isspace() else c
        for c in composed
        if c.isspace() or not (unicodedata.category(c) in ("Cc", "Cf") or "\ufe00" <= c <= "\ufe0f")
    )
