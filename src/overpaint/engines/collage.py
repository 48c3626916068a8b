"""The engine `collage`: read the prompt, recall exemplars, recompose them in the mask.

Deterministic, instant and useful by itself: what the prompt names is taken from the concept
library (or from the caller's reference picture), fitted to the mask, recoloured, styled, and
given the light, tone and grain of its surroundings.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from overpaint.concepts.concept import Concept
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Reading, Subject, read_prompt
from overpaint.concepts.recall import RAINBOW, choose_concept, choose_drawing, dress
from overpaint.errors import UnknownConcept
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas, over
from overpaint.imaging.harmonize import (
    Surroundings,
    cast_shadow,
    contact_shadow,
    harmonize,
    observe,
)
from overpaint.imaging.inpaint import continue_background
from overpaint.imaging.lettering import letter
from overpaint.imaging.matte import cut_out
from overpaint.imaging.placement import place_object, split_slots, warp_object
from overpaint.imaging.region import mask_box
from overpaint.values import (
    EngineInfo,
    Mask,
    OnStep,
    PaintedRegion,
    PaintJob,
    Rgb8,
    Rgba8,
    Step,
    Style,
    Weight,
)

#: More objects than this are not drawn, however many the prompt asks for.
MAX_OBJECTS = 12
#: Long side at which an exemplar is looked at to find its place, px.
PREVIEW = 160
#: Exemplars are drawn this much larger than they are shown, so that turning keeps them crisp.
OVERSAMPLE = 1.2
#: How dark a shadow is where something is worn, and where it stands.
CAST_OPACITY = 0.4
CONTACT_OPACITY = 0.62
#: Rim of the mask that objects keep clear of, as a share of its shorter side.
EDGE = 0.025
#: Reach of a worn thing's shadow and softness of a standing one's, as a share of its size.
CAST_REACH = 0.035
CONTACT_SOFTNESS = 0.05
#: What is in the air casts no shadow where it is.
FLYING = re.compile(
    r"\b(?:fly|flies|flying|floating|in the (?:sky|air))\b|飞行|飞翔|飞在|空中|天上|夜空|漂浮"
)
#: How light a shadow is, as a share of the scene's darkest parts: haze lies over it too.
HAZE = 0.15
#: By how much the seed turns the light, degrees, standard deviation.
LIGHT_TURN = 14.0


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object to put in."""

    subject: Subject | None  # what the prompt says of it; None for a reference nobody named
    concept: Concept | None  # what it is; None likewise
    key: str = ""  # its exemplar in the library
    picture: Rgba8 | None = None  # or the caller's own

    @property
    def placement(self) -> str:
        """How it sits: "stands", "floats", "worn-..."."""
        return self.concept.placement if self.concept is not None else "stands"


