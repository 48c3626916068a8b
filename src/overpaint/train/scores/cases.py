"""What is asked for: which concepts, in which words, where. The same every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from overpaint.concepts.concept import Concept
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.vocabulary import vocabulary
from overpaint.train.scores.contenders import EXEMPLAR, Ask
from overpaint.train.scores.stage import SIDE, Photographs, Stage, fitted, paste, rounded
from overpaint.train.split import share_of
from overpaint.values import Style

LANGUAGES = ("zh", "en")
TEMPLATES = {
    "en": ("{}", "a {}", "add a {} here", "replace it with a {}"),
    "zh": ("{}", "一个{}", "在这里加一个{}", "换成{}"),
}
#: Styles whose drawings the judge can be expected to know; "auto" every other time.
SHOWN: tuple[Style, ...] = ("auto", "3d cartoon", "auto", "flat illustration")
COLORS = {
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉色",
    "black": "黑色",
    "white": "白色",
}
#: Things that may have any colour, and are mostly of one.
PAINTABLE = (
    *("t-shirt", "top-hat", "dress", "sneakers", "umbrella", "balloon", "car", "teapot", "sofa"),
    *("rose", "butterfly", "bicycle", "backpack", "bow", "bird", "fish", "chair", "vase"),
    *("apple", "glasses", "scarf", "cat", "door", "candle", "guitar", "key", "kite"),
)
#: Those who are seen, those that are put on them, and the words for it.
WEARERS = ("cat", "dog", "bear", "lion", "rabbit", "panda", "tiger", "monkey", "fox", "koala")
WORN = ("glasses", "sunglasses", "top-hat", "crown", "scarf", "necktie", "headphones", "goggles")
HELD = ("balloon", "umbrella", "rose", "guitar", "trophy", "book", "hammer", "pencil", "broom")
BESIDE = ("soccer-ball", "bicycle", "car", "cactus", "chair", "tent", "pizza", "robot")
RELATIONS = {
    "worn": ("a {} wearing {}", "一只{}戴着{}"),
    "held": ("a {} holding a {}", "一只{}拿着{}"),
    "beside": ("a {} next to a {}", "一只{}旁边有{}"),
}
#: Box of B's mask by relation: centre x, y, width, height, as shares of the stage.
PLACES = {
    "worn": (0.5, 0.36, 0.5, 0.42),
    "held": (0.72, 0.62, 0.42, 0.5),
    "beside": (0.78, 0.58, 0.40, 0.6),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to ask, and what is to be seen then."""

    ask: Ask
    wanted: str  # concept id
    language: str = "en"
    kind: str = ""  # what the sheet says
    other: str = ""  # concept id of what is not to be seen
    rgb: tuple[int, int, int] | None = None  # colour it is to have


def chosen(library: ConceptLibrary, known: Sequence[str], count: int) -> list[Concept]:
    """`count` concepts of those known, spread by their names alone."""
    ids = sorted((id_ for id_ in known if id_ in library.concepts), key=share_of)
    return [library.concepts[id_] for id_ in ids[:count]]


def called(concept: Concept, language: str) -> str:
    """Its name."""
    return concept.name_zh if language == "zh" else concept.name_en


def concept_cases(
    library: ConceptLibrary, photographs: Photographs, known: Sequence[str], count: int
) -> Iterator[Case]:
    """`count` concepts on as many stages, each asked for in both languages."""
    for number, concept in enumerate(chosen(library, known, count)):
        stage = photographs.stage(1000 + number)
        for language in LANGUAGES:
            template = TEMPLATES[language][number % len(TEMPLATES[language])]
            prompt = template.format(called(concept, language))
            style = SHOWN[number // len(TEMPLATES) % len(SHOWN)]
            ask = Ask(stage=stage, prompt=prompt, concept_id=concept.id, style=style)
            yield Case(ask=ask, wanted=concept.id, language=language, kind=style)


def pair_cases(
    library: ConceptLibrary, photographs: Photographs, known: Sequence[str], count: int
) -> Iterator[Case]:
    """A is in the picture, B is to be painted: "A wearing / holding / next to B"."""
    for number in range(count):
        relation = tuple(RELATIONS)[number % len(RELATIONS)]
        pool = {"worn": WORN, "held": HELD, "beside": BESIDE}[relation]
        seen = [id_ for id_ in WEARERS if id_ in known and id_ in library.concepts]
        wanted = [id_ for id_ in pool if id_ in known and id_ in library.concepts]
        who = library.concepts[seen[number % len(seen)]]
        what = library.concepts[wanted[number // len(RELATIONS) % len(wanted)]]
        language = LANGUAGES[number // 2 % 2]
        prompt = RELATIONS[relation][language == "zh"].format(
            called(who, language), called(what, language)
        )
        name, picture = photographs.crop(2000 + number)
        place = rounded((SIDE // 2, SIDE // 2), (int(SIDE * 0.8), int(SIDE * 0.84)))
        if relation == "beside":
            place = rounded((int(SIDE * 0.3), int(SIDE * 0.55)), (int(SIDE * 0.5), SIDE // 2))
        thing = library.exemplar(who.exemplars[0][1], size=EXEMPLAR).pixels
        picture = paste(picture, fitted(thing, place), place)
        x, y, width, height = (int(SIDE * share) for share in PLACES[relation])
        mask = rounded((x, y), (width, height))
        stage = Stage(name=name, seed=2000 + number, picture=picture, mask=mask)
        ask = Ask(stage=stage, prompt=prompt, concept_id=what.id)
        yield Case(ask=ask, wanted=what.id, other=who.id, language=language, kind=relation)


def color_cases(library: ConceptLibrary, photographs: Photographs, count: int) -> Iterator[Case]:
    """Things that may have any colour, in each colour, in turn in either language."""
    paintable = [id_ for id_ in PAINTABLE if id_ in library.concepts]
    for number in range(count):
        color = tuple(COLORS)[number % len(COLORS)]
        concept = library.concepts[paintable[number % len(paintable)]]
        language = LANGUAGES[number % 2]
        word = COLORS[color] + "的" if language == "zh" else color + " "
        ask = Ask(
            stage=photographs.stage(3000 + number),
            prompt=word + called(concept, language),
            concept_id=concept.id,
        )
        rgb = vocabulary().colors[color]
        yield Case(ask=ask, wanted=concept.id, language=language, kind=color, rgb=rgb)


def with_options(case: Case, **options: object) -> Case:
    """The same with more arguments for `repaint`."""
    return replace(case, ask=replace(case.ask, options={**case.ask.options, **options}))


def drawn_lines(layer: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> cv2.typing.MatLike:
    """The lines of a layer (h x w x 4): outline and what is inside, 2 px wide, 1 on 0."""
    on_gray = paste(np.full((*layer.shape[:2], 3), 128, np.uint8), layer, layer[..., 3] > 0)
    inner = cv2.Canny(cv2.GaussianBlur(on_gray, (0, 0), 1.5), 60, 150)
    solid = (layer[..., 3] > 127).astype(np.uint8)
    outline = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.maximum(outline, (inner > 0).astype(np.uint8))
