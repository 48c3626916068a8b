"""The pools that this service has: the ordinary one, and one for each engine of a family.

Outside of the service a pool is called as the first model that is painted in it, since the name of
an engine may have a local path in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from overpaint.engines.registry import is_family
from overpaint.settings import Settings
from overpaint.tasks.database import now_ms
from overpaint.tasks.pools import ORDINARY, Queue
from overpaint.tasks.store import TaskStore
from overpaint.tasks.workers import Worker

ORDINARY_LABEL = "ordinary"
#: The states of a worker; a pool's is the first that one of its workers is in.
STATES = ("ready", "loading", "failed")
MISSING = "missing"  # no worker of it has been seen lately
_GONE = "The model {model} is no longer painted by this server."


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A pool as it stands."""

    label: str
    state: str  # one of STATES, or MISSING
    workers: Mapping[str, int]  # state -> processes in it
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
        self._pool_of = {
            engine: engine if is_family(engine) else ORDINARY for engine in models.values()
        }
        labels: dict[str, str] = {}
        for model, engine in models.items():
            if self._pool_of[engine] != ORDINARY:
                label = model if model != ORDINARY_LABEL else f"model {model}"
                labels.setdefault(engine, label)
        self._labels = {ORDINARY: ORDINARY_LABEL, **labels}
        #: The engines that have workers of their own, by full name.
        self.engines = tuple(labels)

    def of(self, engine: str) -> str:
        """The pool of an engine of one of the models."""
        return self._pool_of[engine]

    def label(self, pool: str) -> str:
        """What a pool is called outside; "?" where it is of other settings."""
        return self._labels.get(pool, "?")

    def ordinary_alive(self) -> int:
        """How many workers of the ordinary pool have been seen lately."""
        return sum(self.alive()[ORDINARY].values())

    def problem(self) -> str:
        """Why no task is painted, in words; "" where some are.

        An engine that has workers of its own may be loading, or fail to, while others paint: only
        where there are no others is that a problem here. `states` tells of each.
        """
        if ORDINARY in self._pool_of.values():
            return "" if self.ordinary_alive() else "no worker has been seen lately"
        states = self.states()
        if "ready" in states.values():
            return ""
        return f"no engine is ready: {', '.join(f'{one} is {how}' for one, how in states.items())}"

    def alive(self) -> Mapping[str, Counter[str]]:
        """Processes seen lately: pool -> state -> how many."""
        seen: dict[str, Counter[str]] = {pool: Counter() for pool in self._labels}
        for _, worker in self.seen():
            seen[worker.pool][worker.state] += 1
        return seen

    def seen(self) -> list[tuple[str, Worker]]:
        """The workers seen lately, each with the label of its pool."""
        now = self._clock()
        return [
            (self._labels[worker.pool], worker)
            for worker in self._tasks.workers()
            if worker.pool in self._labels and abs(now - worker.seen_ms) <= self._alive_ms
        ]

    def states(self) -> Mapping[str, str]:
        """Label -> state of the pools of engines; empty where every engine is an ordinary one."""
        alive = self.alive()
        return {self._labels[pool]: _state(alive[pool]) for pool in self.engines}

    def look(self) -> list[Pool]:
        """Every pool, the ordinary one first."""
        alive, queues = self.alive(), self._tasks.queues()
        return [
            Pool(
                label=label,
                state=_state(alive[pool]),
                workers={state: alive[pool][state] for state in STATES},
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


def _state(workers: Counter[str]) -> str:
    return next((state for state in STATES if workers[state]), MISSING)
