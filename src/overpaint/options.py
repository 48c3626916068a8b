"""Checks everything a caller may say about a repaint, before any work is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from overpaint.errors import InvalidOption, InvalidPrompt
from overpaint.values import STYLES, Style

Rgb: TypeAlias = tuple[int, int, int]

MAX_N = 4
MAX_SEED = 2**63 - 1
MAX_PROMPT = 800  # characters
SIZE_LIMITS = (64, 4095)  # each side of the output, px
MAX_GROW = 512  # px, either way
MAX_FEATHER = 256.0  # px
GUIDANCE_LIMITS = (1.0, 10.0)
STEPS_LIMITS = (1, 150)


def check_prompt(prompt: object, *, field: str = "prompt") -> str:
    """Return the prompt with white space at its ends taken off; it may be empty.

    Raises:
        InvalidPrompt: not text, or too long.
    """
    if not isinstance(prompt, str):
        raise InvalidPrompt(field, "must be text", type(prompt).__name__)
    if len(prompt) > MAX_PROMPT:
        raise InvalidPrompt(field, f"must have at most {MAX_PROMPT} characters", len(prompt))
    return prompt.strip()


def check_seeds(seed: object, n: object) -> tuple[int, ...]:
    """The seed of each of n pictures: seed, seed + 1, ...; past the largest it begins at 0.

    Raises:
        InvalidOption: n is not 1 to 4, or the seed not 0 to 2**63 - 1.
    """
    count = _integer("n", n, 1, MAX_N)
    first = _integer("seed", seed, 0, MAX_SEED)
    return tuple((first + i) % (MAX_SEED + 1) for i in range(count))


def check_style(style: object) -> Style:
    """Return the style.

    Raises:
        InvalidOption: it is none of `STYLES`.
    """
    for known in STYLES:
        if style == known:
            return known
    got = style if isinstance(style, str) else repr(style)
    raise InvalidOption("style", f"must be one of {', '.join(STYLES)}", got)


def check_size(size: object) -> tuple[int, int] | None:
    """Read (width, height), "WxH" or "W*H" as width and height in px; None stays None.

    Raises:
        InvalidOption: it is none of these, or a side is out of range.
    """
    if size is None:
        return None
    if isinstance(size, str):
        parts = re.fullmatch(r"\s*(\d{1,6})\s*[xX*×]\s*(\d{1,6})\s*", size)
        pair: Sequence[object] = [int(part) for part in parts.groups()] if parts else ()
    else:
        pair = size if isinstance(size, Sequence) else ()
    if len(pair) != 2:
        raise InvalidOption("size", 'must be "WIDTHxHEIGHT" or (width, height)', repr(size))
    low, high = SIZE_LIMITS
    width, height = (_integer("size", side, low, high, "px a side") for side in pair)
    return width, height


def check_colors(colors: object, *, field: str = "mask_color") -> tuple[Rgb, ...]:
    """Read colours given as "RRGGBB", "#RRGGBB" or (r, g, b).

    Raises:
        InvalidOption: one of them is no colour.
    """
    if isinstance(colors, str):
        colors = (colors,)
    if not isinstance(colors, Sequence):
        raise InvalidOption(field, "must be a list of colours", repr(colors))
    return tuple(_color(color, field) for color in colors)


def _color(color: object, field: str) -> Rgb:
    if isinstance(color, str) and re.fullmatch(r"#?[0-9a-fA-F]{6}", color):
        value = int(color.removeprefix("#"), 16)
        return value >> 16, value >> 8 & 255, value & 255
    if isinstance(color, Sequence) and len(color) == 3 and not isinstance(color, str):
        red, green, blue = (_integer(field, part, 0, 255) for part in color)
        return red, green, blue
    raise InvalidOption(field, "must be RRGGBB or (r, g, b)", repr(color))


def check_grow(grow: object) -> int:
    """Return by how many px the mask is widened.

    Raises:
        InvalidOption: not a whole number of -512 to 512.
    """
    return _integer("grow", grow, -MAX_GROW, MAX_GROW, "px")


def check_feather(feather: object) -> float | None:
    """Return the feather in px; None means that it is chosen by the mask's size.

    Raises:
        InvalidOption: not a number of 0 to 256.
    """
    if feather is None:
        return None
    return _number("feather", feather, 0, MAX_FEATHER, "px")


def check_strength(strength: object) -> float:
    """Return how much of what is under the mask is kept.

    Raises:
        InvalidOption: not a number of 0 to 1.
    """
    return _number("strength", strength, 0, 1)


def check_guidance(guidance: object) -> float:
    """Return how strongly prompt, palette and sketch are pressed.

    Raises:
        InvalidOption: not a number of 1 to 10.
    """
    return _number("guidance", guidance, *GUIDANCE_LIMITS)


def check_steps(steps: object) -> int | None:
    """Return in how many steps is sampled; None means the engine's own number.

    Raises:
        InvalidOption: not a whole number of 1 to 150.
    """
    return None if steps is None else _integer("steps", steps, *STEPS_LIMITS)


def check_flag(flag: object, *, field: str) -> bool:
    """Return what is switched on or off.

    Raises:
        InvalidOption: neither True nor False.
    """
    if not isinstance(flag, bool):
        raise InvalidOption(field, "must be true or false", repr(flag))
    return flag


def _number(field: str, value: object, low: float, high: float, unit: str = "") -> float:
    limit = f"must be between {low:g} and {high:g}{' ' if unit else ''}{unit}"
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidOption(field, limit, repr(value))
    if not low <= value <= high:  # not true of nan either
        raise InvalidOption(field, limit, repr(value))
    return float(value)


def _integer(field: str, value: object, low: int, high: int, unit: str = "") -> int:
    limit = f"must be a whole number between {low} and {high}{' ' if unit else ''}{unit}"
    try:
        number = value.__index__()  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise InvalidOption(field, limit, repr(value)) from None
    if isinstance(value, bool) or not low <= number <= high:
        raise InvalidOption(field, limit, value)
    return int(number)
