"""What the painter is told, as arrays.

Composer (arXiv 2302.09778) takes a picture apart into conditions that are dropped independently
in training, so that any subset of them recomposes a picture. Ours are these seven.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from overpaint.diffusion.schedule import SIDES
from overpaint.values import Rgb8, Weight

Floats: TypeAlias = npt.NDArray[np.float32]

#: In the order of the network's input `present`.
CONDITIONS = ("text", "exemplar", "palette", "sketch", "intensity", "silhouette", "context")
#: The kind of weights, in their metadata; another one where what the network is told changes.
FORMAT = "overpaint-painter-1"
#: The network's inputs, in the order of its arguments.
INPUTS = ("planes", "words", "palette", "present", "time")
#: The network's input planes: name, channels. A dropped condition's planes are 0.
PLANES = (
    ("state", 3),  # x_t inside the mask, the picture outside, -1 to 1
    ("context", 3),  # the picture, 0 inside the mask
    ("mask", 1),  # 1 = repaint
    ("exemplar", 3),  # the recomposed picture inside the mask, the picture outside
    ("silhouette", 1),  # opacity of what is put in, 0 to 1
    ("sketch", 1),  # lines inside the mask, 0 to 1
    ("intensity", 1),  # luma inside the mask, -1 to 1
)
PLANE_CHANNELS = sum(channels for _, channels in PLANES)
#: Levels of each of red, green and blue in a palette.
PALETTE_LEVELS = 4
PALETTE_BINS = PALETTE_LEVELS**3
#: Frequencies of the noise features.
_WAVES = 6
TIME_FEATURES = 2 * _WAVES + len(SIDES)
#: Rec. 709 weights, on sRGB values as they are.
LUMA = (0.2126, 0.7152, 0.0722)


def palette_of(rgb: Rgb8, weight: Weight | None = None) -> Floats:
    """Soft colour histogram: each colour is shared among its eight neighbours on a 4 x 4 x 4 grid.

    Args:
        rgb: ... x 3, uint8, sRGB.
        weight: of each colour, of `rgb`'s shape without the last axis; None: all alike.

    Returns:
        64 values that sum to 1, or all 0 where the weights are; red varies slowest.
    """
    flat = rgb.reshape(-1, 3).astype(np.float32) * np.float32((PALETTE_LEVELS - 1) / 255)
    share = np.ones(len(flat), np.float32) if weight is None else weight.reshape(-1)
    low = np.clip(flat.astype(np.int64), 0, PALETTE_LEVELS - 2)
    high = flat - low
    bins = np.zeros(PALETTE_BINS, np.float64)
    for corner in np.ndindex(2, 2, 2):
        part = np.prod(np.where(corner, high, 1 - high), axis=1) * share
        red, green, blue = (low + corner).T
        index = (red * PALETTE_LEVELS + green) * PALETTE_LEVELS + blue
        bins += np.bincount(index, part, PALETTE_BINS)
    total = bins.sum()
    return np.asarray(bins / total if total > 0 else bins, np.float32)


def palette_of_colors(
    colors: Sequence[tuple[int, int, int]], weights: Sequence[float] | None = None
) -> Floats:
    """The palette of some colours, alike or by weight: 64 values that sum to 1."""
    given = None if weights is None else np.asarray(weights, np.float32)
    return palette_of(np.asarray(colors, np.uint8).reshape(-1, 3), given)


def time_features(t: npt.ArrayLike, level: int) -> Floats:
    """How the network is told noise and level.

    Args:
        t: noise of each picture, 0 to 1, of length n.
        level: index into `SIDES`.

    Returns:
        n x TIME_FEATURES: waves of t, then the level one-hot.
    """
    times = np.asarray(t, np.float32).reshape(-1, 1)
    angle = times * (np.pi * 2.0 ** np.arange(_WAVES, dtype=np.float32))
    one_hot = np.zeros((len(times), len(SIDES)), np.float32)
    one_hot[:, level] = 1
    return np.concatenate([np.sin(angle), np.cos(angle), one_hot], axis=1).astype(np.float32)


def present(*dropped: str, n: int = 1) -> Floats:
    """The network's input `present`: n x 7, 1 for each condition that is given.

    Raises:
        ValueError: a name is none of `CONDITIONS`.
    """
    if unknown := set(dropped) - set(CONDITIONS):
        raise ValueError(f"must be among {', '.join(CONDITIONS)}, got {', '.join(unknown)}")
    row = [0.0 if name in dropped else 1.0 for name in CONDITIONS]
    return np.tile(np.asarray(row, np.float32), (n, 1))
