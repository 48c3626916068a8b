"""What a run says of itself: lines for people, and a log of JSON lines."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from overpaint.train.config import Level
from overpaint.train.validation import Scores

LOG = "log.jsonl"


class Place(NamedTuple):
    """How far a run is."""

    step: int
    pictures: int
    elapsed_s: float
    rate: float  # the learning rate


class Report:
    """Tells how the run goes: a line for people and one of JSON, every few seconds."""

    def __init__(self, out: Path, every_s: float, say: Callable[[str], None]) -> None:
        self.out = out
        self.every_s = every_s
        self.say = say
        self._clear()

    def _clear(self) -> None:
        self._losses: dict[int, list[Tensor]] = defaultdict(list)
        self._stills: dict[int, list[Tensor]] = defaultdict(list)
        self._pictures = 0
        self._since = time.monotonic()

    def add(self, place: Place, level: Level, loss: Tensor, still: Tensor | None) -> None:
        """Take in a step, and speak when it is time."""
        self._pictures += level.batch
        self._losses[level.side].append(loss)
        if still is not None:
            self._stills[level.side].append(still)
        if time.monotonic() - self._since >= self.every_s:
            self.speak(place)

    def speak(self, place: Place) -> None:
        """Say the means since the last time, and begin anew."""
        losses = {side: _mean(values) for side, values in sorted(self._losses.items())}
        stills = {side: _mean(values) for side, values in sorted(self._stills.items())}
        pace = self._pictures / max(time.monotonic() - self._since, 1e-9)
        self._clear()
        told = "  ".join(
            f"{side}px {loss:.3f}" + (f" (exemplar {stills[side]:.3f})" if side in stills else "")
            for side, loss in losses.items()
        )
        self.say(
            f"{place.elapsed_s / 60:6.1f} min  step {place.step:6d}  {pace:6.1f} pictures/s  "
            f"loss {told}  rate {place.rate:.2e}"
        )
        self._write(place, {"pictures_per_s": pace, "loss": losses, "exemplar": stills})

    def validated(self, place: Place, scores: Scores) -> None:
        """Say the scores on held-out pictures."""
        if self._pictures:
            self.speak(place)
        for side, one in scores.items():
            self.say(
                f"       held out {side}px: error {one['error']:.4f} (exemplar "
                f"{one['exemplar_error']:.4f}), PSNR {one['psnr']:.2f} dB (exemplar "
                f"{one['exemplar_psnr']:.2f} dB)"
            )
        self._write(place, {"held_out": scores})
        self._clear()

    def _write(self, place: Place, record: Mapping[str, Any]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**place._asdict(), **record}) + "\n")


def _mean(values: list[Tensor]) -> float:
    return float(torch.stack(values).mean())
