"""Going down and up a level.

Averaging 2 x 2 pixels (D) and repeating each pixel 2 x 2 times (U) have D U = 1, and U D is the
orthogonal projection onto pictures that are constant in each block. A state one level up is
therefore the one below in that subspace, and picture detail and fresh noise in the three other
dimensions of each block. arXiv 2211.16032 derives the same for any chain of subspaces.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from overpaint.diffusion.schedule import raised

#: batch x channels x height x width, float32.
State: TypeAlias = npt.NDArray[np.float32]


def halve(x: State) -> State:
    """Mean of each block of 2 x 2 pixels; height and width are even."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    return np.asarray(blocks.mean(axis=(3, 5)), np.float32)


def double(x: State) -> State:
    """Each pixel repeated in a block of 2 x 2."""
    return x.repeat(2, axis=2).repeat(2, axis=3)


def detail(x: State) -> State:
    """What `halve` loses: each pixel's difference to the mean of its block."""
    return x - double(halve(x))


def rise(state: State, t: float, guess: State, noise: State) -> tuple[State, float]:
    """The state one level up, of the same law as if it had been noised there.

    With x_0 the picture at the level above and `guess` equal to it in detail, the result is
    distributed as (1 - t') x_0 + t' e, exactly.

    Args:
        state: n x c x h x w, (1 - t) halve(x_0) + t e.
        t: its noise, 0 to 1.
        guess: n x c x 2h x 2w, of which the detail is taken.
        noise: n x c x 2h x 2w, standard normal, of which the detail is taken.

    Returns:
        The state, n x c x 2h x 2w, and its noise t' = 2 t / (1 + t).
    """
    upper = raised(t)
    keep = np.float32(1 / (1 + t))  # (1 - t') / (1 - t)
    fresh = np.float32(1 - upper) * detail(guess) + np.float32(upper) * detail(noise)
    return keep * double(state) + fresh, upper
