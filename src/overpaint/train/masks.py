"""Masks as people draw them round what they want repainted, in batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from overpaint.train.chance import Chance
from overpaint.train.geometry import axes, bounds, coarse, column, smooth

CELLS = 32  # the grid on which masks are grown
REACH = 7  # cells that a mask is grown by at most
#: How often a mask is a grown silhouette, a brushed blob, a box, an ellipse.
SHAPES = (0.34, 0.28, 0.22, 0.16)


def masks_round(alpha: Tensor, chance: Chance) -> Tensor:
    """N x 1 x S x S, 0 or 1: masks that hold what is opaque in `alpha`, N x 1 x S x S."""
    count = len(alpha)
    shape = column(chance.kinds(SHAPES, count))
    grown = _grown(alpha, chance, brushed=shape == 1)
    box, ellipse = _outlines(alpha, chance)
    mask = torch.where(shape == 2, box, torch.where(shape == 3, ellipse, grown))
    return torch.maximum(mask, dilated((alpha > 0.02).float(), 1))


def dilated(mask: Tensor, steps: int) -> Tensor:
    """N x C x S x S grown by a pixel to all sides, `steps` times; quicker than max pooling."""
    for _ in range(steps):
        for dim in (2, 3):
            size = mask.shape[dim] - 1
            grown = mask.clone()
            later, earlier = grown.narrow(dim, 1, size), grown.narrow(dim, 0, size)
            torch.maximum(later, mask.narrow(dim, 0, size), out=later)
            torch.maximum(earlier, mask.narrow(dim, 1, size), out=earlier)
            mask = grown
    return mask


def _grown(alpha: Tensor, chance: Chance, *, brushed: Tensor) -> Tensor:
    """The silhouette with room around it; a brushed one is uneven."""
    count, _, side, _ = alpha.shape
    near = functional.max_pool2d(alpha, side // CELLS)  # N x 1 x CELLS x CELLS
    depth = near.clone()
    for step in range(1, REACH):
        near = functional.max_pool2d(near, 3, 1, 1) if step % 2 else _crossed(near)
        depth += near
    depth = functional.avg_pool2d(depth, 3, 1, 1, count_include_pad=False)
    room = column(chance.uniform(1.0, REACH - 0.8, count))
    uneven = chance.cloud(count, 8, side) * torch.where(brushed, 1.5, 0.0)
    return (smooth(depth, side) + uneven > REACH - room).float()


def _crossed(near: Tensor) -> Tensor:
    """Grown by one cell to the four sides only, so that growth is round."""
    across = functional.max_pool2d(near, (1, 3), 1, (0, 1))
    return torch.maximum(across, functional.max_pool2d(near, (3, 1), 1, (1, 0)))


def _outlines(alpha: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
    """Boxes and ellipses round the silhouettes, each side with some room."""
    count, side = len(alpha), alpha.shape[-1]
    x, y = axes(side, alpha.device)
    box = bounds(alpha)
    room = chance.uniform(0.03, 0.4, count, 4)
    inside = (x > column(box.left - room[:, 0])) & (x < column(box.right + room[:, 1]))
    inside = inside & (y > column(box.top - room[:, 2])) & (y < column(box.bottom + room[:, 3]))
    (middle_x, middle_y), (half_x, half_y) = box.centre, box.half
    stretch = chance.uniform(1.05, 1.5, count, 2)
    away = ((x - column(middle_x)) / column(half_x * stretch[:, 0] + 0.03)) ** 2
    away = away + ((y - column(middle_y)) / column(half_y * stretch[:, 1] + 0.03)) ** 2
    return inside.float(), (away < 1).float()


def anywhere(chance: Chance, count: int, side: int) -> Tensor:
    """N x 1 x S x S, 0 to 1: something to draw a mask round where there is no object."""
    x, y = axes(side, chance.device)
    middle, half = chance.uniform(-0.55, 0.55, count, 2), chance.uniform(0.12, 0.45, count, 2)
    away = ((x - column(middle[:, 0])) / column(half[:, 0])) ** 2
    away = away + ((y - column(middle[:, 1])) / column(half[:, 1])) ** 2
    return (away < 1).float()


def faded(mask: Tensor, reach: float = 0.06) -> Tensor:
    """N x 1 x S x S: 0 at the mask's border, rising to 1 about `reach` of the side inside it."""
    side = mask.shape[-1]
    cells = coarse(mask, CELLS)
    for _ in range(max(1, round(reach * CELLS / 2))):
        cells = functional.avg_pool2d(cells, 3, 1, 1, count_include_pad=False)
    return ((smooth(cells, side) - 0.5) * 2).clamp(0, 1) * mask


def continued(picture: Tensor, mask: Tensor) -> Tensor:
    """A smooth continuation into the mask, by pyramids; N x 3 x S x S in and out."""
    known = 1 - mask
    layers = [torch.cat((picture * known, known), dim=1)]
    while layers[-1].shape[-1] > 1 and layers[-1].shape[-1] % 2 == 0:
        layers.append(functional.avg_pool2d(layers[-1], 2))
    filled = layers[-1][:, :3] / layers[-1][:, 3:].clamp_min(1e-3)
    for layer in layers[-2::-1]:
        color, weight = layer[:, :3], layer[:, 3:]
        under = smooth(filled, layer.shape[-1])
        filled = color + (1 - weight) * under
    return filled
