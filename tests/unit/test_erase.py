"""The engine that continues the background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from overpaint.engines.erase import EraseEngine
from overpaint.engines.protocol import Engine
from overpaint.imaging.inpaint import continue_background
from overpaint.values import PaintJob, Step


@pytest.fixture
def job() -> PaintJob:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    mask = np.zeros((64, 80), np.bool_)
    mask[20:44, 30:60] = True
    return PaintJob(pixels=pixels, mask=mask, prompt="", seed=5)


def test_it_is_an_engine_that_needs_no_prompt() -> None:
    engine = EraseEngine()
    assert isinstance(engine, Engine)
    assert engine.info.name == "erase"
    assert not engine.info.needs_prompt
    assert engine.info.native_sizes == ()


def test_it_paints_the_continued_background_opaquely(job: PaintJob) -> None:
    (region,) = EraseEngine().paint([job])
    assert np.array_equal(region.pixels, continue_background(job.pixels, job.mask, seed=5))
    assert region.coverage is None
    assert region.notes == ()


@pytest.mark.parametrize("prompt", ["remove the sign", "移除招牌", "去掉"])
def test_the_prompt_changes_nothing(job: PaintJob, prompt: str) -> None:
    plain, asked = EraseEngine().paint([job, replace(job, prompt=prompt)])
    assert np.array_equal(plain.pixels, asked.pixels)


def test_a_job_paints_the_same_alone_and_in_a_batch(job: PaintJob) -> None:
    other = replace(job, mask=np.roll(job.mask, 15, axis=1), seed=9)
    engine = EraseEngine()
    batch = engine.paint([other, job, other])
    assert np.array_equal(batch[1].pixels, engine.paint([job])[0].pixels)
    assert np.array_equal(batch[0].pixels, batch[2].pixels)
    assert not np.array_equal(batch[0].pixels, batch[1].pixels)
    engine.close()


def test_steps_count_the_jobs(job: PaintJob) -> None:
    steps: list[Step] = []
    EraseEngine().paint([job, job], on_step=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]
    assert EraseEngine().paint([]) == []
