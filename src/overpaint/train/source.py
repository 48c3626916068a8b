"""Where batches come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from overpaint.composer.vocabulary import Vocabulary
from overpaint.train.bank import Bank
from overpaint.train.compose import Batch, compose


class Source(Protocol):
    """Makes batches, and says of what."""

    vocabulary: Vocabulary
    about: Mapping[str, Any]  # sources, licences, counts

    def batch(self, n: int, side: int, seed: int, *, held_out: bool) -> Batch:
        """A batch on the device, a function of its arguments alone; from data held out or not."""
        ...


class BankSource:
    """Batches composed from a bank."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self._bank = Bank.load(path, device)
        self.vocabulary = self._bank.vocabulary
        self.about: Mapping[str, Any] = {
            "made_by": "scripts/build_bank.py",
            "licences": {
                "photographs": "CC0-1.0",
                "drawings": "those of the concept library: MIT, Apache-2.0, CC-BY-4.0",
            },
            "counts": {
                f"{kind} ({split})": len(numbers)
                for (kind, split), numbers in self._bank.splits.items()
            },
        }

    def batch(self, n: int, side: int, seed: int, *, held_out: bool) -> Batch:
        """See `Source`."""
        generator = torch.Generator(self._bank.device).manual_seed(seed)
        return compose(self._bank, n, side, generator, split="test" if held_out else "train")
