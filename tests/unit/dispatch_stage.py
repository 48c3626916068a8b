"""A data folder with tasks to paint, and an engine that does what the prompt says."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from overpaint.dispatch.work import Worker
from overpaint.policy import Permissive, Policy
from overpaint.settings import Settings, inherited
from overpaint.storage.blobs import Blobs
from overpaint.storage.local import LocalBlobs
from overpaint.tasks.database import now_ms, open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Key, Plan, State, Task

SRC = Path(__file__).parents[2] / "src"
SIDE = 260  # px
HOLE = slice(100, 160)  # rows and columns that are repainted

#: Paints the mask flat, of a brightness that tells the seed; or does what the prompt says.
ENGINE = """
import os, pathlib, sys, time
import numpy as np
from overpaint.errors import ContentRefused, EngineFailed, InvalidPrompt, UnknownConcept
from overpaint.values import EngineInfo, PaintedRegion, Step

class StageEngine:
    info = EngineInfo(name="stage", summary="does what the prompt says")

    def paint(self, jobs, on_step=None):
        word, _, rest = jobs[0].prompt.partition(" ")
        odd = any(job.seed % 2 for job in jobs)
        if word == "wait":  # until the folder has a file "go"
            folder = pathlib.Path(rest)
            (folder / f"begun-{os.getpid()}").touch()
            while not (folder / "go").exists():
                if on_step is not None:
                    on_step(Step(stage="waiting", done=1, total=2, preview=jobs[0].pixels))
                time.sleep(0.01)
        if word == "sleep":  # deep in an engine: no Python runs in this thread
            folder, seconds = rest.split(" ")
            (pathlib.Path(folder) / f"begun-{os.getpid()}").touch()
            time.sleep(float(seconds))
        if word == "fail" or (word == "fail-odd" and odd):
            raise EngineFailed(f"inside of the engine: {rest}")
        if word == "fail-together" and len(jobs) > 1:
            raise EngineFailed("only one at a time")
        if word == "refuse-odd" and odd:
            raise ContentRefused
        if word == "bug":
            raise KeyError(jobs[0].prompt)
        if word == "memory":
            raise MemoryError
        if word == "exit":
            sys.exit(3)
        if word == "unknown":
            raise UnknownConcept("prompt", rest, ["known"])
        if word == "reject":
            raise InvalidPrompt("prompt", "must be nicer")
        return [
            PaintedRegion(pixels=np.full_like(job.pixels, 10 * (job.seed % 20) + 20))
            for job in jobs
        ]

    def close(self):
        pass
"""


def install_engine(folder: Path) -> None:
    """Put the engine "stage" where Python finds it, as an installer would."""
    (folder / "stage_engine.py").write_text(ENGINE, encoding="utf-8")
    info = folder / "stage_engine-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stage-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[overpaint.engines]\nstage = stage_engine:StageEngine\n"
    )


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Stage:
    """One data folder."""

    def __init__(self, folder: Path, *, clock: Callable[[], int] = now_ms) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder / "data", workers=1, log_format="json")
        self.database = open_database(self.settings.database_url, migrate=True)
        self.store = TaskStore(self.database, clock=clock)
        self.keys = KeyStore(self.database, clock=clock)
        self.blobs = LocalBlobs(self.settings.blobs_dir)
        self.key, _ = self.keys.create("tester", Plan(name="ten", images=10))
        noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        self.base = noise
        self.mask = np.zeros((SIDE, SIDE), np.uint8)
        self.mask[HOLE, HOLE] = 255

    def submit(
        self, prompt: str = "paint", *, n: int = 1, seed: int = 4, **options: object
    ) -> Task:
        task_id = str(uuid.uuid4())
        put = self.blobs.put
        task = Task(
            id=task_id,
            key_id=self.key.id,
            request_id="r1",
            model="wanx-x-painting",
            engine="stage",
            n=n,
            options={"prompt": prompt, "seed": seed, **options},
            inputs={
                "base": put(f"tasks/{task_id}/base", png(self.base)),
                "mask": put(f"tasks/{task_id}/mask", png(self.mask)),
            },
            notes=("said at the door",),
            created_ms=now_ms(),
        )
        return self.store.insert(task, max_pending=100)

    def worker(
        self,
        name: str = "w1",
        *,
        store: TaskStore | None = None,
        blobs: Blobs | None = None,
        policy: Policy | None = None,
        lease_s: float = 15,
        patience_s: float = 60,
    ) -> Worker:
        return Worker(
            store or self.store,
            blobs or self.blobs,
            policy or Permissive(),
            worker_id=name,
            lease_s=lease_s,
            task_s=900,
            patience_s=patience_s,
        )

    def now(self, task: Task) -> Task:
        """The task as it is stored now."""
        stored = self.store.get(task.id)
        assert stored is not None
        return stored

    def ledger(self) -> tuple[int, int]:
        """Pictures that the key has used, and that are reserved for it."""
        found = self.keys.get(self.key.id)
        assert isinstance(found, Key)
        return found.used, found.reserved

    def results(self, task: Task) -> list[str]:
        """Names of the files of results that there are, of whatever try."""
        folder = self.settings.blobs_dir / "tasks" / task.id
        return sorted(path.name for path in folder.iterdir() if path.name.startswith("result"))

    def picture(self, task: Task, index: int = 0) -> np.ndarray:
        blob = self.now(task).pictures[index].blob
        assert blob is not None
        with Image.open(io.BytesIO(self.blobs.get(blob))) as image:
            return np.asarray(image.convert("RGB"))

    def environment(self, **settings: str) -> dict[str, str]:
        """For a process of the service."""
        found = {
            **inherited(),
            **self.settings.environment(),
            "PYTHONPATH": f"{SRC}:{self.plugins}",
        }
        return {**found, **{f"OVERPAINT_{name.upper()}": value for name, value in settings.items()}}

    @property
    def plugins(self) -> Path:
        folder = self.folder / "plugins"
        if not folder.exists():
            folder.mkdir()
            install_engine(folder)
        return folder

    def close(self) -> None:
        self.database.dispose()


@contextmanager
def open_stage(folder: Path, *, clock: Callable[[], int] = now_ms) -> Iterator[Stage]:
    stage = Stage(folder, clock=clock)
    try:
        yield stage
    finally:
        stage.close()


def until(true: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something is so; fail where it does not come to be."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def ended(stage: Stage, task: Task) -> bool:
    return stage.now(task).state in (State.SUCCEEDED, State.FAILED)
