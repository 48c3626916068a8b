"""The engine `builtin`: what `collage` recomposes, repainted by a small network.

The network gives what was put in the light, tone, grain and contact of its surroundings; it was
trained for this project, comes with it, and needs neither a download nor a GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.composer.conditions import Floats, palette_of_colors
from overpaint.composer.vocabulary import Vocabulary, words_of
from overpaint.concepts.knowledge import Knowledge
from overpaint.diffusion.schedule import SIDES
from overpaint.engines.collage import Brief, CollageEngine, recall_and_recompose
from overpaint.engines.composition import Composition
from overpaint.engines.painting import Network, Sheet, paint
from overpaint.engines.runtime import Graph
from overpaint.errors import EngineFailed
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas, over
from overpaint.values import (
    OnStep,
    PaintedRegion,
    PaintJob,
    Rgb8,
    Step,
    Weight,
)

WEIGHTS = Path(__file__).with_name("weights") / "painter.onnx"
#: How far from what is put in the painter may change the picture, as a share of its size.
REACH = 0.06
#: Opacity from which on something is there.
THERE = 0.02
#: Changes up to the first do not count, from the second on fully; levels of 255.
UNSEEN, SEEN = 1.0, 6.0

#: height x width x 3, float32, levels of 255.
Levels: TypeAlias = npt.NDArray[np.float32]
#: Steps done, steps in all, the picture as it stands.
Told: TypeAlias = Callable[[int, int, Rgb8], None]


@dataclass(frozen=True, kw_only=True)
class Painter:
    """The network with what its metadata say."""

    network: Network
    vocabulary: Vocabulary
    levels: tuple[int, ...]  # those it was trained at
    refine_removal: bool  # whether it betters a continued background

    @classmethod
    def open(cls, path: Path) -> Painter:
        """Read the weights.

        Raises:
            EngineFailed: the file is missing, torn, or of another kind.
        """
        if not path.is_file():
            raise EngineFailed(f"the painter's weights are missing: {path}")
        graph = Graph(path)
        said = graph.metadata
        try:
            return cls(
                network=graph,
                vocabulary=Vocabulary(said["tokens"]),
                levels=_levels(said),
                refine_removal=bool(said.get("scores", {}).get("refine_removal", True)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineFailed(f"{path} does not say its tokens and levels: {error}") from error


def _levels(said: Mapping[str, Any]) -> tuple[int, ...]:
    """Those that the weights were trained at, indices into `SIDES`."""
    if "levels" in said:
        return tuple(int(level) for level in said["levels"])
    trained = said["training"]["settings"]["levels"]
    return tuple(SIDES.index(level["side"]) for level in trained if level["share"] > 0)


class BuiltinEngine:
    """Recomposes as `collage` does, and repaints the result."""

    info = replace(
        CollageEngine.info,
        name="builtin",
        summary="puts in what the prompt names and paints it as its surroundings are",
        takes_guidance=True,
    )

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._painter: Painter | None = None
        self._knowledge = Knowledge()

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Paint each job; see `Engine.paint`. Previews show the job that is being painted.

        Raises:
            UnknownConcept: the prompt names nothing that the library knows.
            InvalidPrompt: text to be set does not fit the mask, or no colour is said.
            FontMissing: no font has its characters.
            EngineFailed: the weights are missing or torn.
        """
        painter = self._open()
        known = self._knowledge.now()
        briefs: dict[tuple[object, ...], Brief] = {}
        regions = []
        for number, job in enumerate(jobs):
            # those that differ in their seed only share what does not depend on it
            same = (id(job.pixels), id(job.mask), id(job.reference), job.prompt, job.palette)
            brief = briefs.setdefault(same, Brief(job, known.lexicon))
            parts = recall_and_recompose(job, brief, known.library, known.lexicon)
            region = paint_over(job, parts, painter, _told(on_step, number, len(jobs)))
            regions.append(replace(region, notes=(*region.notes, *known.faults)))
        return regions

    def close(self) -> None:
        """Let network and library go."""
        self._painter = None
        self._knowledge = Knowledge()

    def _open(self) -> Painter:
        with self._lock:
            if self._painter is None:
                self._painter = Painter.open(self._weights)
            return self._painter


