"""The words of prompts that are not things: colours, materials, counts, styles, relations.

They are listed in `words.txt`: role, value, English words, Chinese words. A word may have several
roles ("gold" is a colour, a material and an effect of lettering); which one holds is decided by
`overpaint.concepts.prompt`, from its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias

Rgb: TypeAlias = tuple[int, int, int]
#: Role to value: what a word may mean.
Senses: TypeAlias = Mapping[str, str]

#: What lettering can look like.
EFFECTS = ("gold", "silver", "neon", "embossed", "handwritten", "3d", "outline", "shadow")


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The table, ready to look up."""

    words: Mapping[str, Senses]  # a word in lower case and simplified Chinese to its senses
    colors: Mapping[str, Rgb]  # name of a colour to sRGB, each 0 to 255


@cache
def vocabulary() -> Vocabulary:
    """Read the table that ships with the package, once."""
    words: dict[str, dict[str, str]] = {}
    colors: dict[str, Rgb] = {}
    table = files("overpaint.concepts").joinpath("words.txt").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        role, value, *lists = (part.strip() for part in line.split("|"))
        if role == "color":
            value, code = value.rsplit(" ", 1)
            colors[value] = hex_rgb(code)
        for word in ",".join(lists).split(","):
            if word := word.strip():
                words.setdefault(word, {}).setdefault(role, value)
    return Vocabulary(
        words=MappingProxyType({word: MappingProxyType(roles) for word, roles in words.items()}),
        colors=MappingProxyType(colors),
    )


def hex_rgb(code: str) -> Rgb:
    """The sRGB value of "#rrggbb" or "#rgb", each 0 to 255."""
    digits = code.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def shade(rgb: Rgb, kind: str) -> Rgb:
    """`rgb` made "light", "dark" or "bright"; each 0 to 255, in and out."""
    if kind == "light":
        red, green, blue = (round(value + (255 - value) * 0.5) for value in rgb)
    elif kind == "dark":
        red, green, blue = (round(value * 0.55) for value in rgb)
    elif max(rgb) - min(rgb) <= 24:  # a gray has no hue to strengthen
        red, green, blue = (min(255, value + 30) for value in rgb)
    else:  # less white in it, then as light as it goes
        low, high = min(rgb), max(rgb)
        scale = (255 - low * 0.4) / (high - low)
        red, green, blue = (round(low * 0.4 + (value - low) * scale) for value in rgb)
    return red, green, blue
