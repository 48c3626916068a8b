"""Keeps as many slots on a Ray cluster as the queues call for.

Each `overpaint serve` has one keeper, and one of them leads: any may, since all that it knows is in
the database and at Ray. Where Ray comes back without its memory (its head was replaced), the leader
has the slots started again; where no keeper is left, those that run go on.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from overpaint.dispatch.presence import LOADING, READY
from overpaint.dispatch.slots import (
    KEEPERS,
    Demand,
    fits,
    labels_of,
    read_slots,
    room_for,
    share,
    wanted_figures,
)
from overpaint.errors import OverpaintError
from overpaint.settings import Settings
from overpaint.tasks.pools import ORDINARY, Queue
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.supervisor")

LOOK_S = 1.0
_AGAIN_S = 30.0  # from one time that slots that did not start are tried again to the next


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How many slots of a pool there are to be, and what one takes."""

    pool: str
    count: int
    cost: Mapping[str, float]  # "CPU", "GPU", "memory" in bytes
    accelerator: str = ""  # the kind of GPU, as Ray calls it


@dataclass(frozen=True, kw_only=True)
class There:
    """The slots of a pool that Ray has."""

    count: int  # starting ones too
    running: int = 0
    given_up: str = ""  # why Ray does not try to start them any more


class Serves(Protocol):
    """What a keeper needs of `serving.Serving`."""

    def resources(self) -> dict[str, float]:
        """What all machines of the cluster have together."""

    def there(self) -> dict[str, There]:
        """What there is, by the applications' names."""

    def name(self, pool: str, label: str) -> str:
        """What the application of a pool is called."""

    def have(self, wishes: Mapping[str, Wish]) -> None:
        """Have the slots of these applications be there."""

    def remove(self, name: str) -> None:
        """Have all slots of an application end."""


class Keeper:
    """One keeper.

    Its signs of life come from the loop that asks Ray, not from a thread of their own: where Ray
    does not answer for long another keeper leads.

    Args:
        settings: the models, and the slots of their pools.
        store: of the tasks.
        serving: Ray.
        instance: what it is called on the roll.
        clock: the store's, milliseconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        serving: Serves,
        *,
        instance: str,
        clock: Callable[[], int],
    ) -> None:
        self._store, self._serving, self._instance = store, serving, instance
        self._clock = clock
        self._alive_ms, self._beat_s = settings.alive_ms, settings.lease_seconds / 4
        slots = read_slots(settings.slots, settings.models)
        labels = labels_of(settings.models)
        self._demands = {pool: Demand(slots=of) for pool, of in slots.items()}
        self._labels = {pool: labels[pool] for pool in slots}
        self._names = {pool: serving.name(pool, labels[pool]) for pool in slots}
        self._wanted: dict[str, int] = {}  # pool -> slots, as deployed last
        self._costs: dict[str, dict[str, float]] = {}
        self._leads = False
        self._next_beat = -math.inf
        #: When a turn began last, monotonic, s.
        self.turned = math.inf
        self._tried = -math.inf  # when slots were started again that did not start

    def beat(self, state: str) -> None:
        """Give a sign of life."""
        figures = wanted_figures({self._labels[pool]: n for pool, n in self._wanted.items()})
        self._store.beat(
            self._instance,
            pid=os.getpid(),
            task_id=None,
            pool=KEEPERS,
            state=state,
            figures=figures if self._leads else {},
        )

    def run(self, stopping: threading.Event) -> None:
        """Keep the slots until told to stop; raises where Ray does not answer."""
        away = False
        while not stopping.is_set():
            try:
                self.turn(time.monotonic())
                away = False
            except OverpaintError as error:  # the database; Ray's errors go through
                if not away:
                    logger.warning("slots stay as they are", extra={"reason": str(error)})
                away = True
            stopping.wait(LOOK_S)

    def turn(self, now: float) -> None:
        """Look once at who leads and what is wanted, and have it be there.

        Args:
            now: monotonic, s.
        """
        self.turned = time.monotonic()
        told = (self._leads, self._wanted)
        self._leads = self._first_of_all()
        if self._leads:
            self._lead(now, begins=not told[0])
        if now >= self._next_beat or told != (self._leads, self._wanted):
            self._serving.resources()  # who does not reach Ray is no keeper, whoever leads
            self.beat(READY)
            self._next_beat = now + self._beat_s

    def _first_of_all(self) -> bool:
        now = self._clock()
        others = (
            one.id
            for one in self._store.workers()
            if one.pool == KEEPERS
            and one.state != LOADING
            and abs(now - one.seen_ms) <= self._alive_ms
        )
        return min(others, default=self._instance) >= self._instance

    def _lead(self, now: float, *, begins: bool) -> None:
        there = self._serving.there()
        if begins:
            logger.info("leads", extra={"worker": self._instance})
            self._wanted = {}
            for pool, demand in self._demands.items():  # of whoever led before
                name = self._names[pool]
                demand.adopt(there[name].count if name in there else 0, now)
        resources = self._serving.resources()
        costs = {
            pool: demand.slots.cost(resources, engine=pool != ORDINARY)
            for pool, demand in self._demands.items()
        }
        wanted = self._look(costs, resources, now)
        lost = {self._names[pool] for pool, count in wanted.items() if count} - there.keys()
        if lost or (wanted, costs) != (self._wanted, self._costs):
            self._costs = costs
            self._deploy(wanted, there)
        self._begin_anew(there, now)

    def _look(
        self, costs: Mapping[str, Mapping[str, float]], resources: Mapping[str, float], now: float
    ) -> dict[str, int]:
        """How many slots each pool is to have."""
        queues = self._store.queues()
        wanted = {
            pool: demand.look(queues.get(pool, Queue()), room_for(costs[pool], resources), now)
            for pool, demand in self._demands.items()
        }
        if fits(wanted, costs, resources):
            return wanted
        needed = {pool: demand.release() for pool, demand in self._demands.items()}
        least = {}
        for pool, count in needed.items():
            slots = self._demands[pool].slots
            # Where a number is said Ray is asked for it, which may have more machines come.
            least[pool] = count if slots.max is not None else max(slots.min, min(count, 1))
        return share(needed, least, costs, resources)

    def _begin_anew(self, there: Mapping[str, There], now: float) -> None:
        """Remove what Ray has given up: it would not try that again when asked for the same.

        What it has lost or what was removed is asked for again as soon as it is gone.
        """
        given_up = {name: one for name, one in there.items() if one.given_up}
        if not given_up or now - self._tried < _AGAIN_S:
            return
        self._tried = now
        for name, one in given_up.items():
            what = {"application": name, "reason": one.given_up, "running": one.running}
            logger.error("slots do not start", extra=what)
            if not one.running:
                self._serving.remove(name)

    def _deploy(self, wanted: Mapping[str, int], there: Mapping[str, There]) -> None:
        names = {self._names[pool] for pool, count in wanted.items() if count}
        for name in there.keys() - names:
            self._serving.remove(name)
        wishes = {
            self._names[pool]: Wish(
                pool=pool,
                count=count,
                cost=self._costs[pool],
                accelerator=self._demands[pool].slots.accelerator,
            )
            for pool, count in wanted.items()
            if count
        }
        if wishes:
            self._serving.have(wishes)
        what = {self._labels[pool]: count for pool, count in wanted.items()}
        logger.info("slots", extra={"wanted": what})
        self._wanted = dict(wanted)
