"""Step 4 of the chain: the painter's network repaints a recomposed picture, level after level."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.composer.conditions import (
    CONDITIONS,
    LUMA,
    PALETTE_BINS,
    Floats,
    present,
    time_features,
)
from overpaint.diffusion.noise import gaussian
from overpaint.diffusion.resample import State, halve
from overpaint.diffusion.sampler import guide, sample
from overpaint.diffusion.schedule import SIDES, STEPS, plan
from overpaint.values import Mask, Rgb8, Weight

#: Height and width of every level are multiples of this, px.
MULTIPLE = 16
#: A level is used where the longer side has at least this share of the level's.
FILLED = 0.75
#: A side is at most this many times that of the level's square; longer ones are squeezed.
LONGEST = 4
#: Noise that painting begins with at least, however much is kept.
LEAST_START = 0.05
#: Share of the noise that is drawn. A network of this size takes some of the noise for tone and
#: leaves stains; less noise gives what is likelier, as reduced temperature does (Glow, arXiv
#: 1807.03039, section 6). The table is in docs/decisions/0009.
TEMPERATURE = 0.4
#: What `guidance` presses, where it is given.
PRESSED = ("text", "palette", "sketch")

#: The network: its inputs by name -> n x 3 x h x w.
Network: TypeAlias = Callable[[Mapping[str, Floats]], Floats]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What the painter is told of one picture; None: it is not told."""

    recomposed: Rgb8  # height x width x 3, as it was outside the mask
    mask: Mask
    silhouette: Weight  # opacity of what is put in
    words: Floats  # how often each token is said, all 0 where nothing is
    palette: Floats | None = None  # 64 values that sum to 1
    sketch: Weight | None = None  # 1 = a line
    keeps_light: bool = False  # whether the luma of `recomposed` is to be kept
    start: float = 1.0  # noise to begin with, over 0 and at most 1; less keeps more
    guidance: float = 1.0  # how strongly what is given is pressed
    seed: int = 0

    @property
    def dropped(self) -> tuple[str, ...]:
        """The conditions that are not given, of `CONDITIONS`."""
        given = {
            "text": bool(self.words.any()),
            "palette": self.palette is not None,
            "sketch": self.sketch is not None,
            "intensity": self.keeps_light,
        }
        return tuple(name for name in CONDITIONS if not given.get(name, True))