class CollageEngine:
    """Paints by recomposing exemplars of the concept library."""

    info = EngineInfo(
        name="collage",
        summary="puts in what the prompt names, from the concept library or your own picture",
        max_side=1536,
        takes_reference=True,
        takes_style=True,
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._knowledge: tuple[ConceptLibrary, Lexicon] | None = None

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Paint each job; see `Engine.paint`.

        Raises:
            UnknownConcept: the prompt names nothing that the library knows.
            InvalidPrompt: text to be set does not fit the mask.
            FontMissing: no font has its characters.
        """
        library, lexicon = self._open()
        backgrounds: dict[tuple[int, int], Rgb8] = {}  # jobs of one call share their picture
        painted = []
        for done, job in enumerate(jobs):
            painted.append(_paint(job, library, lexicon, backgrounds))
            if on_step is not None:
                on_step(Step(stage="paint", done=done + 1, total=len(jobs)))
        return painted

    def close(self) -> None:
        """Let the library go."""
        self._knowledge = None

    def _open(self) -> tuple[ConceptLibrary, Lexicon]:
        with self._lock:
            if self._knowledge is None:
                library = ConceptLibrary.open()
                self._knowledge = library, Lexicon(library.concepts.values())
            return self._knowledge


def _paint(
    job: PaintJob,
    library: ConceptLibrary,
    lexicon: Lexicon,
    backgrounds: dict[tuple[int, int], Rgb8],
) -> PaintedRegion:
    """One job: read, recall, recompose."""
    reading = read_prompt(job.prompt, lexicon)
    rng = np.random.default_rng(job.seed)
    style: Style = job.style if job.style != "auto" else reading.style or "auto"
    things, notes = _recall(job, reading, style, library, lexicon, rng)
    scene = observe(job.pixels, job.mask)

    canvas, shadow = _recompose(job, things, style, scene, library, rng)
    layer = over(canvas, layers.of_gray(shadow, HAZE * scene.black))  # h x w x 4, premultiplied

    background: Rgb8 | None = None
    if _replaces(reading, things):
        key = id(job.pixels), id(job.mask)
        if key not in backgrounds:
            backgrounds[key] = continue_background(job.pixels, job.mask)
        background = backgrounds[key]
        layer = over(layer, layers.of_rgb(background))

    if reading.lettering is not None:
        request = reading.lettering
        glyphs = letter(
            _writable(canvas, job.mask) if things else job.mask,
            request.text,
            color=request.color,
            effects=request.effects,
            backdrop=layers.flatten(layer, job.pixels),
            seed=job.seed,
        )
        layer = over(layers.of_rgba(glyphs), layer)

    return PaintedRegion(
        pixels=layers.straight(layer),
        coverage=None if background is not None else np.ascontiguousarray(layer[..., 3]),
        notes=notes,
    )


def _recall(
    job: PaintJob,
    reading: Reading,
    style: Style,
    library: ConceptLibrary,
    lexicon: Lexicon,
    rng: np.random.Generator,
) -> tuple[list[Thing], tuple[str, ...]]:
    """What to put in, one entry an object, and what to tell the caller."""
    notes = [_unknown_note(word.word, word.nearest) for word in reading.unknown]
    things: list[Thing] = []
    subjects = list(reading.subjects)
    if job.reference is not None:
        cut = cut_out(job.reference)
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


def _replaces(reading: Reading, things: Sequence[Thing]) -> bool:
    """Whether what was under the mask gives way to the continued background.

    What is worn goes over its wearer, whatever words asked for it.
    """
    if reading.action == "remove":
        return True
    worn = all(thing.placement.startswith("worn") for thing in things)
    return reading.action == "replace" and bool(things) and not worn


def _recompose(
    job: PaintJob,
    things: Sequence[Thing],
    style: Style,
    scene: Surroundings,
    library: ConceptLibrary,
    rng: np.random.Generator,
) -> tuple[Canvas, Weight]:
    """Draw all objects into the mask: height x width x 4 premultiplied, and their shadows."""
    shape = (job.mask.shape[0], job.mask.shape[1])
    canvas = layers.empty(shape)
    shadow: Weight = np.zeros(shape, np.float32)
    if not things:
        return canvas, shadow
    flying = FLYING.search(job.prompt) is not None
    light = _turned(scene.light, rng.normal(0, LIGHT_TURN))
    first = int(rng.integers(len(RAINBOW)))  # where the colours of colourful things begin
    slots = split_slots(_clear_of_edge(job.mask), len(things))
    for i, slot in enumerate(slots):
        thing = things[min(i, len(things) - 1)]  # one object alone goes into every slot
        placement = "floats" if flying else thing.placement
        stands = placement == "stands"
        preview = _exemplar(thing, library, PREVIEW)
        place = place_object(
            preview[..., 3].astype(np.float32) / np.float32(255),
            slot,
            stands=stands,
            lean=float(rng.normal(0, 1.0 if stands else 2.5)),
            scale=float(rng.uniform(0.94, 1.0)),
        )
        long_side = round(OVERSAMPLE * max(place.width, place.height))
        drawn = dress(
            _exemplar(thing, library, max(16, long_side)),
            thing.subject,
            style,
            concept=thing.concept if thing.picture is None else None,
            turn=first + i,
            seed=job.seed,
        )
        placed = warp_object(drawn, place, shape, mirror=bool(rng.random() < 0.5))
        asked = thing.subject is not None and thing.subject.rgb is not None
        own_scene = replace(scene, colorless=scene.colorless and not asked)
        placed = harmonize(placed, own_scene, seed=job.seed + i, light=light)
        dark = _shadow(placed[..., 3], placement, light, max(place.width, place.height))
        shadow = np.maximum(shadow, dark)
        canvas = over(placed, canvas)
    return canvas, shadow


def _exemplar(thing: Thing, library: ConceptLibrary, size: int) -> Rgba8:
    return (
        thing.picture
        if thing.picture is not None
        else library.exemplar(thing.key, size=size).pixels
    )


def _shadow(alpha: Weight, placement: str, light: tuple[float, float], size: float) -> Weight:
    if placement == "floats":
        return np.zeros_like(alpha)
    near = np.float32(CAST_OPACITY) * cast_shadow(alpha, light=light, reach=CAST_REACH * size)
    if placement != "stands":
        return near
    ground = contact_shadow(alpha, light=light, softness=CONTACT_SOFTNESS * size)
    both: Weight = np.maximum(np.float32(CONTACT_OPACITY) * ground, np.float32(0.6) * near)
    return both


def _turned(light: tuple[float, float], degrees: float) -> tuple[float, float]:
    angle = math.atan2(light[1], light[0]) + math.radians(degrees)
    return math.cos(angle), math.sin(angle)


def _clear_of_edge(mask: Mask) -> Mask:
    """The mask without the rim in which the blend fades, unless that is all there is."""
    box = mask_box(mask)
    rim = 2 * math.ceil(EDGE * min(box.height, box.width)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    inner = np.asarray(cv2.erode(mask.astype(np.uint8), disc)).astype(bool)
    return inner if inner.any() else mask


def _writable(canvas: Canvas, mask: Mask) -> Mask:
    """Where text goes when there is an object to carry it."""
    solid: Mask = (canvas[..., 3] > 0.9) & mask
    return solid if solid.any() else mask
