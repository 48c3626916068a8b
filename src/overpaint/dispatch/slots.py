"""How many workers of each pool a cluster is to have: what a slot is, and how many are wanted."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from overpaint.engines.registry import is_family
from overpaint.errors import InvalidOption
from overpaint.tasks.pools import ORDINARY, Queue

#: What the ordinary pool is called where callers and settings name pools.
ORDINARY_LABEL = "ordinary"
#: What stands for a pool on the roll of workers, of those that start the workers elsewhere.
KEEPERS = "(keepers)"
_WANTED = "wanted:"  # and a pool's label: among the figures of the keeper that leads
_LIMIT = "must be POOL:OPTION=VALUE&..., commas between"


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What one worker of a pool takes, and between how many and how many there are."""

    cpus: float = 1.0  # cores that are reserved for it
    gpus: float | None = None  # None: one for an engine where the cluster has any, else none
    memory_gb: float = 0.0  # of main memory that is reserved for it, GB (2**30 bytes)
    accelerator: str = ""  # the kind of GPU it has to be, as Ray calls it; "" is any
    min: int = 1
    max: int | None = None  # None: as many as the cluster has room for
    tasks: int = 2  # waiting or painted that are worth one worker
    idle_s: float = 60.0  # how long more are kept than were wanted at last

    def cost(self, there: Mapping[str, float], *, engine: bool) -> dict[str, float]:
        """What one takes, as Ray calls it: "CPU", "GPU", "memory" in bytes.

        Args:
            there: what the cluster has.
            engine: whether it is of an engine that has workers of its own.
        """
        gpus = self.gpus
        if gpus is None:
            gpus = 1.0 if engine and there.get("GPU", 0) >= 1 else 0.0
        return {"CPU": self.cpus, "GPU": gpus, "memory": self.memory_gb * 2**30}


#: Of an engine that has workers of its own: loaded when first asked for, kept for a while.
ENGINE_SLOTS = Slots(min=0, tasks=8, idle_s=600.0)

#: Option -> how it is read, and its limits.
_OPTIONS: Mapping[str, tuple[Callable[[str], Any], tuple[float, float]]] = {
    "cpus": (float, (0, 1024)),
    "gpus": (float, (0, 64)),
    "memory_gb": (float, (0, 1 << 20)),
    "accelerator": (str, (1, 64)),
    "min": (int, (0, 10_000)),
    "max": (int, (1, 10_000)),
    "tasks": (int, (1, 1000)),
    "idle_s": (float, (0, 86_400)),
}


def labels_of(models: Mapping[str, str]) -> dict[str, str]:
    """What the pools of these models are called, by pool; the ordinary one first.

    A pool of an engine is called as the first model that is painted in it, since the name of an
    engine may have a local path in it.

    Args:
        models: model -> engine.
    """
    labels = {ORDINARY: ORDINARY_LABEL}
    for model, engine in models.items():
        if is_family(engine):
            labels.setdefault(engine, model if model != ORDINARY_LABEL else f"model {model}")
    return labels


def read_slots(text: str, models: Mapping[str, str]) -> dict[str, Slots]:
    """Read the setting of the slots: for each pool that the models have, by its name.

    Args:
        text: "ordinary:cpus=2&max=64,photo:gpus=0.5&min=1"; a pool of an engine may be called as
            any model that is painted in it.
        models: model -> engine.

    Raises:
        InvalidOption: a pool or an option is unknown, comes twice, or has a value that is not
            allowed.
    """
    labels = labels_of(models)
    slots = {pool: Slots() if pool == ORDINARY else ENGINE_SLOTS for pool in labels}
    pools = {model: engine for model, engine in models.items() if engine in labels}
    if all(engine in labels for engine in models.values()):
        del slots[ORDINARY]  # nobody asks for it
    pools[ORDINARY_LABEL] = ORDINARY
    said: set[str] = set()
    for part in filter(str.strip, text.split(",")):
        name, colon, rest = (one.strip() for one in part.partition(":"))
        pool = pools.get(name)
        if not colon or pool is None:
            limit = f"{_LIMIT}; the pools are {', '.join(pools)}"
            raise InvalidOption("slots", limit, repr(part.strip()))
        if pool in said:
            raise InvalidOption("slots", "must name each pool once", repr(name))
        said.add(pool)
        read = _read(name, rest, slots.get(pool, Slots()))
        if pool in slots:
            slots[pool] = read
    return slots


