"""Which of its meanings a word of a prompt has, decided by its place.

"an orange cat" has a colour, "a cat and an orange" a fruit; 一把椅子 a measure, 把椅子换成 a verb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from overpaint.concepts.lexicon import Lexicon, Token
from overpaint.concepts.nearest import is_chinese
from overpaint.concepts.numbers import written
from overpaint.concepts.quotes import PLACEHOLDER
from overpaint.concepts.relations import PRONOUNS
from overpaint.concepts.vocabulary import Senses
from overpaint.values import Style


class Roles:
    """Which of its meanings each token has, by its place."""

    def __init__(self, tokens: Sequence[Token], lexicon: Lexicon, has_lettering: bool) -> None:
        self._lexicon = lexicon
        self.style: Style | None = None
        self.effects: list[str] = []
        self.vertical: bool | None = None
        self.names_color = any("hue" in token.senses for token in tokens)  # 换个颜色
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
        return any(
            "cloth" in concepts[identity].group or concepts[identity].placement.startswith("worn")
            for identity in token.concept_ids[:1]
        )

    def _decide(self, tokens: Sequence[Token], at: int) -> Token:
        token, senses = tokens[at], dict(tokens[at].senses)
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
        if "layout" in senses and self._has_lettering:
            self.vertical = senses["layout"] == "vertical"
        if "layout" in senses:
            return replace(token, concept_ids=(), senses={"filler": "layout"})
        if "hue" in senses:
            return replace(token, concept_ids=(), senses={"filler": "hue"})
        if "text" in senses and not self._has_lettering:
            senses.pop("text")
            if not senses and not token.concept_ids:
                senses["filler"] = "text"
        if token.text.startswith("#") and len(token.text) in (4, 7):
            return replace(token, senses={"color": token.text})
        if token.text.isdecimal():
            return replace(token, concept_ids=(), senses=_number(tokens, at, noun_follows))
        after = tokens[at + 1].senses if at + 1 < len(tokens) else {}
        if set(senses) <= {"too"}:
            if _is_verb(token, before) and {"the", "number"} & set(after):
                return replace(token, senses={"at": "on"})  # "an octopus attacking the ship"
            if not token.concept_ids and _is_word(token) and not _is_content(token):
                return replace(token, senses={"filler": "word"})
            return replace(token, senses={})
        if "material" in senses and "de" in after and not noun_follows:  # 换成木头的
            return replace(token, concept_ids=(), senses=senses)
        counted = before is not None and bool({"number", "measure", "the"} & set(before.senses))
        if "measure" in senses:
            if counted and (noun_follows or not token.concept_ids):
                return replace(token, concept_ids=(), senses={"measure": senses["measure"]})
            senses.pop("measure")
            if not senses and not token.concept_ids:
                senses["filler"] = "measure"
        if not token.concept_ids:
            return replace(token, senses=senses)
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
        if set(senses) == {"shade"} and not noun_follows:
            return thing
        if "filler" in senses or "style" in senses or "shade" in senses:
            return thing if self._lexicon.is_name(token) and not noun_follows else word
        if set(senses) <= {"text", "effect"}:
            return thing if not self._has_lettering else word
        is_verb_too = {"put", "take", "decorate", "give", "draw", "change", "use"} & set(senses)
        if is_verb_too and (counted or described or (before is None and not object_follows)):
            return thing
        return word


_DESCRIBING = frozenset(
    ("color", "material", "shade", "filler", "de", "measure", "number", "making", "style", "text")
)


#: A number before these does not count things: "a 20 year old cat", "100% cotton".
_MEASURED_IN = frozenset([
    "year", "years", "old", "percent", "%", "dollar", "dollars", "inch", "inches", "cm", "mm", "m",
    "km", "ft", "px", "degree", "degrees", "°", "岁", "年", "元", "度", "号", "月", "日", "楼",
    "点", "厘米", "米", "英寸", "像素",
])  # fmt: skip
_FEW = 99  # a larger number counts things only right before them: not "a castle, 2024"


def _number(tokens: Sequence[Token], at: int, noun_follows: bool) -> Senses:
    """What a number in digits means: a count, none, or nothing about things."""
    value = int(tokens[at].text[:13])
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    counts = noun_follows or (following is not None and "measure" in following.senses)
    if (following is not None and following.text in _MEASURED_IN) or (
        not counts and not 0 < value <= _FEW
    ):
        return {"filler": "number"}
    return {"number": written(value)} if value else {"not": "not"}


_LOOK_AHEAD = 16  # words; no noun phrase is longer


def _noun_follows(tokens: Sequence[Token], at: int) -> bool:
    """Whether a noun that the token describes comes, after nothing but other describing words."""
    for token in tokens[at + 1 : at + 1 + _LOOK_AHEAD]:
        if token.concept_ids or (not token.senses and _is_word(token)):
            return True
        if not _DESCRIBING & set(token.senses):
            return token.text == PLACEHOLDER
        if {"number", "the"} & set(token.senses) and token.text.isascii():
            return False
    return False


def _is_word(token: Token) -> bool:
    return any(char.isalpha() for char in token.text) or is_chinese(token.text)


def _is_verb(token: Token, before: Token | None) -> bool:
    """Whether an unknown English word between a noun and "the" or "a" is what the noun does."""
    unknown = not token.concept_ids and token.text.endswith("ing") and len(token.text) > 5
    return unknown and before is not None and bool(before.concept_ids)


def _is_content(token: Token) -> bool:
    """Whether an unknown word may name a thing: not an adverb, a letter, a number with a unit."""
    text = token.text
    if is_chinese(text):
        return True
    if len(text) < 3 or any(char.isdigit() for char in text):
        return False
    return not (text.endswith("ly") and len(text) > 5)


def merge_unknown(tokens: Sequence[Token], lexicon: Lexicon) -> list[Token]:
    """Join what was cut too finely: 火龙果 is not fire, dragon and fruit when nobody knows it.

    The last character of such a word mostly names its kind: 牛仔帽 is a 帽. With beasts it does
    not: 天牛 is no 牛. So the kind is kept as the meaning of the word unless it is alive.
    """
    merged: list[Token] = []
    at = 0
    while at < len(tokens):
        end = at
        while end < len(tokens) and _is_crumb(tokens[end]):
            if end > at and tokens[end].start != tokens[end - 1].end:
                break
            end += 1
        run = list(tokens[at:end])
        if not any(not token.senses for token in run):
            run = []  # places only
        elif len(run) == 1 and not run[0].known and merged and _is_short_word(merged[-1], run[0]):
            run.insert(0, merged.pop())  # 长椅, 黑板
        if len(run) > 1 or (run and not run[0].known):
            text = "".join(token.text for token in run)
            kind = run[-1].concept_ids if len(run) > 1 and not run[-1].senses else ()
            if kind and lexicon.concepts[kind[0]].group.startswith(_ALIVE):
                kind = ()
            merged.append(Token(run[0].start, run[-1].end, text, kind, {}, guessed=True))
            at = end
        else:
            merged.append(tokens[at])
            at += 1
    return merged


_ALIVE = ("animal", "person", "face", "cat", "monkey")


def _is_crumb(token: Token) -> bool:
    if len(token.text) != 1 or not is_chinese(token.text):
        return False
    return not token.senses or token.senses.get("scene") == "scene"


def _is_short_word(before: Token, token: Token) -> bool:
    """Whether `before` is one descriptive character that may begin a word with `token`."""
    describing = {"filler", "color", "material", "shade", "effect", "too"}
    roles = set(before.senses)
    return (
        bool(roles) and roles <= describing and len(before.text) == 1 == token.start - before.start
    )
