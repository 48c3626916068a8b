"""Which photographs are held out: never learned from, only measured with.

The rule goes by names alone, so that it stays when other photographs come. The bank of the painter
(`scripts/build_bank.py`), the judge (`scripts/build_judge.py`) and `runs/evaluate` follow it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

TEST_PHOTOS = 0.08  # share of the garments
TEST_SCENES = 3  # of the scenes, of which each gives many crops


def share_of(name: str) -> float:
    """A number from 0 to 1 that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


def held_out(names: Iterable[str]) -> list[str]:
    """The held-out ones of all photographs of the set, by their names in it, sorted.

    Scenes are those named `scenes/...`; everything else counts as garments.
    """
    names = sorted(names)
    scenes = [name for name in names if name.startswith("scenes/")]
    others = [name for name in names if not name.startswith("scenes/")]
    chosen = sorted(scenes, key=share_of)[:TEST_SCENES]
    return sorted([*chosen, *(name for name in others if share_of(f"split {name}") < TEST_PHOTOS)])
