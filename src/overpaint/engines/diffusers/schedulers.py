"""Schedulers by name: how noise is taken away, step by step."""

from __future__ import annotations

import inspect
from typing import Any

from overpaint.engines.diffusers.options import Scheduler
from overpaint.errors import EngineUnusable

_END = "scheduler"
#: What may be left out of a name: Euler is EulerDiscrete, UniPC is UniPCMultistep.
_FILLERS = ("", "discrete", "multistep")
#: Made for few steps; they go with every noise scheduler though its `compatibles` lacks them.
_FEW_STEPS = ("LCMScheduler", "TCDScheduler")


def set_scheduler(library: Any, pipe: Any, wanted: Scheduler) -> None:
    """Give a pipeline the scheduler of this name, with the noise levels of its own.

    Args:
        library: the package diffusers.
        pipe: a pipeline; of Kandinsky's two, its decoder gets the scheduler.
        wanted: its name, with or without "Scheduler" at its end, in any case; and flavours.

    Raises:
        EngineUnusable: no such scheduler goes with the checkpoint (the possible names are told),
            it knows no such flavour, or it needs a package that is not installed.
    """
    current = pipe.scheduler
    possible = _possible(library, current)
    short = _short(wanted.name)
    found = [name for filler in _FILLERS for name in possible if _short(name) == short + filler]
    if not found:
        names = ", ".join(sorted(name.removesuffix("Scheduler") for name in possible))
        raise EngineUnusable(
            f"scheduler={wanted.name} does not go with this checkpoint; possible are {names}"
        )
    kind = getattr(library, found[0])
    settings = _settings(kind, wanted, found[0].removesuffix("Scheduler"))
    try:
        scheduler = kind.from_config(current.config, **settings)
    except ImportError as error:
        raise EngineUnusable(f"scheduler={wanted.name}: {error}".strip()) from error
    except (ValueError, NotImplementedError) as error:
        both = ":".join((wanted.name, *wanted.flavours))
        raise EngineUnusable(f"scheduler={both}: {error}") from error
    for owner in (pipe, getattr(pipe, "decoder_pipe", None)):
        if owner is not None:
            owner.scheduler = scheduler


def _short(name: str) -> str:
    return name.lower().removesuffix(_END)


def _possible(library: Any, current: Any) -> list[str]:
    """Names of the classes that can stand in for a scheduler, this one first."""
    own = type(current).__name__
    if own.startswith("FlowMatch"):
        # Pipelines of flow families say the noise levels themselves.
        names = [name for name in dir(library) if name.startswith("FlowMatch")]
        kinds = {name: getattr(library, name) for name in names if name.endswith("Scheduler")}
        said = {"sigmas", "mu"}
        return [
            name
            for name, kind in kinds.items()
            if said <= set(inspect.signature(kind.set_timesteps).parameters)
        ]
    kin = [kind.__name__ for kind in current.compatibles if not kind.__name__.startswith("EDM")]
    names = [own, *kin, *_FEW_STEPS]  # EDM is for networks that were trained so
    return [name for name in dict.fromkeys(names) if hasattr(library, name)]


def _settings(kind: Any, wanted: Scheduler, name: str) -> dict[str, object]:
    """What the flavours set, where the class knows it."""
    known = set(inspect.signature(kind.__init__).parameters)
    for flavour in wanted.flavours:
        one = Scheduler(name=wanted.name, flavours=(flavour,)).config
        # A class whose package is missing takes everything, and says so when it is made.
        if not set(one) <= known and "kwargs" not in known:
            raise EngineUnusable(f"scheduler={wanted.name}:{flavour}: {name} knows no {flavour}")
    return wanted.config
