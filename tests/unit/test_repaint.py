from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import overpaint
from overpaint.errors import (
    EmptyMask,
    EngineFailed,
    InvalidOption,
    InvalidPrompt,
    MaskSizeMismatch,
    NotAnImage,
    UnknownEngine,
)
from overpaint.imaging.provenance import read_provenance
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob, Rgb8, Step


class Recorder:
    """An engine that keeps what it was given and paints it red."""

    info = EngineInfo(name="recorder", summary="red", max_side=300)

    def __init__(self) -> None:
        self.jobs: list[PaintJob] = []

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        self.jobs += jobs
        red: Rgb8 = np.zeros((*jobs[0].mask.shape, 3), np.uint8)
        red[..., 0] = 255
        opaque = np.ones(jobs[0].mask.shape, np.float32)
        return [PaintedRegion(pixels=red, coverage=opaque, notes=("red",)) for _ in jobs]

    def close(self) -> None:
        pass


def base() -> Rgb8:
    rng = np.random.default_rng(0)
    pixels: Rgb8 = rng.integers(0, 200, (300, 400, 3)).astype(np.uint8)
    return pixels


def mask() -> np.ndarray:
    drawn = np.zeros((300, 400), np.uint8)
    drawn[100:180, 150:260] = 255
    return drawn


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_every_way_to_give_a_picture_gives_the_same(tmp_path: Path) -> None:
    for name, pixels in (("base.png", base()), ("mask.png", mask())):
        (tmp_path / name).write_bytes(png(pixels))
    ways: list[tuple[Any, Any]] = [
        (base(), mask()),
        (Image.fromarray(base()), Image.fromarray(mask())),
        (png(base()), png(mask())),
        (tmp_path / "base.png", tmp_path / "mask.png"),
        (str(tmp_path / "base.png"), str(tmp_path / "mask.png")),
        (base(), mask() > 0),
    ]
    results = [overpaint.repaint(b, m, "", engine=Recorder(), seed=1) for b, m in ways]
    first = results[0].pictures[0].pixels
    assert all(np.array_equal(result.pictures[0].pixels, first) for result in results)


def test_each_picture_can_be_had_again_by_its_seed() -> None:
    several = overpaint.repaint(base(), mask(), "a hat", n=3, seed=10)
    assert several.seeds == (10, 11, 12)
    again = overpaint.repaint(base(), mask(), "a hat", seed=several.seeds[1])
    assert np.array_equal(again.pictures[0].pixels, several.pictures[1].pixels)


def test_without_a_seed_one_is_drawn_and_told() -> None:
    seeds = {overpaint.repaint(base(), mask(), "", engine=Recorder()).seeds[0] for _ in range(3)}
    assert len(seeds) == 3


def test_the_engine_sees_a_region_in_srgb_with_its_mask() -> None:
    recorder = Recorder()
    reference = np.full((50, 60, 3), 90, np.uint8)
    overpaint.repaint(
        base(),
        mask(),
        " a hat ",
        engine=recorder,
        seed=3,
        negative_prompt="cap",
        style="sketch",
        reference=reference,
    )
    (job,) = recorder.jobs
    assert job.pixels.shape[:2] == job.mask.shape
    assert max(job.mask.shape) <= 300
    assert job.pixels.dtype == np.uint8
    assert 0.1 < job.mask.mean() < 0.6
    assert (job.prompt, job.negative_prompt, job.style, job.seed) == ("a hat", "cap", "sketch", 3)
    assert job.reference is not None
    assert job.reference.shape == (50, 60, 4)


def test_the_engine_is_given_sketch_palette_strength_guidance_and_steps() -> None:
    recorder = Recorder()
    sketch = np.full((300, 400), 255, np.uint8)
    sketch[140:142, 160:250] = 0  # a line inside the mask
    given = {"sketch": sketch, "palette": "red,#ffcc00", "strength": 0.3, "guidance": 2}
    given["steps"] = 12
    overpaint.repaint(base(), mask(), "a hat", engine=recorder, seed=1, **given)  # type: ignore[arg-type]
    (job,) = recorder.jobs
    assert job.sketch is not None
    assert job.sketch.shape == job.mask.shape
    rows, columns = np.nonzero(job.sketch > 0.5)
    assert job.mask[rows, columns].all()
    assert np.ptp(columns) > 5 * np.ptp(rows)
    assert job.palette == ((217, 37, 37), (255, 204, 0))
    assert job.palette_weights == (0.5, 0.5)
    assert (job.strength, job.guidance, job.steps) == (0.3, 2, 12)


def test_a_sketch_is_cropped_as_the_picture_is() -> None:
    recorder = Recorder()
    sketch = np.full((300, 400), 255, np.uint8)
    sketch[138:142, 150:260] = 0
    overpaint.repaint(
        base(), mask(), "a hat", engine=recorder, seed=1, sketch=sketch, size="256x256"
    )
    (job,) = recorder.jobs
    assert job.sketch is not None
    assert (job.sketch[job.mask] > 0.5).any()
    assert not (job.sketch[~job.mask] > 0.5).any()


