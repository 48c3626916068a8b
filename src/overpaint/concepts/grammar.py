"""Which thing of a prompt stands in which relation: a walk over its tokens with little memory.

Every thing gets a role. "object": asked for by a verb or preposition (戴着 B, wearing B, 换成 B, add B).
"plain": merely named. "target": what is changed or replaced. "ground": where something is, or whose.
"not": not wanted. What belongs in the mask is the best role that occurs, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from overpaint.concepts.lexicon import Token
from overpaint.concepts.quotes import PLACEHOLDER

Role = Literal["object", "plain", "target", "ground", "not"]
_ATTRIBUTES = ("color", "material", "shade", "effect")
_HARD_BREAKS = frozenset(".。;；!！?？\n")
_SOFT_BREAKS = frozenset(",，:：()（）[]【】/|~…—")
PRONOUNS = frozenset(
    ["me", "him", "it", "them", "us", "her", "我", "它", "他", "她", "我们", "它们", "他们"]
)


@dataclass
class Look:
    """What is said of a thing; filled while its noun is awaited."""

    color: str | None = None
    shade: str | None = None
    material: str | None = None
    number: int | None = None
    pair: bool = False
    definite: bool = False
    effects: list[str] = field(default_factory=list)

    def update(self, later: Look, *, override: bool) -> None:
        """Take from `later` what is missing here, or everything that it has."""
        if later.color is not None and (override or self.color is None):
            self.color, self.shade = later.color, later.shade
        if later.material is not None and (override or self.material is None):
            self.material = later.material
        if later.number is not None and self.number is None:
            self.number, self.pair = later.number, later.pair
        self.effects.extend(later.effects)


@dataclass
class Thing:
    """A noun of the prompt: known (with ids), unknown (without), or the lettering."""

    token: Token
    role: Role
    look: Look
    is_lettering: bool = False


@dataclass
class Parse:
    """What a walk over the tokens found."""

    things: list[Thing] = field(default_factory=list)
    action: Literal["add", "replace"] = "replace"
    loose: Look = field(default_factory=Look)  # said of nothing in particular
    unknown: list[Token] = field(default_factory=list)


@dataclass
class _State:
    """What the walk remembers."""

    role: Role = "plain"  # of the next things
    once: Role | None = None  # of the next thing only
    before_relative: Role | None = None  # what the noun after 的 goes back to: 戴着眼镜的[狗]
    awaits_into: bool = False  # "replace A", "turn A": with, into, to, for bring B
    awaits_for: bool = False  # "substitute B": for brings A
    awaits_in: bool = False  # "dress A": in brings B
    taking: str | None = None  # what 戴着, with do about the background once they take a thing
    awaits_worn: bool = False  # "a man in": a garment is asked for, another thing is where he is
    head_from: int = 0  # things before this one head no relative clause
    ba_from: int | None = None  # first thing after 把
    sentence_from: int = 0
    replaced_from: int | None = None  # "B replaces A": B is before this thing
    last_at: Role | None = None
    overriding: bool = False  # what is said now replaces what was said: 换成蓝色的


class Walk:
    """One walk; `is_thing(i)` says whether token i is a noun, `wears(token)` whether it is worn."""

    def __init__(
        self,
        tokens: Sequence[Token],
        is_thing: Callable[[int], bool],
        is_text: Callable[[int], bool],
        wears: Callable[[Token], bool],
    ) -> None:
        self._tokens = tokens
        self._is_thing = is_thing
        self._is_text = is_text
        self._wears = wears
        self._state = _State()
        self._look = Look()
        self._actions: dict[str, str] = {}
        self._parse = Parse()
        self._last_noun = -9  # index of the token of the last thing

    def run(self) -> Parse:
        """Read all tokens."""
        at = 0
        while at < len(self._tokens):
            at += self._step(at)
        self._end_sentence()
        order = ("remove", "into", "put", "take", "at")
        kind = next((self._actions[key] for key in order if key in self._actions), "replace")
        self._parse.action = "add" if kind == "add" else "replace"
        return self._parse

    # --- one token ---

    def _step(self, at: int) -> int:
        token = self._tokens[at]
        senses = token.senses
        if token.text == PLACEHOLDER or self._is_text(at):
            self._lettering(token)
        elif self._is_thing(at):
            self._thing(at)
        elif any(name in senses for name in (*_ATTRIBUTES, "number", "measure", "pair", "the")):
            self._attribute(token)
        elif token.text in _HARD_BREAKS:
            self._end_sentence()
        elif token.text in _SOFT_BREAKS:
            self._flush()
            self._state.once = None
            if self._state.role in ("ground", "target", "not"):
                self._state.role = "plain"
        elif token.text in "、&+" or "and" in senses:
            self._and(at)
        elif "own" in senses or "de" in senses:
            pass
        elif "be" in senses:
            self._flush()
        elif senses:
            self._relation(at, token)
        return 1

    def _relation(self, at: int, token: Token) -> None:
        senses = token.senses
        for name in (
            "remove", "not", "instead", "butbe", "into", "change", "replace", "putat", "put", "draw",
            "swapin", "decorate", "exist", "take", "use", "give", "let", "ba", "zai", "place", "at",
            "to", "for", "of",
        ):  # fmt: skip
            if name in senses:
                if name != "place":
                    self._flush()
                getattr(self, f"_on_{name}")(at, senses[name])
                return
        if senses.get("scene") in ("in", "on"):
            self._actions.setdefault("at", "replace" if senses["scene"] == "in" else "add")
        if ("scene" in senses or token.text in PRONOUNS) and self._state.once:
            if not self._owner_follows(at):
                self._state.once = None

    def _thing(self, at: int) -> None:
        token, state, things = self._tokens[at], self._state, self._parse.things
        if not token.known:
            self._parse.unknown.append(token)
        if state.role == "target" and state.awaits_into and self._follows_noun(at):
            self._on_into(at, "replace")  # "make the apple a banana"
        compound = self._last_noun == at - 1 and things and state.last_at != "ground"
        if compound:  # "dog sweater": the first noun only describes the second
            before = things.pop()
            role = before.role
            before.look.update(self._look, override=False)
            self._look = before.look
        else:
            role = state.once or state.role
            relative = state.before_relative is not None and state.role == "object"
            if self._owner_follows(at) and not (relative and state.once is None):
                role = "ground" if role != "not" else role
            else:
                state.last_at, state.once = state.once, None
        if role == "object" and state.taking is not None:
            self._actions.setdefault("take", state.taking)
        thing = Thing(token, role, self._look)
        self._look = Look()
        things.append(thing)
        self._last_noun = at
        if state.awaits_worn and role == "ground" and self._wears(token):  # "a man in a black hat"
            thing.role = "object"
            self._actions.setdefault("take", "add")
        state.awaits_worn = False
        follower = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if follower is not None and "de" in follower.senses and state.before_relative is not None:
            if role == "object":
                state.role, state.before_relative = state.before_relative, None

    def _lettering(self, token: Token) -> None:
        self._parse.things.append(Thing(token, "plain", self._look, is_lettering=True))
        self._look = Look()
        self._last_noun = -9

    def _attribute(self, token: Token) -> None:
        senses, look = token.senses, self._look
        if "number" in senses:
            look.number = int(senses["number"])
        elif "pair" in senses:
            look.number, look.pair = look.number or 1, True
        elif "measure" in senses:
            look.number = look.number or 1
            look.pair = senses["measure"] == "2"
        elif "the" in senses:
            look.definite = True
        else:
            if "shade" in senses:
                look.shade = senses["shade"]
            if "color" in senses and look.color is None:
                look.color = senses["color"]
            if "material" in senses and look.material is None:
                look.material = senses["material"]
            if "effect" in senses:
                look.effects.append(senses["effect"])

    def _flush(self) -> None:
        """What was said and found no noun after it belongs to the noun before."""
        look, self._look = self._look, Look()
        things = self._parse.things
        if look == Look():
            return
        if len(things) > self._state.sentence_from:
            things[-1].look.update(look, override=self._state.overriding)
        else:
            self._parse.loose.update(look, override=False)

    def _end_sentence(self) -> None:
        self._flush()
        state, things = self._state, self._parse.things
        if state.awaits_into and state.replaced_from is not None:  # "B replaces A"
            sentence = things[state.sentence_from :]
            if not any(thing.role == "object" for thing in sentence):
                for thing in things[state.sentence_from : state.replaced_from]:
                    if thing.role == "plain":
                        thing.role = "object"
        self._state = _State(head_from=len(things), sentence_from=len(things))

    def _owner_follows(self, at: int) -> bool:
        """Whether 的 or 's and another noun come next: the owner is no part of what is asked for."""
        tokens = self._tokens
        if at + 1 >= len(tokens) or not {"de", "own"} & set(tokens[at + 1].senses):
            return False
        if "own" in tokens[at + 1].senses:
            return True
        for later in range(at + 2, len(tokens)):
            if self._is_thing(later):
                return True
            if not {*_ATTRIBUTES, "filler", "number", "measure", "the"} & set(tokens[later].senses):
                return False
        return False

    def _follows_noun(self, at: int) -> bool:
        """Whether "a" and words that describe are all that parts token `at` from the last noun."""
        between = self._tokens[max(self._last_noun, -1) + 1 : at]
        described = all({*_ATTRIBUTES, "number"} & set(token.senses) for token in between)
        return self._last_noun >= 0 and described and self._look.number == 1

    def _next_is_definite(self, at: int) -> bool:
        for token in self._tokens[at + 1 : at + 4]:
            if "the" in token.senses:
                return True
            if "number" in token.senses:
                return False
        return False

    def _and(self, at: int) -> None:
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if following is not None and set(_ATTRIBUTES) & set(following.senses) and self._look.color:
            return  # "a red and white hat"
        self._flush()
        if self._state.last_at is not None and following is not None:
            self._state.once = None if "number" in following.senses else self._state.last_at

    # --- relations ---

    def _since(self, first: int, was: Role, becomes: Role) -> None:
        for thing in self._parse.things[first:]:
            if thing.role == was and not thing.is_lettering:
                thing.role = becomes

    def _named(self, first: int, *roles: Role) -> bool:
        return any(
            thing.role in roles and not thing.is_lettering for thing in self._parse.things[first:]
        )

    def _on_take(self, at: int, value: str) -> None:
        """戴着, wearing, with: the object is what comes next; before a noun it waits for 的."""
        state = self._state
        if self._tokens[at].text in ("with", "by") and state.awaits_into:
            self._on_into(at, "replace")
            return
        state.taking = value
        headless = not self._named(max(state.head_from, state.ba_from or 0), "plain", "object")
        if state.once is not None or headless:
            state.before_relative = state.once or state.role
            if state.once == "ground" and not headless:
                state.before_relative = state.role
        state.role, state.once = "object", None

    def _on_exist(self, at: int, value: str) -> None:
        """桌上有: like 戴着, but where it is decides about the background."""
        if "at" in self._actions:
            self._state.role, self._state.once = "object", None
        else:
            self._on_take(at, value)

    def _on_into(self, at: int, value: str) -> None:
        state = self._state
        self._actions.setdefault("into", value)
        self._since(state.sentence_from, "plain", "target")
        if state.ba_from is not None:
            self._since(state.ba_from, "object", "target")
        state.role, state.once, state.overriding = "object", None, True
        state.awaits_into, state.before_relative = False, None

    def _on_change(self, at: int, value: str) -> None:
        state = self._state
        self._since(state.sentence_from, "plain", "target")
        state.role, state.once, state.awaits_into, state.overriding = "target", None, True, True

    def _on_replace(self, at: int, value: str) -> None:
        state = self._state
        self._actions.setdefault("into", value)
        if state.ba_from is not None:
            self._since(state.ba_from, "plain", "target")
        state.replaced_from = len(self._parse.things)
        state.role, state.once, state.awaits_into = "target", None, True

    def _on_put(self, at: int, value: str) -> None:
        state = self._state
        self._actions.setdefault("put", value)
        if state.ba_from is not None:
            self._since(state.ba_from, "plain", "object")
        state.role, state.once, state.head_from = "object", None, len(self._parse.things)
        state.before_relative = None

    def _on_putat(self, at: int, value: str) -> None:
        self._actions.setdefault("put", value)
        self._since(self._state.sentence_from, "plain", "object")
        self._state.role, self._state.once = "object", "ground"

    def _on_draw(self, at: int, value: str) -> None:
        self._state.role, self._state.once = "plain", None
        self._state.head_from = len(self._parse.things)

    def _on_swapin(self, at: int, value: str) -> None:
        self._actions.setdefault("into", value)
        self._state.role, self._state.awaits_for = "object", True

    def _on_decorate(self, at: int, value: str) -> None:
        state = self._state
        self._actions.setdefault("take", value)
        state.role, state.once, state.awaits_in = "ground", None, True

    def _on_use(self, at: int, value: str) -> None:
        self._state.role, self._state.once = "object", None

    def _on_give(self, at: int, value: str) -> None:
        if self._state.awaits_into:  # 替换苹果为香蕉
            self._on_into(at, "replace")
            return
        self._actions.setdefault("take", "add")
        self._state.role, self._state.once = "object", "ground"
        self._state.head_from = len(self._parse.things)

    def _on_let(self, at: int, value: str) -> None:
        self._state.once = "ground"

    def _on_ba(self, at: int, value: str) -> None:
        self._state.ba_from = len(self._parse.things)
        self._state.role = "plain"

    def _on_remove(self, at: int, value: str) -> None:
        state = self._state
        self._actions.setdefault("remove", "replace")
        if state.ba_from is not None:
            self._since(state.ba_from, "plain", "target")
        state.role, state.once = "target", None

    def _on_not(self, at: int, value: str) -> None:
        self._state.once = "not"

    def _on_instead(self, at: int, value: str) -> None:
        self._actions.setdefault("into", "replace")
        self._since(self._state.sentence_from, "plain", "object")
        self._state.role, self._state.once = "ground", None

    def _on_butbe(self, at: int, value: str) -> None:
        self._actions.setdefault("into", "replace")
        self._state.role, self._state.once = "object", None

    def _on_zai(self, at: int, value: str) -> None:
        self._state.once = "ground"

    def _on_place(self, at: int, value: str) -> None:
        """上, 旁边: the noun before is where."""
        before = self._tokens[at - 1] if at > 0 else None
        if before is None:
            return
        things = self._parse.things
        if self._last_noun in (at - 1, at - 2) and (
            self._last_noun == at - 1 or "de" in before.senses or "scene" in before.senses
        ):
            if things[-1].role != "not":
                things[-1].role = "ground"
        elif not {"scene", "place", "de"} & set(before.senses):
            return
        if self._state.once == "ground":
            self._state.once = None
        self._actions.setdefault("at", "replace" if value == "in" else "add")

    def _on_at(self, at: int, value: str) -> None:
        state = self._state
        if value == "in" and state.awaits_in:
            state.role, state.once, state.awaits_in = "object", None, False
            return
        placed = self._named(state.sentence_from, "plain", "object")
        if value == "beside" and placed and state.role == "plain":
            last = self._parse.things[-1]
            if last.look.definite or not self._next_is_definite(at):
                self._actions.setdefault("at", "add")
                state.once = "object"
                return
        state.once = "ground"
        state.awaits_worn = value == "in" and placed and state.role == "plain"
        self._actions.setdefault("at", "replace" if value == "in" else "add")

    def _on_to(self, at: int, value: str) -> None:
        if self._state.awaits_into:
            self._on_into(at, "replace")
        elif self._state.role == "object":
            self._state.once = "ground"

    def _on_for(self, at: int, value: str) -> None:
        state = self._state
        if state.awaits_for:
            state.role, state.once = "target", None
        elif state.awaits_into:
            self._on_into(at, "replace")
        else:
            state.once = "ground"

    def _on_of(self, at: int, value: str) -> None:
        if self._parse.things:
            self._state.once = "ground"
