"""A small source of batches for the tests of training: discs on gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from overpaint.composer.vocabulary import Vocabulary
from overpaint.train.compose import Batch
from overpaint.train.config import Level, Model, Optimiser, Run, Settings


class Discs:
    """Discs whose colour the exemplar has too dark; what is to learn is to make them lighter."""

    vocabulary = Vocabulary(["concept:disc", "color:red", "style:auto"])
    about: Mapping[str, Any] = {"counts": {"discs": 1}}

    def batch(self, n: int, side: int, seed: int, *, held_out: bool) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        slopes = torch.linspace(-0.5, 0.5, side).expand(n, 3, side, side)
        colors = torch.rand((n, 3, 1, 1), generator=generator)
        y, x = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
        disc = ((x * x + y * y) < 0.36).float().expand(n, 1, side, side)
        mask = ((x.abs() < 0.8) & (y.abs() < 0.8)).float().expand(n, 1, side, side)
        picture = slopes * (1 - disc) + colors * disc
        return Batch(
            picture=picture,
            mask=mask,
            exemplar=picture - 0.4 * disc,
            silhouette=disc,
            words=torch.ones(n, len(self.vocabulary)),
            sketch=torch.zeros(n, 1, side, side),
            palette=torch.full((n, 64), 1 / 64),
            intensity=picture.mean(1, keepdim=True) * mask,
            kind=torch.zeros(n, dtype=torch.int64),
        )


def small(steps: int, **run: Any) -> Settings:
    """A run of seconds."""
    return Settings(
        levels=(Level(side=64, batch=4, share=2.0), Level(side=128, batch=1, share=1.0)),
        model=Model(channels=(8, 8, 8), blocks=(1, 1, 1), vector=8),
        optimiser=Optimiser(rate=1e-2, warmup=2, half_life=20),
        run=Run(**{"steps": steps, "validation": 2, "sheet": 0, "log_seconds": 0.0, **run}),
    )
