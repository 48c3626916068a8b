"""Engines that cost nothing, as somebody's package would bring them; installed by `install`.

This file is copied into a folder of its own with a dist-info beside it, and stands there alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from overpaint.errors import EngineFailed, InvalidPrompt
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob, Step

MODULE = "overpaint_wire_engines"


def color_of(
    prompt: str,
    *,
    seed: int,
    style: str = "auto",
    negative_prompt: str = "",
    reference: bool = False,
    sketch: bool = False,
    palette: Sequence[Sequence[int]] = (),
    strength: float = 0.0,
    guidance: float = 1.0,
    steps: int | None = None,
) -> tuple[int, int, int]:
    """The colour that stands for everything that a caller can say."""
    said = [prompt, seed, style, negative_prompt, reference, sketch]
    said += [[list(color) for color in palette], float(strength), float(guidance), steps]
    digest = hashlib.sha256(json.dumps(said).encode()).digest()
    return digest[0], digest[1], digest[2]


class Instant:
    """Fills the mask with `color_of` what was asked for."""

    name = "instant"

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            name=self.name,
            summary="fills the mask with one colour at once",
            max_side=4095,
            needs_prompt=True,
            takes_reference=True,
            takes_style=True,
            takes_sketch=True,
            takes_palette=True,
            takes_strength=True,
            takes_guidance=True,
            takes_negative=True,
            takes_steps=True,
        )

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        return [self.region(job) for job in jobs]

    def region(self, job: PaintJob) -> PaintedRegion:
        color = color_of(
            job.prompt,
            seed=job.seed,
            style=job.style,
            negative_prompt=job.negative_prompt,
            reference=job.reference is not None,
            sketch=job.sketch is not None,
            palette=job.palette,
            strength=job.strength,
            guidance=job.guidance,
            steps=job.steps,
        )
        pixels = np.empty_like(job.pixels)
        pixels[:] = color
        return PaintedRegion(pixels=pixels, coverage=np.ones(job.mask.shape, np.float32))

    def close(self) -> None:
        pass


class Gated(Instant):
    """Waits until the file named `open` lies beside this module."""

    name = "gated"

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        gate = Path(__file__).with_name("open")
        deadline = time.monotonic() + 60
        while not gate.exists() and time.monotonic() < deadline:
            if on_step is not None:
                on_step(Step(stage="paint", done=1, total=3, preview=jobs[0].pixels))
            time.sleep(0.02)
        return super().paint(jobs, on_step)


class Broken(Instant):
    """Never paints, and says so."""

    name = "broken"

    def region(self, job: PaintJob) -> PaintedRegion:
        raise EngineFailed("the brush is broken")


class Picky(Instant):
    """Paints even seeds alone."""

    name = "picky"

    def region(self, job: PaintJob) -> PaintedRegion:
        if job.seed % 2:
            raise EngineFailed(f"seed {job.seed} is odd")
        return super().region(job)


class Shy(Instant):
    """Finds a fault with the prompt that only it can find."""

    name = "shy"

    def region(self, job: PaintJob) -> PaintedRegion:
        raise InvalidPrompt("prompt", "must be something that I know", job.prompt)


class Faulty(Instant):
    """Has a bug."""

    name = "faulty"

    def region(self, job: PaintJob) -> PaintedRegion:
        raise ZeroDivisionError("a secret of the inside")


ENGINES = (Instant, Gated, Broken, Picky, Shy, Faulty)


def install(folder: Path) -> None:
    """Put the engines where Python finds them, as an installer would."""
    shutil.copyfile(__file__, folder / f"{MODULE}.py")
    info = folder / f"{MODULE}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    points = [f"{engine.name} = {MODULE}:{engine.__name__}" for engine in ENGINES]
    (info / "entry_points.txt").write_text("\n".join(["[overpaint.engines]", *points]) + "\n")
