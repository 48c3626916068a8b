"""The engine of one checkpoint: reads what it is, loads it once, paints for all who ask together.

No torch until something is loaded: whoever only asks what the engine is stays light.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from overpaint.engines.diffusers.asking import Manner
from overpaint.engines.diffusers.batcher import Batcher
from overpaint.engines.diffusers.checkpoint import BATCH, CPU_BATCH, Checkpoint
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.rows import Outcome, Row, Tell
from overpaint.engines.diffusers.source import Source, read_engine_name
from overpaint.errors import OverpaintError
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob, Step

if TYPE_CHECKING:
    from overpaint.engines.diffusers.loading import Loaded
    from overpaint.engines.diffusers.painting import Painter

logger = logging.getLogger(__name__)

#: What the extra `overpaint[diffusers]` brings, as far as it is looked for before it is needed.
_NEEDED = ("torch", "transformers", "accelerate", "diffusers")
#: For so long a checkpoint that could not be loaded is not tried again, s.
_RETRY_S = 30.0
#: A caller that waits for another one's loading looks so often whether it is still wanted, s.
_LOOK_S = 0.5
#: How much of a GPU's free memory a batch may take by the estimate of `memory.work_bytes`.
_SHARE = 0.8
#: Small pictures are painted more at once: as many as have the pixels of `BATCH` of this side.
_SIDE = 1024
_MOST = 16


def open_engine(rest: str) -> DiffusersEngine:
    """The engine of what follows "diffusers:" in an engine's name: ID_OR_PATH?OPTIONS.

    Reads the checkpoint's small files; loads nothing.

    Raises:
        InvalidOption: the name or the setting OVERPAINT_DIFFUSERS cannot be read.
        CheckpointMissing: there is no such checkpoint on this machine.
        EngineFailed: it is none that can be painted with.
        ModuleNotFoundError: the extra is not installed.
    """
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    engine = DiffusersEngine(*read_engine_name(rest))
    engine.look()
    return engine


class DiffusersEngine:
    """Paints with one checkpoint; any number of threads may call it at a time.

    Args:
        source: where the checkpoint is.
        options: how it is loaded and run.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self._source, self._options = source, options
        self._loading = threading.Lock()  # held while something is loaded or freed
        self._known: Checkpoint | None = None
        self._ready: _Ready | None = None
        self._failed: _Failed | None = None

    def look(self) -> Checkpoint:
        """What the checkpoint is; read once.

        Raises:
            CheckpointMissing, EngineFailed, InvalidOption: as `Checkpoint.open`.
        """
        if self._known is None:
            self._known = Checkpoint.open(self._source, self._options)
        return self._known

    @property
    def info(self) -> EngineInfo:
        """What it is and takes, without loading it; once it is loaded, with the measured batch."""
        info = self.look().info(self._options)
        ready = self._ready
        return info if ready is None else replace(info, batch=ready.batch)

    def prepare(self, on_step: OnStep | None = None) -> None:
        """Load the checkpoint, compile it where that is wanted, and paint a first batch.

        Raises:
            EngineFailed: it cannot be loaded; says what to do.
        """
        self._open(on_step).warm_up(on_step)

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        """Paint each job, together with those of other threads; see `Engine.paint`.

        The first call loads the checkpoint where `prepare` has not.

        Raises:
            InvalidInput: the caller can mend it.
            EngineFailed: the checkpoint cannot be loaded, or could not paint.
        """
        if not jobs:
            return []
        ready = self._open(on_step)
        asked = [ready.manner.ask(job) for job in jobs]
        rows = [(job, one.bucket) for job, one in zip(jobs, asked, strict=True)]
        painted = ready.batcher.paint(rows, on_step)
        return [
            PaintedRegion(pixels=pixels, notes=(*one.notes, *ready.notes))
            for pixels, one in zip(painted, asked, strict=True)
        ]

    def figures(self) -> dict[str, float]:
        """What it painted in how many batches, and its GPU; nothing before it is loaded."""
        ready = self._ready
        return {} if ready is None else ready.figures()

    def close(self) -> None:
        """End what is being painted, and free the memory that the checkpoint took."""
        with self._loading:
            ready, self._ready, self._failed = self._ready, None, None
            if ready is not None:
                ready.close()

    def _open(self, on_step: OnStep | None) -> _Ready:
        """What paints; loaded once, by whoever comes first, while the others wait."""
        if self._ready is not None:
            return self._ready
        while not self._loading.acquire(timeout=_LOOK_S):
            if on_step is not None:
                on_step(Step(stage="load", done=0, total=1))
        try:
            if self._ready is None:
                self._raise_what_failed()
                self._ready = self._load(on_step)
            return self._ready
        finally:
            self._loading.release()

    def _raise_what_failed(self) -> None:
        """Let nobody wait for a load that has just failed and would fail again."""
        if self._failed is None:
            return
        if self._failed.lasts(self._source):
            raise copy.copy(self._failed.error)
        self._failed = self._known = None

    def _load(self, on_step: OnStep | None) -> _Ready:
        stamp = _stamp(self._source.path)
        try:
            checkpoint = self._fetched(on_step)
            if on_step is not None:  # seconds go by while the libraries are imported
                on_step(Step(stage="load", done=0, total=1))
            from overpaint.engines.diffusers.loading import load
            from overpaint.engines.diffusers.painting import Painter
            from overpaint.engines.diffusers.prompts import unread

            loaded = load(checkpoint, self._options, on_step)
            batch = _batch(checkpoint, loaded)
            manner = Manner(
                name=self._source.name,
                family=loaded.family,
                few_steps=checkpoint.few_steps,
                unread=unread(loaded.pipe, loaded.family.embedding),
            )
            return _Ready(
                loaded=loaded,
                manner=manner,
                painter=Painter(loaded, manner, batch=batch),
                batch=batch,
            )
        except OverpaintError as error:
            kept = copy.copy(error)  # without its traceback, which holds what was loaded
            self._failed = _Failed(error=kept, stamp=stamp, at=time.monotonic())
            raise

    def _fetched(self, on_step: OnStep | None) -> Checkpoint:
        checkpoint = self.look()
        if not checkpoint.missing:
            return checkpoint
        from overpaint.engines.diffusers.fetch import fetch

        beside = checkpoint.config_source  # of a single file, which is there itself
        fetch(beside or self._source, self._options, weights=beside is None, on_step=on_step)
        self._known = None
        return self.look()


