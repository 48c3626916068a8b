"""What depends on how far a run is: its learning rate, its levels, its seeds; and its precision."""

from __future__ import annotations

import math

import numpy as np
import torch

from overpaint.train.config import Level, Optimiser


def rate_at(progress: float, step: int, settings: Optimiser) -> float:
    """The learning rate at `progress` (0..1) of the budget and a step counted from 0.

    It goes by the part of the budget that is left, so that a run of any length ends gently.
    """
    warm = min(1.0, (step + 1) / (settings.warmup + 1))
    part = min(max((progress - settings.hold) / (1.0 - settings.hold), 0.0), 1.0)
    left = 1.0 - part if settings.decay == "linear" else 0.5 * (1.0 + math.cos(math.pi * part))
    return settings.rate * warm * max(left, settings.floor)


def draw_level(levels: tuple[Level, ...], generator: np.random.Generator) -> Level:
    """One of the levels, by their shares."""
    shares = np.array([level.share for level in levels])
    return levels[int(generator.choice(len(levels), p=shares / shares.sum()))]


def seed_of(seed: int, step: int) -> int:
    """A seed for the data of a step, unlike that of any other."""
    return int(np.random.SeedSequence((seed, step, 2)).generate_state(1, np.uint64)[0] >> 2)


def half_precision(precision: str, device: torch.device) -> bool:
    """Whether convolutions run in bfloat16: where the device multiplies it faster."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
