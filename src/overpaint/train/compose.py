"""Training pictures, made on the fly: `compose`.

A picture is recomposed from its conditions (Composer, arXiv 2302.09778), and the painter is shown
the true one: exemplars cut from a photograph, disturbed and put back (Paint by Example,
arXiv 2211.13227), drawn ones lit as the scene is, and backgrounds continued into holes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from overpaint.composer.conditions import PALETTE_BINS, PALETTE_LEVELS
from overpaint.train.bank import SIDE, Bank, Split
from overpaint.train.chance import Chance
from overpaint.train.drawn import Made, drawn
from overpaint.train.found import cut_outs, plain, removals
from overpaint.train.geometry import column, softened
from overpaint.train.tone import luma

Maker = Callable[[Bank, int, int, Chance, Split], Made]
#: What pictures are made of, and how often.
MIXTURE: tuple[tuple[str, Maker, float], ...] = (
    ("drawn", drawn, 0.45),
    ("cut-out", cut_outs, 0.25),
    ("removal", removals, 0.20),
    ("plain", plain, 0.10),
)
KINDS = tuple(name for name, _, _ in MIXTURE)
#: Of these there are no pictures above 256 px.
ONLY_SMALL = ("cut-out", "removal")
MULTIPLE = 32  # of which a side must be one
CACHED = 8 * 128**2  # pixels made at a time on a processor, so that they stay in its cache


@dataclass(frozen=True, kw_only=True)
class Batch:
    """N pictures of side S with their conditions; float32, on one device."""

    picture: Tensor  # N x 3 x S x S, -1 to 1, the truth
    mask: Tensor  # N x 1 x S x S, 0 or 1
    exemplar: Tensor  # N x 3 x S x S, -1 to 1, the recomposed picture; outside the mask `picture`
    silhouette: Tensor  # N x 1 x S x S, 0 to 1, opacity of what was put in
    words: Tensor  # N x V, how often each token is said
    sketch: Tensor  # N x 1 x S x S, 0 to 1, dark lines as 1, inside the mask
    palette: Tensor  # N x 64, sums to 1
    intensity: Tensor  # N x 1 x S x S, -1 to 1, inside the mask
    kind: Tensor  # N, index into KINDS


def compose(
    bank: Bank,
    count: int,
    side: int,
    generator: torch.Generator,
    *,
    split: Split = "train",
    kind: str | None = None,
) -> Batch:
    """Return `count` pictures of `side` px, a multiple of 32; one of KINDS, or all mixed.

    All chance is the generator's, which is on the bank's device, where the batch is too.
    """
    if side % MULTIPLE or count < 1:
        raise ValueError(f"needs pictures of a side that {MULTIPLE} divides, got {count} of {side}")
    chance = Chance(generator=generator, device=bank.device)
    weights = [
        weight * (kind in (None, name)) * (side <= SIDE or name not in ONLY_SMALL)
        for name, _, weight in MIXTURE
    ]
    kinds = chance.kinds(weights, count)
    pieces = [
        (make, piece)
        for number, (_, make, _) in enumerate(MIXTURE)
        for piece in torch.split((kinds == number).nonzero()[:, 0], _at_once(bank, count, side))
        if len(piece)
    ]
    batch = _empty(bank, kinds, side)
    for make, piece in pieces:
        _put(batch, piece, make(bank, len(piece), side, chance, split), chance)
    return batch


def _at_once(bank: Bank, count: int, side: int) -> int:
    """How many pictures are made together."""
    return max(1, CACHED // side**2) if bank.device.type == "cpu" else count


def _empty(bank: Bank, kinds: Tensor, side: int) -> Batch:
    def planes(channels: int) -> Tensor:
        return torch.empty(len(kinds), channels, side, side, device=bank.device)

    return Batch(
        picture=planes(3),
        mask=planes(1),
        exemplar=planes(3),
        silhouette=planes(1),
        words=torch.empty(len(kinds), len(bank.vocabulary), device=bank.device),
        sketch=planes(1),
        palette=torch.empty(len(kinds), PALETTE_BINS, device=bank.device),
        intensity=planes(1),
        kind=kinds,
    )


def _put(batch: Batch, rows: Tensor, made: Made, chance: Chance) -> None:
    """Take the conditions from what was made, and put all in its rows of the batch."""
    truth, mask = made.truth.clamp_(0, 1), made.mask
    silhouette = made.silhouette * mask
    gray = luma(truth)
    batch.sketch[rows] = sketched(gray, chance).mul_(mask)
    batch.palette[rows] = palette_of(truth, silhouette, mask)
    batch.intensity[rows] = gray.mul_(2).sub_(1).mul_(mask)
    shown = torch.where(mask > 0, made.recomposed.clamp_(0, 1), truth)
    batch.exemplar[rows] = shown.mul_(2).sub_(1)
    batch.picture[rows] = truth.mul_(2).sub_(1)
    batch.mask[rows] = mask
    batch.silhouette[rows] = silhouette
    batch.words[rows] = made.words


def sketched(gray: Tensor, chance: Chance) -> Tensor:
    """Lines where N x 1 x S x S luma changes, as faint or as many as chance has it."""
    gray = softened(gray, chance.uniform(0.3, 1.0, len(gray)))
    right = gray[..., 1:-1, 2:] - gray[..., 1:-1, :-2]
    down = gray[..., 2:, 1:-1] - gray[..., :-2, 1:-1]
    change = functional.pad(torch.sqrt(right * right + down * down + 1e-8), (1, 1, 1, 1))
    blurred = functional.avg_pool2d(change, 5, 1, 2)
    crisp = change - 0.8 * blurred
    count = len(gray)
    least = column(chance.uniform(0.02, 0.1, count))
    firm = column(chance.uniform(6, 25, count))
    lines = ((crisp - least) * firm).clamp_(0, 1)
    return lines * column(chance.uniform(0.5, 1.0, count))


def palette_of(picture: Tensor, silhouette: Tensor, mask: Tensor) -> Tensor:
    """N x 64: `composer.conditions.palette_of` of the silhouette, of the mask if there is none."""
    count = len(picture)
    there = silhouette.sum((1, 2, 3), keepdim=True) > 8
    weight = torch.where(there, silhouette, mask)
    shrink = max(1, picture.shape[-1] // 64)
    if shrink > 1:  # single pixels: means would be colours that are not there
        picture, weight = picture[..., ::shrink, ::shrink], weight[..., ::shrink, ::shrink]
    scaled = picture * (PALETTE_LEVELS - 1)
    low = scaled.floor().clamp_(0, PALETTE_LEVELS - 2)
    high = scaled - low
    low = low.long()
    bins = torch.zeros(count, PALETTE_BINS, device=picture.device)
    for corner in product((0, 1), repeat=3):
        share = weight[:, 0]
        index = torch.zeros_like(low[:, 0])
        for channel, step in enumerate(corner):
            share = share * (high[:, channel] if step else 1 - high[:, channel])
            index = index * PALETTE_LEVELS + low[:, channel] + step
        bins.scatter_add_(1, index.flatten(1), share.flatten(1))
    return bins / bins.sum(1, keepdim=True).clamp_min(1e-6)