class _Floor:
    """Where one thread at a time paints, be it a batch or a warming up."""

    def __init__(self, painter: Painter, name: str) -> None:
        self.painter, self._name = painter, name
        self.free = threading.Lock()
        self._fallen = 0  # rungs of the ladder that the log was told of
        self.batches = self.pictures = 0

    def paint(self, rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        with self.free:
            outcomes = self.painter.paint(rows, tell)
            self.batches, self.pictures = self.batches + 1, self.pictures + len(rows)
        fallen = self.painter.ladder.taken[self._fallen :]
        self._fallen += len(fallen)
        if fallen:
            said = "; ".join(fallen)
            logger.warning("memory ran out: %s", said, extra={"engine": self._name})
        return outcomes


class _Ready:
    """A loaded checkpoint at work."""

    def __init__(self, *, loaded: Loaded, manner: Manner, painter: Painter, batch: int) -> None:
        self.manner, self.batch = manner, batch
        self.notes = (*loaded.notes, *_labels(manner.name, loaded))
        self._loaded = loaded
        self._floor = _Floor(painter, manner.name)  # all that the painting thread holds
        self._warm = False
        wait_s = loaded.options.wait_ms / 1000
        self.batcher = Batcher(self._floor.paint, batch=batch, wait_s=wait_s)

    def warm_up(self, on_step: OnStep | None) -> None:
        """Do at once what would keep the first callers waiting; a second call does nothing."""
        from overpaint.engines.diffusers import speed

        with self._floor.free:
            if self._warm:
                return
            loaded, paint = self._loaded, self._floor.painter.warm
            self.notes += speed.warm_up(
                loaded.pipe, loaded.options, loaded.device, paint, self.batch, on_step
            )
            self._warm = True

    def figures(self) -> dict[str, float]:
        """See `Measured.figures`."""
        from overpaint.engines.diffusers.gauges import gpu_figures

        painted = {"batches": self._floor.batches, "batch_pictures": self._floor.pictures}
        return painted | gpu_figures(self._loaded.device)

    def close(self) -> None:
        """Free everything."""
        self.batcher.close()
        with self._floor.free:
            self._floor.painter.close()
            self._loaded.close()


@dataclass(frozen=True, kw_only=True)
class _Failed:
    """A load that failed."""

    error: OverpaintError
    stamp: object  # of the files it was loaded from
    at: float  # s

    def lasts(self, source: Source) -> bool:
        """Whether another try would end the same, as far as one can tell."""
        return time.monotonic() - self.at < _RETRY_S and _stamp(source.path) == self.stamp


def _stamp(path: Path | None) -> object:
    """Changes when a checkpoint's files are changed, added or taken away."""
    if path is None:
        return None
    try:
        files = sorted(path.glob("*/*")) if path.is_dir() else []
        return [(str(one), one.stat().st_mtime_ns) for one in (path, *path.glob("*"), *files)]
    except OSError:
        return None


def _labels(name: str, loaded: Loaded) -> tuple[str, ...]:
    """What a caller is told of options that trade pixels for speed or memory."""
    idle = {note.partition(" ")[0] for note in loaded.notes if " has no effect: " in note}
    lossy = [one for one in loaded.options.lossy if one.partition("=")[0] not in idle]
    return (f"{name} runs with {', '.join(lossy)}, which changes pixels",) if lossy else ()


def _batch(checkpoint: Checkpoint, loaded: Loaded) -> int:
    """How many pictures to paint at once: what the options say, or what the device can take."""
    from overpaint.engines.diffusers import memory

    options, side = loaded.options, loaded.family.side
    if options.batch is not None or not loaded.family.batches:
        return checkpoint.batch(options)
    if loaded.device == "cpu":
        return CPU_BATCH  # more only wait longer for each other
    free = memory.free_bytes(loaded.device) * _SHARE
    rows = min(_MOST, max(1, BATCH * _SIDE**2 // side**2))
    while rows > 1 and memory.work_bytes(side, loaded.dtype.itemsize, rows) > free:
        rows //= 2
    return rows
