"""Batches to look at: `contact_sheet`."""

from __future__ import annotations

import torch
from torch import Tensor

from overpaint.train.compose import Batch
from overpaint.values import Rgb8


def contact_sheet(batch: Batch, *, gap: int = 4) -> Rgb8:
    """A row a picture: the context, the recomposed picture, the truth, silhouette and sketch."""
    mask = batch.mask
    context = batch.picture * (1 - mask) + mask * torch.tensor((0.7, -0.6, 0.7)).view(1, 3, 1, 1)
    lines = 1 - 2 * batch.sketch.expand_as(batch.picture)
    solid = 2 * batch.silhouette.expand_as(batch.picture) - 1
    columns = [context, batch.exemplar, batch.picture, solid, lines]
    sheet = torch.cat([_framed(part.cpu(), gap) for part in columns], dim=3)  # N x 3 x S x 5S
    rows = sheet.permute(0, 2, 3, 1).flatten(0, 1)
    return ((rows + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def _framed(planes: Tensor, gap: int) -> Tensor:
    return torch.nn.functional.pad(planes, (0, gap, 0, gap), value=1.0)
