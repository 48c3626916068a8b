"""Recalling: from what a prompt says of a thing to a picture of it.

kNN-Diffusion (arXiv 2204.02849) and Retrieval-Augmented Diffusion (arXiv 2204.11824) retrieve
what a small model cannot remember; so do we, by name.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from overpaint.concepts.concept import Concept, Drawing
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Subject
from overpaint.values import Style

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
#: The chance that the best kind of drawing is taken rather than the next best.
BEST_CHANCE = 0.7


def choose_concept(
    subject: Subject, library: ConceptLibrary, avoid: Collection[str] = ()
) -> Concept:
    """The concept that a subject means: its best one that is not to be avoided."""
    wanted = [id_ for id_ in subject.concept_ids if id_ not in avoid] or subject.concept_ids
    return library.concepts[wanted[0]]


def choose_drawing(concept: Concept, style: Style, rng: np.random.Generator) -> str:
    """The key of one of a concept's exemplars: of the two best kinds for the style, by chance."""
    order = DRAWINGS[style]
    kinds = sorted({kind for kind, _ in concept.exemplars}, key=order.index)[:2]
    kind = kinds[0] if len(kinds) == 1 or rng.random() < BEST_CHANCE else kinds[1]
    keys = [key for drawn, key in concept.exemplars if drawn == kind]
    return keys[int(rng.integers(len(keys)))]
