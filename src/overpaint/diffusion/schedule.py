"""One noise schedule over levels of growing size.

Dimensionality-Varying Diffusion (arXiv 2211.16032) lets the state grow as noise falls: what is
still drowned in noise need not be carried at full size. At each level the state is that of
rectified flow (arXiv 2209.03003), x_t = (1 - t) x_0 + t e with e standard normal and t from 1
(noise) to 0 (picture). Averaging 2 x 2 pixels halves the noise and keeps the picture, so the same
information one level up has twice the noise-to-signal ratio sigma = t / (1 - t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Side of a square picture at each level, px. Other shapes have about as many pixels.
SIDES = (64, 128, 256, 512)
#: Noise t at which each level is left for the next.
LEAVE = (0.5, 0.45, 0.4)
#: Steps at each level unless asked otherwise: most where they are cheap.
STEPS = (4, 3, 3, 1)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The steps made at one level."""

    level: int  # index into `SIDES`
    times: tuple[float, ...]  # falling noise t, the first where it begins, the last where it ends


def sigma(t: float) -> float:
    """Noise-to-signal ratio of noise t, 0 <= t < 1."""
    return t / (1 - t)


def raised(t: float) -> float:
    """The noise t one level up that holds the same information: sigma doubles."""
    return 2 * t / (1 + t)


def lowered(t: float) -> float:
    """The noise t one level down that holds the same information: sigma halves."""
    return t / (2 - t)


def noisiest(level: int) -> float:
    """The largest noise t that a level ever sees: 1 at the first, less above it."""
    return 1.0 if level == 0 else raised(LEAVE[level - 1])


def plan(top: int, steps: Sequence[int] = STEPS, *, start: float = 1.0) -> tuple[Stage, ...]:
    """The stages from noise to a picture of level `top`.

    Args:
        top: index into `SIDES` of the size wanted.
        steps: how many steps each level gets, at least one for `top`.
        start: noise t to begin with, as level 0 counts it, over 0 and at most 1. Less than 1
            keeps something of the first guess; levels that it passes over are left out.

    Raises:
        ValueError: a level or a number of steps is out of range.
    """
    if not 0 <= top < len(SIDES) or len(steps) <= top or min(steps[: top + 1]) < 1:
        raise ValueError(
            f"needs a level of 0 to {len(SIDES) - 1} and its steps, got {top}, {steps}"
        )
    if not 0 < start <= 1:
        raise ValueError(f"start must be over 0 and at most 1, got {start}")
    stages = []
    t = start
    for level in range(top + 1):
        end = 0.0 if level == top else LEAVE[level]
        if t > end:
            count = steps[level]
            times = tuple(t + (end - t) * i / count for i in range(count + 1))
            stages.append(Stage(level=level, times=times))
            t = end
        t = raised(t)
    return tuple(stages)
