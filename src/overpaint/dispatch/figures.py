"""What a worker process counts of its work; it goes with its signs of life, and so to /metrics.

The figures only grow while the process lives, and end with it: each API process tells those of
every worker that is alive, and all tell the same.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Mapping

from overpaint import errors
from overpaint.engines.protocol import Engine, Measured
from overpaint.errors import OverpaintError
from overpaint.tasks.task import MAX_TRIES, Failure, Task

#: Counters: name -> help.
COUNTS: Mapping[str, str] = {
    "claims": "Tasks that were taken up.",
    "repeats": "Of these, tasks that had been tried before.",
    "retries": "Tries that failed and were to be made again.",
    "given_back": "Tasks that were put back untried, at the end of the process.",
    "lost": "Tasks that were not the worker's any more: canceled, or the lease had run out.",
    "troubles": "Times that the database or the store of pictures did not answer it.",
}
#: Times, s: name -> help.
TIMES: Mapping[str, str] = {
    "wait": "From a task's submission to its first claim.",
    "total": "From a task's submission to its end.",
}
BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0)
#: What tasks fail with: classes of `overpaint.errors`, and the unforeseen.
_KNOWN = frozenset(
    name
    for name, one in vars(errors).items()
    if inspect.isclass(one) and issubclass(one, OverpaintError)
) | {"InternalError"}
#: What engines may tell: name -> help.
OF_ENGINE: Mapping[str, str] = {
    "batches": "Batches that the engine painted.",
    "batch_pictures": "Pictures that were painted in them.",
    "gpu_memory_used_bytes": "Memory of the GPU that is taken, by whichever process.",
    "gpu_memory_bytes": "Memory of the GPU.",
    "gpu_use": "Share of the last moments in which the GPU was at work, 0 to 1.",
}
_FAILED = "failed."
#: Kinds that are told from the start: of a series that begins with 1 Prometheus sees no increase.
_USUAL = ("ContentRefused", "EngineFailed", "InternalError", "InvalidImage", "UnknownConcept")


class Figures:
    """The figures of one process. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, float] = dict.fromkeys(COUNTS, 0)
        self._told |= dict.fromkeys([_FAILED + kind for kind in _USUAL], 0)
        for name in TIMES:
            self._told |= dict.fromkeys([f"{name}_s", *(_bucket(name, le) for le in _LIMITS)], 0)

    def count(self, name: str) -> None:
        """Count one more of `COUNTS`."""
        self._add({name: 1})

    def claimed(self, task: Task) -> Stopwatch:
        """Count a task that was taken up just now; what becomes of it is to be told."""
        started_ms = task.created_ms if task.started_ms is None else task.started_ms
        waited_s = max(0, started_ms - task.created_ms) / 1000  # both by the stores' clock
        self.count("claims")
        if task.tries > 1:
            self.count("repeats")
        if task.fence == 1:
            self.time("wait", waited_s)
        return Stopwatch(self, task, waited_s)

    def failed(self, kind: str) -> None:
        """Count a task that ended without a picture."""
        self._add({_FAILED + (kind if kind in _KNOWN else "InternalError"): 1})

    def time(self, name: str, seconds: float) -> None:
        """Add to one of `TIMES`."""
        limit = next(le for le in _LIMITS if seconds <= le)
        self._add({f"{name}_s": round(seconds, 3), _bucket(name, limit): 1})

    def read(self) -> dict[str, float]:
        """What there is by now: what `beat` takes."""
        with self._lock:
            return dict(self._told)

    def _add(self, more: Mapping[str, float]) -> None:
        with self._lock:
            for name, value in more.items():
                self._told[name] = self._told.get(name, 0) + value


class Stopwatch:
    """The time of one try."""

    def __init__(self, figures: Figures, task: Task, waited_s: float) -> None:
        self._figures, self._task, self._waited_s = figures, task, waited_s
        self._claimed = time.monotonic()

    def ended(self, failure: Failure | None) -> None:
        """Count the task's end, and why it failed, if it did."""
        self._figures.time("total", self._waited_s + time.monotonic() - self._claimed)
        if failure is not None:
            self._figures.failed(failure.kind)

    def retried(self, failure: Failure) -> None:
        """Count a try that failed: the task is to be tried again, or that was its last one."""
        if self._task.tries >= MAX_TRIES:
            self.ended(failure)
        else:
            self._figures.count("retries")


_LIMITS = (*BOUNDS_S, float("inf"))


def _bucket(name: str, limit: float) -> str:
    return f"{name}_le_{limit:g}"


def histogram_of(figures: Mapping[str, float], name: str) -> tuple[list[tuple[str, float]], float]:
    """One of `TIMES` out of figures: cumulative counts by upper bound in s, and the sum in s."""
    count, found = 0.0, []
    for limit in _LIMITS:
        count += figures.get(_bucket(name, limit), 0)
        found.append(("+Inf" if limit == float("inf") else str(limit), count))
    return found, figures.get(f"{name}_s", 0)


def failures_of(figures: Mapping[str, float]) -> dict[str, float]:
    """Failed tasks by kind, out of figures."""
    return {
        name.removeprefix(_FAILED): value
        for name, value in figures.items()
        if name.startswith(_FAILED) and name.removeprefix(_FAILED) in _KNOWN
    }


def of_engine(engine: Engine) -> dict[str, float]:
    """What an engine tells of itself; nothing where it does not, or cannot at the moment."""
    if not isinstance(engine, Measured):
        return {}
    try:
        told = engine.figures()
        return {name: float(told[name]) for name in OF_ENGINE if name in told}
    except Exception:  # a plugin's fault is none of the pulse's
        return {}
