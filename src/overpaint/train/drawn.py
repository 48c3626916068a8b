"""Drawn objects put into photographs: with the scene's light, and as the collage leaves them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from overpaint.train.bank import CANVAS, PLACEMENTS, SIDE, Bank, Split
from overpaint.train.chance import Chance
from overpaint.train.geometry import (
    Place,
    bounds,
    coarse,
    column,
    cropped,
    placed,
    random_crops,
    softened,
)
from overpaint.train.light import (
    Light,
    ground_shadow,
    hazed,
    near_shadow,
    observe,
    shading,
    sloped,
    toned,
    wrapped,
)
from overpaint.train.masks import dilated, faded, masks_round
from overpaint.train.tone import random_grade, recolored

MIRRORED = 0.5
RECOLORED = 0.4
SAID_DRAWING = 0.6  # how often the words say how it is drawn
ON_FILL = 0.3  # over the continued background rather than over the photograph itself
UNGRADED = 0.35  # photographs that stay as they are
COUNTS = (0.84, 0.11, 0.05)  # one object, two, three
MOST = len(COUNTS)
STANDS, FLOATS, WORN = range(len(PLACEMENTS))


@dataclass(frozen=True, kw_only=True)
class Made:
    """A part of a batch; 0 to 1."""

    truth: Tensor  # n x 3 x S x S
    recomposed: Tensor  # n x 3 x S x S, only what is inside the mask matters
    mask: Tensor  # n x 1 x S x S
    silhouette: Tensor  # n x 1 x S x S
    words: Tensor  # n x V


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One object a picture, and its shadow."""

    pixels: Tensor  # n x 4 x S x S, premultiplied
    shadow: Tensor  # n x 1 x S x S


def drawn(bank: Bank, count: int, side: int, chance: Chance, split: Split) -> Made:
    """`count` drawn objects in photographs."""
    scene, base, hole = _scenes(bank, count, side, chance, split)
    light = observe(scene, chance)
    words = torch.zeros(count, len(bank.vocabulary), device=chance.device)
    layers = _objects(bank, count, side, chance, split, light, words, hole)
    pixels, shadow = layers.pixels, layers.shadow
    alpha = pixels[:, 3:]
    filled = hole.amax((1, 2, 3), keepdim=True) > 0
    around = dilated((alpha > 0.02).float(), 2)
    mask = torch.where(filled, torch.maximum(hole, around), masks_round(alpha, chance))
    shadow = shadow * faded(mask)
    grade = random_grade(chance, count).scaled(1 - chance.often(UNGRADED, count))
    soft = chance.uniform(-0.6, 1.0, count).clamp_min(0)
    dark = dark_of(light)
    graded = grade(scene)

    lit = toned(pixels[:, :3], light, chance.uniform(0.7, 1, count), chance.uniform(0, 0.2, count))
    lit.mul_(shading(alpha, light, chance.uniform(0.1, 0.45, count)))
    lit = wrapped(lit, alpha, light, chance.uniform(0.0, 0.2, count))
    lit = hazed(lit, alpha, light, chance.uniform(0.2, 0.7, count))
    lit = grade(lit.div_(alpha.clamp_min(1e-3)))
    cover = softened(alpha, chance.uniform(0.1, 1.0, count))
    truth = torch.lerp(torch.lerp(graded, dark, shadow), lit, cover)

    known = chance.uniform(0, 1, count) ** 0.7  # how much of the tone the collage hit
    rough = toned(pixels[:, :3], light, known, torch.zeros_like(known))
    rough.mul_(sloped(side, light, chance.uniform(-0.02, 0.12, count)))
    rough = hazed(rough, alpha, light, known * chance.uniform(0, 1, count))
    rough.div_(alpha.clamp_min(1e-3))
    rough = grade.scaled(chance.uniform(0, 1.2, count).clamp_max(1))(rough)
    rough = softened(rough, chance.uniform(-0.6, 1.0, count).clamp_min(0))
    chosen = filled.flatten().nonzero()[:, 0]
    if len(chosen):
        graded[chosen] = grade.part(chosen)(base[chosen])
    below = torch.lerp(graded, dark, shadow * column(chance.uniform(0, 1.1, count)).clamp_max(1))
    blurred = softened(torch.cat((truth, below), dim=1), soft)
    truth, below = blurred[:, :3], blurred[:, 3:]
    hard = softened(alpha, chance.uniform(-1.0, 1.0, count).clamp_min(0))
    recomposed = torch.lerp(below, rough, hard)
    grain = grains(chance, count, side)
    return Made(
        truth=truth + grain,
        recomposed=recomposed + grain * (1 - hard * column(chance.often(0.5, count))),
        mask=mask,
        silhouette=alpha,
        words=words,
    )


