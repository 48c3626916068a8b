"""Which engines there are. Built-in ones come in through the same door as anybody's plugin.

There are two doors. An engine of one name is an entry point of the group `overpaint.engines`. A
family paints with whatever its name says behind a colon, as `diffusers:ID_OR_PATH` does: it is an
entry point of the group `overpaint.engine_families`, a callable that is given that rest.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, EngineUnusable, OverpaintError, UnknownEngine

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "overpaint.engines"
FAMILIES = "overpaint.engine_families"
#: What stands behind a family's colon, in messages and help.
REST = "ID_OR_PATH"

_opening = threading.RLock()  # reentrant, since an engine may ask for another one
_opened: dict[str, Engine] = {}


def engine_names() -> tuple[str, ...]:
    """The names of all installed engines, sorted; families are not among them."""
    return tuple(sorted(_entry_points()))


def family_names() -> tuple[str, ...]:
    """The names of all installed families, what stands before the colon, sorted."""
    return tuple(sorted(_family_points()))


def is_family(name: str) -> bool:
    """Whether an engine's name is of a family: "diffusers:org/checkpoint" is."""
    family, colon, _ = name.partition(":")
    return bool(colon) and family in _family_points()


def get_engine(name: str) -> Engine:
    """Load an engine by its full name, once a process, whichever threads ask.

    One of a family reads what its name says and checks it; it loads nothing large before it
    paints or is told to `prepare`.

    Raises:
        UnknownEngine: no installed package offers one of this name.
        InvalidInput: a family cannot make out what is behind its colon.
        EngineFailed: the package that offers it cannot be loaded.
        EngineUnusable: what it needs is not there.
    """
    with _opening:
        engine = _opened[name] = _open(name)
        return engine


@cache
def _open(name: str) -> Engine:
    if is_family(name):
        return _open_family(name)
    found = _entry_points().get(name)
    if found is None:
        raise UnknownEngine("engine", f"must be one of {known_names()}", name)
    try:
        engine = found.load()()
    except Exception as error:
        raise EngineFailed(f"engine {name} cannot be loaded: {error}") from error
    return _checked(name, engine)


def _open_family(name: str) -> Engine:
    """Give the rest of the name to its family; what that says on purpose goes up as it is."""
    family, _, rest = name.partition(":")
    try:
        engine = _family_points()[family].load()(rest)
    except ModuleNotFoundError as error:
        limit = f"engine {family} needs {error.name}, which is not installed"
        raise EngineUnusable(f'{limit}: pip install "overpaint[{family}]"') from error
    except OverpaintError:
        raise
    except Exception as error:
        raise EngineFailed(f"engine {name} cannot be loaded: {error}") from error
    return _checked(name, engine)


def _checked(name: str, engine: object) -> Engine:
    if not isinstance(engine, Engine):
        raise EngineFailed(f"engine {name} has not the members info, paint and close")
    return engine


def shown_name(name: str) -> str:
    """What outsiders are told that an engine is called: never a path of this machine."""
    if ":" not in name:
        return name
    try:
        return get_engine(name).info.name
    except OverpaintError:  # it is not what it was when the name was given
        return name.partition(":")[0]


def open_name(name: str) -> str:
    """The same of an engine that is open, by its full name or its own; else its family's name.

    It opens nothing.
    """
    for full in list(_opened):
        shown = shown_name(full)
        if name in (full, shown):
            return shown
    return name.partition(":")[0]


def known_names() -> str:
    """Every name that a caller may give, in words."""
    families = (f"{family}:{REST}" for family in family_names())
    return ", ".join(("auto", *engine_names(), *families))


def choose_engine(engine: str | Engine, prompt: str, *, has_reference: bool = False) -> Engine:
    """Turn what the caller said into an engine: itself, by name, or "auto".

    Auto removes with `erase` when the prompt is empty or asks for removal and there is no
    reference picture to put in, and paints with `builtin` otherwise.

    Raises:
        UnknownEngine: it is neither a known name nor an engine.
        InvalidInput, EngineFailed: as `get_engine`.
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


def _family_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # here, so that importing stays quick

    return {point.name: point for point in entry_points(group=FAMILIES)}
