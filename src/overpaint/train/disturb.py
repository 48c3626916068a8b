"""What the judge is trained on: drawings, disturbed and laid over pieces of photographs.

All on batches, in torch. Colours are turned, drawings tilted, scaled, squeezed, mirrored and cut,
their edges softened, grain and shadow added, as happens to a thing that is painted into a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: Rows: luma and two chroma axes of YIQ (NTSC 1953), from RGB.
YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How far things are disturbed."""

    turn: float = 14.0  # degrees of tilt, either way
    small: float = 0.6  # least long side, as a share of the crop
    large: float = 1.08  # most
    shift: float = 0.10  # of the crop, either way
    tint: float = 0.15  # chance that all of it takes one colour
    blur: float = 0.5  # chance of softness
    grain: float = 0.06  # most noise, of the range -1 to 1


def chance(n: int, p: float, generator: torch.Generator) -> Tensor:
    """N x 1 x 1 x 1 of 0 and 1."""
    return (torch.rand(n, 1, 1, 1, generator=generator) < p).float()


def between(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """N x 1 x 1 x 1, evenly spread."""
    return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)


def recoloured(
    rgb: Tensor, plain: Tensor, strength: Strength, generator: torch.Generator
) -> Tensor:
    """Turn hues, stretch contrast, tint some; `plain` (N, bool) drawings take any colour.

    rgb: N x 3 x H x W, 0 to 1.
    """
    n = len(rgb)
    matrix = torch.tensor(YIQ)
    yiq = torch.einsum("ij,njhw->nihw", matrix, rgb)
    far = chance(n, 0.3, generator)
    angle = far * between(n, -math.pi, math.pi, generator)
    angle = (angle + (1 - far) * between(n, -0.3, 0.3, generator)).flatten()
    cos, sin = torch.cos(angle), torch.sin(angle)
    zero, one = torch.zeros(n), torch.ones(n)
    turn = torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(n, 3, 3)
    turned = torch.einsum("nij,njhw->nihw", turn, yiq)
    turned[:, 1:] = turned[:, 1:] * between(n, 0.3, 1.5, generator)
    colour = torch.einsum("ij,njhw->nihw", torch.linalg.inv(matrix), turned)

    luma = yiq[:, :1]  # as a thing of one colour with its own light and shade
    body = torch.rand(n, 3, 1, 1, generator=generator)
    painted = body * (0.35 + 0.9 * luma) + 0.25 * (luma - 0.7).clamp_min(0)
    tint = chance(n, strength.tint, generator)
    colour = tint * painted + (1 - tint) * colour
    fill = torch.rand(n, 3, 1, 1, generator=generator).expand_as(rgb)
    plainly = plain.view(n, 1, 1, 1).float()
    colour = plainly * fill + (1 - plainly) * colour
    gain, lift = between(n, 0.6, 1.2, generator), between(n, -0.08, 0.12, generator)
    return (colour * gain + lift).clamp(0, 1)


def placed(
    rgba: Tensor, mirror: Tensor, side: int, strength: Strength, generator: torch.Generator
) -> Tensor:
    """Tilt, scale, squeeze, mirror and shift: N x 4 x side x side, premultiplied."""
    n = len(rgba)
    angle = between(n, -1, 1, generator).flatten() * math.radians(strength.turn)
    scale = between(n, strength.small, strength.large, generator).flatten()
    squeeze = torch.exp(between(n, -0.2, 0.2, generator).flatten())
    flip = 1 - 2 * (mirror & (torch.rand(n, generator=generator) < 0.5)).float()
    shift = between(n, -1, 1, generator).flatten(), between(n, -1, 1, generator).flatten()
    cos, sin = torch.cos(angle), torch.sin(angle)
    across, down = scale * squeeze.sqrt(), scale / squeeze.sqrt()
    theta = torch.stack(
        [
            *(flip * cos / across, flip * sin / across, 2 * strength.shift * shift[0]),
            *(-sin / down, cos / down, 2 * strength.shift * shift[1]),
        ],
        1,
    ).view(n, 2, 3)
    grid = functional.affine_grid(theta, [n, 4, side, side], align_corners=False)
    return functional.grid_sample(rgba, grid, align_corners=False)


def soft(picture: Tensor, generator: torch.Generator, p: float) -> Tensor:
    """Some of a batch lose what is fine."""
    n, _, height, width = picture.shape
    half = functional.avg_pool2d(picture, 2)
    rough = functional.interpolate(half, (height, width), mode="bilinear", align_corners=False)
    amount = chance(n, p, generator) * torch.rand(n, 1, 1, 1, generator=generator)
    return amount * rough + (1 - amount) * picture


def disturb(
    drawings: Tensor,
    backdrops: Tensor,
    *,
    plain: Tensor,
    mirror: Tensor,
    generator: torch.Generator,
    strength: Strength | None = None,
) -> Tensor:
    """Drawings over backdrops, as the judge sees them.

    Args:
        drawings: N x 4 x S x S, uint8, straight alpha.
        backdrops: N x 3 x side x side, uint8.
        plain: N, bool: of one colour that says nothing.
        mirror: N, bool: may be mirrored.
        generator: the chance.
        strength: how far.

    Returns:
        N x 3 x side x side, float32, -1 to 1.
    """
    strength = strength or Strength()
    n, side = len(drawings), backdrops.shape[-1]
    rgba = drawings.float() / 255
    alpha = rgba[:, 3:]
    rgb = recoloured(rgba[:, :3], plain, strength, generator)
    layer = placed(torch.cat([rgb * alpha, alpha], 1), mirror, side, strength, generator)
    layer = soft(layer, generator, strength.blur)
    backdrop = backdrops.float() / 255
    shadow = functional.interpolate(
        functional.avg_pool2d(layer[:, 3:], 4), (side, side), mode="bilinear", align_corners=False
    )
    dark = between(n, 0, 0.6, generator) * chance(n, 0.5, generator)
    backdrop = backdrop * (1 - torch.roll(shadow, (2, 2), (2, 3)) * dark)
    picture = layer[:, :3] + backdrop * (1 - layer[:, 3:])
    picture = soft(picture, generator, strength.blur)
    light = between(n, 0.75, 1.2, generator)
    picture = picture * light + between(n, -0.08, 0.08, generator)
    grain = torch.randn(picture.shape, generator=generator)
    picture = 2 * picture - 1 + grain * between(n, 0, strength.grain, generator)
    return picture.clamp(-1, 1)