def test_what_the_engine_does_not_take_of_the_options_is_told() -> None:
    sketch = np.full((300, 400), 255, np.uint8)
    sketch[:9, :9] = 0
    options: dict[str, Any] = {"sketch": sketch, "palette": ["red"], "strength": 1, "guidance": 2}
    options |= {"negative_prompt": "a cat", "steps": 8}
    result = overpaint.repaint(base(), mask(), "", engine="erase", seed=1, **options)
    assert [note.removeprefix("the engine erase does not take ") for note in result.notes] == [
        "a negative prompt",
        "a sketch",
        "a palette",
        "a strength",
        "guidance",
        "steps",
    ]
    result = overpaint.repaint(base(), mask(), "a hat", engine="collage", seed=1, sketch=sketch)
    assert "the sketch has no line inside the mask" in result.notes


def test_a_palette_alone_recolours() -> None:
    result = overpaint.repaint(base(), mask(), "", palette="blue", seed=1)
    assert result.engine != "erase"
    changed = result.pictures[0].pixels[mask() > 0]
    assert changed[:, 2].mean() > changed[:, 0].mean() + 40


def test_progress_is_told_by_stage() -> None:
    steps: list[Step] = []
    result = overpaint.repaint(base(), mask(), "", engine=Recorder(), on_step=steps.append)
    assert [step.stage for step in steps] == ["decode", "plan", "paint", "blend"]
    assert all(1 <= step.done <= step.total for step in steps)
    assert set(result.seconds) == {"decode", "plan", "paint", "blend"}


def test_a_preview_lies_in_the_result_whatever_size_that_has() -> None:
    class Showing(Recorder):
        def paint(
            self, jobs: Sequence[PaintJob], on_step: OnStep | None = None
        ) -> list[PaintedRegion]:
            assert on_step is not None
            on_step(Step(stage="paint", done=1, total=1, preview=jobs[0].pixels[::2, ::2]))
            return super().paint(jobs)

    for size in (None, (800, 600)):
        steps: list[Step] = []
        result = overpaint.repaint(
            base(), mask(), "", size=size, engine=Showing(), on_step=steps.append
        )
        (shown,) = [step for step in steps if step.preview is not None]
        box = shown.box
        assert box is not None
        picture = result.pictures[0].pixels
        red = (picture == (255, 0, 0)).all(axis=2)
        assert red.any()
        red[box.slices] = False
        assert not red.any()  # all that was painted lies in the box
        assert box.height * 4 >= picture.shape[0]  # and the box is in the result's own px
        assert box.top + box.height <= picture.shape[0]


def test_mask_options_are_followed() -> None:
    def painted(**options: object) -> np.ndarray:
        result = overpaint.repaint(
            base(),
            options.pop("mask", mask()),  # type: ignore[arg-type]
            "",
            engine=Recorder(),
            feather=0,
            **options,  # type: ignore[arg-type]
        )
        return np.asarray((result.pictures[0].pixels == (255, 0, 0)).all(axis=2))

    assert painted().sum() == 80 * 110
    assert painted(invert_mask=True).sum() == 300 * 400 - 80 * 110
    assert painted(grow=5).sum() > 80 * 110
    assert painted(grow=-5).sum() == 70 * 100
    coloured = np.zeros((300, 400, 3), np.uint8)
    coloured[10:30, 10:50] = (0, 128, 255)
    assert painted(mask=coloured, mask_color=["0080FF"]).sum() == 20 * 40


def test_a_hard_edge_paints_the_whole_mask_and_a_soft_one_less() -> None:
    def change(feather: float | None) -> float:
        result = overpaint.repaint(base(), mask(), "", engine=Recorder(), feather=feather)
        return float(np.abs(result.pictures[0].pixels.astype(int) - base())[100:180].mean())

    assert change(0) > change(None) > change(40)


def test_a_soft_mask_mixes_by_its_levels_and_has_no_rim_of_its_own() -> None:
    levels = np.zeros((300, 400), np.uint8)
    levels[100:200, 100:300] = np.linspace(0, 255, 200).astype(np.uint8)
    result = overpaint.repaint(base(), levels, "", engine=Recorder(), soft_mask=True)
    share = levels[..., None] / 255
    mixed = base() + (np.array([255, 0, 0]) - base().astype(float)) * share
    assert np.abs(result.pictures[0].pixels - mixed).max() <= 0.51
    feathered = overpaint.repaint(base(), levels, "", engine=Recorder(), soft_mask=True, feather=20)
    assert (feathered.pictures[0].pixels[100, 250] < mixed[100, 250] - 20).any()


