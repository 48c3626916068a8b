"""Who is measured: engines, through `repaint` as everybody calls them, and plain pastes.

Photographs of a thing pasted as they are show what the judge can tell at best: its ceiling.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Subject
from overpaint.concepts.recall import choose_drawing
from overpaint.engines.registry import choose_engine
from overpaint.errors import InvalidInput, OperationFailed
from overpaint.repaint import repaint
from overpaint.train.scores.stage import Stage, fitted, paste, seamless
from overpaint.values import Rgb8, Rgba8, Style

EXEMPLAR = 256  # px, long side of pasted exemplars


class Absent(Exception):
    """What was to be measured is not there; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One thing to be painted."""

    stage: Stage
    prompt: str
    concept_id: str = ""  # what is pasted by those who cannot read
    style: Style = "auto"
    n: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)  # more arguments of `repaint`


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it; no pictures where the contender could not."""

    pictures: tuple[Rgb8, ...]
    seconds: float
    notes: tuple[str, ...] = ()


class Contender(Protocol):
    """Paints what is asked."""

    name: str

    def paint(self, ask: Ask) -> Answer:
        """Paint it; raises `Absent` if it cannot do such a thing at all."""
        ...


class EngineContender:
    """An engine, called as users call it."""

    def __init__(self, name: str) -> None:
        """Raises `Absent` if there is no such engine."""
        try:
            self._engine = choose_engine(name, "a cat", has_reference=False)
        except (InvalidInput, OperationFailed) as error:
            raise Absent(str(error)) from error
        self.name = name

    def paint(self, ask: Ask) -> Answer:
        """One call of `repaint`; an error of the engine's is an answer without pictures."""
        unknown = set(ask.options) - set(inspect.signature(repaint).parameters)
        if unknown:
            raise Absent(f"repaint has no {', '.join(sorted(unknown))}")
        start = time.perf_counter()
        try:
            result = repaint(
                ask.stage.picture,
                ask.stage.mask.astype(np.uint8) * 255,
                ask.prompt,
                n=ask.n,
                seed=ask.stage.seed,
                style=ask.style,
                engine=self._engine,
                **dict(ask.options),
            )
        except (InvalidInput, OperationFailed) as error:
            return Answer(pictures=(), seconds=time.perf_counter() - start, notes=(str(error),))
        refused = [note for note in result.notes if "does not take" in note]
        if refused and ask.options:
            raise Absent(refused[0])
        return Answer(
            pictures=tuple(
                np.ascontiguousarray(one.pixels[..., :3], np.uint8) for one in result.pictures
            ),
            seconds=time.perf_counter() - start,
            notes=result.notes,
        )


class Paste:
    """Lays an exemplar of the concept over the continued background, as it is or cloned."""

    def __init__(self, library: ConceptLibrary, *, clone: bool = False) -> None:
        """`clone` uses `cv2.seamlessClone`."""
        self.name = "seamlessClone" if clone else "paste"
        self._library = library
        self._lay = seamless if clone else paste

    def paint(self, ask: Ask) -> Answer:
        """One exemplar a picture, drawn by the rule that `collage` follows."""
        if not ask.concept_id or ask.options:
            raise Absent(f"{self.name} only lays exemplars down")
        backdrop = ask.stage.bare  # not counted: all pastes share it
        start = time.perf_counter()
        pictures = [
            self._lay(backdrop, fitted(thing, ask.stage.mask), ask.stage.mask)
            for thing in exemplars(self._library, ask.concept_id, ask.style, ask.stage.seed, ask.n)
        ]
        return Answer(pictures=tuple(pictures), seconds=time.perf_counter() - start)


def exemplars(
    library: ConceptLibrary, concept_id: str, style: Style, seed: int, n: int = 1
) -> Sequence[Rgba8]:
    """n exemplars of a concept: one as chosen for its style, or n that differ."""
    concept = library.concepts[concept_id]
    subject = Subject(
        concept_ids=(concept_id,), word=concept.name_en, color=None, rgb=None, material=None
    )
    rng = np.random.default_rng(seed)
    keys = [choose_drawing(concept, subject, style, library, rng, size=EXEMPLAR)]
    keys += [key for _, key in concept.exemplars if key not in keys]
    return [library.exemplar(key, size=EXEMPLAR).pixels for key in keys[:n]]
