"""What each relation word does to a walk over a prompt: which role the next things get.

A handler is named after the role that `words.txt` gives to the word.
"""

from __future__ import annotations

from collections.abc import Sequence

from overpaint.concepts.grammar import Look, Parse, Role, State
from overpaint.concepts.lexicon import Token

#: In the order in which they count when a word has several.
RELATIONS = (
    "remove", "not", "instead", "butbe", "into", "change", "replace", "putat", "put", "draw",
    "swapin", "decorate", "exist", "take", "use", "give", "let", "ba", "zai", "place", "at",
    "to", "for", "of",
)  # fmt: skip
PRONOUNS = frozenset(
    ["me", "him", "it", "them", "us", "her", "我", "它", "他", "她", "我们", "它们", "他们"]
)


class Relations:
    """What a walk remembers, and how relation words change it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._state = State()
        self._look = Look()  # what was said and waits for its noun
        self._parse = Parse()
        self._last_noun = -9  # index of the token of the last thing
        #: Kind of relation to what it does about the background: "add" or "replace".
        self._actions: dict[str, str] = {}

    def _relate(self, name: str, at: int, value: str) -> None:
        getattr(self, f"_on_{name}")(at, value)

    def _next_is_definite(self, at: int) -> bool:
        for token in self._tokens[at + 1 : at + 4]:
            if "the" in token.senses:
                return True
            if "number" in token.senses:
                return False
        return False

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
        if not self._named(max(state.head_from, state.ba_from or 0), "plain", "object"):
            state.before_relative = state.once or state.role
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
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if self._tokens[at].text == "paint" and following is not None:
            self._state.painting = "the" in following.senses or following.text in PRONOUNS

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
        state = self._state
        state.role, state.once, state.gives = "object", "ground", True
        state.head_from = len(self._parse.things)

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
        before = self._tokens[at - 1].senses if at > 0 else {}
        things = self._parse.things
        noun_at = self._last_noun
        if noun_at == at - 1 or (noun_at == at - 2 and ("de" in before or "scene" in before)):
            if things and things[-1].role != "not":
                things[-1].role = "ground"
        elif not {"scene", "place", "de"} & set(before) and len(self._tokens[at].text) < 2:
            return  # 左, 上 alone say too little
        if self._state.once == "ground":
            self._state.once = None
        self._actions.setdefault("at", "replace" if value == "in" else "add")

    def _on_at(self, at: int, value: str) -> None:
        state = self._state
        if value == "in" and state.awaits_in:
            state.role, state.once, state.awaits_in = "object", None, False
            return
        placed = self._named(state.sentence_from, "plain", "object")
        if value == "beside" and placed and state.role == "plain" and "at" not in self._actions:
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
