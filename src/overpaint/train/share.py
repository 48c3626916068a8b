"""A step's pictures shared among threads, each of which computes alone.

Splitting every operation over the cores makes them wait for each other a thousand times a step,
which costs most of the gain when anything else runs on the machine. Splitting the batch lets them
wait once.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from overpaint.train.compose import Batch


def part_of(batch: Batch, rows: slice) -> Batch:
    """Some pictures of a batch."""
    fields = dataclasses.fields(batch)
    return Batch(**{spec.name: getattr(batch, spec.name)[rows] for spec in fields})


def shares(count: int, workers: int) -> list[slice]:
    """`count` rows in at most `workers` parts that differ by one row at most."""
    workers = min(count, workers)
    edges = [count * place // workers for place in range(workers + 1)]
    return [slice(low, high) for low, high in itertools.pairwise(edges)]


class Workers:
    """Threads, kept from step to step."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "learn") if count > 1 else None

    def gradient(
        self,
        network: nn.Module,
        loss_of: Callable[[slice], Tensor],
        count: int,
    ) -> Tensor:
        """Put the gradient of the summed loss of `count` pictures into the parameters' `.grad`.

        Args:
            network: whose parameters.
            loss_of: the summed loss of some rows; called in several threads.
            count: rows in all.

        Returns:
            The summed loss.
        """
        parameters = list(network.parameters())

        def one(rows: slice) -> tuple[Tensor, Sequence[Tensor]]:
            loss = loss_of(rows)
            return loss.detach(), torch.autograd.grad(loss, parameters)

        parts = shares(count, self.count)
        done = [*self._pool.map(one, parts)] if self._pool else [one(rows) for rows in parts]
        for place, parameter in enumerate(parameters):
            if parameter.grad is None:  # laid out as the parameter, which the optimiser needs
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.copy_(done[0][1][place])
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for _, more in done[1:]:
            torch._foreach_add_(grads, list(more))
        return torch.stack([loss for loss, _ in done]).sum()
