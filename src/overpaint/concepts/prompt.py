"""Reading a prompt, Chinese or English: what belongs in the mask, how it looks, what to do.

一只狗戴着红色眼镜 over the eyes of a dog asks for red glasses, not for a dog. `read_prompt` cuts the
prompt into words (`lexicon`), walks them once for the relations (`grammar`) and keeps the things in
the strongest relation as subjects; the others are taken to be in the picture already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from overpaint.concepts.grammar import PRONOUNS, Look, Parse, Thing, Walk
from overpaint.concepts.lexicon import Lexicon, Token, is_chinese
from overpaint.concepts.quotes import PLACEHOLDER, take_lettering, without_quotes
from overpaint.concepts.vocabulary import (
    EFFECTS,
    Rgb,
    hex_rgb,
    shade,
    vocabulary,
)
from overpaint.values import Style

MAX_COUNT = 12


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Something that belongs in the mask."""

    concept_ids: tuple[str, ...]  # best first, at least one
    word: str  # as written
    color: str | None = None  # "red", "dark blue", "#ffcc00"
    rgb: tuple[int, int, int] | None = None  # of `color`, sRGB, each 0 to 255
    material: str | None = None  # one of `vocabulary.MATERIALS`
    count: int = 1  # 1 to 12


@dataclass(frozen=True, kw_only=True)
class LetteringRequest:
    """Text to be set into the mask."""

    text: str  # lines are parted by "\n"
    color: tuple[int, int, int] | None = None  # sRGB, each 0 to 255
    effects: tuple[str, ...] = ()  # of `vocabulary.EFFECTS`


