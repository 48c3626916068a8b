"""What a concept is: the values that library, lexicon and prompt reading share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from overpaint.values import Rgba8

#: How a thing sits where it is put. "stands": its bottom rests on the ground; "floats": in the
#: air, or hung up; "worn-...": on a face, head, neck, body, hands or feet.
Placement = Literal[
    "stands",
    "floats",
    "worn-eyes",
    "worn-head",
    "worn-neck",
    "worn-ears",
    "worn-body",
    "worn-hands",
    "worn-feet",
]

#: How an exemplar is drawn. "photo" is cut out of a photograph; "3d" is a rendered model;
#: "shaded" a vector drawing with gradients; "flat" one of plain areas; "outline" of lines.
Drawing = Literal["photo", "3d", "shaded", "flat", "outline"]
PLACEMENTS: tuple[Placement, ...] = Placement.__args__  # type: ignore[attr-defined]
DRAWINGS: tuple[Drawing, ...] = Drawing.__args__  # type: ignore[attr-defined]

#: The group of the user's own concepts.
OWN = "own"


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something that can be named and drawn."""

    id: str  # stable, lower case, ASCII: "glasses", "red-apple"
    name_en: str  # "glasses"
    name_zh: str  # "眼镜"
    words_en: tuple[str, ...]  # every name it answers to, lower case, best first, name_en included
    words_zh: tuple[str, ...]  # likewise in simplified Chinese
    group: str  # "clothing", "animal-mammal", "food-fruit", ...
    exemplars: tuple[tuple[Drawing, str], ...]  # how it is drawn, key in the library
    keywords_en: tuple[str, ...] = ()  # what it has to do with; for searching, not names
    keywords_zh: tuple[str, ...] = ()
    placement: Placement = "stands"
    mirrorable: bool = True  # False for what has a right way round: writing, a clock face, a map


@dataclass(frozen=True, kw_only=True)
class Exemplar:
    """One picture of a concept, cropped tightly to what is visible."""

    concept_id: str
    drawing: Drawing
    key: str
    pixels: Rgba8  # height x width x 4, straight alpha