def _read(name: str, text: str, slots: Slots) -> Slots:
    values: dict[str, Any] = {}
    for pair in filter(str.strip, text.split("&")):
        option, equals, value = (one.strip() for one in pair.partition("="))
        if not equals or option not in _OPTIONS or option in values:
            limit = f"{name}: an option must be one of {', '.join(_OPTIONS)}, each once"
            raise InvalidOption("slots", limit, repr(pair.strip()))
        values[option] = _value(name, option, value)
    read = replace(slots, **values)
    if read.max is not None and read.max < read.min:
        raise InvalidOption("slots", f"{name}: max must be at least min, {read.min}", read.max)
    return read


def _value(name: str, option: str, text: str) -> Any:
    kind, (low, high) = _OPTIONS[option]
    try:
        value = kind(text)
        size = len(value) if kind is str else value
    except ValueError:
        size = math.nan
    if low <= size <= high:  # not true of nan
        return value
    what = "a whole number" if kind is int else "a number"
    limit = f"must be {what} between {low:g} and {high:g}"
    if kind is str:
        limit = f"must have {low:g} to {high:g} characters"
    raise InvalidOption("slots", f"{name}: {option} {limit}", repr(text))


@dataclass(kw_only=True)
class Demand:
    """How many workers a pool is to have; remembers how many it wanted lately."""

    slots: Slots
    _lately: deque[tuple[float, int]] = field(default_factory=deque)  # when, at least how many

    def adopt(self, count: int, now: float) -> None:
        """Begin with so many, which somebody else wanted up to now."""
        self._lately.clear()
        self._lately.append((now, count))

    def look(self, queue: Queue, room: int, now: float) -> int:
        """The number from now on, from what waits and is painted.

        More are wanted at once; fewer, when for `idle_s` fewer were.

        Args:
            queue: of the pool.
            room: how many the cluster has room for, where the slots say no `max`.
            now: monotonic, s.
        """
        top = room if self.slots.max is None else self.slots.max
        most = max(self.slots.min, top)
        needed = math.ceil((queue.pending + queue.running) / self.slots.tasks)
        needed = min(max(needed, self.slots.min), most)
        lately = self._lately
        while lately and lately[-1][1] <= needed:
            lately.pop()
        lately.append((now, needed))
        while lately[0][0] < now - self.slots.idle_s:
            lately.popleft()
        return min(lately[0][1], most)

    def release(self) -> int:
        """Keep no more than what is needed now, since others wait for room; how many that is."""
        while len(self._lately) > 1:
            self._lately.popleft()
        return self._lately[0][1] if self._lately else self.slots.min


def room_for(cost: Mapping[str, float], there: Mapping[str, float]) -> int:
    """How many slots of a cost an empty cluster has room for; 1 at least, which may come yet."""
    room = [there.get(kind, 0) / each for kind, each in cost.items() if each]
    return max(1, int(min(room, default=1)))


def fits(
    wanted: Mapping[str, int],
    costs: Mapping[str, Mapping[str, float]],
    there: Mapping[str, float],
) -> bool:
    """Whether a cluster has all that so many slots take, by pool."""
    return not any(_over(wanted, costs, there, kind) for kind in ("CPU", "GPU", "memory"))


def share(
    wanted: Mapping[str, int],
    least: Mapping[str, int],
    costs: Mapping[str, Mapping[str, float]],
    there: Mapping[str, float],
) -> dict[str, int]:
    """Have pools that take most give way, until a cluster has room for all, or none can.

    Args:
        wanted: pool -> slots.
        least: pool -> slots that it keeps.
        costs: pool -> what one slot takes, as `Slots.cost`.
        there: what the cluster has.
    """
    found = dict(wanted)
    for kind in ("GPU", "CPU", "memory"):
        while _over(found, costs, there, kind):
            givers = [
                (count * costs[pool][kind], pool)
                for pool, count in found.items()
                if count > least[pool] and costs[pool][kind]
            ]
            if not givers:
                break
            found[max(givers)[1]] -= 1
    return found


def _over(
    wanted: Mapping[str, int],
    costs: Mapping[str, Mapping[str, float]],
    there: Mapping[str, float],
    kind: str,
) -> bool:
    taken = sum(count * costs[pool][kind] for pool, count in wanted.items())
    return taken > there.get(kind, 0) + 1e-6


def wanted_figures(wanted: Mapping[str, int]) -> dict[str, float]:
    """What the keeper that leads tells with its signs of life, of slots by their pools' labels."""
    return {_WANTED + label: float(count) for label, count in wanted.items()}


def wanted_of(figures: Mapping[str, float]) -> dict[str, int]:
    """Label -> slots, out of a keeper's figures; empty where it does not lead."""
    return {
        name.removeprefix(_WANTED): int(value)
        for name, value in figures.items()
        if name.startswith(_WANTED)
    }
