"""The judge: tells which concept a crop shows, by the directions of edges and rough colours.

A linear discriminant over histograms of oriented gradients: Dalal, Triggs, "Histograms of Oriented
Gradients for Human Detection" (CVPR 2005), whitened as in Hariharan, Malik, Ramanan,
"Discriminative Decorrelation for Clustering and Classification" (ECCV 2012). One pass over the
data trains it. `scripts/build_judge.py` does so on sets of drawings that are not in the concept
library, so it has never seen the pictures that engines recompose, nor anything an engine painted.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.errors import OperationFailed
from overpaint.values import Rgb8

SIDE = 64  # px of what is looked at
CELL = 8  # px a side, in which directions of edges are counted
DIRECTIONS = 9  # over half a turn
HYSTERESIS = 0.2  # the largest value in a block, before it is normalised again
EDGES = (SIDE // CELL - 1) ** 2 * 4 * DIRECTIONS  # blocks of 2 x 2 cells overlap
COLOR_CELLS = 8  # a side, of the rough colours (CIE Lab)
FEATURES = EDGES + 3 * COLOR_CELLS**2
RIDGE = 1.0  # added to the variance of each feature, as a share of their mean variance

Floats = npt.NDArray[np.float32]


def describe(crops: Sequence[Rgb8]) -> Floats:
    """Square crops of any size, to N x FEATURES: HOG of 8 px cells, then rough colours, 0 to 1."""
    rows = np.empty((len(crops), FEATURES), np.float32)
    for row, crop in zip(rows, crops, strict=True):
        shrinks = min(crop.shape[:2]) > SIDE
        way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        small = np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=way), np.uint8)
        rough = cv2.resize(small, (COLOR_CELLS, COLOR_CELLS), interpolation=cv2.INTER_AREA)
        row[:EDGES] = oriented_gradients(small)
        row[EDGES:] = np.asarray(cv2.cvtColor(rough, cv2.COLOR_RGB2LAB), np.float32).ravel() / 255
    return rows


def oriented_gradients(picture: Rgb8) -> Floats:
    """Histograms of oriented gradients of SIDE x SIDE x 3, as Dalal and Triggs have them: EDGES.

    Of the three channels the steepest counts; directions and places are shared among neighbours.
    """
    floats = np.pad(picture.astype(np.float32), ((1, 1), (1, 1), (0, 0)), mode="edge")
    right = floats[1:-1, 2:] - floats[1:-1, :-2]  # SIDE x SIDE x 3
    down = floats[2:, 1:-1] - floats[:-2, 1:-1]
    steepest = (right**2 + down**2).argmax(axis=2)[..., None]
    x = np.take_along_axis(right, steepest, 2)[..., 0]
    y = np.take_along_axis(down, steepest, 2)[..., 0]
    size = np.sqrt(x * x + y * y)
    turn = np.arctan2(y, x) / np.pi * DIRECTIONS - 0.5  # in bins; half a turn is the same again
    low = np.floor(turn)
    planes = np.zeros((DIRECTIONS, SIDE, SIDE), np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for bin_, share in ((low, 1 - (turn - low)), (low + 1, turn - low)):
        planes[bin_.astype(int) % DIRECTIONS, rows, columns] += share * size
    ramp = 1 - np.abs(np.arange(2 * CELL) - CELL + 0.5) / CELL  # each pixel to its nearest cells
    padded = np.pad(planes, ((0, 0), (CELL // 2, CELL // 2), (CELL // 2, CELL // 2)))
    spread = np.lib.stride_tricks.sliding_window_view(padded, (2 * CELL, 2 * CELL), axis=(1, 2))
    cells = np.einsum("dijyx,y,x->ijd", spread[:, ::CELL, ::CELL], ramp, ramp)  # 8 x 8 x 9
    corners = (cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:])
    blocks = np.concatenate(corners, axis=2)  # 7 x 7 x 36
    blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + 1
    blocks = np.minimum(blocks, HYSTERESIS)
    blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-3
    return np.asarray(blocks.ravel(), np.float32)


class Moments:
    """What has to be known of all features to separate classes; filled batch by batch."""

    def __init__(self, classes: int) -> None:
        """Of so many classes, nothing seen."""
        self.counts = np.zeros(classes)
        self.sums = np.zeros((classes, FEATURES))
        self.products = np.zeros((FEATURES, FEATURES))

    def add(self, features: Floats, labels: npt.NDArray[np.int64]) -> None:
        """N x FEATURES and N labels."""
        np.add.at(self.sums, labels, features)
        self.counts += np.bincount(labels, minlength=len(self.counts))
        self.products += features.T @ features

    def solve(self, ridge: float = RIDGE) -> tuple[Floats, Floats]:
        """Weights, classes x FEATURES, and bias: Fisher's discriminant, all classes as likely."""
        total = self.counts.sum()
        means = self.sums / np.maximum(self.counts, 1)[:, None]
        within = (self.products - (means * self.counts[:, None]).T @ means) / total
        within += ridge * np.trace(within) / FEATURES * np.eye(FEATURES)
        middle = self.sums.sum(0) / total
        weights = np.linalg.solve(within, (means - middle).T).T
        bias = -0.5 * (weights * (means + middle)).sum(1)
        bias[self.counts == 0] = -np.inf
        return weights.astype(np.float32), bias.astype(np.float32)


class Judge:
    """A trained discriminant with the concepts that it knows."""

    def __init__(
        self,
        weights: Floats,
        bias: Floats,
        concepts: Sequence[str],
        facts: dict[str, float],
    ) -> None:
        """Weights (classes x FEATURES), bias (classes), the id of each, and what is known of it."""
        self.weights = weights
        self.bias = bias
        self.concepts = tuple(concepts)
        self.facts = facts
        self.rank_of = {id_: number for number, id_ in enumerate(self.concepts)}

    @classmethod
    def load(cls, path: Path) -> Judge:
        """Read what `save` wrote; raises `OperationFailed` if it cannot be read."""
        try:
            with np.load(path) as file:
                return cls(
                    file["weights"].astype(np.float32),
                    file["bias"].astype(np.float32),
                    [str(id_) for id_ in file["concepts"]],
                    json.loads(str(file["facts"])),
                )
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise OperationFailed(f"the judge cannot be read: {path} ({error})") from error

    def save(self, path: Path) -> None:
        """Write it as NPZ, the weights as float16."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            weights=self.weights.astype(np.float16),
            bias=self.bias,
            concepts=np.array(self.concepts),
            facts=json.dumps(self.facts),
        )

    def knows(self, concept_id: str) -> bool:
        """Whether it was shown drawings of a concept."""
        number = self.rank_of.get(concept_id)
        return number is not None and bool(np.isfinite(self.bias[number]))

    def described(self) -> str:
        """How good it is, in a line."""
        known = int(np.isfinite(self.bias).sum())
        scores = [f"{name} {value:.1%}" for name, value in self.facts.items() if "top" in name]
        return f"{known} of {len(self.concepts)} concepts; {', '.join(scores)}"

    def logits(self, crops: Sequence[Rgb8]) -> Floats:
        """N x concepts, the higher the likelier; -inf for concepts it was shown nothing of."""
        return np.asarray(describe(crops) @ self.weights.T + self.bias, np.float32)

    def right(self, crops: Sequence[Rgb8], ids: Sequence[str], first: int) -> float:
        """The share of crops whose concept is among the `first` likeliest."""
        logits = self.logits(crops)
        own = logits[np.arange(len(ids)), [self.rank_of[id_] for id_ in ids]]
        return float(((logits > own[:, None]).sum(1) < first).mean())
