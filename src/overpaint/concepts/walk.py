"""The walk over the tokens of a prompt: nouns, what is said of them, and the relations between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from overpaint.concepts.grammar import Look, Parse, State, Thing
from overpaint.concepts.lexicon import Token
from overpaint.concepts.quotes import PLACEHOLDER
from overpaint.concepts.relations import PRONOUNS, RELATIONS, Relations

_ATTRIBUTES = ("color", "material", "shade", "effect")
_HARD_BREAKS = frozenset(".。;；!！?？\n")
_SOFT_BREAKS = frozenset(",，:：()（）[]【】/|~…—")


class Walk(Relations):
    """One walk; `is_thing(i)` says whether token i is a noun, `wears(token)` whether it is worn."""

    def __init__(
        self,
        tokens: Sequence[Token],
        is_thing: Callable[[int], bool],
        is_text: Callable[[int], bool],
        wears: Callable[[Token], bool],
    ) -> None:
        super().__init__(tokens)
        self._is_thing = is_thing
        self._is_text = is_text
        self._wears = wears

    def run(self) -> Parse:
        """Read all tokens."""
        for at in range(len(self._tokens)):
            self._step(at)
        self._end_sentence()
        order = ("remove", "into", "put", "take", "at")
        kind = next((self._actions[key] for key in order if key in self._actions), "replace")
        self._parse.action = "add" if kind == "add" else "replace"
        self._parse.gives_way = bool({"into", "remove"} & self._actions.keys())
        return self._parse

    # --- one token ---

    def _step(self, at: int) -> None:
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
            return
        elif "be" in senses:
            self._flush()
        elif senses:
            self._relation(at, token)

    def _relation(self, at: int, token: Token) -> None:
        senses = token.senses
        for name in RELATIONS:
            if name in senses:
                if name != "place":
                    self._flush()
                self._relate(name, at, senses[name])
                return
        if senses.get("scene") in ("in", "on"):
            self._actions.setdefault("at", "replace" if senses["scene"] == "in" else "add")
        nameless = "scene" in senses or token.text in PRONOUNS
        if nameless and not self._owner_follows(at):
            self._state.once = None

    def _thing(self, at: int) -> None:
        token, state, things = self._tokens[at], self._state, self._parse.things
        if token.guessed or not token.known:
            self._parse.unknown.append(token)
        if state.role == "target" and state.awaits_into and self._follows_noun(at):
            self._on_into(at, "replace")  # "make the apple a banana"
        described_by = self._scene_before(at)
        compound = things and self._last_noun == at - 1 and self._touches(at)
        if compound:  # "dog sweater": the first noun only describes the second
            before = things.pop()
            role = before.role
            described_by = before.described_by or before.token
            before.look.update(self._look, override=False)
            self._look = before.look
        else:
            role = state.once or state.role
            relative = state.before_relative is not None and state.role == "object"
            if self._owner_follows(at) and not (relative and state.once is None):
                role = "ground" if role != "not" else role
            else:
                if state.gives:
                    state.recipient, state.gives = at, False
                state.last_at, state.once = state.once, None
        if role == "object" and state.taking is not None:
            self._actions.setdefault("take", state.taking)
        thing = Thing(token, role, self._look, described_by=described_by)
        self._look = Look()
        things.append(thing)
        self._last_noun = at
        if state.awaits_worn and role == "ground" and self._wears(token):  # "a man in a black hat"
            thing.role = "object"
            self._actions.setdefault("take", "add")
        state.awaits_worn = False
        follower = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        relative_ends = follower is not None and "de" in follower.senses and role == "object"
        if relative_ends and state.before_relative is not None:
            state.role, state.before_relative = state.before_relative, None

    def _lettering(self, token: Token) -> None:
        self._parse.things.append(Thing(token, "plain", self._look, is_lettering=True))
        self._look = Look()
        self._last_noun = -9

    def _attribute(self, token: Token) -> None:
        senses, look = token.senses, self._look
        if "number" in senses:
            look.vague = senses["number"] == "some"
            look.number = 3 if look.vague else int(senses["number"].rstrip("+"))
            look.at_least = senses["number"].endswith("+")
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
        if self._state.overriding or self._state.painting:
            self._parse.becomes.update(look, override=True)
            if self._state.painting and things[self._state.sentence_from :]:
                things[-1].role = "target"
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
        self._state = State(head_from=len(things), sentence_from=len(things))

    def _owner_follows(self, at: int) -> bool:
        """Whether 的 or 's and another noun come next: an owner is not what is asked for."""
        tokens = self._tokens
        if at + 1 >= len(tokens) or not {"de", "own"} & set(tokens[at + 1].senses):
            return False
        if "own" in tokens[at + 1].senses:
            return True
        for later in range(at + 2, min(at + 12, len(tokens))):
            if self._is_thing(later):
                return True
            describing = {*_ATTRIBUTES, "filler", "number", "measure", "the"}
            if not describing & set(tokens[later].senses):
                return False
        return False

    def _touches(self, at: int) -> bool:
        """Whether only a space parts token `at` from the one before; a recipient is apart."""
        before = self._tokens[at - 1]
        return self._tokens[at].start - before.end <= 1 and self._state.recipient != at - 1

    def _scene_before(self, at: int) -> Token | None:
        """The name of a scene that describes English token `at`: "beach ball"."""
        before = self._tokens[at - 1] if at > 0 else None
        if before is None or not before.text.isascii() or before.senses.get("scene") != "scene":
            return None
        return before if self._touches(at) else None

    def _follows_noun(self, at: int) -> bool:
        """Whether "a" and words that describe are all that parts token `at` from the last noun."""
        between = self._tokens[max(self._last_noun, -1) + 1 : at]
        described = all({*_ATTRIBUTES, "number"} & set(token.senses) for token in between)
        return self._last_noun >= 0 and described and self._look.number == 1

    def _and(self, at: int) -> None:
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if following is not None and set(_ATTRIBUTES) & set(following.senses) and self._look.color:
            return  # "a red and white hat"
        self._flush()
        if self._state.last_at is not None and following is not None:
            self._state.once = None if "number" in following.senses else self._state.last_at
