"""One batch of jobs -> pixels, with what it needs and no more.

The pixels are those of the library's call for each job alone with that job's seed, to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from overpaint.engines.diffusers import memory, speed
from overpaint.engines.diffusers.asking import Asked, Manner
from overpaint.engines.diffusers.calling import Caller
from overpaint.engines.diffusers.encoding import PictureCoder
from overpaint.engines.diffusers.library import hushed
from overpaint.engines.diffusers.loading import Loaded
from overpaint.engines.diffusers.previews import Previews
from overpaint.engines.diffusers.prompts import PromptCache
from overpaint.engines.diffusers.rows import Row, Tell
from overpaint.errors import EngineFailed, OverpaintError
from overpaint.values import PaintJob, Region, Rgb8

#: A preview is made no more often than this, s; who looks on is shown no more either.
PREVIEW_S = 1.0


class Painter:
    """Paints batches with one loaded checkpoint, in one thread at a time.

    Args:
        loaded: the pipeline and what is known of it.
        manner: how it is asked; the one that made the rows' buckets.
        batch: how many rows it is given at once at most.
        preview_s: how often a preview is made at most, s; 0 is after each step.
    """

    def __init__(
        self, loaded: Loaded, manner: Manner, *, batch: int, preview_s: float = PREVIEW_S
    ) -> None:
        self._pipe: Any = loaded.pipe
        self._manner, self._family = manner, manner.family
        self._exact, self._batch, self._preview_s = loaded.options.exact, batch, preview_s
        self._dtype = str(loaded.dtype).removeprefix("torch.")
        coder = speed.coder(self._pipe)
        self.coder = None if coder is None else PictureCoder(coder)
        self.prompts = PromptCache(
            self._pipe,
            self._family.embedding,
            torch.device(loaded.device),
            loaded.options.prompt_cache,
        )
        self.ladder = memory.Ladder(self._pipe, loaded.device, loaded.offload)
        self._caller = Caller(self._pipe, self._family, self.prompts)

    def paint(self, rows: Sequence[Row], tell: Tell) -> list[Rgb8 | BaseException]:
        """Paint a batch.

        Args:
            rows: one job each; those that are not asked alike are painted one after the other.
            tell: what to call as it goes on, and to ask whether anybody still waits.

        Returns:
            One entry a row, in order: height x width x 3 as its job's, or what it failed of.

        Raises:
            EngineFailed: the batch cannot be painted.
        """
        asked = [self._manner.ask(row.job) for row in rows]
        alike: dict[Hashable, list[int]] = {}
        for at, row in enumerate(rows):
            reference = row.job.reference if self._family.takes_reference else None
            key: Hashable = (asked[at].bucket, None if reference is None else reference.shape)
            alike.setdefault(key, []).append(at)
        parts: list[tuple[Hashable, list[int]]] = []
        for key, places in alike.items():
            together = [places] if self._family.batches else [[at] for at in places]
            parts += [(key, some) for some in together]
        progress = _Progress(tell, len(rows))
        outcomes: dict[int, Rgb8 | BaseException] = {}

        def paint(bucket: Hashable, places: Sequence[int]) -> list[Rgb8 | BaseException]:
            jobs, part = [rows[at].job for at in places], _Part(progress, places)
            filled = self._filled(bucket, len(places))
            try:
                painted = self._paint(jobs, [asked[at] for at in places], filled, part)
            except _Lost:
                painted = [EngineFailed("nobody waits for this picture any more")] * len(places)
            progress.painted += len(places)
            return painted

        try:
            with hushed():
                for bucket, places in parts:
                    painted = self.ladder.run(bucket, places, partial(paint, bucket))
                    outcomes |= dict(zip(places, painted, strict=True))
        except OverpaintError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise EngineFailed(f"{self._manner.name} could not paint: {said}") from error
        return [outcomes[at] for at in range(len(rows))]

    def warm(self, rows: int) -> None:
        """Paint so many rows of nothing in particular, at the size that most are."""
        side = self._family.side
        mask = np.zeros((side, side), np.bool_)
        mask[side // 4 : side // 2, side // 4 : side // 2] = True
        gray = np.full((side, side, 3), 128, np.uint8)
        job = PaintJob(pixels=gray, mask=mask, prompt="", steps=2)
        self.paint([Row(job=job, bucket=None)] * rows, Tell())
        if self.coder is not None:
            self.coder.forget()

    def close(self) -> None:
        """Forget all pictures and prompts; the pipeline is itself again."""
        if self.coder is not None:
            self.coder.release()
        self.prompts.forget()

    def _paint(
        self, jobs: Sequence[PaintJob], asked: Sequence[Asked], filled: int, part: _Part
    ) -> list[Rgb8 | BaseException]:
        """Paint jobs that are asked alike in one call, filled up by repeating the last."""
        rows = len(jobs)
        fill = filled - rows
        jobs, asked = [*jobs, *[jobs[-1]] * fill], [*asked, *[asked[-1]] * fill]
        fitted = [self._manner.fit(job) for job in jobs]
        pictures, masks = [picture for picture, _ in fitted], [mask for _, mask in fitted]
        inner = getattr(self._pipe, "decoder_pipe", self._pipe)  # Kandinsky's, after its prior
        previews = Previews(inner, self.coder, pictures[:rows], masks[:rows])
        shown_at = time.monotonic()

        def after(step: int, at: Any, latents: torch.Tensor) -> None:
            nonlocal shown_at
            if part.lost:
                raise _Lost
            show = time.monotonic() - shown_at >= self._preview_s
            seen = previews.after(at, latents[:rows], show=show)
            if seen is not None:
                shown_at = time.monotonic()
                regions = map(self._manner.region, jobs)
                seen = [_cropped(one, region) for one, region in zip(seen, regions, strict=False)]
            steps = getattr(inner, "_num_timesteps", None) or len(inner.scheduler.timesteps)
            part.step(step + 1, max(steps, step + 1), seen)

        try:
            painted = self._caller.call(jobs, asked, pictures, masks, after)
        except BaseException:
            self._pipe.maybe_free_model_hooks()
            raise
        whole = painted.isfinite().flatten(1).all(1).tolist()
        levels = (painted.float() * 255).round().to(torch.uint8)  # as the library rounds
        arrays = levels.permute(0, 2, 3, 1).cpu().numpy()  # rows x height x width x 3
        return [self._outcome(jobs[at], arrays[at], whole[at]) for at in range(rows)]

    def _filled(self, bucket: Hashable, rows: int) -> int:
        """How many rows a batch of so many is filled up to, as far as memory allows."""
        sizes: Sequence[int] = ()
        if self._family.batches and self._exact:
            sizes = (self.ladder.limit(bucket, self._batch),)
        elif self._family.batches and speed.compiled(self._pipe):
            sizes = speed.batch_sizes(self.ladder.limit(bucket, self._batch))
        return next((size for size in sizes if size >= rows), rows)

    def _outcome(self, job: PaintJob, painted: Rgb8, whole: bool) -> Rgb8 | BaseException:
        if whole:
            return self._manner.fit_back(job, painted)
        mend = "its weights or a LoRA's may be damaged, or its scheduler not be made for it"
        if self._dtype == "float16":
            mend = "float16 is too small for it: say dtype=bfloat16 or dtype=float32"
        return EngineFailed(f"{self._manner.name} painted values that are no numbers; {mend}")


class _Lost(Exception):
    """Nobody waits for what is painted any more."""


class _Progress:
    """How far a batch has come, in steps; what is begun anew does not count back."""

    def __init__(self, tell: Tell, rows: int) -> None:
        self.tell, self.rows = tell, rows
        self.painted = 0  # rows
        self.done = self.total = 0  # steps


class _Part:
    """How far one call has come."""

    def __init__(self, whole: _Progress, places: Sequence[int]) -> None:
        self._whole, self._places = whole, places

    @property
    def lost(self) -> bool:
        """Whether nobody waits for any of its rows."""
        tell = self._whole.tell
        return tell.all_lost or all(tell.lost(at) for at in self._places)

    def step(self, done: int, total: int, seen: Sequence[Rgb8] | None) -> None:
        """Tell that so many of this call's steps are done."""
        whole = self._whole
        whole.total = whole.total or total
        here = whole.painted + len(self._places) * done / total  # rows
        whole.done = max(whole.done, int(here * whole.total / whole.rows))
        previews: list[Rgb8 | None] | None = None
        if seen is not None:
            of_row = dict(zip(self._places, seen, strict=True))
            previews = [of_row.get(at) for at in range(whole.rows)]
        whole.tell.step(whole.done, whole.total, previews)


def _cropped(preview: Rgb8, region: Region) -> Rgb8:
    """A preview without the padding."""
    rows = round(preview.shape[0] * region.height / (region.height + region.pad_bottom))
    columns = round(preview.shape[1] * region.width / (region.width + region.pad_right))
    return preview[: max(1, rows), : max(1, columns)]
