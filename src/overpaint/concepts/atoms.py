"""Atoms of a text (a Chinese character, a Latin word, a number, a mark) and keys made of them."""

from __future__ import annotations

import re

from overpaint.concepts.nearest import HAN, is_chinese
from overpaint.concepts.traditional import TO_SIMPLIFIED

_ATOM = re.compile(rf"#[0-9a-f]{{6}}\b|#[0-9a-f]{{3}}\b|[{HAN}]|'s\b|[^\W_{HAN}]+|[^\w\s]|_", re.I)
#: Words that are their own key: all Chinese, or Latin words with single spaces.
_PLAIN = re.compile(rf"[{HAN}]+|[a-z0-9]+(?: [a-z0-9]+)*")
#: Marks that only tie words together; words are looked up as if they were spaces.
_TIES = frozenset("-_·*~^`'’")

#: Full-width forms to ASCII, the ideographic space, the apostrophe, traditional to simplified.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD |= {0x3000: 0x20, 0x2019: 0x27, **TO_SIMPLIFIED}


def fold(text: str) -> str:
    """Lower case, simplified, half-width; as long as `text`, so positions stay valid."""
    lower = text.lower()
    if len(lower) != len(text):  # such as İ, which becomes two characters
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lower.translate(_FOLD)


def atoms_of(folded: str) -> list[re.Match[str]]:
    """The atoms of a folded text, without those that only tie words together."""
    return [match for match in _ATOM.finditer(folded) if match.group() not in _TIES]


def join(key: str, atom: str) -> str:
    """`key` with one more atom; Latin words are parted by a space."""
    if not key or is_chinese(atom) or is_chinese(key[-1]):
        return key + atom
    return f"{key} {atom}"


def key_of(word: str) -> str:
    """What a word is looked up by: folded, with single spaces and no ties."""
    folded = fold(word)
    if _PLAIN.fullmatch(folded):
        return folded
    key = ""
    for match in atoms_of(folded):
        key = join(key, match.group())
    return key


def extent(key: str) -> tuple[str, int]:
    """The first atom of a key and how many it has."""
    if key.isascii() and "'" not in key and "#" not in key:
        first, _, rest = key.partition(" ")
        return first, 1 + (rest.count(" ") + 1 if rest else 0)
    atoms = list(key) if _PLAIN.fullmatch(key) else [match.group() for match in atoms_of(key)]
    return atoms[0], len(atoms)
