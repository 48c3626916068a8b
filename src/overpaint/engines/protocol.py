"""What an engine is: three members, and nothing else is asked of a plugin.

One that has much to load may have a fourth, `prepare`: a worker calls it before the first job.
One that has something to tell of itself may have `figures`, for /metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob


@runtime_checkable
class Engine(Protocol):
    """Paints regions. Found through the entry point group `overpaint.engines`."""

    @property
    def info(self) -> EngineInfo:
        """Name, native sizes, what it can take."""
        ...

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Paint each job; one region a job, in order, of the job's height and width.

        Deterministic: the same job gives the same pixels whatever else is in the batch, to
        rounding: an engine that paints several jobs at once may be off by the last bits of its
        arithmetic (one level of 255 in float32) between batches of different sizes.

        `on_step` is called in the caller's thread, and what it raises goes up to the caller.
        One thread calls at a time, unless `info.batch` is over 1: then several may, and the
        engine is to paint their jobs together.

        Raises `InvalidInput` for what the caller can mend, `EngineFailed` for the rest.
        """
        ...

    def close(self) -> None:
        """Release sessions and memory; the engine is not used afterwards."""
        ...


@runtime_checkable
class Prepared(Engine, Protocol):
    """An engine that takes long to be ready, and can be told to become so."""

    def prepare(self, on_step: OnStep | None = None) -> None:
        """Load what painting needs and warm it up; a second call has nothing left to do.

        `paint` does it by itself where nobody did before.

        Raises `EngineFailed` where it cannot become ready, with what to do about it.
        """
        ...


@runtime_checkable
class Measured(Engine, Protocol):
    """An engine that tells how it is used."""

    def figures(self) -> Mapping[str, float]:
        """Some of: batches, batch_pictures (since it was opened), gpu_memory_used_bytes,
        gpu_memory_bytes, gpu_use (0 to 1).

        Called every few seconds from another thread than `paint`; it must not wait for a batch.
        """
        ...
