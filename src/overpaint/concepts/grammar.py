"""What a prompt says, as a walk over its words finds it: things, their look, their role.

Roles, strongest first. "object": asked for by a verb or preposition (戴着 B, wearing B, 换成 B,
add B). "plain": merely named. "target": what is changed or replaced. "ground": where something is,
or whose. "not": not wanted. What belongs in the mask is the strongest role that occurs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from overpaint.concepts.lexicon import Token

Role = Literal["object", "plain", "target", "ground", "not"]


@dataclass
class Look:
    """What is said of a thing; filled while its noun is awaited."""

    color: str | None = None
    shade: str | None = None
    material: str | None = None
    number: int | None = None
    pair: bool = False
    vague: bool = False  # "some", 一束: no number was named
    at_least: bool = False  # "hundreds of", 上百: the number is the least that is meant
    definite: bool = False
    effects: list[str] = field(default_factory=list)

    def update(self, later: Look, *, override: bool) -> None:
        """Take from `later` what is missing here, or everything that it has."""
        if later.color is not None and (override or self.color is None):
            self.color, self.shade = later.color, later.shade
        if later.material is not None and (override or self.material is None):
            self.material = later.material
        if later.number is not None and self.number is None:
            self.number, self.at_least = later.number, later.at_least
            self.pair, self.vague = later.pair, later.vague
        self.effects.extend(later.effects)


@dataclass
class Thing:
    """A noun of the prompt: known (with ids), unknown (without), or the lettering."""

    token: Token
    role: Role
    look: Look
    is_lettering: bool = False
    described_by: Token | None = None  # the first of the nouns before it: "dog sweater"


@dataclass
class Parse:
    """What a walk over the tokens found."""

    things: list[Thing] = field(default_factory=list)
    action: Literal["add", "replace"] = "replace"
    gives_way: bool = False  # what is there is said to be replaced or taken away
    loose: Look = field(default_factory=Look)  # said of nothing in particular
    becomes: Look = field(default_factory=Look)  # what a thing that stays is to look like
    unknown: list[Token] = field(default_factory=list)


@dataclass
class State:
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
    recipient: int | None = None  # token of the thing that is given to: 给[猫]帽子
    gives: bool = False
    overriding: bool = False  # what is said now replaces what was said: 换成蓝色的
    painting: bool = False  # "paint the wall": a colour after it says how it becomes
