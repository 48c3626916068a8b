"""From noise to a picture: a function over a denoiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from overpaint.diffusion.resample import State, rise
from overpaint.diffusion.schedule import Stage

#: (state, noise t, level) -> what the picture is taken to be, of the state's shape.
Denoiser: TypeAlias = Callable[[State, float, int], State]


def sample(
    denoiser: Denoiser,
    stages: Sequence[Stage],
    guesses: Mapping[int, State],
    draw: Callable[[int], State],
    *,
    keep: Callable[[State, int], State] | None = None,
    on_step: Callable[[int, int, State], None] | None = None,
) -> State:
    """Draw a picture: Euler steps of rectified flow (arXiv 2209.03003), level after level.

    Args:
        denoiser: predicts the picture from a state.
        stages: the steps, from `schedule.plan`.
        guesses: level -> n x c x h x w, the picture as known before. Its detail fills what a
            state gains in rising; where the first stage begins below full noise, that begins
            from it.
        draw: level -> standard normal noise of the shape of that level's guess.
        keep: puts what is known for certain back into a prediction: (picture, level) -> picture.
        on_step: called after each step with steps done, steps in all, and the predicted picture.

    Returns:
        n x c x h x w at the last stage's level.
    """
    total = sum(len(stage.times) - 1 for stage in stages)
    done = 0
    first = stages[0].level
    t = stages[0].times[0]
    x = np.float32(1 - t) * guesses[first] + np.float32(t) * draw(first)
    predicted = x
    for stage in stages:
        if stage.level != first:
            x, _ = rise(x, t, guesses[stage.level], draw(stage.level))
        for now, after in zip(stage.times[:-1], stage.times[1:], strict=True):
            predicted = denoiser(x, now, stage.level)
            if keep is not None:
                predicted = keep(predicted, stage.level)
            x = predicted + np.float32(after / now) * (x - predicted)
            done += 1
            if on_step is not None:
                on_step(done, total, predicted)
        t = stage.times[-1]
    return predicted


def guide(full: State, without: Mapping[str, State], weights: Mapping[str, float]) -> State:
    """Press single conditions: classifier-free guidance, one direction a condition.

    Composer (arXiv 2302.09778, section 3.3) guides between any two sets of conditions; here one
    set has all of them and the other all but one: full + sum over i of (w_i - 1)(full - without_i).

    Args:
        full: prediction under all conditions.
        without: condition -> prediction with that one dropped.
        weights: condition -> weight; 1 changes nothing.
    """
    pressed = full
    for name, one in without.items():
        pressed = pressed + np.float32(weights[name] - 1) * (full - one)
    return pressed
