"""Numbers of several words become one token, other words stay as they are."""

from __future__ import annotations

import pytest
from tests.unit.small_lexicon import SMALL_LIBRARY

from overpaint.concepts.concept import Concept
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.numbers import join_numbers

_LEXICON = Lexicon(SMALL_LIBRARY)


def _joined(text: str) -> list[tuple[str, str]]:
    """The texts and numbers of the tokens."""
    tokens = join_numbers(_LEXICON.tokens(text), text)
    return [(token.text, token.senses.get("number", "")) for token in tokens]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("two hundred", "200"),
        ("a hundred and one", "101"),
        ("twenty-five", "25"),
        ("three thousand four hundred", "3400"),
        ("two dozen", "24"),
        ("a million", "1000000"),
        ("5 billion", "1000000000+"),
        ("a few hundred", "100+"),
        ("thousands of", "2000+"),
        ("1,000", "1000"),
    ],
)
def test_english_numbers(number: str, value: str) -> None:
    assert _joined(f"{number} cats") == [(number, value), ("cats", "")]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("三十", "30"),
        ("二十一", "21"),
        ("一百零五", "105"),
        ("两千三百", "2300"),
        ("三万五千", "35000"),
        ("一亿", "100000000"),
        ("3百", "300"),
        ("上千", "1000+"),
        ("几十", "20+"),
        ("十几", "10+"),
    ],
)
def test_chinese_numbers(number: str, value: str) -> None:
    assert _joined(f"{number}只猫") == [(number, value), ("只", ""), ("猫", "")]


@pytest.mark.parametrize("text", ["one two cats", "三四只猫", "万花筒", "two cats", "猫", ""])
def test_what_is_no_number_of_several_words_stays(text: str) -> None:
    tokens = _LEXICON.tokens(text)
    assert join_numbers(tokens, text) == tokens


@pytest.mark.parametrize("before", ["换成", "变成", "沙发上"])
def test_the_word_before_a_number_is_no_part_of_it(before: str) -> None:
    assert _joined(f"{before}一百只狗")[-3:] == [("一百", "100"), ("只", ""), ("狗", "")]


def test_a_number_inside_a_word_stays() -> None:
    lily = Concept(
        id="lily",
        name_en="lily",
        name_zh="百合",
        words_en=("lily",),
        words_zh=("百合",),
        group="nature",
        exemplars=(("flat", "flat/lily"),),
    )
    tokens = Lexicon((lily,)).tokens("百合")
    assert [token.concept_ids for token in join_numbers(tokens, "百合")] == [("lily",)]
