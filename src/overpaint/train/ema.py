"""The running average of the weights, which is what gets exported."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

#: The half-life is never more than this part of what has been seen, so that the random weights
#: of the start are forgotten at once (EDM2, arXiv 2312.02696, does the same).
RAMP = 0.1


class Average:
    """An exponential moving average of a network's parameters and buffers, in float32.

    `half_life` is counted in pictures, so that it means the same whatever the batches are.
    """

    def __init__(self, network: nn.Module, half_life: int) -> None:
        self.half_life = half_life
        self.weights: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module, pictures: int, seen: int) -> None:
        """Take in the weights after a step of `pictures`, the last of `seen` in all."""
        half_life = min(float(self.half_life), max(RAMP * seen, 1e-3))
        step = 1.0 - 0.5 ** (pictures / half_life)
        averages, currents = [], []
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                averages.append(self.weights[name])
                currents.append(value.detach())
            else:
                self.weights[name].copy_(value)
        torch._foreach_lerp_(averages, currents, step)

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from saved averages."""
        for name, value in weights.items():
            self.weights[name].copy_(value)
