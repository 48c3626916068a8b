"""How good the network is on pictures held out, the same ones every time.

What is scored is one prediction of the picture from a state of middling noise, under the
conditions that painting by a prompt has: text, exemplar, silhouette and context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch

from overpaint.composer.conditions import present
from overpaint.composer.network import Painter
from overpaint.diffusion.schedule import SIDES, noisiest
from overpaint.train.config import Settings
from overpaint.train.objective import inputs_of, masked_error
from overpaint.train.source import Source

#: side -> error (mean absolute, of -1..1) and psnr (dB) inside the mask, of the network's
#: prediction and, as exemplar_error and exemplar_psnr, of the exemplar as it is.
Scores: TypeAlias = dict[int, dict[str, float]]

#: The seed of the held-out pictures and their noise.
SEED = 20_260_101
#: Pictures scored at a time, counted at the first level; fewer above.
AT_A_TIME = 64
#: The conditions that a prompt does not give.
NOT_GIVEN = ("palette", "sketch", "intensity")


@torch.no_grad()
def score(painter: Painter, source: Source, settings: Settings, bfloat16: bool) -> Scores:
    """Score `painter` at each level of the run that has a share."""
    scores = {}
    device = next(painter.parameters()).device
    for level in settings.levels:
        if not level.share or not settings.run.validation:
            continue
        number = SIDES.index(level.side)
        totals = torch.zeros(4)
        done = 0
        while done < settings.run.validation:
            count = min(max(1, AT_A_TIME // 4**number), settings.run.validation - done)
            batch = source.batch(count, level.side, SEED + done, held_out=True)
            generator = torch.Generator().manual_seed(SEED + done)
            noise = torch.randn(batch.picture.shape, generator=generator).to(device)
            times = torch.full((count,), noisiest(number) / 2, device=device)
            flags = torch.from_numpy(present(*NOT_GIVEN, n=count)).to(device)
            inputs = inputs_of(batch, flags, times, number, noise)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                guess = painter(*inputs)
            mine = masked_error(guess.float(), batch)
            exemplar = masked_error(batch.exemplar, batch)
            totals += torch.stack([part.sum().cpu() for part in (*mine, *exemplar)])
            done += count
        values = (totals / done).tolist()
        names = ("error", "psnr", "exemplar_error", "exemplar_psnr")
        scores[level.side] = dict(zip(names, values, strict=True))
    return scores


def summary(scores: Scores) -> Mapping[str, Any]:
    """The scores as a checkpoint carries them."""
    return {
        f"held_out_{side}px_{name}": round(value, 4)
        for side, one in scores.items()
        for name, value in one.items()
    }
