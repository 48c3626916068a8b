"""Where pictures are sampled from: crops of photographs and places of objects, in batches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from overpaint.train.chance import Chance


def random_crops(chance: Chance, count: int, least: float) -> Tensor:
    """count x 2 x 3: square crops, `least` to all of the side of a photograph, half mirrored."""
    zoom = chance.uniform(least, 1.0, count)
    shift = chance.uniform(-1, 1, count, 2) * (1 - zoom)[:, None]
    flip = 1 - 2 * chance.often(0.5, count)
    matrix = torch.zeros(count, 2, 3, device=chance.device)
    matrix[:, 0, 0], matrix[:, 1, 1] = zoom * flip, zoom
    matrix[:, :, 2] = shift
    return matrix


def affine(matrix: Tensor, side: int) -> Tensor:
    """N x S x S x 2: where each pixel comes from; `functional.affine_grid`, but quicker."""
    x, y = axes(side, matrix.device)
    part = matrix[:, :, :, None, None]  # N x 2 x 3 x 1 x 1
    rows = part[:, :, 1] * y[0] + part[:, :, 2]  # N x 2 x S x 1
    return (part[:, :, 0] * x[0] + rows).permute(0, 2, 3, 1)


def cropped(pictures: Tensor, matrix: Tensor, side: int) -> Tensor:
    """Crops of N x C x s x s uint8 `pictures`: N x C x side x side float, 0 to 1."""
    grid = affine(matrix, side)
    values = functional.grid_sample(
        pictures.float(), grid, padding_mode="border", align_corners=False
    )
    return values.mul_(1 / 255)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an object is put; coordinates from -1 to 1 over the picture, y downwards."""

    centre: Tensor  # N x 2, x and y
    half: Tensor  # N, half its canvas's side
    turn: Tensor  # N, radians
    flip: Tensor  # N, 1 or -1

    def matrix(self) -> Tensor:
        """N x 2 x 3: from the picture's coordinates to the canvas's."""
        cosine, sine = torch.cos(self.turn) / self.half, torch.sin(self.turn) / self.half
        rows = torch.stack(
            (
                torch.stack((cosine * self.flip, sine * self.flip), dim=1),
                torch.stack((-sine, cosine), dim=1),
            ),
            dim=1,
        )  # N x 2 x 2
        shift = -(rows @ self.centre[:, :, None])  # N x 2 x 1
        return torch.cat((rows, shift), dim=2)


def placed(levels: tuple[Tensor, ...], numbers: Tensor, place: Place, side: int) -> Tensor:
    """Objects on the picture: N x 4 x side x side, premultiplied, 0 to 1.

    `levels`: D x 4 x s x s uint8 each, s falling by halves; each object is taken from the smallest
    that still has a pixel for each of its pixels.
    """
    shown = place.half * side / levels[0].shape[-1]  # 1 where a pixel stays a pixel
    level = torch.floor(-torch.log2(shown) + 0.25).clamp(0, len(levels) - 1)
    result = torch.empty(len(numbers), 4, side, side, device=numbers.device)
    matrix = place.matrix()
    for rank, pictures in enumerate(levels):
        chosen = (level == rank).nonzero()[:, 0]
        if len(chosen):
            grid = affine(matrix[chosen], side)
            source = pictures[numbers[chosen]].float().mul_(1 / 255)
            result[chosen] = functional.grid_sample(source, grid, align_corners=False)
    return result


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Boxes round objects; N each, -1 to 1 over the picture."""

    left: Tensor
    top: Tensor
    right: Tensor
    bottom: Tensor

    @property
    def centre(self) -> tuple[Tensor, Tensor]:
        """x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def half(self) -> tuple[Tensor, Tensor]:
        """Half the width and half the height."""
        return (self.right - self.left) / 2, (self.bottom - self.top) / 2


def bounds(alpha: Tensor) -> Bounds:
    """Boxes round what is opaque in N x 1 x S x S; a small one in the middle if nothing is."""
    left, right = _span(alpha.amax(dim=2)[:, 0])
    top, bottom = _span(alpha.amax(dim=3)[:, 0])
    return Bounds(left=left, top=top, right=right, bottom=bottom)


def _span(profile: Tensor) -> tuple[Tensor, Tensor]:
    """First and last edge, -1 to 1, where N x S `profile` is above 0.3."""
    side = profile.shape[1]
    there = profile > 0.3
    edges = torch.arange(side + 1, device=profile.device) * (2 / side) - 1
    first = torch.where(there, edges[:-1], torch.ones_like(profile)).amin(dim=1)
    last = torch.where(there, edges[1:], -torch.ones_like(profile)).amax(dim=1)
    nothing = last <= first
    return first.masked_fill(nothing, -0.1), last.masked_fill(nothing, 0.1)


def axes(side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The picture's coordinates: x 1 x 1 x 1 x S, y 1 x 1 x S x 1, -1 to 1."""
    steps = (torch.arange(side, device=device) + 0.5) * (2 / side) - 1
    return steps.view(1, 1, 1, side), steps.view(1, 1, side, 1)


def column(values: Tensor) -> Tensor:
    """N values, shaped to go with N x C x S x S."""
    return values.view(-1, 1, 1, 1)


def coarse(planes: Tensor, cells: int) -> Tensor:
    """Means over cells: N x C x cells x cells."""
    return functional.avg_pool2d(planes, planes.shape[-1] // cells)


def smooth(planes: Tensor, side: int) -> Tensor:
    """A coarse field at N x C x side x side."""
    return functional.interpolate(planes, (side, side), mode="bilinear", align_corners=False)


def softened(planes: Tensor, amount: Tensor) -> Tensor:
    """A little blurred; `amount` N, 0 (not) to 1 (by about one pixel)."""
    blurred = smooth(functional.avg_pool2d(planes, 2), planes.shape[-1])
    return torch.lerp(planes, blurred, column(amount))
