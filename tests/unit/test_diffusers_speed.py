"""What makes a pipeline faster leaves its pixels alone; what changes them does what it says."""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.heavy import require
from tests.unit.diffusers_stage import Stage, job, open_stage, stages
from tests.unit.diffusers_tiny import EXTRA, diffusers

torch = require("torch", EXTRA)

from overpaint.engines.diffusers import lossy, speed  # noqa: E402
from overpaint.engines.diffusers.family import FAMILIES  # noqa: E402
from overpaint.engines.diffusers.options import Options  # noqa: E402
from overpaint.errors import EngineFailed  # noqa: E402
from overpaint.values import Rgb8, Step  # noqa: E402

Tiny = Callable[[str], Path]
#: The guidance that is none, by tiny checkpoint: on the family's own scale.
UNGUIDED = {"sd9": 1, "sdxl9": 1, "sd3": 1, "kandinsky": 1, "qwen": 1, "chroma": 1, "zimage": 0}


@pytest.fixture(autouse=True, scope="module")
def _collect_in_no_time() -> Any:
    """Let the collector pass over what the packages made when they were imported."""
    diffusers()
    gc.freeze()
    traces = logging.getLogger("torch.__trace")  # torch writes down all it compiles, for nobody
    before = traces.level
    traces.setLevel(logging.CRITICAL)
    yield
    traces.setLevel(before)
    gc.unfreeze()


@pytest.fixture(scope="module")
def stage(tiny: Tiny) -> Callable[..., Stage]:
    return stages(tiny)


def apart(one: list[Rgb8], two: list[Rgb8]) -> int:
    """By how many levels at most."""
    pairs = zip(one, two, strict=True)
    return max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)


@contextmanager
def calls_of(module: Any) -> Iterator[list[int]]:
    """How many rows a module is given, call by call."""
    rows: list[int] = []

    def note(module: Any, given: Any, made: Any) -> None:
        rows.append(len(made[0] if isinstance(made, tuple) else made))

    hook = module.register_forward_hook(note)
    try:
        yield rows
    finally:
        hook.remove()


