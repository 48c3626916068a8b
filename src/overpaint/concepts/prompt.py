"""Reading a prompt, Chinese or English: what belongs in the mask, how it looks, what to do.

一只狗戴着红色眼镜 over the eyes of a dog asks for red glasses, not for a dog. `read_prompt` cuts
the prompt into words (`lexicon`), decides what each means in its place (`roles`), walks them once
for their relations (`walk`) and keeps the things in the strongest relation as subjects; the others
are taken to be in the picture already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from overpaint.concepts.atoms import fold
from overpaint.concepts.grammar import Look, Parse, Thing
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.nearest import is_chinese
from overpaint.concepts.numbers import join_numbers
from overpaint.concepts.quotes import take_lettering, without_quotes
from overpaint.concepts.removal import is_removal
from overpaint.concepts.roles import Roles, merge_unknown
from overpaint.concepts.vocabulary import (
    EFFECTS,
    Rgb,
    hex_rgb,
    shade,
    vocabulary,
)
from overpaint.concepts.walk import Walk
from overpaint.values import Style

__all__ = [
    "LetteringRequest",
    "Reading",
    "Recoloring",
    "Subject",
    "UnknownWord",
    "is_removal",
    "read_prompt",
]

MAX_COUNT = 12
_LONGEST_REPORT = 40  # characters of a prompt in which nothing at all was found

#: How many "balloons" are.
SEVERAL = 3
#: Placements of what is worn, and named, in pairs.
WORN_IN_PAIRS = ("worn-eyes", "worn-ears", "worn-hands", "worn-feet")


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
    vertical: bool | None = None  # set in columns, or in lines; None: as it becomes largest


@dataclass(frozen=True, kw_only=True)
class Recoloring:
    """How what is under the mask is to look, while it stays what it is."""

    word: str = ""  # what it is called, as written; "" where the prompt does not name it
    color: str | None = None  # as in `Subject`; neither colour nor material: none was named
    rgb: tuple[int, int, int] | None = None
    material: str | None = None


@dataclass(frozen=True, kw_only=True)
class UnknownWord:
    """A word that nobody knew."""

    word: str  # as written
    nearest: tuple[str, ...] = ()  # known words that come close, best first


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a prompt asks for."""

    action: Literal["add", "replace", "remove", "recolor"]  # what shows beside the subject in the
    # mask: "add" the picture as it was, "replace" the continued background; "remove" only the
    # latter; "recolor": nothing is put in, what is there takes another colour or material
    explicit: bool = False  # the prompt itself says that what is there gives way to the subjects:
    # 换成, "replace", "turn into", "instead of"; a bare noun phrase does not
    subjects: tuple[Subject, ...] = ()  # what belongs in the mask
    present: tuple[str, ...] = ()  # ids of concepts that are named but in the picture already
    recoloring: Recoloring | None = None  # with "recolor" only
    lettering: LetteringRequest | None = None
    style: Style | None = None
    unknown: tuple[UnknownWord, ...] = ()
    notes: tuple[str, ...] = ()  # where less or something else is drawn than was asked for
    language: Literal["zh", "en"] = "en"


def read_prompt(text: str, lexicon: Lexicon) -> Reading:
    """Read `text`, any length, in Chinese, English or both; never raises."""
    language: Literal["zh", "en"] = "zh" if is_chinese(text) else "en"
    if is_removal(text):
        spans = lexicon.spans(without_quotes(text))
        named = dict.fromkeys(span.concept_ids[0] for span in spans)
        return Reading(action="remove", present=tuple(named), language=language)

    plain, written = take_lettering(text, lambda rest: _first_ending(rest, lexicon))
    tokens = merge_unknown(join_numbers(lexicon.tokens(plain), fold(plain)), lexicon)
    roles = Roles(tokens, lexicon, written is not None)
    parse = Walk(roles.tokens, roles.is_thing, roles.is_text, roles.is_worn).run()

    if written is None and (recoloring := _recoloring(parse, roles, plain)) is not None:
        known = [thing.token.concept_ids[0] for thing in parse.things if thing.token.concept_ids]
        return Reading(
            action="recolor",
            explicit=True,
            present=tuple(dict.fromkeys(known)),
            recoloring=recoloring,
            style=roles.style,
            language=language,
        )
    subjects, present = _choose(parse.things)
    unknown = dict.fromkeys(plain[token.start : token.end].strip() for token in parse.unknown)
    found = any(thing.token.concept_ids for thing in subjects)
    if not (found or unknown or written or roles.style):
        unknown = dict.fromkeys([text.strip()[:_LONGEST_REPORT]])  # "glass", "beautiful"
    return Reading(
        action=parse.action,
        explicit=parse.gives_way or any(thing.role == "target" for thing in subjects),
        subjects=tuple(
            _subject(thing, plain, lexicon) for thing in subjects if thing.token.concept_ids
        ),
        present=tuple(dict.fromkeys(thing.token.concept_ids[0] for thing in present)),
        lettering=None if written is None else _lettering(written, parse, roles, subjects),
        style=roles.style,
        unknown=tuple(UnknownWord(word=word, nearest=lexicon.nearest(word)) for word in unknown),
        notes=tuple(note for thing in subjects for note in _notes(thing, plain, lexicon)),
        language=language,
    )