def test_a_soft_mask_is_scaled_with_the_picture() -> None:
    levels = np.zeros((300, 400), np.uint8)
    levels[100:200, 100:200], levels[100:200, 200:300] = 102, 255
    gray = np.full((300, 400, 3), 100, np.uint8)
    result = overpaint.repaint(gray, levels, "", engine=Recorder(), soft_mask=True, size=(800, 600))
    pixels = result.pictures[0].pixels
    assert tuple(pixels[300, 500]) == (255, 0, 0)
    assert tuple(pixels[300, 300]) == (162, 60, 60)
    assert tuple(pixels[300, 100]) == (100, 100, 100)


def test_files_carry_their_provenance(tmp_path: Path) -> None:
    result = overpaint.repaint(base(), mask(), "一顶帽子", engine=Recorder(), seed=9)
    for name in ("out.png", "out.jpg", "out.webp", "out.tiff"):
        found = read_provenance(result.save(tmp_path / name).read_bytes())
        assert found is not None
        assert (found.engine, found.prompt, found.seed) == ("recorder", "一顶帽子", 9)
        assert found.whole is False
    everything = overpaint.repaint(
        base(), np.full((300, 400), 255, np.uint8), "", engine=Recorder()
    )
    assert everything.provenance[0].whole is True


def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = overpaint.repaint(base(), mask(), "", engine=Recorder())
    out = result.save(tmp_path / "out.png")
    before = out.read_bytes()

    def full_disk(self: Path, target: object) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        result.save(out)
    assert out.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.png"]  # noqa: PTH208


def test_notes_are_told_once() -> None:
    assert overpaint.repaint(base(), mask(), "", n=3, engine=Recorder()).notes == ("red",)


def test_the_watermark_is_inside_the_mask() -> None:
    plain = overpaint.repaint(base(), mask(), "", engine=Recorder(), seed=1)
    marked = overpaint.repaint(base(), mask(), "", engine=Recorder(), seed=1, watermark=True)
    changed = (plain.pictures[0].pixels != marked.pictures[0].pixels).any(axis=2)
    assert changed.any()
    assert not changed[mask() == 0].any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: repaint_with(n=7), InvalidOption, "n: must be .* between 1 and 4, got 7"),
        (lambda: repaint_with(seed=-3), InvalidOption, "seed: .* got -3"),
        (lambda: repaint_with(style="cubism"), InvalidOption, "style: must be one of auto"),
        (lambda: repaint_with(size="9x9"), InvalidOption, "size: .* got 9"),
        (lambda: repaint_with(engine="none"), UnknownEngine, "engine: must be one of auto"),
        (lambda: repaint_with(grow=-400), EmptyMask, "mask|grow: .*"),
        (lambda: repaint_with(prompt="x" * 900), InvalidPrompt, "prompt: .* got 900"),
        (
            lambda: repaint_with(negative_prompt=3),
            InvalidPrompt,
            "negative_prompt: must be text, got int",
        ),
        (lambda: repaint_with(base=b"junk" * 90), NotAnImage, "base: "),
        (lambda: repaint_with(mask=np.zeros((300, 400), np.uint8)), EmptyMask, "mask: "),
        (lambda: repaint_with(mask=mask()[:, :300]), MaskSizeMismatch, "mask: .*400 x 300"),
        (lambda: repaint_with(reference=b"junk" * 90), NotAnImage, "reference: "),
        (lambda: repaint_with(sketch=b"junk" * 90), NotAnImage, "sketch: "),
        (lambda: repaint_with(palette="flurb"), InvalidOption, "palette: must be colours"),
        (lambda: repaint_with(strength=-1), InvalidOption, "strength: .* got -1"),
        (lambda: repaint_with(guidance=11), InvalidOption, "guidance: .* got 11"),
        (lambda: repaint_with(steps=0), InvalidOption, "steps: .* got 0"),
    ],
)
def test_the_caller_s_mistakes_are_named(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def repaint_with(**options: object) -> object:
    said = {"base": base(), "mask": mask(), "prompt": "", "engine": Recorder(), **options}
    return overpaint.repaint(**said)  # type: ignore[arg-type]


def test_options_are_checked_before_anything_is_read() -> None:
    with pytest.raises(InvalidOption, match="n: "):
        overpaint.repaint("no-such-file.png", "neither.png", "a hat", n=9)


def test_an_engine_that_returns_too_little_is_named() -> None:
    class Lazy(Recorder):
        def paint(
            self, jobs: Sequence[PaintJob], on_step: OnStep | None = None
        ) -> list[PaintedRegion]:
            return super().paint(jobs[:1])

    with pytest.raises(EngineFailed, match="must return 2 regions, got 1"):
        overpaint.repaint(base(), mask(), "", n=2, engine=Lazy())


def test_what_an_engine_does_not_take_is_told() -> None:
    said = overpaint.repaint(
        base(), mask(), "a hat", engine="erase", style="sketch", reference=base(), seed=1
    )
    assert said.notes == (
        "the engine erase does not take a prompt",
        "the engine erase does not take a style",
        "the engine erase does not take a reference",
    )
    assert overpaint.repaint(base(), mask(), "remove the cat", engine="erase").notes == ()