def grains(chance: Chance, count: int, side: int) -> Tensor:
    """Film grain on some pictures: count x 1 x S x S round 0."""
    strength = chance.uniform(-0.06, 0.03, count).clamp_min(0)
    if not bool((strength > 0).any()):
        return torch.zeros(count, 1, side, side, device=chance.device)
    return chance.normal(1.0, count, 1, side, side) * column(strength)


def dark_of(light: Light) -> Tensor:
    """N x 3 x 1 x 1: how light a shadow is at its darkest."""
    return (light.cast * (0.25 * light.black)[:, None])[:, :, None, None]


def _scenes(
    bank: Bank, count: int, side: int, chance: Chance, split: Split
) -> tuple[Tensor, Tensor, Tensor]:
    """Photographs; the same over what an object is pasted; holes, empty where there is none."""
    if side > SIDE:
        numbers = chance.pick(bank.splits["large", split], count)
        scene = cropped(bank.large[numbers], random_crops(chance, count, 0.6), side)
        return scene, scene, torch.zeros_like(scene[:, :1])
    source = SIDE if side * 2 > SIDE // 2 else SIDE // 2
    matrix = random_crops(chance, count, 0.5)
    on_fill = chance.often(ON_FILL, count) > 0
    own = chance.pick(bank.splits["photos", split], count)
    fill = chance.pick(bank.splits["fills", split], count)
    own = torch.where(on_fill, bank.fills.photo[fill], own)
    scene = cropped(bank.photos[source][own], matrix, side)
    base, hole = scene.clone(), torch.zeros_like(scene[:, :1])
    chosen = on_fill.nonzero()[:, 0]
    if len(chosen):
        layers = cropped(bank.fills.layers[source][fill[chosen]], matrix[chosen], side)
        base[chosen], hole[chosen] = layers[:, :3], (layers[:, 3:] > 0.5).float()
    return scene, base, hole


def _objects(
    bank: Bank,
    count: int,
    side: int,
    chance: Chance,
    split: Split,
    light: Light,
    words: Tensor,
    hole: Tensor,
) -> Layer:
    """One to three objects a picture, one alone in its hole; says in `words` what they are."""
    among = bank.splits["drawings", split]
    first = chance.pick(among, count)
    many = chance.kinds(COUNTS, count) + 1
    alike = chance.often(0.5, count) > 0
    rows = torch.arange(count, device=chance.device)
    color, tinted = _color(bank, chance, count)
    pixels = torch.zeros(count, 4, side, side, device=chance.device)
    shadow = torch.zeros(count, 1, side, side, device=chance.device)
    step = 2.0 / many  # the width of each one's slot
    for turn in range(MOST):
        chosen = (many > turn).nonzero()[:, 0]
        if not len(chosen):
            continue
        number = first[chosen]
        if turn:
            number = torch.where(alike[chosen], number, chance.pick(among, len(chosen)))
        place = _places(bank, number, chance, many[chosen], turn, step[chosen])
        if not turn:
            place = _in_hole(place, hole, many, bank.drawings.extent[number])
        layer = placed(bank.drawings.layers, number, place, side)
        tint = tinted[chosen] & (alike[chosen] | (turn == 0))
        layer = _tinted(layer, color[1][chosen], tint)
        dark = _shadow(bank, number, layer[:, 3:], chance, _part(light, chosen))
        pixels[chosen] = layer + (1 - layer[:, 3:]) * pixels[chosen]
        shadow[chosen] = torch.maximum(shadow[chosen], dark)
        _say(words, chosen, bank.drawings.token[number], once=alike[chosen] & (turn > 0))
        if not turn:
            said = chosen[(chance.often(SAID_DRAWING, len(chosen)) > 0)]
            words[said, bank.drawings.drawn[first[said]]] += 1
    words[rows[tinted], color[0][tinted]] += 1
    _say_counts(bank, words, many, alike)
    return Layer(pixels=pixels, shadow=shadow)


