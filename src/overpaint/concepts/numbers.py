"""Numbers written in several words: "two hundred", 三十, "1,000,000", 1万, "hundreds of", 上百."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from overpaint.concepts.lexicon import Token

LARGEST = 1_000_000_000  # a larger number is this one "or more"

_SMALL = dict(
    zip(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(1, 20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9,
}  # fmt: skip
_PART = rf"(?:\d+(?:,\d{{3}})*|(?:{'|'.join((*_SMALL, *_TENS))})|(?:{'|'.join(_SCALES)})s?)(?!\w)"
_ENGLISH = re.compile(
    rf"(?<!\w)(?:(?P<few>a few|several|many)\s+|an?\s+)?(?P<parts>{_PART}"
    rf"(?:[\s-]+(?:and\s+)?{_PART})*)(?:\s+of(?!\w))?"
)
_DIGITS = {"零": 0, "〇": 0, "两": 2, **{char: n for n, char in enumerate("一二三四五六七八九", 1)}}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_CHINESE = re.compile(
    r"(?P<few>好?[几数](?=[十百千万亿])|[上成](?=[百千万亿])|近|)"
    r"(?P<parts>[零〇两一二三四五六七八九十百千万亿\d]+)(?P<more>[几多余]?)"
)
_NONE = re.compile(r"(?<!\w)zero(?!\w)|零")


def join_numbers(tokens: Sequence[Token], folded: str) -> list[Token]:
    """Make one token of each number of several words; its value ends in "+" if it is a least one.

    `folded` is the text that the tokens were cut from; zero is a "not".
    """
    at_start = {token.start: number for number, token in enumerate(tokens)}
    at_end = {token.end: number for number, token in enumerate(tokens)}
    joined = list(tokens)
    removed: set[int] = set()
    for start, end, value in _numbers(folded):
        first, last = at_start.get(start), at_end.get(end)
        if first is None or last is None or first > last or first in removed:
            continue  # 百合 is a lily
        after = tokens[last + 1] if last + 1 < len(tokens) else None
        measured = after is not None and "measure" in after.senses
        if first == last and len(folded[start:end]) == 1 and not measured:
            continue  # 万花筒
        senses = {"number": value} if value != "0" else {"not": "not"}
        joined[first] = Token(start, end, folded[start:end], (), senses)
        removed.update(range(first + 1, last + 1))
    return [token for number, token in enumerate(joined) if number not in removed]


def _numbers(folded: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and value of every number of more than a word or in larger units."""
    for match in _ENGLISH.finditer(folded):
        parts = re.split(r"[\s-]+", match["parts"])
        least = bool(match["few"]) or any(part.rstrip("s") + "s" == part for part in parts)
        value = _english([part for part in parts if part != "and"])
        if value is not None and (len(parts) > 1 or not parts[0].isdecimal()):
            yield match.start(), match.end(), written(value, least=least)
    for match in _CHINESE.finditer(folded):
        value = _chinese(match["parts"], few=bool(set("几数") & set(match["few"])))
        least = bool(match["few"] or match["more"])
        if value is not None:
            yield match.start(), match.end(), written(value, least=least)
        value = _chinese(match["parts"], few=False)
        if value is not None and match["few"]:  # 换成一百只: 成 is no part of the number
            yield match.start("parts"), match.end(), written(value, least=bool(match["more"]))
    for match in _NONE.finditer(folded):
        yield match.start(), match.end(), "0"


def written(value: int, *, least: bool = False) -> str:
    """How a token says a number."""
    return f"{min(value, LARGEST)}{'+' if least or value > LARGEST else ''}"


def _english(parts: Sequence[str]) -> int | None:
    """The value of "two hundred five", None for what is no number: "one two"."""
    total, group, before = 0, 0, ""
    for part in parts:
        scale = _SCALES.get(part, _SCALES.get(part.removesuffix("s")))
        if scale is not None:
            kind = "scale"
            if part not in _SCALES:  # "hundreds" are two at least
                group = (group or 1) * 2
            if scale >= 1000:
                total, group = total + (group or 1) * scale, 0
            else:
                group = (group or 1) * scale
        else:
            digits = part.replace(",", "")
            value = _SMALL.get(part) or _TENS.get(part)
            if value is None:
                value = int(digits[:13])
            kind = "tens" if part in _TENS else "small"
            if before == "small" or (before == "tens" and not 0 < value < 10):
                return None
            group += value
        before = kind
    return total + group


def _chinese(text: str, *, few: bool) -> int | None:
    """The value of 三百二十, None for what is no number in larger units: 三四, 2024."""
    if not set(text) & {*_UNITS, *_MYRIADS}:
        return None
    total, section = 0, 0
    digit: int | None = 2 if few else None  # 几百 are two hundred or more
    for part in re.findall(r"\d+|\D", text):
        if part in _UNITS:
            section += (1 if digit is None else digit) * _UNITS[part]
            digit = None
        elif part in _MYRIADS:
            total += (section + (digit or 0) or 1) * _MYRIADS[part]
            section, digit = 0, None
        elif digit:  # 三四: three or four
            return None
        else:
            digit = _DIGITS[part] if part in _DIGITS else int(part[:13])
    return total + section + (digit or 0)
