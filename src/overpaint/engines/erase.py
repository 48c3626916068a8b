"""The `erase` engine: continue the background into the mask, no prompt needed."""

from __future__ import annotations

from collections.abc import Sequence

from overpaint.imaging.inpaint import continue_background
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob, Step


class EraseEngine:
    """Takes away what lies under the mask. A prompt only calls it and is otherwise ignored."""

    @property
    def info(self) -> EngineInfo:
        """Any size up to 1024 px; no prompt."""
        return EngineInfo(
            name="erase",
            summary="take away what lies under the mask and continue the background",
            max_side=1024,
            needs_prompt=False,
        )

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Continue the background of each job; opaque everywhere in the mask."""
        regions = []
        for done, job in enumerate(jobs, start=1):
            regions.append(
                PaintedRegion(pixels=continue_background(job.pixels, job.mask, seed=job.seed))
            )
            if on_step is not None:
                on_step(Step(stage="erase", done=done, total=len(jobs)))
        return regions

    def close(self) -> None:
        """Nothing is held."""
