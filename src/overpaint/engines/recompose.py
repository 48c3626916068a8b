"""Step 3 of the chain: exemplars fitted to the mask, dressed, lit and shadowed as the scene is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from overpaint.concepts.concept import Concept
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Subject
from overpaint.concepts.recall import RAINBOW, dress
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas, over
from overpaint.imaging.harmonize import (
    Surroundings,
    cast_shadow,
    contact_shadow,
    harmonize,
)
from overpaint.imaging.outline import silhouette, warp_to_outline
from overpaint.imaging.placement import place_object, split_slots, warp_object
from overpaint.imaging.region import mask_box
from overpaint.imaging.texture import shrunk
from overpaint.values import Mask, PaintJob, Rgba8, Style, Weight

#: Long side at which an exemplar is looked at to find its place, px.
PREVIEW = 160
#: Exemplars are drawn this much larger than they are shown, so that turning keeps them crisp.
OVERSAMPLE = 1.2
#: An object smaller than this is not recognised, long side, px.
SMALL = 14
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

    @property
    def mirrorable(self) -> bool:
        """Whether left and right may be swapped: never in the caller's own picture."""
        return self.picture is None and self.concept is not None and self.concept.mirrorable

    @property
    def name(self) -> str:
        """What the prompt calls it."""
        return f'"{self.subject.word}"' if self.subject is not None else "the reference"


@dataclass(frozen=True, kw_only=True)
class Recomposed:
    """Objects in their places."""

    objects: Canvas  # height x width x 4, premultiplied
    shadow: Canvas  # likewise, to lie under them
    notes: tuple[str, ...] = ()  # what the caller should know


def recompose(
    job: PaintJob,
    things: Sequence[Thing],
    style: Style,
    scene: Surroundings,
    library: ConceptLibrary,
    rng: np.random.Generator,
) -> Recomposed:
    """Draw all things into the job's mask.

    Args:
        job: the region and its mask.
        things: what to draw, in order.
        style: how it is to look.
        scene: what the surroundings look like.
        library: where the exemplars are.
        rng: moves tilt, size, side and light.
    """
    shape = (job.mask.shape[0], job.mask.shape[1])
    canvas = layers.empty(shape)
    shadow: Weight = np.zeros(shape, np.float32)
    if not things:
        return Recomposed(objects=canvas, shadow=layers.empty(shape))
    notes = []
    flying = FLYING.search(job.prompt) is not None
    light = _turned(scene.light, rng.normal(0, LIGHT_TURN))
    first = int(rng.integers(len(RAINBOW)))  # where the colours of colourful things begin
    drawn_for = silhouette(job.sketch, job.mask) if job.sketch is not None else None
    room = _clear_of_edge(job.mask) if drawn_for is None else drawn_for
    slots = split_slots(room, len(things))
    for i, slot in enumerate(slots):
        thing = things[i % len(things)]  # one object alone goes into every slot
        placement = "floats" if flying else thing.placement
        stands = placement == "stands"
        mirror = bool(rng.random() < 0.5) and thing.mirrorable
        preview = _exemplar(thing, library, PREVIEW, mirror=mirror)
        place = place_object(
            preview[..., 3].astype(np.float32) / np.float32(255),
            slot,
            stands=stands,
            lean=float(rng.normal(0, 1.0 if stands else 2.5)),
            scale=float(rng.uniform(0.94, 1.0)),
        )
        size = max(place.width, place.height)
        if drawn_for is not None:
            size = slot.length
        drawn = dress(
            _exemplar(thing, library, max(16, round(OVERSAMPLE * size)), mirror=mirror),
            thing.subject,
            style,
            concept=thing.concept if thing.picture is None else None,
            turn=first + i,
            colors=_from(job.palette, i),
            seed=job.seed,
        )
        if drawn_for is None:
            placed = warp_object(drawn, place, shape)
        else:
            placed = warp_to_outline(drawn, slot.mask, mirrorable=thing.mirrorable)
        asked = bool(job.palette) or (thing.subject is not None and thing.subject.rgb is not None)
        own_scene = replace(scene, colorless=scene.colorless and not asked)
        placed = harmonize(placed, own_scene, seed=job.seed + i, light=light)
        dark = _shadow(placed[..., 3], placement, light, size)
        shadow = np.maximum(shadow, dark)
        canvas = over(placed, canvas)
        if size < SMALL:
            notes.append(f"the mask is so small or narrow that {thing.name} can hardly be seen")
    if len(slots) < len(things):
        notes.append(f"the mask has room for {len(slots)} of {len(things)} things")
    dark = layers.of_gray(shadow, HAZE * scene.black)
    return Recomposed(objects=canvas, shadow=dark, notes=tuple(dict.fromkeys(notes)))


def _from(colors: Sequence[tuple[int, int, int]], first: int) -> Sequence[tuple[int, int, int]]:
    """A palette that begins with another of its colours: each object its own."""
    return [colors[(first + i) % len(colors)] for i in range(len(colors))]


def _exemplar(thing: Thing, library: ConceptLibrary, size: int, *, mirror: bool) -> Rgba8:
    """Its picture, drawn or scaled down to this long side, px."""
    if thing.picture is not None:
        height, width = thing.picture.shape[:2]
        scale = size / max(height, width)
        if scale >= 1:
            return thing.picture
        return shrunk(thing.picture, (max(1, round(width * scale)), max(1, round(height * scale))))
    pixels = library.exemplar(thing.key, size=size).pixels
    return np.ascontiguousarray(pixels[:, ::-1]) if mirror else pixels


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
