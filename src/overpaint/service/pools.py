"""The pools that this service has: the ordinary one, and one for each engine of a family.

Outside of the service a pool is called as the first model that is painted in it, since the name of
an engine may have a local path in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from overpaint.dispatch.slots import KEEPERS, labels_of, wanted_of
from overpaint.settings import Settings
from overpaint.tasks.database import now_ms
from overpaint.tasks.pools import ORDINARY, Queue
from overpaint.tasks.store import TaskStore
from overpaint.tasks.workers import Worker

#: The states of a worker; a pool's is the first that one of its workers is in.
STATES = ("ready", "loading", "failed")
MISSING = "missing"  # no worker of it has been seen lately
IDLE = "idle"  # nor has it any at present, but a Ray cluster starts one for the next task
_GONE = "The model {model} is no longer painted by this server."


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A pool as it stands."""

    label: str
    state: str  # one of STATES, IDLE or MISSING
    workers: Mapping[str, int]  # state -> processes in it
    wanted: int | None  # workers, by who keeps them on a Ray cluster; None where nobody does
    queue: Queue
    age_s: float  # how long its oldest task has waited; 0 where none does


class Pools:
    """The pools of the settings' models.

    Args:
        settings: the models, and how often workers give signs of life.
        tasks: the store.
        clock: milliseconds since 1970.
    """

    def __init__(
        self, settings: Settings, tasks: TaskStore, clock: Callable[[], int] = now_ms
    ) -> None:
        self._tasks, self._clock = tasks, clock
        self._alive_ms = settings.alive_ms
        self._models = models = settings.models
        self._labels = labels_of(models)
        self._pool_of = {
            engine: engine if engine in self._labels else ORDINARY for engine in models.values()
        }
        #: The engines that have workers of their own, by full name.
        self.engines = tuple(pool for pool in self._labels if pool != ORDINARY)

    def of(self, engine: str) -> str:
        """The pool of an engine of one of the models."""
        return self._pool_of[engine]

    def label(self, pool: str) -> str:
        """What a pool is called outside; "?" where it is of other settings."""
        return "(Ray)" if pool == KEEPERS else self._labels.get(pool, "?")

    def ordinary_alive(self) -> int:
        """How many workers of the ordinary pool have been seen lately."""
        return sum(self.alive()[ORDINARY].values())

    def problem(self) -> str:
        """Why no task is painted, in words; "" where some are.

        An engine that has workers of its own may be loading, or fail to, while others paint: only
        where there are no others is that a problem here. `states` tells of each. Nor is it one
        that a Ray cluster has none at present: tasks are taken, and painted when it has.
        """
        if _kept(self._fresh()):
            return ""
        if ORDINARY in self._pool_of.values():
            return "" if self.ordinary_alive() else "no worker has been seen lately"
        states = self.states()
        if "ready" in states.values():
            return ""
        return f"no engine is ready: {', '.join(f'{one} is {how}' for one, how in states.items())}"

    def alive(self) -> Mapping[str, Counter[str]]:
        """Processes seen lately: pool -> state -> how many."""
        return self._count(self._fresh())

    def seen(self) -> list[tuple[str, Worker]]:
        """The workers seen lately, each with the label of its pool."""
        return [
            (self._labels[worker.pool], worker)
            for worker in self._fresh()
            if worker.pool in self._labels
        ]

    def states(self) -> Mapping[str, str]:
        """Label -> state of the pools of engines; empty where every engine is an ordinary one."""
        fresh = self._fresh()
        alive = self._count(fresh)
        return {self._labels[pool]: self._state(pool, alive, fresh) for pool in self.engines}

    def look(self) -> list[Pool]:
        """Every pool, the ordinary one first."""
        fresh, queues = self._fresh(), self._tasks.queues()
        alive, wanted = self._count(fresh), _wanted(fresh)
        return [
            Pool(
                label=label,
                state=self._state(pool, alive, fresh),
                workers={state: alive[pool][state] for state in STATES},
                wanted=wanted.get(label),
                queue=queues.get(pool, Queue()),
                age_s=self._age_s(pool),
            )
            for pool, label in self._labels.items()
        ]

    def queue_age_s(self) -> float:
        """How long the oldest pending task of all pools has waited; 0 where none does."""
        return max(map(self._age_s, self._labels))

    def reroute(self, others: Collection[str] = ()) -> tuple[int, int]:
        """Send tasks that wait for an engine of former settings to where they are painted now.

        By the name that their callers gave. Returns how many were sent, and how many failed as
        there is no such model any more.

        Args:
            others: pools that other nodes have; their tasks stay.
        """
        return self._tasks.reroute({*self._labels, *others}, self._where, _GONE)

    def _where(self, model: str) -> tuple[str, str] | None:
        engine = self._models.get(model)
        return None if engine is None else (engine, self._pool_of[engine])

    def _age_s(self, pool: str) -> float:
        oldest_ms = self._tasks.oldest_pending_ms(pool)
        return 0.0 if oldest_ms is None else max(0, self._clock() - oldest_ms) / 1000

    def _fresh(self) -> list[Worker]:
        """Who has been seen lately, of whatever pool, by id."""
        now = self._clock()
        every = self._tasks.workers()
        return [one for one in every if abs(now - one.seen_ms) <= self._alive_ms]

    def _count(self, fresh: Iterable[Worker]) -> dict[str, Counter[str]]:
        seen: dict[str, Counter[str]] = {pool: Counter() for pool in self._labels}
        for worker in fresh:
            if worker.pool in seen:
                seen[worker.pool][worker.state] += 1
        return seen

    def _state(self, pool: str, alive: Mapping[str, Counter[str]], fresh: Sequence[Worker]) -> str:
        found = next((state for state in STATES if alive[pool][state]), MISSING)
        if found == MISSING and _kept(fresh):
            return "loading" if _wanted(fresh).get(self._labels[pool]) else IDLE
        return found


def _kept(fresh: Iterable[Worker]) -> bool:
    """Whether somebody starts workers on a Ray cluster."""
    return any(one.pool == KEEPERS and one.state == "ready" for one in fresh)


def _wanted(fresh: Iterable[Worker]) -> Mapping[str, int]:
    """Label -> workers that are wanted on a Ray cluster."""
    told = (wanted_of(one.figures) for one in fresh if one.pool == KEEPERS)
    return next(filter(None, told), {})
