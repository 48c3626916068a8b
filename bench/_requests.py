"""What callers ask for: a mix of requests, drawn from stated shares with a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]

#: Height and width of the pictures, px: what cameras and generators give, scaled as people send it,
#: for a checkpoint of 512 px or more; a smaller one gets pictures that are smaller by as much.
LEAST = 264  # px; `overpaint.repaint` takes no smaller ones
SIZES = ((768, 768), (1024, 1024), (768, 1152), (1536, 1024), (1536, 2048))
#: What is marked, as a share of the picture, in ten requests: most masks are drawn round one thing
#: (COCO calls three of four things small or medium, under 96 x 96 px, which is 3 % of its pictures;
#: one draws more generously than that); some round a person or a piece of furniture; one in five
#: is a sky, a floor, a wall, up to half of the picture.
AREAS = (*[(0.02, 0.08)] * 5, *[(0.08, 0.25)] * 3, *[(0.25, 0.5)] * 2)
#: Pictures in four requests: 1 is what the APIs give who says nothing, 4 their most.
COUNTS = (1, 1, 2, 4)
#: Two in five are asked again: picture, mask and words of an earlier one with another seed, as
#: one does who does not like what came.
AGAIN = (False, False, True, False, True)
#: Every other one has a negative prompt, always the same, as people keep one.
NEGATIVE = (False, True)
NEGATIVE_PROMPT = "blurry, low quality, text, watermark"

_WHAT = ("a cat", "a red sofa", "a vase of tulips", "a wooden boat", "a street lamp", "a bicycle")
_HOW = ("in the evening sun", "in the rain", "in bright daylight", "in soft studio light")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call."""

    picture: Bytes  # height x width x 3, sRGB
    mask: npt.NDArray[np.bool_]  # height x width, True = repaint
    prompt: str
    negative_prompt: str
    n: int
    seed: int


def draw_requests(count: int, *, side: int = 512, seed: int = 0) -> list[Request]:
    """A mix of so many requests; the shares hold in every ten, in an order drawn with the seed.

    Args:
        count: how many.
        side: that the checkpoint paints at, px.
        seed: of everything that is drawn.
    """
    rng = np.random.default_rng(seed)
    sizes, areas = _dealt(rng, SIZES, count), _dealt(rng, AREAS, count)
    counts, negatives = _dealt(rng, COUNTS, count), _dealt(rng, NEGATIVE, count)
    made: list[Request] = []
    for number in range(count):
        height, width = (max(LEAST, round(length * min(1, side / 512))) for length in sizes[number])
        area, place = rng.uniform(*areas[number]), rng.random(2)
        words = f"{_WHAT[rng.integers(len(_WHAT))]} {_HOW[rng.integers(len(_HOW))]}"
        picture = _picture(height, width, rng)
        earlier = made[rng.integers(len(made))] if AGAIN[number % len(AGAIN)] else None
        made.append(
            Request(
                picture=picture if earlier is None else earlier.picture,
                mask=_mask(height, width, area, place) if earlier is None else earlier.mask,
                prompt=words if earlier is None else earlier.prompt,
                negative_prompt=NEGATIVE_PROMPT if negatives[number] else "",
                n=counts[number],
                seed=1000 * number,
            )
        )
    return made


def described(requests: list[Request]) -> dict[str, Any]:
    """What a mix came to, in numbers."""
    areas = [float(one.mask.mean()) for one in requests]
    return {
        "requests": len(requests),
        "pictures": sum(one.n for one in requests),
        "n": {n: sum(one.n == n for one in requests) for n in sorted({*COUNTS})},
        "mask_share": {"least": min(areas), "median": float(np.median(areas)), "most": max(areas)},
        "asked_again": len(requests) - len({id(one.picture) for one in requests}),
        "negative_prompts": sum(bool(one.negative_prompt) for one in requests),
    }


def _dealt(rng: np.random.Generator, cards: tuple[Any, ...], count: int) -> list[Any]:
    """So many cards of a deck that is shuffled anew whenever it is used up."""
    decks = [rng.permutation(len(cards)) for _ in range(0, count, len(cards))]
    return [cards[at] for deck in decks for at in deck][:count]


def _picture(height: int, width: int, rng: np.random.Generator) -> Bytes:
    """Soft shapes with some grain."""
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.integers(-6, 7, (height, width, 1))
    return np.asarray(np.clip(soft.astype(np.int16) + grain, 0, 255), np.uint8)


def _mask(height: int, width: int, area: float, place: npt.NDArray[np.float64]) -> Any:
    """An ellipse of a share of the picture, as wide to high as that, somewhere in it."""
    half = np.sqrt(area / np.pi)  # of the sides
    down, right = half + place * (1 - 2 * half)
    drawn = np.zeros((height, width), np.uint8)
    centre = (int(right * width), int(down * height))
    cv2.ellipse(drawn, centre, (int(half * width), int(half * height)), 0, 0, 360, 255, -1)
    return drawn > 0
