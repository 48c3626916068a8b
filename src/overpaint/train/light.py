"""The light of a scene, and what it does to an object in it; in batches.

`overpaint.imaging.harmonize` measures and applies the same in one picture, as far as that goes;
here it goes further, and that difference is what the painter learns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from overpaint.train.chance import Chance
from overpaint.train.geometry import affine, axes, bounds, coarse, column, smooth
from overpaint.train.tone import luma

CELLS = 32  # the grid on which light is measured
WHITE = 0.93  # what bright parts of a well exposed photograph reach


@dataclass(frozen=True, kw_only=True)
class Light:
    """What lights a scene."""

    white: Tensor  # N, how bright bright parts are
    black: Tensor  # N, how bright dark parts are
    cast: Tensor  # N x 3, the colour of the light, its luma 1
    colorless: Tensor  # N, 1 where the scene is black and white
    field: Tensor  # N x 3 x CELLS x CELLS, blurred scene
    towards: Tensor  # N x 2, unit vector to where it comes from, y downwards


def observe(scene: Tensor, chance: Chance) -> Light:
    """Measure scenes, N x 3 x S x S, 0 to 1; where the light comes from is partly chance."""
    count = len(scene)
    cells = coarse(scene, CELLS)
    gray = luma(cells)
    ordered = gray.flatten(1).sort(dim=1).values  # N x CELLS^2
    black, white = ordered[:, CELLS * CELLS // 40], ordered[:, -(CELLS * CELLS // 30)]
    chroma = cells.amax(1, keepdim=True) - cells.amin(1, keepdim=True)
    neutral = torch.exp(-((chroma / (0.05 + 0.25 * gray)) ** 2)) * gray + 1e-3
    cast = (cells * neutral).sum((2, 3)) / (gray * neutral).sum((2, 3)).clamp_min(1e-3)
    trust = (neutral.mean((2, 3)) / gray.mean((2, 3)).clamp_min(0.02) * 4).clamp(0.25, 1)
    field = cells
    for _ in range(3):
        field = functional.avg_pool2d(field, 7, 1, 3, count_include_pad=False)
    x, _ = axes(CELLS, scene.device)
    away = gray - gray.mean((2, 3), keepdim=True)
    lean = (away * x).mean((1, 2, 3)) / (gray.std((1, 2, 3)) * 0.577).clamp_min(1e-3)
    side = (1.6 * lean + chance.normal(0.3, count)).clamp(-0.9, 0.9)
    return Light(
        white=white,
        black=black,
        cast=1 + trust * (cast.clamp(0.4, 1.7) - 1),
        colorless=(chroma.amax((1, 2, 3)) < 0.06).float(),
        field=field,
        towards=torch.stack((side, -torch.sqrt(1 - side * side)), dim=1),
    )


def toned(color: Tensor, light: Light, share: Tensor, local: Tensor) -> Tensor:
    """Objects with the exposure, haze and colour of the scene.

    `color` N x 3 x S x S, premultiplied or not; `share` N, how much of it; `local` N, how much
    of the differences within the scene.
    """
    side = color.shape[-1]
    gain = 1 + column(share) * ((column(light.white) / WHITE).clamp(0.35, 1.05) - 1)
    tint = light.cast ** (0.65 * share[:, None])
    lit = color * (gain * tint[:, :, None, None])
    gray = luma(light.field)
    relative = (gray + 0.1) / (gray.mean((2, 3), keepdim=True) + 0.1)
    lit.mul_(smooth(1 + column(local) * (relative.clamp(0.5, 1.6) - 1), side))
    colorless = column(share * light.colorless)
    if bool((colorless > 0).any()):
        lit = torch.lerp(lit, luma(lit).expand_as(lit), colorless)
    return lit


def hazed(color: Tensor, alpha: Tensor, light: Light, share: Tensor) -> Tensor:
    """Premultiplied objects whose black is as light as the scene's haze."""
    floor = share * 0.5 * light.black.clamp(0, 0.4)
    tint = (light.cast * floor[:, None])[:, :, None, None]
    return torch.addcmul(color * column(1 - floor), tint, alpha)


