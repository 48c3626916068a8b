"""What the network is asked to do in a step: which conditions it sees, and how far off it is.

The state is rectified flow inside the mask, x = (1 - t) picture + t noise (arXiv 2209.03003), and
the picture itself outside it, as the sampler keeps it. The network predicts the picture.

Above the first level the sampler begins with detail that is not the picture's but the exemplar's
(`diffusion.resample.rise`), and each step replaces a part of it by what is predicted. Were every
prediction right, the state at noise t, having risen at noise u, would be
(1 - t) picture + t noise + (t / u) (1 - u) (detail of the exemplar - detail of the picture).
That is the state trained on, so the network learns to doubt such detail. Where painting is to keep
much of what is there, it begins at noise u < 1 from the exemplar and not from noise alone, and the
same holds of the whole exemplar instead of its detail; the light is then given too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from overpaint.composer.conditions import CONDITIONS, time_features
from overpaint.diffusion.schedule import noisiest
from overpaint.train.compose import Batch
from overpaint.train.config import Dropout, Loss

#: Of the noise levels, this part is drawn evenly over the interval, the rest round its middle.
EVEN = 0.35
#: Of the steps at a level, this part starts from the highest noise, where sampling starts: what is
#: painted there hardly changes later (docs/decisions/0009).
FROM_THE_TOP = 0.2
#: Of the pictures whose light is given, this part begins from the exemplar.
KEPT = 0.5
#: The least noise trained at the first level, which the sampler nearly always leaves, and above.
LEAST = (0.1, 0.02)
#: The strip along the border of the mask that the boundary term looks at, in pixels.
STRIP = 2
#: The side of the squares whose mean is their tone, in pixels. Errors of single pixels cancel in
#: it, those that make a surface look stained do not.
CELL = 8
#: Masks smaller than this part of the picture count as if they were this large.
SMALLEST_MASK = 0.01


class Inputs(NamedTuple):
    """The arguments of the network, in its order."""

    planes: Tensor  # N x 13 x S x S
    words: Tensor  # N x V
    palette: Tensor  # N x 64
    present: Tensor  # N x 7
    time: Tensor  # N x TIME_FEATURES


def draw_present(
    count: int, dropout: Dropout, generator: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Which conditions each of `count` pictures has: count x 7, 0 or 1, in the order CONDITIONS.

    Each is left out on its own; without an exemplar the others are left out less often.
    """
    odds = np.array([getattr(dropout, name) for name in CONDITIONS])
    dice = generator.random((count, len(CONDITIONS)))
    kept = dice[:, [EXEMPLAR]] >= odds[EXEMPLAR]  # count x 1
    odds = np.where(kept, odds, odds * dropout.without_exemplar)
    present = dice >= odds
    present[:, [EXEMPLAR]] = kept
    return present.astype(np.float32)


