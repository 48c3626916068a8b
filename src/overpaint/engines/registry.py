"""Which engines there are. Built-in ones come in through the same door as anybody's plugin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, UnknownEngine

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "overpaint.engines"


def engine_names() -> tuple[str, ...]:
    """The names of all installed engines, sorted."""
    return tuple(sorted(_entry_points()))


@cache
def get_engine(name: str) -> Engine:
    """Load an engine by name, once a process.

    Raises:
        UnknownEngine: no installed package offers one of this name.
        EngineFailed: the package that offers it cannot be loaded.
    """
    found = _entry_points().get(name)
    if found is None:
        known = ", ".join(("auto", *engine_names()))
        raise UnknownEngine("engine", f"must be one of {known}", name)
    try:
        engine = found.load()()
    except Exception as error:
        raise EngineFailed(f"engine {name} cannot be loaded: {error}") from error
    if not isinstance(engine, Engine):
        raise EngineFailed(f"engine {name} has not the members info, paint and close")
    return engine


def choose_engine(engine: str | Engine, prompt: str, *, has_reference: bool = False) -> Engine:
    """Turn what the caller said into an engine: itself, by name, or "auto".

    Auto removes with `erase` when the prompt is empty or asks for removal and there is no
    reference picture to put in, and paints with `builtin` otherwise.

    Raises:
        UnknownEngine: it is neither a known name nor an engine.
        EngineFailed: the package that offers it cannot be loaded.
    """
    if not isinstance(engine, str):
        if not isinstance(engine, Engine):  # callers need not be typed
            limit = "must be a name, or an object with info, paint and close"
            raise UnknownEngine("engine", limit, type(engine).__name__)
        return engine
    if engine != "auto":
        return get_engine(engine)
    from overpaint.concepts.removal import is_removal  # here, so that importing stays quick

    return get_engine("erase" if is_removal(prompt) and not has_reference else "builtin")


def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # here, so that importing stays quick

    return {point.name: point for point in entry_points(group=GROUP)}
