"""A service in a temporary folder, with a clock that tests turn."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from overpaint.service import Service, Submission
from overpaint.settings import Settings
from overpaint.tasks.task import PictureOutcome, Task


def png(array: Any) -> bytes:
    file = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(file, "PNG")
    return file.getvalue()


HEIGHT, WIDTH = 300, 320
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
MARKED = np.zeros((HEIGHT, WIDTH), np.uint8)
MARKED[100:200, 120:200] = 255
BASE, MASK = png(PIXELS), png(MARKED)


class Clock:
    """Milliseconds that only a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def forward(self, *, hours: float = 0, seconds: float = 0) -> None:
        self.now += int(hours * 3_600_000 + seconds * 1000)


@contextmanager
def service_in(folder: Path, **settings: Any) -> Iterator[tuple[Service, Clock]]:
    clock = Clock()
    service = Service(Settings(data_dir=folder, **settings), migrate=True, clock=clock)
    try:
        yield service, clock
    finally:
        service.close()


def order(**change: Any) -> Submission:
    """A valid submission, changed; options are merged."""
    options = {"n": 1, "seed": 7, **change.pop("options", {})}
    said = {"model": "erase", "prompt": "remove it", "base": BASE, "mask": MASK, **change}
    return Submission(options=options, **said)


def paint(service: Service) -> Task:
    """Claim the next task and finish it with pictures, as a worker would."""
    task = service.tasks.claim("worker-1", lease_ms=10_000)
    assert task is not None
    outcomes = [
        PictureOutcome(
            seed=index,
            blob=service.blobs.put(f"tasks/{task.id}/result-{task.fence}-{index}.png", BASE),
        )
        for index in range(task.n)
    ]
    assert service.tasks.finish(task, outcomes)
    done = service.tasks.get(task.id)
    assert done is not None
    return done