@dataclass(frozen=True, kw_only=True)
class Level:
    """The picture and its planes at one size; 1 x channels x h x w, float32."""

    whole: State  # the recomposed picture, -1 to 1
    mask: State  # 0 or 1; a cell that is touched at all is repainted
    silhouette: State  # 0 to 1
    sketch: State  # 0 to 1

    def lower(self) -> Level:
        """The same at half the height and width."""
        return Level(
            whole=halve(self.whole),
            mask=_most(self.mask),
            silhouette=halve(self.silhouette),
            sketch=_most(self.sketch),
        )

    def planes(self, state: State, dropped: Collection[str]) -> State:
        """The network's input: 1 x 13 x h x w, in the order of `conditions.PLANES`."""

        def given(name: str, plane: State) -> State:
            return np.zeros_like(plane) if name in dropped else plane

        outside = 1 - self.mask
        context = self.whole * outside
        luma = np.tensordot(self.whole, np.asarray(LUMA, np.float32), ((1,), (0,)))[:, None]
        parts = [
            state * self.mask + context,
            context,
            self.mask,
            given("exemplar", self.whole),
            given("silhouette", self.silhouette * self.mask),
            given("sketch", self.sketch * self.mask),
            given("intensity", luma * self.mask),
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def shape_for(height: int, width: int, levels: Sequence[int]) -> tuple[int, int, int]:
    """The level at which a region is painted, and its height and width there, px.

    Both can be halved down to the first level and are multiples of 16 there. The region's shape
    is kept as nearly as that allows, with about as many pixels as the level's square has.

    Args:
        height: of the region, px.
        width: of the region, px.
        levels: those the network was trained at, indices into `SIDES`.
    """
    longest = max(height, width)
    level = max((i for i in levels if longest >= FILLED * SIDES[i]), default=min(levels))
    unit, side = MULTIPLE * 2**level, SIDES[level]
    scale = min(side / math.sqrt(height * width), 1 / FILLED)

    def near(length: int) -> set[int]:
        cells = min(max(1, int(length * scale / unit)), LONGEST * side // unit)
        return {cells * unit, min(cells + 1, LONGEST * side // unit) * unit}

    def misfit(shape: tuple[int, int]) -> float:
        ratio = (shape[0] / shape[1]) / (height / width)
        area = shape[0] * shape[1] / (height * width * scale**2)
        return abs(math.log(ratio)) + abs(math.log(area)) / 2

    best = min(sorted(product(near(height), near(width))), key=misfit)
    return level, *best


def paint(
    network: Network,
    sheet: Sheet,
    levels: Sequence[int],
    on_step: Callable[[int, int, Rgb8], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Repaint a recomposed picture.

    What the painter changed at its own size is laid over the recomposed picture at its full
    size, which keeps all of its detail.

    Args:
        network: predicts the picture.
        sheet: what it is told.
        levels: those it was trained at.
        on_step: called with steps done, steps in all, and the picture as it stands, at the
            size at which it is painted.

    Returns:
        By how much each pixel changes: height x width x 3, levels of 255, 0 outside the mask.
    """
    height, width = sheet.mask.shape
    top, rows, columns = shape_for(height, width, levels)
    tower = {top: _top(sheet, rows, columns)}
    for level in range(top, 0, -1):
        tower[level - 1] = tower[level].lower()

    def denoise(state: State, t: float, level: int) -> State:
        def predict(*also: str) -> State:
            dropped = {*sheet.dropped, *also}
            return network(_inputs(sheet, tower[level], state, t, level, dropped))

        full = predict()
        pressed = [name for name in PRESSED if name not in sheet.dropped]
        if sheet.guidance <= 1 or not pressed:
            return full
        weight = 1 + (sheet.guidance - 1) / len(pressed)  # all together as strong as asked
        without = {name: predict(name) for name in pressed}
        return guide(full, without, dict.fromkeys(pressed, weight))

    def keep(picture: State, level: int) -> State:
        known = tower[level]
        return np.where(known.mask > 0, np.clip(picture, -1, 1), known.whole)

    def draw(level: int) -> State:
        _, channels, h, w = tower[level].whole.shape
        return np.float32(TEMPERATURE) * gaussian([sheet.seed], level, (channels, h, w))

    painted = sample(
        denoise,
        plan(top, STEPS, start=max(LEAST_START, sheet.start)),
        {level: known.whole for level, known in tower.items()},
        draw,
        keep=keep,
        on_step=None if on_step is None else _shown(on_step),
    )
    change = (painted - tower[top].whole)[0].transpose(1, 2, 0) * np.float32(127.5)  # h x w x 3
    grown = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown * sheet.mask[..., None], np.float32)


def _top(sheet: Sheet, rows: int, columns: int) -> Level:
    """The sheet at the size of its level."""
    whole = sheet.recomposed.astype(np.float32) / np.float32(127.5) - 1
    mask = _sized(sheet.mask.astype(np.float32), rows, columns) > 1e-3
    lines = np.zeros(sheet.mask.shape, np.float32)
    if sheet.sketch is not None:
        height, width = sheet.mask.shape
        reach = (max(1, round(height / rows)), max(1, round(width / columns)))
        wide = cv2.dilate(sheet.sketch * sheet.mask, np.ones(reach, np.uint8))
        lines = np.asarray(wide, np.float32)  # thin lines would fade away
    return Level(
        whole=_sized(whole, rows, columns).transpose(2, 0, 1)[None],  # 1 x 3 x h x w
        mask=mask[None, None].astype(np.float32),  # 1 x 1 x h x w
        silhouette=_sized(sheet.silhouette, rows, columns)[None, None],
        sketch=_sized(lines, rows, columns)[None, None],
    )


def _inputs(
    sheet: Sheet, known: Level, state: State, t: float, level: int, dropped: Collection[str]
) -> dict[str, Floats]:
    palette = sheet.palette if sheet.palette is not None else np.zeros(PALETTE_BINS, np.float32)
    return {
        "planes": known.planes(state, dropped),
        "words": sheet.words[None] * np.float32("text" not in dropped),
        "palette": palette[None] * np.float32("palette" not in dropped),
        "present": present(*dropped),
        "time": time_features([t], level),
    }


def _shown(on_step: Callable[[int, int, Rgb8], None]) -> Callable[[int, int, State], None]:
    def show(done: int, total: int, picture: State) -> None:
        rgb = np.rint((np.clip(picture[0], -1, 1) + 1) * np.float32(127.5))
        on_step(done, total, np.ascontiguousarray(rgb.transpose(1, 2, 0), np.uint8))

    return show


def _sized(array: npt.NDArray[Any], rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Resample h x w (x channels): averaging where it shrinks, linear where it grows."""
    shrinks = rows * columns < array.shape[0] * array.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    sized = cv2.resize(np.asarray(array, np.float32), (columns, rows), interpolation=how)
    return np.asarray(sized, np.float32)


def _most(plane: State) -> State:
    """The largest of each block of 2 x 2 pixels."""
    n, c, h, w = plane.shape
    return np.asarray(plane.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5)), np.float32)