def shading(alpha: Tensor, light: Light, strength: Tensor) -> Tensor:
    """N x 1 x S x S round 1: brighter where the object, taken for a relief, faces the light."""
    side = alpha.shape[-1]
    relief = coarse(alpha, CELLS)
    flat = relief
    for size in (5, 7, 9):
        relief = functional.avg_pool2d(relief, size, 1, size // 2)
    relief = relief * flat
    right = functional.pad(relief[..., 2:] - relief[..., :-2], (1, 1, 0, 0))
    down = functional.pad(relief[..., 2:, :] - relief[..., :-2, :], (0, 0, 1, 1))
    facing = -(right * column(light.towards[:, 0]) + down * column(light.towards[:, 1]))
    facing = functional.avg_pool2d(facing, 3, 1, 1) * 5
    return smooth(1 + column(strength) * facing.clamp(-1, 1), side)


def sloped(side: int, light: Light, strength: Tensor) -> Tensor:
    """N x 1 x S x S round 1: the plain slope across the picture that `harmonize` applies."""
    x, y = axes(side, strength.device)
    slope = x * column(light.towards[:, 0]) + y * column(light.towards[:, 1])
    return 1 + column(strength) * slope


def wrapped(color: Tensor, alpha: Tensor, light: Light, strength: Tensor) -> Tensor:
    """Premultiplied objects with the surroundings' light on their rims and from below."""
    side = alpha.shape[-1]
    cells = coarse(alpha, CELLS)
    blurred = functional.avg_pool2d(functional.avg_pool2d(cells, 3, 1, 1), 3, 1, 1)
    lower = torch.cat((blurred[..., 2:, :], torch.zeros_like(blurred[..., :2, :])), dim=2)
    rim = (1 - 0.5 * (blurred + lower)) * column(strength)
    around = smooth(light.field, side).mul_(alpha)
    return torch.lerp(color, around, smooth(rim, side).clamp_(0, 0.6))


def ground_shadow(alpha: Tensor, light: Light, reach: Tensor, width: Tensor) -> Tensor:
    """Under what stands: dark where it touches, softer beside; N x 1 x S x S, 0 to 1.

    `reach` N, how far the long shadow falls, as a share of its height, negative to the front;
    `width` N scales its soft foot.
    """
    side = alpha.shape[-1]
    x, y = axes(side, alpha.device)
    box = bounds(alpha)
    bottom, tall = column(box.bottom), column(box.half[1] * 2)
    foot = torch.where((y > bottom - 0.12 * tall) & (y < bottom + 0.02), alpha, 0).amax(2)[:, 0]
    steps = x.flatten()
    there = foot > 0.3
    first = torch.where(there, steps, 1.0).amin(1)
    last = torch.where(there, steps, -1.0).amax(1)
    half = torch.maximum((last - first) / 2, 0.32 * box.half[0]).clamp_min(0.02)
    middle = column((first + last) / 2 - 0.05 * light.towards[:, 0])
    flat = column((0.16 * half * width).clamp_min(3 / side))
    across = (x - middle) / column(half * 1.08)
    away = torch.sqrt(across * across + ((y - bottom + 0.4 * flat) / flat) ** 2)
    near, far = (1.15 - away).clamp(0, 1), (1.0 - away / 2.2).clamp(0, 1)
    core = 0.6 * near * (2 - near) + 0.45 * far * far
    # the object's outline, laid on the ground away from the light
    up = (bottom - y) / column(torch.where(reach.abs() < 0.05, 0.05, reach))  # above the ground
    source_x = x + up * column(light.towards[:, 0]) * 0.8
    source_y = bottom - up
    grid = torch.cat((source_x, source_y.expand_as(source_x)), dim=1).permute(0, 2, 3, 1)
    soft = smooth(functional.avg_pool2d(coarse(alpha, CELLS * 2), 3, 1, 1), side)
    laid = functional.grid_sample(soft, grid, align_corners=False)
    fade = (1 - up / (tall + 0.05)).clamp(0, 1) * (up > -0.02) * column((reach.abs() > 0.05) * 1.0)
    return torch.maximum(core, 0.75 * laid * fade).clamp(0, 1)


def near_shadow(alpha: Tensor, light: Light, reach: Tensor) -> Tensor:
    """Of what lies close to what is behind it; `reach` N, in units of half the picture."""
    count, _, side, _ = alpha.shape
    soft = coarse(alpha, CELLS * 2)
    for _ in range(2):
        soft = functional.avg_pool2d(soft, 3, 1, 1)
    matrix = torch.zeros(count, 2, 3, device=alpha.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1
    matrix[:, :, 2] = light.towards * reach[:, None]
    return functional.grid_sample(soft, affine(matrix, side), align_corners=False)
