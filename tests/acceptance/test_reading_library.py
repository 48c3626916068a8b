"""Prompts read with the lexicon of the real library.

The table says a prompt, the action, and a word for each subject in order; a subject is right when
its best concept answers to that word.
"""

from __future__ import annotations

from functools import cache

import pytest

from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import read_prompt

_TABLE = """
一只猫戴着红色眼镜 | add | glasses
一个小丑鼻子，红色的 | replace | nose
男孩头上顶着一个菠萝 | add | pineapple
请把左边的椅子换成一盆绿植 | replace | potted plant
蛋糕上插三根蜡烛 | add | candle
给雪人戴上围巾 | add | scarf
夜空中的月亮和星星 | replace | moon; star
小女孩牵着一只大象 | add | elephant
两条金鱼在水里游 | replace | 金鱼
一架飞机飞过蓝天 | replace | airplane
沙滩上有一把遮阳伞 | add | 遮阳伞
用向日葵替换花瓶里的玫瑰 | replace | sunflower
桌上摆着一台笔记本电脑 | add | laptop
她手里拿着一杯珍珠奶茶 | add | bubble tea
窗台上趴着一只橘猫 | add | cat
老虎戴着皇冠 | add | crown
把手机改成照相机 | replace | camera
一辆黄色的出租车 | replace | taxi
海面上的灰色鲸鱼，水彩画 | add | whale
一颗闪闪发光的钻石戒指 | replace | ring
树上结满了红苹果 | add | apple
给狗狗围上一条格子围巾 | add | scarf
a green frog wearing a top hat | add | top hat
put a rubber duck in the bathtub | add | duck
swap the laptop for a typewriter or a book | replace | book
two pandas eating bamboo | add | bamboo
I'd like a slice of pepperoni pizza on the plate | add | pizza
a monkey hanging from the tree with a banana | add | banana
an octopus playing the violin | add | violin
a unicorn under a rainbow | replace | unicorn
make the man wear a blue tie | add | necktie
a small wooden boat on the lake | add | boat
a soccer ball near the dog | add | soccer ball
red sports car, cinematic lighting, ultra detailed | replace | sports car
turn the bread into a croissant | replace | croissant
Add some fireworks to the sky please | add | fireworks
the snowman's nose should be a carrot | replace | carrot
a fluffy white rabbit sitting beside a pumpkin | add | pumpkin
replace his shoes with roller skates | replace | roller skates
clouds in the sky | replace | cloud
一杯酒 | replace | wine
一条龙舟 | replace | 独木舟
a helicopter above the city skyline at night | replace | helicopter
"""


@cache
def _lexicon() -> Lexicon:
    return Lexicon(ConceptLibrary.open().concepts.values())


def _rows() -> list[tuple[str, str, list[str]]]:
    rows = [line.split(" | ") for line in _TABLE.strip().splitlines()]
    return [(prompt, action, words.split("; ")) for prompt, action, words in rows]


@pytest.mark.parametrize(("prompt", "action", "words"), _rows())
def test_the_right_thing_belongs_in_the_mask(prompt: str, action: str, words: list[str]) -> None:
    lexicon = _lexicon()
    reading = read_prompt(prompt, lexicon)
    assert reading.action == action
    assert len(reading.subjects) == len(words)
    for subject, word in zip(reading.subjects, words, strict=True):
        (span,) = lexicon.spans(word)
        assert subject.concept_ids[0] in span.concept_ids


@pytest.mark.parametrize(
    ("prompt", "color"),
    [
        ("make the man's tie blue with a pattern", "blue"),
        ("把这件T恤改成黑色", "black"),
        ("change her skirt to dark green", "dark green"),
        ("把桌子换成木头的", None),
        ("将窗帘染成浅紫色", "lavender"),
    ],
)
def test_what_only_changes_its_colour_is_not_put_in(prompt: str, color: str | None) -> None:
    reading = read_prompt(prompt, _lexicon())
    assert reading.action == "recolor"
    assert reading.subjects == ()
    assert reading.recoloring is not None
    assert reading.recoloring.color == color


def test_every_concept_can_be_asked_for_by_its_names() -> None:
    lexicon = _lexicon()
    for concept in lexicon.concepts.values():
        for name in (concept.name_en, concept.name_zh):
            reading = read_prompt(name, lexicon)
            assert len(reading.subjects) == 1, name
            assert concept.id in reading.subjects[0].concept_ids, name
            assert reading.unknown == (), name
