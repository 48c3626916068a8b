"""Tiny checkpoints loaded as a user's are, jobs for them, and the library's own call beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.unit.diffusers_tiny import SIDE, diffusers

from overpaint.engines.diffusers.asking import Manner
from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.rows import Row, Tell
from overpaint.engines.diffusers.source import Source
from overpaint.values import PaintJob, Rgb8

PROMPTS = ("a red cat", "two blue dogs on a long green table", "猫")
NEGATIVES = ("ugly", "bad", "low quality picture")


@dataclass
class Watch(Tell):
    """Notes what it is told; some rows may be lost from the start."""

    gone: set[int] = field(default_factory=set)
    steps: list[tuple[int, int]] = field(default_factory=list)
    previews: list[Sequence[Rgb8 | None]] = field(default_factory=list)

    def step(self, done: int, total: int, previews: Sequence[Rgb8 | None] | None = None) -> None:
        self.steps.append((done, total))
        if previews is not None:
            self.previews.append(previews)

    def lost(self, row: int) -> bool:
        return row in self.gone


@dataclass
class Stage:
    """One loaded tiny checkpoint."""

    loaded: Any
    manner: Manner

    @property
    def pipe(self) -> Any:
        return self.loaded.pipe

    @contextmanager
    def painter(self, *, batch: int = 4, **options: Any) -> Iterator[Any]:
        """A painter of it, with nothing remembered; `preview_s`, options and a dtype are taken."""
        from overpaint.engines.diffusers.painting import Painter

        more = {"preview_s": options.pop("preview_s")} if "preview_s" in options else {}
        dtype = options.pop("dtype", self.loaded.dtype)
        own = replace(self.loaded.options, **options)
        loaded = replace(self.loaded, options=own, dtype=dtype)
        painter = Painter(loaded, self.manner, batch=batch, **more)
        try:
            yield painter
        finally:
            painter.close()

    def paint(self, *jobs: PaintJob, **options: Any) -> list[Rgb8]:
        """What a painter makes of jobs in one batch, by default without anything remembered."""
        with self.painter(**options) as painter:
            return arrays(painter.paint(rows(*jobs), Tell()))

    def library(self, job: PaintJob, **more: Any) -> Rgb8:
        """What the library's own call paints with a job's words, pictures and seed."""
        family, asked = self.manner.family, self.manner.ask(job)
        given = {
            "prompt": job.prompt,
            "image": Image.fromarray(job.pixels),
            "mask_image": Image.fromarray(job.mask.astype(np.uint8) * 255),
            "generator": diffusers_torch().Generator("cpu").manual_seed(job.seed),
            "num_inference_steps": asked.steps,
            "height": SIDE,
            "width": SIDE,
            "strength": asked.strength,
            "guidance_scale": asked.guidance,
        }
        if job.negative_prompt and family.takes_negative:
            given["negative_prompt"] = job.negative_prompt
        if family.name == "qwen-image":
            given["true_cfg_scale"] = given.pop("guidance_scale")
        if family.name in ("flux", "flux-kontext"):
            given["true_cfg_scale"] = family.negative_scale
        if family.name == "flux-kontext":
            given |= {"max_area": SIDE * SIDE, "_auto_resize": False}
        if family.name == "flux2-klein" and "negative_prompt" in given:  # takes no text
            words = given.pop("negative_prompt")
            given["negative_prompt_embeds"] = self.pipe.encode_prompt(words)[0]
        if family.name == "kandinsky":
            del given["strength"]
        return np.asarray(self.pipe(**{**given, **more}).images[0])


def diffusers_torch() -> Any:
    """The package torch."""
    diffusers()
    import torch

    return torch


def rows(*jobs: PaintJob) -> list[Row]:
    """One row a job."""
    return [Row(job=job, bucket=None) for job in jobs]


def arrays(outcomes: Sequence[Rgb8 | BaseException]) -> list[Rgb8]:
    """The pictures; raises what there is instead of one."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [np.asarray(outcome) for outcome in outcomes]


def job(i: int = 0, **more: Any) -> PaintJob:
    """A job of its own picture, mask, words and seed: a ramp with noise, and a box low on it."""
    noise = np.random.default_rng(i).integers(0, 55, (SIDE, SIDE, 3))
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[8 + 4 * i : 40 + 2 * i, 10:44] = True
    own = {
        "pixels": (np.stack([y, x, x * y], -1) * 200 + noise).astype(np.uint8),
        "mask": mask,
        "prompt": PROMPTS[i % 3],
        "negative_prompt": NEGATIVES[i % 3],
        "seed": 10 + i,
    }
    return PaintJob(**{**own, **more})


def stages(tiny: Callable[[str], Path]) -> Callable[..., Stage]:
    """Opens stages, each once: `stage("sd9", dtype="bfloat16")`."""
    opened: dict[tuple[Any, ...], Stage] = {}

    def stage(name: str, **more: Any) -> Stage:
        key = (name, *sorted(more.items()))
        if key not in opened:
            opened[key] = open_stage(tiny(name), **more)
        return opened[key]

    return stage


def open_stage(folder: Path, **more: Any) -> Stage:
    """Load a folder on the CPU, at the tiny side, with two steps where nothing else is said."""
    diffusers()
    from overpaint.engines.diffusers.loading import load

    options = Options(**{"device": "cpu", "side": SIDE, "steps": 2, "compile": False, **more})
    checkpoint = Checkpoint.open(Source(kind="folder", path=folder), options)
    loaded = load(checkpoint, options)
    name = checkpoint.source.name
    return Stage(loaded, Manner(name=name, family=loaded.family, few_steps=checkpoint.few_steps))


def levels_off(one: Rgb8, other: Rgb8) -> int:
    """The largest difference, of 255."""
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())
