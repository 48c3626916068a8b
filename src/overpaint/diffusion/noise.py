"""Noise that depends on the seed alone: not on the machine, the device, or what else is painted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from overpaint.diffusion.resample import State


def gaussian(seeds: Sequence[int], level: int, shape: tuple[int, int, int]) -> State:
    """Standard normal noise, one picture a seed.

    It is drawn by the counter-based generator Philox (Salmon et al., SC 2011), keyed by seed and
    level, on the CPU; a network on another device gets a copy.

    Args:
        seeds: 0 to 2**63 - 1 each.
        level: index of the level; each has its own stream.
        shape: channels, height, width.

    Returns:
        len(seeds) x channels x height x width, float32.
    """
    streams = [np.random.Generator(np.random.Philox(key=[seed, level])) for seed in seeds]
    return np.stack([stream.standard_normal(shape, np.float32) for stream in streams])
