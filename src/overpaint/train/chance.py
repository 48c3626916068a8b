"""Random numbers for batches: every draw comes from one generator, on its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Chance:
    """Draws for n pictures at once."""

    generator: torch.Generator
    device: torch.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Even between `low` and `high`."""
        return low + (high - low) * torch.rand(
            shape, generator=self.generator, device=self.device, dtype=torch.float32
        )

    def normal(self, spread: float, *shape: int) -> Tensor:
        """Normal, mean 0, standard deviation `spread`."""
        return spread * torch.randn(
            shape, generator=self.generator, device=self.device, dtype=torch.float32
        )

    def often(self, odds: float, *shape: int) -> Tensor:
        """1.0 with the probability `odds`, else 0.0."""
        return (self.uniform(0, 1, *shape) < odds).float()

    def number(self, below: int, *shape: int) -> Tensor:
        """An integer from 0 to `below` - 1."""
        return torch.randint(below, shape, generator=self.generator, device=self.device)

    def pick(self, among: Tensor, count: int) -> Tensor:
        """`count` entries of `among` (M), each with the same probability, again and again."""
        return among[self.number(len(among), count)]

    def kinds(self, weights: Sequence[float], count: int) -> Tensor:
        """`count` indices into `weights`, each as often as its weight says."""
        odds = torch.tensor(weights, dtype=torch.float32, device=self.device)
        return torch.multinomial(odds, count, replacement=True, generator=self.generator)

    def cloud(self, count: int, cells: int, side: int) -> Tensor:
        """Smooth noise: count x 1 x side x side, standard deviation about 0.7."""
        coarse = self.normal(1.0, count, 1, cells, cells)
        return functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
