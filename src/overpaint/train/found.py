"""Photographs as they are: with their own objects, without what was there, and continued."""

from __future__ import annotations

import torch
from torch import Tensor

from overpaint.train.bank import SIDE, Bank, Split
from overpaint.train.chance import Chance
from overpaint.train.drawn import Made, grains
from overpaint.train.geometry import column, cropped, random_crops, softened
from overpaint.train.masks import anywhere, continued, faded, masks_round
from overpaint.train.tone import random_grade, recolored

RECOLORED = 0.35
UNGRADED = 0.5
SAID_REMOVED = 0.6
LEFT_SHADOW = 0.5  # how often shadows round the object are there in the recomposed picture


def cut_outs(bank: Bank, count: int, side: int, chance: Chance, split: Split) -> Made:
    """Objects in their own photographs; recomposed, they are disturbed and lie on a fill."""
    source = _source(side)
    number = chance.pick(bank.splits["cuts", split], count)
    photo = bank.photos[source][bank.cuts.photo[number]]
    stacked = torch.cat((photo, bank.cuts.layers[source][number]), dim=1)  # n x 7
    layers = cropped(stacked, random_crops(chance, count, 0.86), side)
    truth, under, alpha = layers[:, :3], layers[:, 3:6], layers[:, 6:]
    words = torch.zeros(count, len(bank.vocabulary), device=chance.device)
    _name(bank, bank.cuts.token[number], words)
    truth = _tinted(bank, truth, alpha, words, chance)
    grade = random_grade(chance, count).scaled(1 - chance.often(UNGRADED, count))
    mask = masks_round(alpha, chance)
    shadowed = chance.often(1 - LEFT_SHADOW, count)
    under = torch.lerp(truth, under, faded(mask) * column(shadowed))
    truth, under = grade(truth), grade(under)
    wrong = random_grade(chance, count, 1.1)
    disturbed = wrong.scaled(chance.often(0.85, count))(truth)
    sharper = softened(disturbed, chance.uniform(-0.5, 1.0, count))  # below 0 it sharpens
    hard = ((alpha - 0.5) * column(chance.uniform(1.0, 4.0, count)) + 0.5).clamp(0, 1)
    recomposed = torch.lerp(under, sharper.clamp_(0, 1), hard)
    return Made(truth=truth, recomposed=recomposed, mask=mask, silhouette=alpha, words=words)


def removals(bank: Bank, count: int, side: int, chance: Chance, split: Split) -> Made:
    """Holes with what is continued into them; nothing is put in."""
    source = _source(side)
    number = chance.pick(bank.splits["fills", split], count)
    photo = bank.photos[source][bank.fills.photo[number]]
    stacked = torch.cat((photo, bank.fills.layers[source][number]), dim=1)  # n x 7
    layers = cropped(stacked, random_crops(chance, count, 0.6), side)
    grade = random_grade(chance, count).scaled(1 - chance.often(UNGRADED, count))
    truth, filled = grade(layers[:, :3]), grade(layers[:, 3:6])
    mask = _never_empty((layers[:, 6:] > 0.5).float())
    words = torch.zeros(count, len(bank.vocabulary), device=chance.device)
    said = chance.often(SAID_REMOVED, count)
    words[:, bank.vocabulary.tokens.index("action:remove")] = said
    words[:, bank.vocabulary.tokens.index("style:auto")] = said
    nothing = torch.zeros_like(mask)
    return Made(truth=truth, recomposed=filled, mask=mask, silhouette=nothing, words=words)


def plain(bank: Bank, count: int, side: int, chance: Chance, split: Split) -> Made:
    """Photographs of which only conditions tell; recomposed, the mask is a smooth continuation."""
    if side > SIDE:
        pictures = bank.large[chance.pick(bank.splits["large", split], count)]
    else:
        pictures = bank.photos[_source(side)][chance.pick(bank.splits["photos", split], count)]
    truth = cropped(pictures, random_crops(chance, count, 0.5), side)
    grade = random_grade(chance, count).scaled(1 - chance.often(UNGRADED, count))
    truth = grade(truth) + grains(chance, count, side)
    something = anywhere(chance, count, side)
    mask = masks_round(something, chance)
    words = torch.zeros(count, len(bank.vocabulary), device=chance.device)
    nothing = torch.zeros_like(mask)
    filled = continued(truth, mask)
    return Made(truth=truth, recomposed=filled, mask=mask, silhouette=nothing, words=words)


def _source(side: int) -> int:
    """The side of the photographs that pictures of this side are taken from."""
    return SIDE if side > SIDE // 4 else SIDE // 2


def _never_empty(mask: Tensor) -> Tensor:
    """A crop may miss the hole: then a part in the middle takes its place."""
    side = mask.shape[-1]
    middle = torch.zeros_like(mask[:1])
    middle[..., side // 3 : side // 2, side // 3 : side // 2] = 1
    empty = mask.sum((1, 2, 3), keepdim=True) < 0.01 * side * side
    return torch.where(empty, middle, mask)


def _name(bank: Bank, token: Tensor, words: Tensor) -> None:
    tokens = bank.vocabulary.tokens
    named = (token >= 0).nonzero()[:, 0]
    words[named, token[named]] = 1
    words[named, tokens.index("count:1")] = 1
    words[named, tokens.index("drawing:photo")] = 1
    words[:, tokens.index("style:auto")] = 1


def _tinted(bank: Bank, truth: Tensor, alpha: Tensor, words: Tensor, chance: Chance) -> Tensor:
    """Some garments in another colour, which the words say."""
    count = len(truth)
    colors = bank.colors
    which = chance.number(len(colors.token), count)
    chosen = chance.often(RECOLORED, count).nonzero()[:, 0]
    if not len(chosen):
        return truth
    part, cover = truth[chosen], alpha[chosen]
    new = recolored(part, cover, colors.rgb[which[chosen]]).clamp(0, 1)
    result = truth.clone()
    result[chosen] = part + cover * (new - part)
    words[chosen, colors.token[which[chosen]]] = 1
    return result
