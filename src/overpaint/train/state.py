"""A run on disk: everything needed to go on from where it was killed.

A step's batch, level, noise and dropout depend on the seed and the step's number alone, so no
state of a random generator has to be kept: the step's number is that state.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from overpaint.errors import InvalidOption

#: Written into every file; raised when the layout changes.
LAYOUT = 1
NAME = "last.pt"


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run is made of."""

    settings: dict[str, Any]  # as `config.table_of` gives them
    network: dict[str, Tensor]  # the weights
    average: dict[str, Tensor]  # their running average
    optimiser: dict[str, Any]
    step: int  # steps done
    seen: int  # pictures seen
    elapsed_s: float  # time trained, over all resumes
    usual: float = 0.0  # how long gradients usually are; 0: not known


def write_state(path: Path, state: State) -> None:
    """Write atomically: whenever the process dies, `path` is the old state or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        torch.save({"layout": LAYOUT, **vars(state)}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_state(path: Path) -> State:
    """Read what `write_state` wrote; tensors come to the CPU.

    Errors: InvalidOption when the file is not such a state.
    """
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        layout = values.pop("layout")
        if layout != LAYOUT:
            raise InvalidOption("resume", f"a run of layout {LAYOUT}", layout)
        return State(**values)
    except InvalidOption:
        raise
    except Exception as error:  # torch raises a different error for each kind of damage
        raise InvalidOption("resume", f"a file that a run left ({error})", path) from error
