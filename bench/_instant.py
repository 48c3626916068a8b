"""Engines that cost next to nothing, as somebody's package would bring them.

`install` copies this file into a folder of its own with a dist-info beside it; there it stands
alone, and a server with the folder on its PYTHONPATH finds the engines.

Besides, Python runs the `sitecustomize` of that folder when it starts: it has `time.time` and
`time.time_ns` go by as many seconds as the file `clock` beside it says. libfaketime does the same
to every program, but makes `time.sleep` and waiting for locks fail in Python 3.11.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from overpaint.engines.diffusers.batcher import Batcher
from overpaint.engines.diffusers.rows import Row, Tell
from overpaint.errors import EngineFailed
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob, Step

MODULE = "overpaint_bench_engines"
CLOCK = """
import time
from pathlib import Path

_file = Path(__file__).with_name("clock")
_time, _time_ns, _monotonic = time.time, time.time_ns, time.monotonic
_looked, _offset = 0.0, 0


def _seconds():
    global _looked, _offset
    if _monotonic() - _looked > 0.1:
        _looked = _monotonic()
        try:
            _offset = int(_file.read_text())
        except (OSError, ValueError):  # it is being written
            pass
    return _offset


time.time = lambda: _time() + _seconds()
time.time_ns = lambda: _time_ns() + _seconds() * 10**9
"""
STEPS = 10


def color_of(prompt: str, seed: int) -> tuple[int, int, int]:
    """What the mask is filled with: no two orders alike."""
    digest = hashlib.sha256(f"{seed} {prompt}".encode()).digest()
    return digest[0], digest[1], digest[2]


class Instant:
    """Fills the mask with one colour."""

    name = "instant"

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(name=self.name, summary="fills the mask at once", max_side=4095)

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        return [self.region(job) for job in jobs]

    def region(self, job: PaintJob) -> PaintedRegion:
        pixels = np.empty_like(job.pixels)
        pixels[:] = color_of(job.prompt, job.seed)
        return PaintedRegion(pixels=pixels, coverage=np.ones(job.mask.shape, np.float32))

    def close(self) -> None:
        pass


class Paced(Instant):
    """Takes as long as the prompt says ("... 250 ms"), in steps, as a real engine would."""

    name = "paced"

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        said = re.search(r"(\d+) ms", jobs[0].prompt)
        for done in range(STEPS):
            time.sleep((int(said[1]) if said else 0) / 1000 / STEPS)
            if on_step is not None:
                on_step(Step(stage="paint", done=done + 1, total=STEPS))
        return super().paint(jobs, on_step)


class Burning(Instant):
    """Keeps one core busy for as much processor time as the prompt says ("... 250 ms")."""

    name = "burning"

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        said = re.search(r"(\d+) ms", jobs[0].prompt)
        until = time.thread_time() + (int(said[1]) if said else 0) / 1000
        while time.thread_time() < until:
            sum(range(1000))
        return super().paint(jobs, on_step)


class Picky(Paced):
    """Paints even seeds alone."""

    name = "picky"

    def region(self, job: PaintJob) -> PaintedRegion:
        if job.seed % 2:
            raise EngineFailed(f"seed {job.seed} is odd")
        return super().region(job)


class Deadly(Instant):
    """Takes the worker down, as a crash in native code does."""

    name = "deadly"

    def region(self, job: PaintJob) -> PaintedRegion:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


class Batched(Paced):
    """One of a family, as large models are: it has a process of its own and paints batches."""

    name = "batched"

    def __init__(self, rest: str) -> None:
        self._batcher = Batcher(self._paint_rows, batch=4, wait_s=0.02)

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, batch=4)

    def prepare(self, on_step: OnStep | None = None) -> None:
        time.sleep(0.2)

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        self._batcher.paint([(job, "any") for job in jobs], on_step)
        return [self.region(job) for job in jobs]

    def _paint_rows(self, rows: Sequence[Row], tell: Tell) -> list[np.ndarray]:
        def on_step(step: Step) -> None:
            tell.step(step.done, step.total)

        painted = super().paint([row.job for row in rows], on_step)
        return [one.pixels for one in painted]

    def close(self) -> None:
        self._batcher.close()


ENGINES = (Instant, Paced, Burning, Picky, Deadly)
#: An engine's full name; its model is called "batched".
BATCHED = "batched:/weights/of/none"


def install(folder: Path) -> None:
    """Put the engines where Python finds them, as an installer would."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(__file__, folder / f"{MODULE}.py")
    (folder / "sitecustomize.py").write_text(CLOCK)
    (folder / "clock").write_text("0")
    info = folder / f"{MODULE}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    points = [f"{engine.name} = {MODULE}:{engine.__name__}" for engine in ENGINES]
    points += ["[overpaint.engine_families]", f"{Batched.name} = {MODULE}:{Batched.__name__}"]
    (info / "entry_points.txt").write_text("\n".join(["[overpaint.engines]", *points]) + "\n")
