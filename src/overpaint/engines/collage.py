"""The engine `collage`: read the prompt, recall exemplars, recompose them in the mask.

Deterministic, instant and useful by itself: what the prompt names is taken from the concept
library (or from the caller's reference picture), fitted to the mask, recoloured, styled, and
given the light, tone and grain of its surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from overpaint.concepts.concept import OWN
from overpaint.concepts.knowledge import Knowledge
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Reading, Recoloring, read_prompt
from overpaint.concepts.recall import choose_concept, choose_drawing
from overpaint.engines.composition import Composition
from overpaint.engines.recoloring import recolored
from overpaint.engines.recompose import Thing, recompose
from overpaint.errors import UnknownConcept
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas, over
from overpaint.imaging.harmonize import Surroundings, observe
from overpaint.imaging.inpaint import continue_background
from overpaint.imaging.lettering import letter
from overpaint.imaging.likeness import likeness
from overpaint.imaging.matte import CutOut, cut_out
from overpaint.imaging.within import thing_within
from overpaint.values import (
    EngineInfo,
    Mask,
    OnStep,
    PaintedRegion,
    PaintJob,
    Rgb8,
    Step,
    Style,
    Weight,
)

#: More objects than this are not drawn, however many the prompt asks for.
MAX_OBJECTS = 12
#: From this likeness on, what is under a mask is its surroundings rather than a thing.
ALIKE = 0.97


class CollageEngine:
    """Paints by recomposing exemplars of the concept library."""

    info = EngineInfo(
        name="collage",
        summary="puts in what the prompt names, from the concept library or your own picture",
        max_side=1536,
        takes_reference=True,
        takes_style=True,
        takes_sketch=True,
        takes_palette=True,
        takes_strength=True,
        takes_negative=True,
    )

    def __init__(self) -> None:
        self._knowledge = Knowledge()

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Paint each job; see `Engine.paint`.

        Raises:
            UnknownConcept: the prompt names nothing that the library knows.
            InvalidPrompt: text to be set does not fit the mask.
            FontMissing: no font has its characters.
        """
        known = self._knowledge.now()
        library, lexicon = known.library, known.lexicon
        briefs: dict[tuple[object, ...], Brief] = {}
        painted = []
        for done, job in enumerate(jobs):
            # those that differ in their seed only share what does not depend on it
            same = (id(job.pixels), id(job.mask), id(job.reference), job.prompt, job.palette)
            brief = briefs.setdefault(same, Brief(job, lexicon))
            one = recall_and_recompose(job, brief, library, lexicon).painted()
            painted.append(replace(one, notes=(*one.notes, *known.faults)))
            if on_step is not None:
                on_step(Step(stage="paint", done=done + 1, total=len(jobs)))
        return painted

    def close(self) -> None:
        """Let the library go."""
        self._knowledge = Knowledge()


class Brief:
    """What jobs of one picture, mask, prompt and reference have in common, each found once."""

    def __init__(self, job: PaintJob, lexicon: Lexicon) -> None:
        self._job = job
        self._lexicon = lexicon

    @cached_property
    def reading(self) -> Reading:
        """What the prompt asks for; a palette alone asks for its colours."""
        if not self._job.prompt and self._job.palette:
            return Reading(action="recolor", explicit=True, recoloring=Recoloring())
        return read_prompt(self._job.prompt, self._lexicon)

    @cached_property
    def scene(self) -> Surroundings:
        """What the context looks like."""
        return observe(self._job.pixels, self._job.mask)

    @cached_property
    def likeness(self) -> float:
        """How much what is under the mask is like what is around it."""
        return likeness(self._job.pixels, self._job.mask)

    @cached_property
    def background(self) -> Rgb8:
        """The picture without what was under the mask."""
        return continue_background(self._job.pixels, self._job.mask)

    @cached_property
    def thing(self) -> Weight:
        """How much of each pixel is the thing that the mask was painted over."""
        return thing_within(self._job.pixels, self._job.mask)

    @cached_property
    def reference(self) -> CutOut | None:
        """The thing in the caller's own picture."""
        return None if self._job.reference is None else cut_out(self._job.reference)