def test_convolutions_lie_channels_last_and_give_the_same_pixels(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid = open_stage(tiny("sd9"))
    for network in (laid.pipe.unet, laid.pipe.vae.decoder, laid.pipe.vae.encoder):
        assert network.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(speed, "lay_out", lambda pipe: None)
    plain = open_stage(tiny("sd9"))
    weight = plain.pipe.unet.conv_in.weight
    assert not weight.is_contiguous(memory_format=torch.channels_last)
    assert apart(laid.paint(job(0), job(1)), plain.paint(job(0), job(1))) <= 1


def test_video_autoencoders_are_left_as_they_are(stage: Callable[..., Stage]) -> None:
    assert all(one.is_contiguous() for one in stage("qwen").pipe.vae.parameters() if one.ndim == 5)


@pytest.mark.parametrize("name", UNGUIDED)
def test_guidance_until_the_start_is_no_guidance(stage: Callable[..., Stage], name: str) -> None:
    # Kandinsky's prior is guided still, away from the negative words if there are any.
    jobs = job(0, negative_prompt=""), job(1, negative_prompt="")
    none = stage(name, guidance=float(UNGUIDED[name]))
    ended = stage(name, guidance_until=0.0)
    assert apart(ended.paint(*jobs), none.paint(*jobs)) <= 1
    if name != "qwen":  # with its random weights both say nearly the same
        assert apart(ended.paint(*jobs), stage(name).paint(*jobs)) > 1


def test_guidance_until_half_saves_half_of_the_other_half(stage: Callable[..., Stage]) -> None:
    half = stage("sd3", guidance_until=0.5, steps=4)
    with calls_of(half.pipe.transformer.norm_out) as rows:
        painted = half.paint(job(0))
        again = half.paint(job(0))
    assert rows == [2, 2, 1, 1] * 2
    assert apart(painted, again) == 0
    with calls_of(half.pipe.transformer.norm_out) as rows:
        half.paint(job(0, strength=0.5))
    assert rows == [2, 1]  # of the steps that are made


def test_guidance_until_asks_once_where_the_pipeline_asks_twice(
    stage: Callable[..., Stage],
) -> None:
    half = stage("qwen", guidance_until=0.5, steps=4)
    with calls_of(half.pipe.transformer.img_in) as rows:
        half.paint(job(0))
    assert rows == [1, 1] * 2 + [1] * 2


def test_guidance_until_says_where_it_has_no_effect(stage: Callable[..., Stage]) -> None:
    until = Options(guidance_until=0.5)
    pipe = stage("fluxfill").pipe
    notes = lossy.after_compiling(pipe, pipe.transformer, FAMILIES["flux-fill"], until)
    assert notes == ["guidance_until has no effect: FLUX.1 Fill is not guided by a second pass"]
    from overpaint.engines.diffusers.family import family_of

    other = family_of("NewInpaintPipeline")
    assert other is not None
    notes = lossy.after_compiling(pipe, pipe.transformer, other, until)
    assert notes == ["guidance_until has no effect: nobody knows how NewInpaintPipeline is guided"]


@pytest.mark.parametrize(("name", "passes"), [("fluxfill", 1), ("qwen", 2)])
def test_block_cache_skips_blocks_whose_result_hardly_changes(
    stage: Callable[..., Stage], name: str, passes: int
) -> None:
    plain = stage(name, steps=4)
    cached = stage(name, steps=4, block_cache=1.0)
    unused = stage(name, steps=4, block_cache=1e-9)
    last = (
        cached.pipe.transformer.single_transformer_blocks
        if name == "fluxfill"
        else cached.pipe.transformer.transformer_blocks
    )[-1]
    with calls_of(last.attn.to_q) as rows:
        once = cached.paint(job(0))
        again = cached.paint(job(0))
    assert len(rows) == 2 * passes  # of 4 steps the first alone; a new picture begins anew
    assert apart(once, again) == 0
    assert apart(unused.paint(job(0)), plain.paint(job(0))) == 0


def test_block_cache_says_where_it_has_no_effect(stage: Callable[..., Stage]) -> None:
    notes = stage("sd9", block_cache=0.1).loaded.notes
    assert "block_cache has no effect: diffusers caches none of UNet2DConditionModel" in notes


@pytest.mark.parametrize("option", [{"block_cache": 0.1}, {"fp8": True}])
def test_what_works_between_layers_is_not_compiled(
    stage: Callable[..., Stage], option: dict[str, Any]
) -> None:
    asked = stage("fluxfill", compile=True, **option)
    assert speed.compiled(asked.pipe) == []
    said = "nothing is compiled with fp8 or block_cache, which work between the layers"
    assert said in asked.loaded.notes


def test_fp8_keeps_weights_in_a_quarter_and_changes_pixels(stage: Callable[..., Stage]) -> None:
    eighth = stage("sd9", fp8=True)
    kept = {one.dtype for one in eighth.pipe.unet.down_blocks.parameters()}
    assert torch.float8_e4m3fn in kept
    assert apart(eighth.paint(job(0)), stage("sd9").paint(job(0))) > 0


def test_tiling_is_the_autoencoders_own(stage: Callable[..., Stage]) -> None:
    assert stage("sd9", tiling=True).pipe.vae.use_tiling
    assert not stage("sd9").pipe.vae.use_tiling
    notes = stage("kandinsky", tiling=True).loaded.notes
    assert "tiling has no effect: VQModel knows none" in notes


def test_attention_of_a_transformer_is_chosen_for_it_alone(stage: Callable[..., Stage]) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry as registry

    before = registry._active_backend
    written_out = stage("fluxfill", attention="_native_math")
    assert registry._active_backend is before
    processor = written_out.pipe.transformer.transformer_blocks[0].attn.processor
    assert processor._attention_backend == "_native_math"
    assert apart(written_out.paint(job(0)), stage("fluxfill").paint(job(0))) <= 1


def test_attention_of_a_unet_is_chosen_while_it_is_asked(stage: Callable[..., Stage]) -> None:
    written_out = stage("sd9", attention="_native_math")
    seen: list[bool] = []
    hook = written_out.pipe.unet.conv_in.register_forward_hook(
        lambda *_: seen.append(torch.backends.cuda.flash_sdp_enabled())
    )
    painted = written_out.paint(job(0))
    hook.remove()
    assert seen
    assert not any(seen)
    assert torch.backends.cuda.flash_sdp_enabled()
    assert apart(painted, stage("sd9").paint(job(0))) <= 1


@pytest.mark.parametrize(
    ("name", "attention", "said"),
    [
        ("fluxfill", "flash", "attention=flash cannot be used: .*flash.* take attention=auto"),
        ("fluxfill", "nonsense", "attention=nonsense cannot be used: .* take attention=auto"),
        ("sd9", "flash", "attention=flash: a U-Net takes one of auto, native, _native_cudnn"),
        ("sd9", "xformers", "attention=xformers cannot be used: .* take attention=auto"),
    ],
)
def test_attention_that_is_not_there_is_an_error(
    stage: Callable[..., Stage], name: str, attention: str, said: str
) -> None:
    with pytest.raises(EngineFailed, match=said):
        speed.attend(stage(name).pipe, attention)
    assert stage(name).paint(job(0))  # as it was


def test_a_pipeline_without_a_network_is_an_error() -> None:
    with pytest.raises(EngineFailed, match="object has neither a U-Net nor a transformer"):
        speed.denoiser(object())


def test_compiled_networks_paint_the_same_in_batches_of_few_sizes(
    tiny: Tiny, stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    monkeypatch.setattr(speed, "_CODERS", ())  # which take torch seconds to read
    compiled = open_stage(tiny("fluxfill"), compile=True)
    jobs = job(0), job(1), job(2)
    with calls_of(compiled.pipe.transformer) as rows:
        painted = compiled.paint(*jobs)
    assert set(rows) == {4}  # three are filled up to four
    assert apart(painted, stage("fluxfill").paint(*jobs)) <= 1
    assert speed.compiling_failed(compiled.pipe) == ()


def test_a_transformers_repeated_blocks_are_compiled(
    stage: Callable[..., Stage], tiny: Tiny
) -> None:
    assert len(speed.compiled(open_stage(tiny("fluxfill"), compile=True).pipe)) == 2 + 2
    assert len(speed.compiled(open_stage(tiny("sd3"), compile=True).pipe)) == 1 + 2  # names none
    assert speed.compiled(stage("sd9").pipe) == []


def test_where_compiling_fails_the_network_runs_as_it_is(
    tiny: Tiny, stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("there is no compiler here\nand more lines")

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=broken))
    monkeypatch.setattr(speed, "_CODERS", ())
    failing = open_stage(tiny("fluxfill"), compile=True)
    told: list[Step] = []
    with failing.painter() as painter:
        notes = speed.warm_up(
            failing.pipe, failing.loaded.options, "cpu", painter.warm, 1, told.append
        )
    assert notes == (
        "compiling failed, and the network runs uncompiled "
        "(RuntimeError: there is no compiler here); say compile=0 to leave it",
    )
    assert [(step.stage, step.done, step.total) for step in told] == [
        ("warm up", 0, 1),
        ("warm up", 1, 1),
    ]
    assert apart(failing.paint(job(0)), stage("fluxfill").paint(job(0))) <= 1


def test_too_little_memory_is_not_taken_for_a_failed_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(graph: Any, inputs: Any) -> Any:
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=full))
    fast = speed.Compiled(lambda one: one + 1, [])
    with pytest.raises(torch.OutOfMemoryError, match="no more"):
        fast(torch.ones(2))
    assert not fast.failed


@pytest.mark.parametrize(
    ("batch", "sizes"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))]
)
def test_batches_are_of_few_sizes(batch: int, sizes: tuple[int, ...]) -> None:
    assert speed.batch_sizes(batch) == sizes


def test_warming_up_on_a_processor_compiles_nothing_by_itself(
    stage: Callable[..., Stage],
) -> None:
    painted: list[int] = []
    options = Options(device="cpu")
    assert speed.warm_up(stage("sd9").pipe, options, "cpu", painted.append, 4) == ()
    assert painted == [1, 4]
    assert speed.compiled(stage("sd9").pipe) == []
