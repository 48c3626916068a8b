from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.small_lexicon import SMALL_LIBRARY

from overpaint.concepts.atoms import fold
from overpaint.concepts.concept import Concept
from overpaint.concepts.inflection import plurals, singulars
from overpaint.concepts.lexicon import Lexicon

_LEXICON = Lexicon(SMALL_LIBRARY)


def _words(text: str) -> list[tuple[str, str]]:
    return [(span.text, span.concept_ids[0]) for span in _LEXICON.spans(text)]


def test_longest_chinese_word_wins() -> None:
    assert _words("猫头鹰和猫") == [("猫头鹰", "owl"), ("猫", "cat")]


def test_fewest_words_win_over_the_first_longest() -> None:
    assert _words("三明治") == [("三明治", "sandwich")]


def test_a_colour_in_a_synonym_is_read_as_a_colour() -> None:
    book = Concept(
        id="book",
        name_en="book",
        name_zh="书",
        words_en=("book", "red book"),
        words_zh=("书", "书籍", "红书籍"),
        group="object",
        exemplars=(("flat", "book/flat"),),
    )
    tea = replace(book, id="tea", name_en="tea", name_zh="茶", group="drink")
    tea = replace(tea, words_en=("tea", "green tea"), words_zh=("茶", "绿茶"))
    ox = replace(book, id="ox", name_en="ox", name_zh="公牛", group="animal-mammal")
    ox = replace(ox, words_en=("ox",), words_zh=("公牛", "黄公牛"))
    flag = replace(book, id="flag", name_en="red flag", name_zh="红旗", group="flag")
    flag = replace(flag, words_en=("red flag", "flag"), words_zh=("红旗",))
    lexicon = Lexicon((book, tea, ox, flag))
    for text, word in (
        ("two red books", "books"),
        ("红书籍", "书籍"),
        ("green tea", "green tea"),  # but the cup is not green
        ("黄公牛", "黄公牛"),  # a species
        ("a red flag", "red flag"),  # its very name
    ):
        assert [span.text for span in lexicon.spans(text)] == [word]


def test_longest_english_phrase_wins() -> None:
    assert _words("a Hot-Air Balloon, a balloon") == [
        ("Hot-Air Balloon", "hot-air-balloon"),
        ("balloon", "balloon"),
    ]


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("leaves", "maple-leaf"),
        ("knives", "knife"),
        ("mice", "mouse"),
        ("strawberries", "strawberry"),
        ("foxes", "fox"),
        ("eyeglass", "glasses"),
        ("sun glasses", "sunglasses"),
        ("icecream", "ice-cream"),
        ("snowmen", "snowman"),
        ("眼鏡", "glasses"),
        ("氣球", "balloon"),
        ("Ｃａｔ", "cat"),
        ("T恤", "t-shirt"),
        ("🐶", "dog-face"),
        ("椅", "chair"),
    ],
)
def test_word_is_found_in_another_form(text: str, identity: str) -> None:
    assert [span.concept_ids[0] for span in _LEXICON.spans(text)] == [identity]


def test_glass_is_not_the_singular_of_glasses() -> None:
    assert _words("glasses") == [("glasses", "glasses")]
    assert _words("a glass vase") == [("vase", "vase")]


def test_name_comes_before_synonym() -> None:
    assert _LEXICON.spans("sunglasses")[0].concept_ids == ("sunglasses", "cool-face")
    assert _LEXICON.spans("bear")[0].concept_ids == ("bear", "teddy-bear")


def test_whole_comes_before_face() -> None:
    assert _LEXICON.spans("puppy")[0].concept_ids == ("dog", "dog-face")


def test_more_drawings_come_first_among_synonyms() -> None:
    assert _LEXICON.spans("苹果")[0].concept_ids == ("red-apple", "green-apple")


def test_spans_are_cut_from_the_text_as_written() -> None:
    text = "一隻İ狗 with GLASSES"
    for span in _LEXICON.spans(text):
        assert text[span.start : span.end] == span.text
    assert [span.text for span in _LEXICON.spans(text)] == ["狗", "GLASSES"]


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("galsses", "glasses"),
        ("ballon", "balloon"),
        ("umbrela", "umbrella"),
        ("guitarr", "guitar"),
        ("向日花", "向日葵"),
        ("太阳眼镜", "太阳镜"),
    ],
)
def test_nearest_word_comes_first(word: str, nearest: str) -> None:
    assert _LEXICON.nearest(word)[0] == nearest


def test_nearest_keeps_to_the_limit_and_to_what_is_near() -> None:
    assert len(_LEXICON.nearest("hat", limit=2)) <= 2
    assert _LEXICON.nearest("hat", limit=0) == ()
    assert _LEXICON.nearest("qqqqqqqq") == ()
    assert _LEXICON.nearest("") == ()


def test_nearest_names_each_concept_once() -> None:
    best = [_LEXICON.spans(word)[0].concept_ids[0] for word in _LEXICON.nearest("sunglases")]
    assert len(best) == len(set(best))


def test_every_name_reads_as_its_concept() -> None:
    for concept in SMALL_LIBRARY:
        for name in (concept.name_en, concept.name_zh):
            (span,) = _LEXICON.spans(name)
            assert (span.start, span.end) == (0, len(name))
            assert concept.id in span.concept_ids


def test_singulars_and_plurals_are_inverse_for_common_words() -> None:
    for word in ("cat", "box", "bus", "witch"):
        assert any(word in singulars(form) for form in plurals(word))
    assert list(singulars("glass")) == []


@given(st.text())
def test_folding_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(max_size=60))
def test_tokens_are_in_order_and_do_not_overlap(text: str) -> None:
    end = 0
    for token in _LEXICON.tokens(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end