def _part(light: Light, chosen: Tensor) -> Light:
    return replace(
        light,
        white=light.white[chosen],
        black=light.black[chosen],
        cast=light.cast[chosen],
        colorless=light.colorless[chosen],
        field=light.field[chosen],
        towards=light.towards[chosen],
    )


def _color(bank: Bank, chance: Chance, count: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Tokens and values of colours, and which pictures take them."""
    colors = bank.colors
    which = chance.number(len(colors.token), count)
    return (colors.token[which], colors.rgb[which]), chance.often(RECOLORED, count) > 0


def _tinted(layer: Tensor, rgb: Tensor, tint: Tensor) -> Tensor:
    chosen = tint.nonzero()[:, 0]
    if not len(chosen):
        return layer
    part = layer[chosen]
    alpha = part[:, 3:]
    color = recolored(part[:, :3] / alpha.clamp_min(1e-3), alpha, rgb[chosen])
    layer[chosen, :3] = color.clamp(0, 1) * alpha
    return layer


def _places(
    bank: Bank, number: Tensor, chance: Chance, many: Tensor, turn: int, step: Tensor
) -> Place:
    """Somewhere in the picture; several stand side by side."""
    count = len(number)
    extent = bank.drawings.extent[number]  # height, width
    long_side = chance.uniform(0.3, 0.8, count) / many**0.6  # of the picture's side
    half = long_side * (CANVAS / 120)
    room = (1 - half[:, None] * extent.flip(1)).clamp_min(0)  # x, y
    centre = chance.uniform(-0.85, 0.85, count, 2) * room
    slot = -1 + step * (turn + 0.5) + chance.normal(0.06, count)
    centre[:, 0] = torch.where(many > 1, slot * 0.85, centre[:, 0])
    flip = 1 - 2 * chance.often(MIRRORED, count) * bank.drawings.mirrorable[number]
    stands = bank.drawings.placement[number] == STANDS
    turned = chance.normal(0.09, count) * torch.where(stands, 0.4, 1.0)
    return Place(centre=centre, half=half, turn=turned, flip=flip)


def _in_hole(place: Place, hole: Tensor, many: Tensor, extent: Tensor) -> Place:
    """Where there is a hole for one object, it goes there."""
    there = (hole.amax((1, 2, 3)) > 0) & (many == 1)
    box = bounds(coarse(hole, 32))
    half_x, half_y = box.half
    fit = torch.minimum(half_x / extent[:, 1], half_y / extent[:, 0]).clamp(0.22, 0.9)
    centre = torch.stack(box.centre, dim=1).clamp(-0.7, 0.7)
    return replace(
        place,
        half=torch.where(there, fit * (0.85 + 0.3 * place.half), place.half),
        centre=torch.where(there[:, None], centre + 0.08 * place.centre, place.centre),
    )


def _shadow(bank: Bank, number: Tensor, alpha: Tensor, chance: Chance, light: Light) -> Tensor:
    """What kind follows from how the thing sits, mostly; N x 1 x S x S."""
    count = len(number)
    usual = bank.drawings.placement[number]
    kind = torch.where(chance.often(0.15, count) > 0, chance.number(3, count), usual)
    reach = chance.uniform(-0.5, 0.6, count) * chance.often(0.6, count)
    box = bounds(alpha)
    size = torch.maximum(*box.half)
    ground = ground_shadow(alpha, light, reach, chance.uniform(0.7, 1.8, count))
    near = near_shadow(alpha, light, size * chance.uniform(0.04, 0.16, count))
    ground = ground * column(chance.uniform(0.35, 0.8, count))
    near = near * column(chance.uniform(0.2, 0.5, count))
    both = torch.where(column(kind) == STANDS, torch.maximum(ground, 0.4 * near), near)
    return both * column((kind != FLOATS).float())


def _say(words: Tensor, chosen: Tensor, token: Tensor, *, once: Tensor) -> None:
    """Name a thing; `once` marks those that are named already."""
    said = (token >= 0) & ~once
    words[chosen[said], token[said]] += 1


def _say_counts(bank: Bank, words: Tensor, many: Tensor, alike: Tensor) -> None:
    tokens = bank.vocabulary.tokens
    places = torch.tensor(
        [tokens.index(f"count:{n}") for n in range(1, MOST + 1)], device=many.device
    )
    rows = torch.arange(len(many), device=many.device)
    words[rows[alike], places[many[alike] - 1]] += 1
    words[rows[~alike], places[0]] += many[~alike].float()
    words[:, tokens.index("style:auto")] += 1