@dataclass(frozen=True, kw_only=True)
class UnknownWord:
    """A word that nobody knew."""

    word: str  # as written
    nearest: tuple[str, ...] = ()  # known words that come close, best first


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a prompt asks for."""

    action: Literal["add", "replace", "remove"]  # what shows beside the subject in the mask:
    # "add" the picture as it was, "replace" the continued background; "remove" only the latter
    subjects: tuple[Subject, ...] = ()  # what belongs in the mask
    present: tuple[str, ...] = ()  # ids of concepts that are named but in the picture already
    lettering: LetteringRequest | None = None
    style: Style | None = None
    unknown: tuple[UnknownWord, ...] = ()
    language: Literal["zh", "en"] = "en"


def read_prompt(text: str, lexicon: Lexicon) -> Reading:
    """Read `text`, any length, in Chinese, English or both; never raises."""
    language: Literal["zh", "en"] = "zh" if is_chinese(text) else "en"
    if is_removal(text):
        spans = lexicon.spans(without_quotes(text))
        named = dict.fromkeys(span.concept_ids[0] for span in spans)
        return Reading(action="remove", present=tuple(named), language=language)

    plain, written = take_lettering(text, lambda rest: _first_ending(rest, lexicon))
    tokens = _merge_unknown(lexicon.tokens(plain))
    roles = _Roles(tokens, lexicon, written is not None)
    parse = Walk(roles.tokens, roles.is_thing, roles.is_text, roles.is_worn).run()

    subjects, present = _choose(parse.things)
    unknown = dict.fromkeys(
        plain[token.start : token.end].strip() for token in (*roles.unknown, *parse.unknown)
    )
    return Reading(
        action=parse.action,
        subjects=tuple(
            _subject(thing, plain, lexicon) for thing in subjects if thing.token.concept_ids
        ),
        present=tuple(dict.fromkeys(thing.token.concept_ids[0] for thing in present)),
        lettering=None if written is None else _lettering(written, parse, roles, subjects),
        style=roles.style,
        unknown=tuple(UnknownWord(word=word, nearest=lexicon.nearest(word)) for word in unknown),
        language=language,
    )


_ASKS_FOR_MORE = re.compile(
    r"换|換|改成|改为|变成|變成|加上|添加|加个|增加|放[一上个]|画[一上个]|(?<!不)要(?!不)[一个]|而是|然后.*[加放画换]"
    r"|\b(?:replace|add|put|place|insert|draw|paint|turn|change|swap|instead)\b",
    re.IGNORECASE,
)
_REMOVES = re.compile(
    r"去掉|去除|移除|移走|移掉|移去|删除|刪除|删掉|刪掉|删去|刪去|擦除|擦掉|擦去|抹去|抹掉|抹除|清除|清掉|清理|消除|消掉|拿掉|拿走|弄掉|抠掉"
    r"|除掉|除去|消失|p掉|不要了|去水印|不見|不见|还原背景|恢复背景|补全背景|填补背景|填充背景|延续背景|背景补全"
    r"|\b(?:remove|erase|delete|eliminate|get(?:ting)? rid of|clean up|wipe out|wipe away|take (?:it|them|this|that) (?:out|away)"
    r"|take out|take away|disappear|vanish|edit out|photoshop out|cut out|(?:fill in|continue|extend|restore) the background)\b",
    re.IGNORECASE,
)
_REMOVES_FIRST = re.compile(
    r"^[\s,，.。:：]*(?:请|請|帮我|幫我|please\s+)?(?:(?:我|i)?\s*(?:不要|去(?!年|世)|没有|沒有|no|without|clear|clean|nothing)(?![a-z]))"
    r"|^[\s]*(?:把|将|將|这个|那个)?[^，。,.]{1,12}不要",
    re.IGNORECASE,
)
_TO_NOTHING = re.compile(
    r"(?:换成|換成|变成|變成|改成|替换为|替换成|替換成|填充为)\s*(?:空白|背景|干净的?背景|空)\s*[。.!！]?\s*$"
    r"|\bwith\s+(?:the\s+|a\s+|clean\s+)*(?:background|nothing|empty space)\s*[.!]?\s*$",
    re.IGNORECASE,
)


def is_removal(text: str) -> bool:
    """Whether `text` only asks to remove what is masked: it is blank, or "remove ...", 去掉 ..."""
    bare = without_quotes(text).strip()
    if not text.strip():
        return True
    if _TO_NOTHING.search(bare):
        return True
    if _ASKS_FOR_MORE.search(bare):
        return False
    return bool(_REMOVES.search(bare) or _REMOVES_FIRST.match(bare))


class _Roles:
    """Which of its meanings each token has, by its place."""

    def __init__(self, tokens: Sequence[Token], lexicon: Lexicon, has_lettering: bool) -> None:
        self._lexicon = lexicon
        self.style: Style | None = None
        self.unknown: list[Token] = []  # words that only describe a known noun
        self.effects: list[str] = []
        self.tokens: list[Token] = []
        self._has_lettering = has_lettering
        decided = list(tokens)
        for at in range(len(decided) - 1, -1, -1):  # what follows decides, so from the end
            decided[at] = self._decide(decided, at)
        for token in decided:
            if "style" in token.senses and "effect" not in token.senses:
                self.style = self.style or cast(Style, token.senses["style"])
            elif set(token.senses) != {"filler"} or token.text in PRONOUNS:
                self.tokens.append(token)

    def is_thing(self, at: int) -> bool:
        """Whether token `at` is a noun, known or not."""
        token = self.tokens[at]
        return bool(token.concept_ids) or (not token.senses and _is_word(token))

    def is_text(self, at: int) -> bool:
        """Whether token `at` stands for the lettering."""
        return "text" in self.tokens[at].senses and self._has_lettering

    def is_worn(self, token: Token) -> bool:
        """Whether the thing is worn: "in a red hat"."""
        concepts = self._lexicon.concepts
        return any("cloth" in concepts[identity].group for identity in token.concept_ids[:1])

    def _decide(self, tokens: Sequence[Token], at: int) -> Token:
        token, senses = tokens[at], token_senses(tokens[at])
        before = tokens[at - 1] if at > 0 else None
        noun_follows = _noun_follows(tokens, at)
        if self._has_lettering and "effect" in senses:
            if not {"color", "material"} & set(senses) and not (noun_follows and "style" in senses):
                self.effects.append(senses["effect"])
                return replace(token, concept_ids=(), senses={"filler": "effect"})
        elif "effect" in senses:
            senses.pop("effect")
            if not senses and not token.concept_ids:
                senses["filler"] = "effect"
        if "text" in senses and not self._has_lettering:
            senses.pop("text")
            if not senses and not token.concept_ids:
                senses["filler"] = "text"
        if token.text.startswith("#") and len(token.text) in (4, 7):
            return replace(token, senses={"color": token.text})
        if token.text.isdecimal() and len(token.text) < 5:
            return replace(token, concept_ids=(), senses={"number": str(int(token.text) or 1)})
        if not senses:
            if not token.concept_ids and _is_word(token) and not _is_content(token):
                return replace(token, senses={"filler": "word"})
            return replace(token, senses={})
        counted = before is not None and bool({"number", "measure", "the"} & set(before.senses))
        if "measure" in senses:
            if counted and (noun_follows or not token.concept_ids):
                return replace(token, concept_ids=(), senses={"measure": senses["measure"]})
            senses.pop("measure")
            if not senses and not token.concept_ids:
                senses["filler"] = "measure"
        if not token.concept_ids:
            return replace(token, senses=senses)
        after = tokens[at + 1].senses if at + 1 < len(tokens) else {}
        object_follows = noun_follows or bool({"the", "number"} & set(after))
        return self._word_or_thing(token, senses, before, noun_follows, counted, object_follows)

    def _word_or_thing(
        self,
        token: Token,
        senses: dict[str, str],
        before: Token | None,
        noun_follows: bool,
        counted: bool,
        object_follows: bool,
    ) -> Token:
        thing, word = replace(token, senses={}), replace(token, concept_ids=(), senses=senses)
        if not set(senses) - {"too"}:
            return thing
        described = before is not None and bool(
            {"color", "material", "number", "measure", "the", "de"} & set(before.senses)
        )
        if {"color", "material"} & set(senses):
            if "too" not in senses and not self._lexicon.is_name(token):
                return word
            if noun_follows or (
                before is not None and {"be", "shade", "made"} & set(before.senses)
            ):
                return word
            after_noun = before is not None and bool(before.concept_ids) and not before.senses
            return word if after_noun and not counted else thing
        if "scene" in senses:
            return thing
        if "filler" in senses or "style" in senses or "shade" in senses:
            return thing if self._lexicon.is_name(token) and not noun_follows else word
        if set(senses) <= {"text", "effect"}:
            return thing if not self._has_lettering else word
        is_verb_too = {"put", "take", "decorate", "give", "draw", "change", "use"} & set(senses)
        if is_verb_too and (counted or described or (before is None and not object_follows)):
            return thing
        return word


def token_senses(token: Token) -> dict[str, str]:
    """A copy of the senses, to take from."""
    return dict(token.senses)


def _noun_follows(tokens: Sequence[Token], at: int) -> bool:
    """Whether a noun that the token describes comes, after nothing but other describing words."""
    for token in tokens[at + 1 :]:
        if token.concept_ids or (not token.senses and _is_word(token)):
            return True
        if not {"color", "material", "shade", "filler", "de", "measure", "number", "making", "style",
                "text"} & set(token.senses):  # fmt: skip
            return token.text == PLACEHOLDER
        if {"number", "the"} & set(token.senses) and token.text.isascii():
            return False
    return False


def _is_word(token: Token) -> bool:
    return any(char.isalpha() for char in token.text) or is_chinese(token.text)


def _is_content(token: Token) -> bool:
    """Whether an unknown word may name a thing: not an adverb, a letter, a number with a unit."""
    text = token.text
    if is_chinese(text):
        return True
    if len(text) < 3 or any(char.isdigit() for char in text):
        return False
    return not (text.endswith("ly") and len(text) > 5)


def _merge_unknown(tokens: Sequence[Token]) -> list[Token]:
    """Join what was cut too finely: 火龙果 is not fire, dragon and fruit when nobody knows it."""
    merged: list[Token] = []
    at = 0
    while at < len(tokens):
        end = at
        while end < len(tokens) and _is_crumb(tokens[end]):
            if end > at and tokens[end].start != tokens[end - 1].end:
                break
            end += 1
        run = tokens[at:end]
        if len(run) > 1 or (run and not run[0].known):
            text = "".join(token.text for token in run)
            merged.append(Token(run[0].start, run[-1].end, text))
            at = end
        else:
            merged.append(tokens[at])
            at += 1
    return merged


def _is_crumb(token: Token) -> bool:
    return len(token.text) == 1 and is_chinese(token.text) and not token.senses


def _first_ending(rest: str, lexicon: Lexicon) -> int:
    """Where the known thing that ends `rest` begins, or its length when it does not end so."""
    tokens = lexicon.tokens(rest)
    if not tokens or not tokens[-1].concept_ids:
        return len(rest)
    return 0 if all(token.known for token in tokens) else len(rest)


def _choose(things: Sequence[Thing]) -> tuple[list[Thing], list[Thing]]:
    """Subjects, known or not, and known things that are in the picture already."""
    nouns = [thing for thing in things if not thing.is_lettering and thing.role != "not"]
    for role in ("object", "plain", "target", "ground"):
        subjects = [thing for thing in nouns if thing.role == role]
        if subjects:
            others = [thing for thing in nouns if thing.role != role and thing.token.concept_ids]
            return subjects, others
    return [], []


def _color(look: Look) -> tuple[str | None, Rgb | None]:
    name = look.color
    if name is None:
        return None, None
    if name.startswith("#"):
        return name, hex_rgb(name)
    if look.shade is None:
        return name, vocabulary().colors[name]
    shaded = f"{look.shade} {name}"
    return shaded, vocabulary().colors.get(shaded) or shade(vocabulary().colors[name], look.shade)


def _subject(thing: Thing, text: str, lexicon: Lexicon) -> Subject:
    token, look = thing.token, thing.look
    color, rgb = _color(look)
    paired = lexicon.concepts[token.concept_ids[0]].name_en.endswith("s")
    count = look.number or (3 if token.plural else 1)
    if look.pair and not paired:
        count *= 2
    return Subject(
        concept_ids=token.concept_ids,
        word=text[token.start : token.end],
        color=color,
        rgb=rgb,
        material=look.material,
        count=max(1, min(count, MAX_COUNT)),
    )


def _lettering(
    text: str, parse: Parse, roles: _Roles, subjects: Sequence[Thing]
) -> LetteringRequest:
    look = Look()
    for thing in parse.things:
        if thing.is_lettering:
            look.update(thing.look, override=False)
    if not subjects:
        look.update(parse.loose, override=False)
    wanted = {*roles.effects, *look.effects}
    _, rgb = _color(look)
    return LetteringRequest(
        text=text, color=rgb, effects=tuple(effect for effect in EFFECTS if effect in wanted)
    )