def recall_and_recompose(
    job: PaintJob, brief: Brief, library: ConceptLibrary, lexicon: Lexicon
) -> Composition:
    """Read, recall, recompose: one job without what depends on how it is painted.

    Raises:
        UnknownConcept: the prompt names nothing that the library knows.
        InvalidPrompt: text to be set does not fit the mask, or no colour is said.
        FontMissing: no font has its characters.
    """
    reading = brief.reading
    rng = np.random.default_rng(job.seed)
    style: Style = job.style if job.style != "auto" else reading.style or "auto"
    if reading.recoloring is not None:
        objects = recolored(job, brief.thing, reading.recoloring, style)
        return Composition(
            pixels=job.pixels,
            mask=job.mask,
            reading=reading,
            style=style,
            objects=objects,
            shadow=np.zeros_like(objects),
            letters=None,
            background=None,
            strength=job.strength,
        )

    things, notes = _recall(job, brief, style, library, lexicon, rng)
    drawn = recompose(job, things, style, brief.scene, library, rng)
    background = brief.background if _replaces(brief, things) else None
    letters = None
    if reading.lettering is not None:
        request = reading.lettering
        layer = over(drawn.objects, drawn.shadow)
        if background is not None:
            layer = over(layer, layers.of_rgb(background))
        glyphs = letter(
            _writable(drawn.objects, job.mask) if things else job.mask,
            request.text,
            color=request.color or (job.palette[0] if job.palette else None),
            effects=request.effects,
            vertical=request.vertical,
            backdrop=layers.flatten(layer, job.pixels),
            seed=job.seed,
        )
        letters = layers.of_rgba(glyphs)
    return Composition(
        pixels=job.pixels,
        mask=job.mask,
        reading=reading,
        style=style,
        objects=drawn.objects,
        shadow=drawn.shadow,
        letters=letters,
        background=background,
        strength=job.strength,
        notes=(*notes, *drawn.notes),
    )


def _recall(
    job: PaintJob,
    brief: Brief,
    style: Style,
    library: ConceptLibrary,
    lexicon: Lexicon,
    rng: np.random.Generator,
) -> tuple[list[Thing], tuple[str, ...]]:
    """What to put in, one entry an object, and what to tell the caller."""
    reading, cut = brief.reading, brief.reference
    notes = [_unknown_note(word.word, word.nearest) for word in reading.unknown]
    notes += reading.notes
    things: list[Thing] = []
    subjects = list(reading.subjects)
    if cut is not None:
        notes += [cut.note] if cut.note else []
        named = subjects.pop(0) if subjects else None
        known = library.concepts[named.concept_ids[0]] if named else None
        own = Thing(subject=named, concept=known, picture=cut.pixels)
        things += [own] * (named.count if named else 1)

    avoid: set[str] = set()
    if job.negative_prompt:
        unwanted = read_prompt(job.negative_prompt, lexicon)
        avoid = {id_ for subject in unwanted.subjects for id_ in subject.concept_ids}
    objects = max(1, len(things) + sum(subject.count for subject in subjects))
    size = math.sqrt(float(job.mask.sum()) / objects)  # about the long side of each, px
    for subject in subjects:
        concept = choose_concept(subject, library, rng, avoid)
        if concept.id in avoid:
            notes.append(f'"{subject.word}" is in the negative prompt too; it is drawn')
        if concept.group == OWN and len(subject.concept_ids) > 1:
            notes.append(f'"{subject.word}" is drawn as your own concept, not as the built-in one')
        key = choose_drawing(concept, subject, style, library, rng, size=size)
        things += [Thing(subject=subject, concept=concept, key=key)] * subject.count

    if not things and reading.lettering is None and reading.action != "remove":
        near = [name for word in reading.unknown for name in word.nearest]
        raise UnknownConcept("prompt", repr(job.prompt), near)
    if len(things) > MAX_OBJECTS:
        notes.append(f"{MAX_OBJECTS} objects are drawn at most, {len(things)} were asked for")
    return things[:MAX_OBJECTS], tuple(notes)


def _unknown_note(word: str, nearest: Sequence[str]) -> str:
    near = f"; the nearest known are {', '.join(nearest)}" if nearest else ""
    return f'"{word}" is not in the concept library{near}'


def _replaces(brief: Brief, things: Sequence[Thing]) -> bool:
    """Whether what was under the mask gives way to the continued background.

    What is worn goes over its wearer, whatever words asked for it. Where the prompt only names
    a thing, what is there stays if it is more of what is around it: a table, the sky.
    """
    reading = brief.reading
    if reading.action != "replace":
        return reading.action == "remove"
    if not things or all(thing.placement.startswith("worn") for thing in things):
        return False
    return reading.explicit or brief.likeness < ALIKE


def _writable(canvas: Canvas, mask: Mask) -> Mask:
    """Where text goes when there is an object to carry it."""
    solid: Mask = (canvas[..., 3] > 0.9) & mask
    return solid if solid.any() else mask
