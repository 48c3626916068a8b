"""What an engine is: three members, and nothing else is asked of a plugin."""

from __future__ import annotations

from collections.abc import Sequence
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

        Deterministic: the same job gives the same pixels, whatever else is in the batch.
        Raises `InvalidInput` for what the caller can mend, `EngineFailed` for the rest.
        """
        ...

    def close(self) -> None:
        """Release sessions and memory; the engine is not used afterwards."""
        ...
