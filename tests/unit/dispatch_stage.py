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

#: A family of engines, "slow:FOLDER", that paint several tasks at once; files in the folder say
#: how they are loaded. Each line of FOLDER/batches has the words of the prompts of one batch.
FAMILY = """
import os, pathlib, signal, time
import numpy as np
from overpaint.engines.diffusers.batcher import Batcher
from overpaint.errors import EngineFailed
from overpaint.values import EngineInfo, PaintedRegion, Step

class SlowEngine:
    def __init__(self, rest):
        self.folder = pathlib.Path(rest)
        self.info = EngineInfo(name="slow:" + self.folder.name, summary="takes its time", batch=4)
        self.batcher = Batcher(self.paint_rows, batch=4, wait_s=0.2)
        self.came = 0  # calls of paint

    def prepare(self, on_step=None):
        for done in range(3):
            on_step(Step(stage="load", done=done, total=3))
        begun = self.folder / f"loading-{os.getpid()}"
        begun.touch()
        while (self.folder / "hold").exists():
            time.sleep(0.01)
        if (self.folder / "broken").exists():
            raise EngineFailed(f"{self.folder} has no weights")
        if (self.folder / "too-large").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    def paint(self, jobs, on_step=None):
        self.came += 1
        painted = self.batcher.paint([(job, 1) for job in jobs], on_step)
        opaque = np.ones(jobs[0].mask.shape, np.float32)
        return [PaintedRegion(pixels=one, coverage=opaque) for one in painted]

    def paint_rows(self, rows, tell):
        words = [row.job.prompt for row in rows]
        with (self.folder / "batches").open("a") as file:
            file.write(" ".join(words) + chr(10))
        (self.folder / f"begun-{os.getpid()}").touch()
        if (self.folder / "batches").read_text() == "first" + chr(10):
            while self.came < 5:  # until a whole batch waits behind it
                time.sleep(0.01)
            time.sleep(0.1)
        if "deadly" in words:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in words:
            time.sleep(60)
        while "wait" in words and not (self.folder / "go").exists() and not tell.all_lost:
            tell.step(1, 2, [row.job.pixels for row in rows])
            time.sleep(0.01)
        return [
            EngineFailed(f"{self.folder} failed") if row.job.prompt == "fail"
            else np.full_like(row.job.pixels, 10 * (row.job.seed % 20) + 20)
            for row in rows
        ]

    def close(self):
        self.batcher.close()
"""

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
    """Put the engine "stage" and the family "slow" where Python finds them."""
    (folder / "stage_engine.py").write_text(ENGINE, encoding="utf-8")
    (folder / "stage_family.py").write_text(FAMILY, encoding="utf-8")
    info = folder / "stage_engine-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stage-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[overpaint.engines]\nstage = stage_engine:StageEngine\n"
        "[overpaint.engine_families]\nslow = stage_family:SlowEngine\n"
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
        self,
        prompt: str = "paint",
        *,
        n: int = 1,
        seed: int = 4,
        engine: str = "stage",
        **options: object,
    ) -> Task:
        task_id = str(uuid.uuid4())
        put = self.blobs.put
        task = Task(
            id=task_id,
            key_id=self.key.id,
            request_id="r1",
            model="wanx-x-painting",
            engine=engine,
            pool=engine if ":" in engine else "",
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


def batches(folder: Path) -> list[list[str]]:
    """The words of the prompts of each batch of a "slow" engine."""
    file = folder / "batches"
    return [sorted(line.split()) for line in file.read_text().splitlines()] if file.exists() else []


def together(stage: Stage, slow: str, *prompts: str) -> list[Task]:
    """Submit four tasks that are painted in one batch, once workers are there; that has begun."""
    folder = Path(slow.partition(":")[2])
    stage.submit("first", engine=slow)
    until(lambda: ["first"] in batches(folder))
    tasks = [stage.submit(prompt, engine=slow, seed=n) for n, prompt in enumerate(prompts)]
    until(lambda: sorted(prompts) in batches(folder))
    return tasks
