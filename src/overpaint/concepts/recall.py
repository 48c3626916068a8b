"""Recalling: from what a prompt says of a thing to a picture of it.

kNN-Diffusion (arXiv 2204.02849) and Retrieval-Augmented Diffusion (arXiv 2204.11824) retrieve
what a small model cannot remember; so do we, by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from overpaint.concepts.concept import OWN, Concept, Drawing
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Subject
from overpaint.imaging.materials import material
from overpaint.imaging.recolor import dominant_share, recolor
from overpaint.imaging.repalette import repalette
from overpaint.imaging.stylize import stylize
from overpaint.values import Rgba8, Style

#: Which drawings a style starts from, best first.
DRAWINGS: dict[Style, tuple[Drawing, ...]] = {
    "auto": ("photo", "3d", "shaded", "flat", "outline"),
    "3d cartoon": ("3d", "shaded", "flat", "photo", "outline"),
    "anime": ("shaded", "flat", "3d", "photo", "outline"),
    "oil painting": ("photo", "3d", "shaded", "flat", "outline"),
    "watercolor": ("photo", "shaded", "3d", "flat", "outline"),
    "sketch": ("photo", "shaded", "3d", "flat", "outline"),
    "chinese painting": ("photo", "shaded", "3d", "flat", "outline"),
    "flat illustration": ("flat", "shaded", "3d", "photo", "outline"),
}
#: What is seen through parts that are not of an object's main colour, with their opacity.
SEE_THROUGH = {"glasses": 0.35, "goggles": 0.5}
#: How a material that prompts name is drawn: as which one, and in which colour if its own.
LOOKS: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "ceramic": ("plastic", (236, 232, 222)),
    "crystal": ("glass", None),
    "diamond": ("glass", None),
    "jade": ("glass", (88, 158, 108)),
    "knit": ("wool", None),
    "paper": ("fabric", (240, 234, 220)),
    "plush": ("wool", None),
    "rubber": ("plastic", None),
    "steel": ("metal", None),
}
#: What colourful things are: each the next of these.
RAINBOW = (
    (222, 46, 48),
    (245, 140, 28),
    (250, 205, 40),
    (62, 168, 76),
    (40, 120, 215),
    (140, 72, 190),
)
#: The chance that the best concept, or kind of drawing, is taken rather than another that fits.
BEST_CHANCE = 0.7
#: The same for photographs, of which there are many.
PHOTO_CHANCE = 0.85
#: Photographs are some 256 px long; shown longer than this, px, they look soft.
PHOTO_SIZE = 420
#: Share of an object that its main colour has to cover to take another well, and the long side
#: at which that is judged, px.
PLAIN = 0.75
THUMBNAIL = 64


def choose_concept(
    subject: Subject,
    library: ConceptLibrary,
    rng: np.random.Generator,
    avoid: Collection[str] = (),
) -> Concept:
    """One of the concepts that a subject may mean, unless it is to be avoided.

    "A hat" may be any of several; "a top hat" is the one that is called so, and the user's own is
    meant wherever it may be.
    """
    wanted = [id_ for id_ in subject.concept_ids if id_ not in avoid] or subject.concept_ids
    best = library.concepts[wanted[0]]
    named = subject.word in (best.name_en, best.name_zh) or best.group == OWN
    if len(wanted) == 1 or named:
        return best
    if rng.random() < BEST_CHANCE:
        return best
    return library.concepts[wanted[1 + int(rng.integers(len(wanted) - 1))]]


def choose_drawing(
    concept: Concept,
    subject: Subject,
    style: Style,
    library: ConceptLibrary,
    rng: np.random.Generator,
    *,
    size: float = 0,
) -> str:
    """The key of one of a concept's exemplars, by chance.

    Of the two best kinds for the style; a photograph only where it stays sharp, and, where a
    colour is asked for, only one that is mainly of one colour.

    Args:
        concept: what is to be drawn.
        subject: what the prompt says of it.
        style: how it is to look.
        library: where the exemplars are.
        rng: the chance.
        size: how large it will be, about, long side, px.
    """
    fit = [
        (kind, key) for kind, key in concept.exemplars if kind != "photo" or size <= PHOTO_SIZE
    ] or list(concept.exemplars)
    order = DRAWINGS[style]
    kinds = sorted({kind for kind, _ in fit}, key=order.index)[:2]
    chance = PHOTO_CHANCE if kinds[0] == "photo" else BEST_CHANCE
    kind = kinds[0] if len(kinds) == 1 or rng.random() < chance else kinds[1]
    keys = [key for drawn, key in fit if drawn == kind]
    keys = [keys[i] for i in rng.permutation(len(keys))]
    if kind == "photo" and subject.rgb is not None:
        return next((key for key in keys if _is_plain(library, key)), keys[0])
    return keys[0]


def _is_plain(library: ConceptLibrary, key: str) -> bool:
    """Whether most of an exemplar is of one colour; judged on a thumbnail."""
    small = library.exemplar(key, size=THUMBNAIL).pixels
    visible = small[..., 3] > 128
    return float(dominant_share(small)[visible].mean()) >= PLAIN


def dress(
    picture: Rgba8,
    subject: Subject | None,
    style: Style,
    *,
    concept: Concept | None = None,
    turn: int = 0,
    colors: Sequence[tuple[int, int, int]] = (),
    seed: int = 0,
) -> Rgba8:
    """Give an exemplar the material, colour and style asked for.

    Args:
        picture: height x width x 4, straight alpha.
        subject: what the prompt says of it; None says nothing.
        style: how it is to look.
        concept: what it is, for what is particular to it (lenses, frames).
        turn: its number among its fellows: colourful ones each get another colour.
        colors: a palette for what the subject leaves open, most important first.
        seed: of grain and strokes.

    Returns:
        The same height and width.
    """
    frame = concept is not None and concept.placement == "worn-eyes"  # what counts is the frame
    lens = SEE_THROUGH.get(concept.id, 1.0) if concept is not None else 1.0
    opacity = 1 - (1 - lens) * (1 - dominant_share(picture, rim=frame)) if lens < 1 else None
    rgb = None
    if subject is not None:
        rgb = subject.rgb if subject.color != "rainbow" else RAINBOW[turn % len(RAINBOW)]
        if subject.material is not None:
            look, own = LOOKS.get(subject.material, (subject.material, None))
            picture = material(picture, look, seed=seed)
            # gold and silver are colours too, but the metal already looks it
            rgb = own if subject.color == subject.material else rgb or own
    if rgb is not None:
        picture = recolor(picture, rgb, rim=frame)
    elif colors and (subject is None or subject.material is None):
        picture = repalette(picture, colors, rim=frame)
    if style != "auto":
        picture = stylize(picture, style, seed=seed)
    if opacity is not None:
        alpha = np.rint(picture[..., 3] * opacity).astype(np.uint8)
        picture = np.dstack([picture[..., :3], alpha])
    return picture
