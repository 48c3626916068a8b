"""Two ways to paint a request, the plain pipeline and our engine, and what they took."""

from __future__ import annotations

import gc
import importlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from bench._requests import Request
from bench._timing import side_by_side
from PIL import Image

import overpaint
from overpaint.engines.diffusers.engine import DiffusersEngine, open_engine
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob

GUIDANCE = 7.5
#: Context round the mask that the second plain way is given, px: what diffusers' guide says.
CROP = 32


@dataclass(frozen=True, kw_only=True)
class Run:
    """A mix, painted."""

    seconds: float
    latencies: list[float]  # s from asking to having, one a request
    pictures: int
    peak_bytes: int  # of the device; on a CPU of the process
    cores: float  # processor time by wall time

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.latencies)

    @property
    def p95(self) -> float:
        return sorted(self.latencies)[min(len(self.latencies) - 1, len(self.latencies) * 95 // 100)]


class Plain:
    """The pipeline as its guide calls it, once a request; others wait till it is free.

    The whole picture goes in, and the pipeline scales it to the size that it was made for. With
    `crop` it cuts out what is round the mask itself and gives back a whole picture.
    """

    def __init__(self, folder: Path, *, device: str, dtype: str, steps: int) -> None:
        diffusers, torch = map(importlib.import_module, ("diffusers", "torch"))
        self.pipe: Any = diffusers.AutoPipelineForInpainting.from_pretrained(
            folder, torch_dtype=getattr(torch, dtype), local_files_only=True
        ).to(device)
        self.pipe.set_progress_bar_config(disable=True)
        self._steps, self._turn = steps, threading.Lock()

    def paint(self, request: Request, *, crop: bool = False) -> None:
        picture, mask = Image.fromarray(request.picture), Image.fromarray(request.mask)
        with self._turn:
            self.call(
                picture,
                mask,
                request.prompt,
                request.negative_prompt,
                seeds=range(request.seed, request.seed + request.n),
                padding_mask_crop=CROP if crop else None,
            )

    def call(
        self,
        picture: Image.Image,
        mask: Image.Image,
        prompt: str,
        negative_prompt: str,
        *,
        seeds: Sequence[int],
        **more: Any,
    ) -> list[Any]:
        """One call of the pipeline; n = 1 gets one generator, as one writes it."""
        torch = importlib.import_module("torch")
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        images: list[Any] = self.pipe(
            prompt=prompt,
            negative_prompt=negative_prompt or None,
            image=picture,
            mask_image=mask,
            num_images_per_prompt=len(generators),
            generator=generators if len(generators) > 1 else generators[0],
            num_inference_steps=self._steps,
            guidance_scale=GUIDANCE,
            **more,
        ).images
        return images

    def alone(self, job: PaintJob) -> Any:
        """What the pipeline makes of one region with its seed: height x width x 3, uint8."""
        picture, mask = Image.fromarray(job.pixels), Image.fromarray(job.mask)
        said = job.prompt, job.negative_prompt
        return np.asarray(self.call(picture, mask, *said, seeds=[job.seed])[0])


class Ours:
    """Overpaint's engine behind `overpaint.repaint`; keeps the first jobs and what came of them."""

    def __init__(
        self, folder: Path, *, device: str, dtype: str, steps: int, more: str = ""
    ) -> None:
        options = f"device={device}&dtype={dtype}&steps={steps}&guidance={GUIDANCE}{more}"
        start = time.perf_counter()
        with _noticed() as pipes:
            self._engine: DiffusersEngine = open_engine(f"{folder}?{options}")
            self._engine.prepare()
        self.warming_s = time.perf_counter() - start
        self.pipe: Any = pipes[0]
        self.painted: list[tuple[PaintJob, PaintedRegion]] = []
        self.keep = 0  # how many

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        made = self._engine.paint(jobs, on_step)
        pairs = list(zip(jobs, made, strict=True))
        self.painted += pairs[: max(0, self.keep - len(self.painted))]
        return made

    def close(self) -> None:
        """Give everything back; what was compiled too, or torch stops compiling after some."""
        self._engine.close()
        self.pipe = None
        gc.collect()
        torch = importlib.import_module("torch")
        torch.compiler.reset()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def repaint(self, request: Request) -> None:
        overpaint.repaint(
            request.picture,
            request.mask.astype(np.uint8) * np.uint8(255),
            request.prompt,
            negative_prompt=request.negative_prompt,
            n=request.n,
            seed=request.seed,
            engine=self,
        )

    def forget_each_picture(self) -> None:
        """Encode every row, as if no two were of one picture."""
        coder: Any = self.pipe.vae.encode.__self__
        remembering = coder._moments

        def encoded(picture: Any) -> Any:
            coder.forget()
            return remembering(picture)

        coder._moments = encoded


@contextmanager
def _noticed() -> Iterator[list[Any]]:
    """The pipelines that are loaded meanwhile."""
    from overpaint.engines.diffusers import speed

    pipes: list[Any] = []
    apply = speed.apply

    def applied(pipe: Any, *rest: Any) -> tuple[str, ...]:
        pipes.append(pipe)
        return apply(pipe, *rest)

    with patch.object(speed, "apply", applied):
        yield pipes


def run(
    paint: Callable[[Request], object], requests: Sequence[Request], callers: int, memory: Memory
) -> Run:
    """Let so many callers take the requests in turn, each the next one when it has its last."""
    waiting = iter(requests)
    latencies: list[float] = []
    turn = threading.Lock()

    def work(failed: threading.Event) -> None:
        while True:
            with turn:
                request = next(waiting, None)
            if request is None or failed.is_set():
                return
            begin = time.perf_counter()
            paint(request)
            latencies.append(time.perf_counter() - begin)

    memory.start()
    begin, busy = time.perf_counter(), time.process_time()
    side_by_side(callers, work)
    seconds = time.perf_counter() - begin
    return Run(
        seconds=seconds,
        latencies=latencies,
        pictures=sum(one.n for one in requests),
        peak_bytes=memory.peak(),
        cores=(time.process_time() - busy) / seconds,
    )


class Memory:
    """The most that was held at a time: of a GPU, else of the process."""

    def __init__(self, device: str) -> None:
        self._torch = importlib.import_module("torch")
        self._on_gpu = device.startswith("cuda")
        self.others = 0  # bytes that are not the measured one's

    def start(self) -> None:
        if self._on_gpu:
            self._torch.cuda.reset_peak_memory_stats()
        elif Path("/proc/self/clear_refs").exists():
            Path("/proc/self/clear_refs").write_text("5")

    def peak(self) -> int:
        if self._on_gpu:
            return int(self._torch.cuda.max_memory_allocated()) - self.others
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 - self.others


def weights_bytes(pipe: Any) -> int:
    """What the weights of a pipeline take."""
    parts = [part for part in pipe.components.values() if hasattr(part, "parameters")]
    return sum(one.numel() * one.element_size() for part in parts for one in part.parameters())