def _first_ending(rest: str, lexicon: Lexicon) -> int:
    """Where the known thing that ends `rest` begins, or its length when it does not end so."""
    tokens = lexicon.tokens(rest)
    if not tokens or not tokens[-1].concept_ids:
        return len(rest)
    return 0 if all(token.known for token in tokens) else len(rest)


def _choose(things: Sequence[Thing]) -> tuple[list[Thing], list[Thing]]:
    """Subjects, known or not, and known things that are in the picture already.

    Lettering is a subject by itself: in 在蛋糕上写“生日快乐” the cake is only where it goes.
    """
    letters = any(thing.is_lettering for thing in things)
    nouns = [thing for thing in things if not thing.is_lettering and thing.role != "not"]
    for role in ("object", "plain") if letters else ("object", "plain", "target", "ground"):
        subjects = [thing for thing in nouns if thing.role == role]
        if subjects:
            others = [thing for thing in nouns if thing.role != role and thing.token.concept_ids]
            return subjects, others
    return [], [thing for thing in nouns if thing.token.concept_ids]


def _recoloring(parse: Parse, roles: Roles, text: str) -> Recoloring | None:
    """What a prompt that names nothing to put in makes of what is there, or None.

    把裙子换成红色, "make the dress blue", 换个颜色, and a colour alone.
    """
    if any(thing.role in ("object", "plain", "not") for thing in parse.things):
        return None
    look = parse.becomes
    if look.color is None and look.material is None:
        bare = not parse.things and not parse.gives_way and parse.loose.color is not None
        look = parse.loose if bare else look
        if not bare and not (roles.names_color and parse.gives_way):
            return None
    color, rgb = _color(look)
    tokens = [thing.token for thing in parse.things]
    named = next((token for token in reversed(tokens)), None)
    word = "" if named is None else text[named.start : named.end]
    return Recoloring(word=word, color=color, rgb=rgb, material=look.material)


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
    return Subject(
        concept_ids=token.concept_ids,
        word=text[token.start : token.end],
        color=color,
        rgb=rgb,
        material=look.material,
        count=min(_count(thing, lexicon), MAX_COUNT),
    )


def _count(thing: Thing, lexicon: Lexicon) -> int:
    """How many are asked for, at least 1."""
    token, look = thing.token, thing.look
    concept = lexicon.concepts[token.concept_ids[0]]
    paired = concept.name_en.endswith("s")
    several = token.plural and concept.placement not in WORN_IN_PAIRS  # "shoes" are two, not some
    count = look.number or (SEVERAL if several else 1)
    if look.pair and not paired:
        count *= 2
    elif look.vague and paired:  # a bunch of grapes is how they are drawn
        count = 1
    return max(1, count)


def _notes(thing: Thing, text: str, lexicon: Lexicon) -> Iterator[str]:
    """Where fewer or other things are drawn than the words of `thing` ask for."""
    token, first = thing.token, thing.described_by
    if not token.concept_ids:
        return
    word = text[token.start : token.end]
    if first is not None and not set(first.concept_ids) & set(token.concept_ids):
        yield f'"{text[first.start : token.end]}" is drawn as "{word}"'
    stand_in = lexicon.stand_in(token)
    if stand_in is not None:
        yield f'"{word}" is drawn as "{stand_in}"'
    count = _count(thing, lexicon)
    if count > MAX_COUNT:
        asked = f"{count} or more" if thing.look.at_least else f"{count}"
        yield f'"{word}": at most {MAX_COUNT} are drawn, {asked} were asked for'


def _lettering(
    text: str, parse: Parse, roles: Roles, subjects: Sequence[Thing]
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
        text=text,
        color=rgb,
        effects=tuple(effect for effect in EFFECTS if effect in wanted),
        vertical=roles.vertical,
    )