def paint_over(
    job: PaintJob, parts: Composition, painter: Painter, told: Told | None = None
) -> PaintedRegion:
    """Repaint a recomposed picture; letters are laid over it afterwards.

    Args:
        job: what was asked for.
        parts: what it was recomposed from.
        painter: the network.
        told: called after each step.
    """
    if parts.reading.action == "remove" and not painter.refine_removal:
        return parts.painted()
    if parts.reading.action == "recolor":  # what was there has the light of its place already
        return parts.painted()
    bare = replace(parts, letters=None)
    below = bare.layer()
    cover = below[..., 3] * job.mask
    if not (cover > THERE).any():  # letters alone, or all of the picture is kept
        return parts.painted()
    recomposed = bare.flatten()
    change = paint(painter.network, _sheet(job, parts, recomposed, painter), painter.levels, told)
    if parts.opaque:
        layer = layers.of_rgb(_rgb8(recomposed + change))
    else:
        near = _near(cover)[..., None]
        layer = _layer(np.clip(recomposed + change * near, 0, 255), job.pixels, cover)
    if parts.letters is not None:
        nothing = np.zeros_like(parts.objects)
        alone = replace(parts, objects=nothing, shadow=nothing, background=None)
        layer = over(alone.layer(), layer)
    return PaintedRegion(
        pixels=np.where(job.mask[..., None], layers.straight(layer), job.pixels),
        coverage=None if parts.opaque else np.ascontiguousarray(layer[..., 3]) * job.mask,
        notes=parts.notes,
    )


def _sheet(job: PaintJob, parts: Composition, recomposed: Rgb8, painter: Painter) -> Sheet:
    said = [one.rgb for one in parts.reading.subjects if one.rgb is not None]
    colors = None
    if job.palette:
        colors = palette_of_colors(job.palette, job.palette_weights or None)
    elif job.guidance > 1 and said:  # the painter follows a palette better than a colour's name
        colors = palette_of_colors(said)
    return Sheet(
        recomposed=recomposed,
        mask=job.mask,
        silhouette=np.ascontiguousarray(parts.objects[..., 3]),
        words=_words(parts, painter.vocabulary),
        palette=colors,
        sketch=job.sketch,
        keeps_light=job.strength > 0,
        start=1 - job.strength,
        guidance=job.guidance,
        seed=job.seed,
    )


def _words(parts: Composition, vocabulary: Vocabulary) -> Floats:
    """What the prompt says in the painter's tokens; nothing where it names no thing."""
    if parts.reading.action == "remove":
        return vocabulary.bag(["action:remove", f"style:{parts.style}"])
    subjects = parts.reading.subjects
    return vocabulary.bag(words_of(subjects, style=parts.style) if subjects else [])


def _near(cover: Weight) -> Weight:
    """1 where something is, softly falling to 0 within a short reach of it."""
    there = cover > THERE
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    size = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    away = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(1 - np.asarray(away) / (REACH * float(size) + 1), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _layer(target: Levels, picture: Rgb8, least: Weight) -> Canvas:
    """The most transparent layer that makes `target` of `picture`, with an opacity of `least`.

    It is somewhat more opaque than need be where it changes much, so that no noise of the
    picture is blown up in it.
    """
    before = picture.astype(np.float32)
    change = target - before  # h x w x 3
    size = np.abs(change).max(axis=2)
    change[size < UNSEEN / 2] = 0  # would be rounded away
    room = np.where(change > 0, 255 - before, before)
    need = (np.abs(change) / np.maximum(room, 1e-3)).max(axis=2)
    seen = np.clip((size - UNSEEN) / (SEEN - UNSEEN), 0, 1)
    opacity = np.clip(np.maximum(np.maximum(least, need), seen), 0, 1)[..., None]
    both = np.concatenate([(before * opacity + change) / 255, opacity], axis=2)
    return np.asarray(both, np.float32)


def _rgb8(levels: Levels) -> Rgb8:
    rgb: Rgb8 = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return rgb


def _told(on_step: OnStep | None, number: int, jobs: int) -> Told | None:
    """Tells the steps of one job among all."""
    if on_step is None:
        return None

    def tell(done: int, total: int, preview: Rgb8) -> None:
        place = number * total + done
        on_step(Step(stage="paint", done=place, total=jobs * total, preview=preview))

    return tell
