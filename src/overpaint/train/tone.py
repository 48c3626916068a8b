"""Tones: what a whole photograph went through, and other colours for objects; in batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from overpaint.composer.conditions import LUMA
from overpaint.train.chance import Chance
from overpaint.train.geometry import column


def luma(picture: Tensor) -> Tensor:
    """N x 1 x S x S: Rec. 709 luma of sRGB values, N x 3 x S x S."""
    red, green, blue = picture.unbind(1)
    gray = red * LUMA[0]
    return gray.add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2]).unsqueeze(1)


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How a photograph was taken and developed; zeros leave it as it is."""

    gain: Tensor  # N x 3, logarithm; exposure and the colour of the light
    gamma: Tensor  # N, lighter or darker middle tones
    contrast: Tensor  # N
    saturation: Tensor  # N, -1 is black and white
    fade: Tensor  # N, 0 to 1, towards gray

    def scaled(self, share: Tensor) -> Grade:
        """A part of it; `share` N, 0 to 1."""
        return replace(
            self,
            gain=self.gain * share[:, None],
            gamma=self.gamma * share,
            contrast=self.contrast * share,
            saturation=self.saturation * share,
            fade=self.fade * share,
        )

    def part(self, chosen: Tensor) -> Grade:
        """That of some pictures."""
        return replace(
            self,
            gain=self.gain[chosen],
            gamma=self.gamma[chosen],
            contrast=self.contrast[chosen],
            saturation=self.saturation[chosen],
            fade=self.fade[chosen],
        )

    def __call__(self, picture: Tensor) -> Tensor:
        """N x 3 x S x S, 0 to 1, graded; a new tensor."""
        toned = (picture * torch.exp(self.gain)[:, :, None, None]).clamp_(0, 1)
        room = torch.addcmul(toned, toned, toned, value=-1)  # keeps black and white in place
        bend = toned * column(4 * self.contrast)
        bend.add_(column(self.gamma - 2 * self.contrast))
        toned.addcmul_(room, bend)
        gray = luma(toned).mul_(column(-self.saturation * (1 - self.fade)))
        gray.add_(column(0.5 * self.fade))
        return toned.mul_(column((1 + self.saturation) * (1 - self.fade))).add_(gray).clamp_(0, 1)


def random_grade(chance: Chance, count: int, strength: float = 1.0) -> Grade:
    """Grades as photographs have them; `strength` 1 is as much as a filter of a phone does."""
    exposure = chance.normal(0.16 * strength, count, 1).clamp_(-0.45, 0.3)
    warmth = chance.normal(0.08 * strength, count, 1)
    tint = chance.normal(0.03 * strength, count, 1)
    cast = torch.cat((warmth, -tint, -warmth), dim=1)
    colorless = chance.often(0.03 * strength, count)
    saturation = chance.normal(0.2 * strength, count).clamp_(-0.7, 0.5)
    return Grade(
        gain=exposure + cast,
        gamma=chance.normal(0.25 * strength, count).clamp_(-0.6, 0.6),
        contrast=chance.normal(0.22 * strength, count).clamp_(-0.45, 0.45),
        saturation=torch.where(colorless > 0, -torch.ones_like(saturation), saturation),
        fade=(chance.normal(0.12 * strength, count) - 0.08).clamp_(0, 0.3),
    )


def recolored(color: Tensor, alpha: Tensor, target: Tensor) -> Tensor:
    """Objects in another colour, their accents and light as they were.

    `color` N x 3 x S x S, straight; `alpha` N x 1 x S x S; `target` N x 3, all 0 to 1. What has
    the hue of the body is put on a ramp from black through the colour to white; the body's middle
    tone becomes the colour.
    """
    gray = luma(color)
    chroma = color - gray
    solid = alpha * (alpha > 0.5)
    area = solid.sum((2, 3)).clamp_min(1e-3)  # N x 1
    strength = chroma.abs().amax(1, keepdim=True)
    weight = solid * strength
    body = (chroma * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-3)  # N x 3
    vivid = (solid * (strength > 0.12)).sum((2, 3)) / area > 0.3  # N x 1, or else it is gray
    square = (body * body).sum(1, keepdim=True).clamp_min(1e-4)
    along = (chroma * body[:, :, None, None]).sum(1, keepdim=True) / column(square)
    size = (chroma * chroma).sum(1, keepdim=True)
    across = (size - along * along * column(square)).clamp_min(0)
    like = (along * 3).clamp(0, 1) * (1.6 - 3 * across / size.clamp_min(1e-4)).clamp(0, 1)
    plain = (1.5 - strength / 0.16).clamp(0, 1)
    share = torch.where(column(vivid), like, plain)  # N x 1 x S x S
    weight = solid * share
    total = weight.sum((2, 3)).clamp_min(1e-3)
    middle = column((weight * gray).sum((2, 3)) / total).clamp(0.12, 0.92)
    aim = target[:, :, None, None]
    below = aim * (gray / middle).clamp(0, 1)
    above = ((gray - middle) / (1 - middle)).clamp(0, 1)
    ramp = below + (1 - below) * (above * above * 0.85)
    return color + share * (ramp - color)
