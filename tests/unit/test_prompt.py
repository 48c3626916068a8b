"""Prompts and what they ask for.

The tables `readings*.txt` hold a prompt a line: prompt | action | subjects | present | the rest.
Subjects are parted by ";": concept(colour, @material, xCount), each only where it is said. The rest
may hold `text=...` (to its end or to ` effects=`), `effects=a,b`, `rgb=name`, `style=...`,
`unknown=a,b`, and, where what is there is recoloured, `becomes=colour,@material`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.small_lexicon import SMALL_LIBRARY

from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.prompt import LetteringRequest, Reading, is_removal, read_prompt
from overpaint.concepts.vocabulary import EFFECTS, vocabulary
from overpaint.values import STYLES

_HERE = Path(__file__).parent
_LEXICON = Lexicon(SMALL_LIBRARY)


def _table(name: str) -> list[tuple[str, str]]:
    rows = []
    for line in (_HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            prompt, _, expected = line.partition(" | ")
            rows.append((prompt.strip().replace("\\n", "\n"), _tidy(expected)))
    return rows


def _tidy(expected: str) -> str:
    parts = [part.strip() for part in expected.split("|")]
    parts += [""] * (4 - len(parts))
    return " | ".join(re.sub(r",\s+", ",", part) for part in parts)


def _written(reading: Reading) -> str:
    """A reading in the notation of the tables."""
    subjects = []
    for subject in reading.subjects:
        said = [subject.color or "", f"@{subject.material}" if subject.material else ""]
        said.append(f"x{subject.count}" if subject.count > 1 else "")
        look = ",".join(filter(None, said))
        subjects.append(subject.concept_ids[0] + (f"({look})" if look else ""))
    rest = []
    if reading.recoloring is not None:
        new = reading.recoloring
        said = [new.color or "", f"@{new.material}" if new.material else ""]
        rest.append("becomes=" + ",".join(filter(None, said)))
    if reading.lettering is not None:
        rest.append(f"text={reading.lettering.text}")
        if reading.lettering.effects:
            rest.append("effects=" + ",".join(reading.lettering.effects))
        names = [n for n, rgb in vocabulary().colors.items() if rgb == reading.lettering.color]
        rest.extend(f"rgb={name}" for name in names[:1])
    if reading.style:
        rest.append(f"style={reading.style}")
    if reading.unknown:
        rest.append("unknown=" + ",".join(word.word for word in reading.unknown))
    return " | ".join(
        (reading.action, ";".join(subjects), ",".join(reading.present), " ".join(rest))
    )


@pytest.mark.parametrize(("prompt", "expected"), _table("readings.txt"))
def test_prompt_reads_as_the_table_says(prompt: str, expected: str) -> None:
    assert _written(read_prompt(prompt, _LEXICON)) == expected


def test_held_out_prompts_read_nearly_as_well() -> None:
    rows = _table("readings_held_out.txt")
    right = sum(_written(read_prompt(prompt, _LEXICON)) == expected for prompt, expected in rows)
    assert right >= 57, f"{right} of {len(rows)}"


def test_colour_comes_with_its_value() -> None:
    (subject,) = read_prompt("a #ffcc00 hat", _LEXICON).subjects
    assert (subject.color, subject.rgb) == ("#ffcc00", (255, 204, 0))
    (subject,) = read_prompt("a #fc0 hat", _LEXICON).subjects
    assert subject.rgb == (255, 204, 0)


def test_shades_go_the_way_they_say() -> None:
    def light(prompt: str) -> int:
        (subject,) = read_prompt(prompt, _LEXICON).subjects
        assert subject.rgb is not None
        return sum(subject.rgb)

    for color in ("red", "blue", "purple", "brown", "gray"):
        dark, plain, pale = (light(f"a {kind} {color} hat") for kind in ("dark", "", "light"))
        assert dark < plain < pale


def test_bright_strengthens_a_hue() -> None:
    (subject,) = read_prompt("亮紫色的帽子", _LEXICON).subjects
    assert subject.color == "bright purple"
    assert subject.rgb is not None
    assert max(subject.rgb) == 255


def test_subject_keeps_the_word_as_written() -> None:
    assert read_prompt("a RED Hot-Air Balloon", _LEXICON).subjects[0].word == "Hot-Air Balloon"


def test_unknown_word_comes_with_near_ones() -> None:
    (unknown,) = read_prompt("a dog wearing red galsses", _LEXICON).unknown
    assert unknown.word == "galsses"
    assert unknown.nearest[0] == "glasses"


def test_lettering_of_several_lines() -> None:
    reading = read_prompt("“Hello” and “World” in red", _LEXICON)
    assert reading.lettering == LetteringRequest(
        text="Hello\nWorld", color=vocabulary().colors["red"]
    )


@pytest.mark.parametrize("nothing", ['写着""', '写着"   "', "写着“”", "that says '  '", 'text: ""'])
def test_empty_quotes_are_no_lettering(nothing: str) -> None:
    assert read_prompt(nothing, _LEXICON).lettering is None


def test_words_inside_quotes_are_not_read() -> None:
    reading = read_prompt('the text "a red cat removes the dog"', _LEXICON)
    assert reading.action != "remove"
    assert reading.subjects == ()
    assert reading.present == ()


def test_language_is_chinese_where_there_is_chinese() -> None:
    assert read_prompt("一个cool的sunglasses", _LEXICON).language == "zh"
    assert read_prompt("cool sunglasses", _LEXICON).language == "en"


_REMOVALS = """
remove | 去掉 | 把这个人去掉 | 移除水印 | 请帮我删除背景里的路人 | 擦除文字 | 抹去
不要了 | 去水印 | 讓這隻貓消失 | 請移除這個人 | 把猫换成背景
delete it | Erase the text | get rid of this
clean up the wires | take it out | make it vanish | remove the paint from the wall
clean the wall | replace the dog with the background | no people, please | remove the "add" button
"""
_OTHERS = """
一只猫 | a cat | 一块橡皮擦 | an eraser | 去掉帽子，换成皇冠 | remove the hat and add a crown
海边的猫 | 写着“删除”
a sign that says "remove" | a clear glass vase | no smoking
一只猫，不要帽子 | ？ | a cat without a hat | 用狗替换猫
clean white shoes | replace the cat with a dog
"""


def _each(rows: str) -> list[str]:
    return [prompt.strip() for row in rows.strip().splitlines() for prompt in row.split("|")]


@pytest.mark.parametrize("prompt", ["", "   ", "\n", *_each(_REMOVALS)])
def test_asks_to_remove(prompt: str) -> None:
    assert is_removal(prompt)
    assert read_prompt(prompt, _LEXICON).action == "remove"


@pytest.mark.parametrize("prompt", _each(_OTHERS))
def test_does_not_only_ask_to_remove(prompt: str) -> None:
    assert not is_removal(prompt)
    assert read_prompt(prompt, _LEXICON).action != "remove"


_GIVES_WAY = """
把猫换成狗 | 将帽子替换为皇冠 | 苹果变成香蕉 | 把帽子改成皇冠
去掉帽子，换成皇冠 | 用狗替换猫 | 不是猫而是狗
replace the cat with a dog | turn the apple into a banana | a dog instead of the cat
swap the hat for a crown | substitute a crown for the hat | make the apple a banana
change the hat to a red one | the hat should be a crown | remove the hat and add a crown
把帽子变成红色 | make the hat blue
"""
_LEAVES_BE = """
一只猫 | 一只狗戴着红色眼镜 | 桌上放一个花瓶 | 给猫戴上皇冠 | 画一只猫 | “生日快乐”
a cat | a red hat on a dog | add a crown | a bird in the tree | give the cat a crown
make the cat wear a top hat | "replace me"
"""


@pytest.mark.parametrize("prompt", _each(_GIVES_WAY))
def test_a_prompt_may_say_that_what_is_there_gives_way(prompt: str) -> None:
    assert read_prompt(prompt, _LEXICON).explicit


@pytest.mark.parametrize("prompt", _each(_LEAVES_BE))
def test_naming_or_adding_a_thing_does_not_say_that_anything_gives_way(prompt: str) -> None:
    assert not read_prompt(prompt, _LEXICON).explicit


def _count_and_notes(prompt: str) -> tuple[int, str]:
    reading = read_prompt(prompt, _LEXICON)
    (subject,) = reading.subjects
    return subject.count, "; ".join(reading.notes)


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("1000000 cats", "1000000"),
        ("1,000,000 cats", "1000000"),
        ("20 cats", "20"),
        ("a hundred cats", "100"),
        ("two hundred and five cats", "205"),
        ("twenty-five cats", "25"),
        ("dozens of cats", "24 or more"),
        ("9" * 5000 + " cats", "1000000000 or more"),
        ("一百只猫", "100"),
        ("三百二十只猫", "320"),
        ("1万只猫", "10000"),
        ("几百只猫", "200 or more"),
        ("一百多只猫", "100 or more"),
    ],
)
def test_more_than_are_drawn_is_said(prompt: str, asked: str) -> None:
    count, notes = _count_and_notes(prompt)
    assert count == 12
    assert notes.endswith(f": at most 12 are drawn, {asked} were asked for")


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("12 cats", 12), ("十二只猫", 12), ("a cat, 2024", 1), ("a dozen cats", 12), ("100% cat", 1)],
)
def test_a_number_that_can_be_drawn_needs_no_note(prompt: str, count: int) -> None:
    assert _count_and_notes(prompt) == (count, "")


@pytest.mark.parametrize("prompt", ["0 cats", "zero cats", "0只猫", "零只猫", "no cats", "没有猫"])
def test_none_of_a_thing_is_a_removal(prompt: str) -> None:
    reading = read_prompt(prompt, _LEXICON)
    assert (reading.action, reading.present) == ("remove", ("cat",))


@pytest.mark.parametrize("prompt", ["a cat and 0 dogs", "一只猫，0只狗", "一只猫和零只狗"])
def test_none_of_a_thing_beside_another_is_not_drawn(prompt: str) -> None:
    (subject,) = read_prompt(prompt, _LEXICON).subjects
    assert subject.concept_ids[0] == "cat"


@pytest.mark.parametrize(
    ("prompt", "note"),
    [
        ("a strawberry cake", '"strawberry cake" is drawn as "cake"'),
        ("a red dog sweater", '"dog sweater" is drawn as "sweater"'),
        ("狗毛衣", '"狗毛衣" is drawn as "毛衣"'),
        ("a beach ball", '"beach ball" is drawn as "ball"'),
        ("two seagulls", '"seagulls" is drawn as "bird"'),
        ("海鸥", '"海鸥" is drawn as "鸟"'),
        ("a campfire", '"campfire" is drawn as "fire"'),
    ],
)
def test_another_thing_than_was_named_is_said(prompt: str, note: str) -> None:
    assert read_prompt(prompt, _LEXICON).notes == (note,)


@pytest.mark.parametrize(
    "prompt", ["a birthday cake", "a puppy dog", "a red cake", "give the cat a hat", "一只猫"]
)
def test_what_is_drawn_as_named_has_no_note(prompt: str) -> None:
    assert read_prompt(prompt, _LEXICON).notes == ()


_WITHOUT = tuple(each for each in SMALL_LIBRARY if each.id != "hot-air-balloon")


@pytest.mark.parametrize(
    ("prompt", "word", "nearest"),
    [
        ("a red hot air balloon", "hot air balloon", "balloon"),
        ("two hot air balloons", "hot air balloons", "balloon"),
        ("热气球", "热气球", "气球"),
    ],
)
def test_a_lacking_thing_is_not_taken_for_a_part_of_its_name(
    prompt: str, word: str, nearest: str
) -> None:
    reading = read_prompt(prompt, Lexicon(_WITHOUT))
    assert reading.subjects == ()
    (unknown,) = reading.unknown
    assert (unknown.word, unknown.nearest[0]) == (word, nearest)


def test_a_lacking_thing_is_read_once_the_library_has_it() -> None:
    (subject,) = read_prompt("a hot air balloon", _LEXICON).subjects
    assert subject.concept_ids == ("hot-air-balloon",)


@pytest.mark.parametrize("prompt", ["灯塔", "一座风车", "a lighthouse", "a windmill"])
def test_what_is_like_nothing_in_the_library_is_unknown(prompt: str) -> None:
    reading = read_prompt(prompt, _LEXICON)
    assert reading.subjects == ()
    assert len(reading.unknown) == 1


@pytest.mark.parametrize(
    ("prompt", "vertical"),
    [
        ("竖排写着“生日快乐”", True),
        ("“生日快乐”竖着写", True),
        ('vertical text "OPEN"', True),
        ('the word "OPEN" written vertically', True),
        ("横排的“生日快乐”", False),
        ("写着“生日快乐”", None),
    ],
)
def test_lettering_may_be_asked_for_in_columns(prompt: str, vertical: bool | None) -> None:
    reading = read_prompt(prompt, _LEXICON)
    assert reading.lettering is not None
    assert reading.lettering.vertical is vertical
    assert reading.unknown == ()


_WORDS = """
猫 狗 戴着 把 换成 放在 上 的 一只 两个 红色 深 木 苹果 香蕉 旁边 “ ” 和 ， 。
给 在 写着 用 替换 不要 水彩 三 火 龙 cat dog a the wearing replace with on next to red dark
glass glasses 's and , . add of " ' turn into orange flurb #fc0 99999999 🐶
"""
_PIECES = st.sampled_from(_WORDS.split())


def _holds(prompt: str) -> None:
    reading = read_prompt(prompt, _LEXICON)
    assert reading == read_prompt(prompt, _LEXICON)
    assert reading.action in ("add", "replace", "remove", "recolor")
    assert (reading.action == "recolor") == (reading.recoloring is not None)
    assert reading.style is None or reading.style in STYLES
    for subject in reading.subjects:
        assert 1 <= subject.count <= 12
        assert set(subject.concept_ids) <= set(_LEXICON.concepts)
        assert subject.word in prompt
        assert (subject.color is None) == (subject.rgb is None)
        assert subject.rgb is None or all(0 <= value <= 255 for value in subject.rgb)
    assert set(reading.present) <= set(_LEXICON.concepts)
    assert all(unknown.word in prompt for unknown in reading.unknown)
    if reading.lettering is not None:
        assert reading.lettering.text.strip()
        assert set(reading.lettering.effects) <= set(EFFECTS)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_read(prompt: str) -> None:
    _holds(prompt)


@settings(deadline=None, max_examples=300)
@given(st.lists(_PIECES, max_size=16), st.sampled_from(["", " "]))
def test_any_row_of_words_can_be_read(pieces: list[str], between: str) -> None:
    _holds(between.join(pieces))