def draw_times(
    count: int, level: int, margin: float, generator: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Noise t for `count` pictures of a level, over what it serves and `margin` above it.

    Most lie round the middle (logit-normal, arXiv 2403.03206).
    """
    low, high = LEAST[min(level, 1)], min(1.0, noisiest(level) + margin)
    middle = 1.0 / (1.0 + np.exp(-generator.normal(size=count)))
    place = np.where(generator.random(count) < EVEN, generator.random(count), middle)
    place = np.where(generator.random(count) < FROM_THE_TOP, 1.0, place)  # 0..1
    times: np.ndarray[tuple[int], np.dtype[np.float32]] = (low + (high - low) * place).astype(
        np.float32
    )
    return times


def draw_starts(
    times: np.ndarray[tuple[int], np.dtype[np.float32]],
    present: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    generator: np.random.Generator,
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The noise from which each picture began with its exemplar, above `times`; 1: with noise."""
    kept = (present[:, EXEMPLAR] > 0) & (present[:, INTENSITY] > 0)
    kept &= generator.random(len(times)) < KEPT
    between = times + (1.0 - times) * generator.random(len(times))
    starts: np.ndarray[tuple[int], np.dtype[np.float32]] = np.where(kept, between, 1.0).astype(
        np.float32
    )
    return starts


def inputs_of(
    batch: Batch,
    present: Tensor,
    times: Tensor,
    level: int,
    noise: Tensor,
    starts: Tensor | None = None,
) -> Inputs:
    """The network's arguments for `batch` at noise `times` (N), with the conditions `present`.

    `starts` (N) are of `draw_starts`; None: all 1. Where the context is left out, nothing outside
    the mask is shown at all.
    """
    t = times[:, None, None, None]
    mask, outside = batch.mask, 1.0 - batch.mask
    has = {name: present[:, place, None, None, None] for place, name in enumerate(CONDITIONS)}
    around = batch.picture * outside * has["context"]  # N x 3 x S x S
    exemplar = (batch.exemplar * mask + around) * has["exemplar"]
    wrong = exemplar - batch.picture
    begun = torch.ones_like(t) if starts is None else starts[:, None, None, None]
    clean = (1.0 - t) * batch.picture + (t / begun) * (1.0 - begun) * wrong
    if level > 0:
        risen = torch.clamp_min(t, noisiest(level))
        stale = (t / risen) * (1.0 - risen) * _detail(wrong)
        clean = clean + torch.where(begun < 1.0, 0.0, stale)
    state = (clean + t * noise) * mask + around
    planes = torch.cat(
        (
            state,
            around,
            mask,
            exemplar,
            batch.silhouette * has["silhouette"],
            batch.sketch * has["sketch"],
            batch.intensity * has["intensity"],
        ),
        dim=1,
    )  # N x 13 x S x S
    time = torch.from_numpy(time_features(times.cpu().numpy(), level)).to(planes)
    return Inputs(
        planes,
        batch.words * present[:, [TEXT]],
        batch.palette * present[:, [PALETTE]],
        present,
        time,
    )


def loss_of(guess: Tensor, batch: Batch, times: Tensor, settings: Loss) -> Tensor:
    """The loss of each picture (N): errors of pixels, differences, tone, and the border.

    Each is a mean over the mask, weighted by 1/t (the flow's speed), bounded for small t.
    """
    mask = batch.mask
    error = (guess - batch.picture) * mask  # N x 3 x S x S, 0 outside
    area = _total(mask).clamp_min(SMALLEST_MASK * mask.shape[-1] * mask.shape[-2]) * 3.0
    loss = _total(charbonnier(error, settings.charbonnier)) / area
    if settings.gradient:
        # Differences across the border count too: outside it the error is 0.
        steps = charbonnier(error.diff(dim=-1), settings.charbonnier).sum((1, 2, 3))
        steps = steps + charbonnier(error.diff(dim=-2), settings.charbonnier).sum((1, 2, 3))
        loss = loss + settings.gradient * steps / (2.0 * area)
    if settings.coarse:
        tone = charbonnier(functional.avg_pool2d(error, CELL), settings.charbonnier)
        loss = loss + settings.coarse * CELL**2 * _total(tone) / area
    if settings.boundary:
        outside = functional.max_pool2d(1.0 - mask, 2 * STRIP + 1, 1, STRIP)
        strip = mask * outside  # N x 1 x S x S
        length = _total(strip).clamp_min(1.0) * 3.0
        along = _total(charbonnier(error, settings.charbonnier) * strip) / length
        loss = loss + settings.boundary * along
    return loss / times.clamp_min(settings.low_noise)


def charbonnier(error: Tensor, scale: float) -> Tensor:
    """The absolute error, rounded off to a square below `scale`; 0 for no error."""
    return (error * error + scale * scale).sqrt() - scale


def masked_error(guess: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean absolute error (of -1..1) and PSNR (dB) inside the mask, each of shape N."""
    error = (guess - batch.picture) * batch.mask
    area = _total(batch.mask).clamp_min(1.0) * 3.0
    square = _total(error.square()) / area
    return _total(error.abs()) / area, 10.0 * torch.log10(4.0 / square.clamp_min(1e-9))


def _detail(planes: Tensor) -> Tensor:
    """What averaging 2 x 2 pixels loses: each pixel's difference to the mean of its block."""
    coarse = functional.avg_pool2d(planes, 2)
    return planes - functional.interpolate(coarse, scale_factor=2, mode="nearest")


def _total(planes: Tensor) -> Tensor:
    """The sum over everything but the batch."""
    return planes.sum((1, 2, 3))


TEXT = CONDITIONS.index("text")
EXEMPLAR = CONDITIONS.index("exemplar")
PALETTE = CONDITIONS.index("palette")
INTENSITY = CONDITIONS.index("intensity")
