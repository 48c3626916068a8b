"""A batch under way: its steps and previews, lost rows, errors, memory that runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.unit.diffusers_stage import (
    Stage,
    Watch,
    arrays,
    diffusers_torch,
    job,
    levels_off,
    rows,
    stages,
)
from tests.unit.diffusers_tiny import SIDE, diffusers

from overpaint.engines.diffusers.rows import Tell
from overpaint.errors import EngineFailed

Stages = Callable[..., Stage]


@pytest.fixture(scope="module")
def stage(tiny: Callable[[str], Path]) -> Stages:
    return stages(tiny)


@contextmanager
def before_each_pass(network: Any, hook: Callable[..., object]) -> Iterator[None]:
    """Call `hook` with the network's own arguments before each of its forward passes."""
    handle = network.register_forward_pre_hook(
        lambda _, args, kwargs: hook(*args, **kwargs) and None, with_kwargs=True
    )
    try:
        yield
    finally:
        handle.remove()


def test_steps_are_told_of_all_rows_to_the_last(stage: Stages) -> None:
    watch = Watch()

    with stage("fluxfill").painter() as painter:
        painter.paint(rows(job(0), job(1)), watch)

    assert watch.steps == [(1, 2), (2, 2)]
    assert watch.previews == []  # none within a second


def test_rows_of_several_calls_make_one_progress(stage: Stages) -> None:
    watch = Watch()

    with stage("fluxfill").painter(preview_s=0.0) as painter:
        painted = painter.paint(rows(job(0), job(1, steps=1), job(2)), watch)

    assert watch.steps == [(0, 2), (1, 2), (2, 2)]
    shown = [[one is not None for one in of_rows] for of_rows in watch.previews]
    assert shown == [[True, False, True], [True, False, True], [False, True, False]]
    assert len(arrays(painted)) == 3


@pytest.mark.parametrize("family", ["sd9", "sdxl4", "fluxfill", "klein", "qwen", "kandinsky"])
def test_a_preview_is_the_picture_beside_the_mask(family: str, stage: Stages) -> None:
    watch, asked = Watch(), job(0)

    with stage(family).painter(preview_s=0.0) as painter:
        arrays(painter.paint(rows(asked), watch))

    seen = [of_rows[0] for of_rows in watch.previews]
    assert seen
    for preview in seen:
        assert preview is not None
        assert preview.dtype == np.uint8
        assert preview.shape == (SIDE, SIDE, 3)
        np.testing.assert_array_equal(preview[~asked.mask], asked.pixels[~asked.mask])
        assert levels_off(preview, asked.pixels) > 0


@pytest.mark.parametrize("family", ["sd4", "sdxl4", "sd3", "flux", "klein", "qwen", "zimage"])
def test_a_preview_unpacks_latents_to_what_the_encoder_gave(
    family: str, stage: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = diffusers_torch()
    from diffusers.models.autoencoders import vae

    from overpaint.engines.diffusers.previews import unpacked

    one = stage(family)
    drawn: list[Any] = []
    kept: list[Any] = []
    for name in ("sample", "mode"):
        plain = getattr(vae.DiagonalGaussianDistribution, name)
        monkeypatch.setattr(
            vae.DiagonalGaussianDistribution, name, _recorded(plain, drawn), raising=True
        )
    monkeypatch.setattr(one.pipe, "prepare_latents", _recorded(one.pipe.prepare_latents, kept))

    one.paint(job(0, steps=1))

    (given,), encoded = kept, drawn[0]  # the whole picture is encoded first
    shaped = [each for each in given if torch.is_tensor(each) and each.shape == given[0].shape]
    plain = [unpacked(one.pipe, latents, SIDE, SIDE) for latents in shaped]
    flat = encoded[:, :, 0] if encoded.ndim == 5 else encoded
    assert all(each.shape == flat.shape for each in plain)
    assert any(torch.allclose(each, flat, atol=1e-4) for each in plain)  # the others are noise


def _recorded(plain: Callable[..., Any], kept: list[Any]) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Any:
        kept.append(plain(*args, **kwargs))
        return kept[-1]

    return recorded


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("EulerDiscreteScheduler", 1),
        ("DDIMScheduler", 1),
        ("FlowMatchEulerDiscreteScheduler", 1),
        ("EulerAncestralDiscreteScheduler", 5),
    ],
)
def test_noise_is_taken_out_of_previews(name: str, first: int) -> None:
    """A network that is right leaves latents on a line, and the picture is told from two of them.

    One that draws new noise in each step leaves it: there the last step alone is clean.
    """
    library, torch = diffusers(), diffusers_torch()
    from overpaint.engines.diffusers.encoding import PictureCoder
    from overpaint.engines.diffusers.previews import Previews

    coder = SimpleNamespace(config={}, to=None, encode=_shrunk, decode=None)
    pixels = job(0).pixels
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    remembered = PictureCoder(coder)
    latents = remembered.encode(picture).latents
    scheduler = getattr(library, name)(
        **({"clip_sample": False} if name.startswith("DDIM") else {})
    )
    scheduler.set_timesteps(6)
    everything = np.ones((SIDE, SIDE), np.bool_)
    pipe = SimpleNamespace(scheduler=scheduler, vae=coder)
    previews = Previews(pipe, remembered, [pixels], [everything])

    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    flows = name.startswith("Flow")
    sigma = scheduler.sigmas[0] if hasattr(scheduler, "sigmas") else 1.0
    x = noise if flows else scheduler.add_noise(latents, noise, scheduler.timesteps[:1])
    off = []
    for i, t in enumerate(scheduler.timesteps):
        if flows:
            said = noise - latents
        elif hasattr(scheduler, "sigmas"):
            sigma = scheduler.sigmas[i]
            scheduler.scale_model_input(x, t)
            said = (x - latents) / sigma
        else:
            share = scheduler.alphas_cumprod[t]
            said = (x - share**0.5 * latents) / (1 - share) ** 0.5
        more = {} if flows or name.startswith("DDIM") else {"generator": torch.Generator()}
        x = scheduler.step(said, t, x, **more).prev_sample
        shown = previews.after(t, x, show=True)
        assert shown is not None
        off.append(levels_off(_blurred(shown[0]), _blurred(pixels)))

    assert all(each < 40 for each in off[first:]), off
    assert off[0] > 60


def _shrunk(picture: Any) -> Any:
    """An encoder whose latents are a smaller picture, its colours mixed up."""
    torch = diffusers_torch()
    small = torch.nn.functional.avg_pool2d(picture, 2)
    mixed = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -0.5], [0.3, 0.0, 1.0], [1.0, 1.0, 1.0]])
    return _Output(latents=torch.einsum("kc,nchw->nkhw", mixed, small))


class _Output:
    def __init__(self, latents: Any) -> None:
        self.latents = latents


def _blurred(pixels: Any) -> Any:
    """Of what a preview keeps: no more than the latents' own pixels."""
    means = pixels.reshape(16, 4, 16, 4, 3).mean((1, 3))
    return means.astype(np.uint8)


def test_latents_of_another_size_or_of_no_encoder_are_not_shown(stage: Stages) -> None:
    torch = diffusers_torch()
    from overpaint.engines.diffusers.previews import Previews

    asked, pipe = job(0), stage("flux").pipe
    packed = torch.zeros((1, 16 * 16, 16))  # 64 px

    with stage("flux").painter() as painter:
        arrays(painter.paint(rows(asked), Tell()))
        for coder, latents, seen in (
            (painter.coder, packed, True),
            (painter.coder, packed[:, :-16], False),
            (None, packed, False),
        ):
            previews = Previews(pipe, coder, [asked.pixels], [asked.mask])
            shown = previews.after(torch.tensor(-1), latents, show=True)
            assert (shown is not None) == seen
        painter.coder.forget()
        previews = Previews(pipe, painter.coder, [asked.pixels], [asked.mask])
        assert previews.after(torch.tensor(-1), packed, show=True) is None


def test_a_preview_of_a_padded_job_has_the_jobs_shape(stage: Stages) -> None:
    watch = Watch()
    mask = np.zeros((40, 100), np.bool_)
    mask[10:30, 20:80] = True
    asked = job(0, mask=mask, pixels=np.full((40, 100, 3), 60, np.uint8))

    with stage("fluxfill").painter(preview_s=0.0) as painter:
        (painted,) = arrays(painter.paint(rows(asked), watch))

    assert painted.shape == (40, 100, 3)
    (preview,) = watch.previews[-1]
    assert preview is not None
    assert preview.shape == (26, 64, 3)  # 64 px is the checkpoint's side; 32 without the crop


def test_a_batch_that_nobody_waits_for_ends_at_the_next_step(stage: Stages) -> None:
    one, watch = stage("fluxfill"), Watch(gone={0, 1})
    (before,) = one.paint(job(0))

    with one.painter() as painter:
        outcomes = painter.paint(rows(job(0), job(1)), watch)

    assert [str(outcome) for outcome in outcomes] == ["nobody waits for this picture any more"] * 2
    assert all(isinstance(outcome, EngineFailed) for outcome in outcomes)
    assert watch.steps == []
    np.testing.assert_array_equal(one.paint(job(0))[0], before)  # the pipeline is whole


def test_a_row_that_is_lost_does_not_end_the_others(stage: Stages) -> None:
    one, jobs = stage("fluxfill"), (job(0), job(1))

    with one.painter() as painter:
        _, painted = painter.paint(rows(*jobs), Watch(gone={0}))

    np.testing.assert_array_equal(painted, one.paint(*jobs)[1])


@pytest.mark.parametrize(
    ("dtype", "mend"),
    [
        (
            "float32",
            "its weights or a LoRA's may be damaged, or its scheduler not be made for it",
        ),
        ("float16", "float16 is too small for it: say dtype=bfloat16 or dtype=float32"),
    ],
    ids=["float32", "float16"],
)
def test_values_that_are_no_numbers_fail_their_own_row_alone(
    dtype: str, mend: str, stage: Stages
) -> None:
    torch = diffusers_torch()
    one, jobs = stage("fluxfill"), (job(0), job(1))

    with one.painter(dtype=getattr(torch, dtype)) as painter:
        plain = one.pipe.vae.decode

        def decode(latents: Any, *args: Any, **kwargs: Any) -> Any:
            (decoded,) = plain(latents, *args, **kwargs)
            return (torch.cat([decoded[:1] * float("nan"), decoded[1:]]),)

        one.pipe.vae.decode = decode
        outcomes = painter.paint(rows(*jobs), Tell())

    assert isinstance(outcomes[0], EngineFailed)
    assert str(outcomes[0]) == f"fluxfill painted values that are no numbers; {mend}"
    np.testing.assert_array_equal(outcomes[1], one.paint(*jobs)[1])


def test_what_a_pipeline_raises_is_an_engines_failure(stage: Stages) -> None:
    one = stage("sd9")

    def hook(*_: Any, **__: Any) -> None:
        raise ValueError("the weather is bad")

    with (
        one.painter() as painter,
        before_each_pass(one.pipe.unet, hook),
        pytest.raises(EngineFailed) as failed,
    ):
        painter.paint(rows(job(0)), Tell())

    assert str(failed.value) == "sd9 could not paint: ValueError: the weather is bad"


def test_float16_that_is_too_small_for_the_autoencoder_is_mended(stage: Stages) -> None:
    """What overflows is done again in float32; the pipeline beside it stays as it is."""
    torch = diffusers_torch()
    from overpaint.engines.diffusers.encoding import PictureCoder

    vae = diffusers().AutoencoderKL.from_config(stage("sd9").pipe.vae.config).eval()
    with torch.no_grad():
        latents = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(0))
        vae.decoder.conv_in.weight.mul_(3e5)
        vae.encoder.conv_in.weight.mul_(3e5)
        expected = vae.decode(latents).sample
        picture = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
        moments = vae.encode(picture).latent_dist.parameters
        vae.half()
        assert not vae.decode(latents.half()).sample.isfinite().all()
        coder = PictureCoder(vae)

        decoded = vae.decode(latents.half(), return_dict=False)[0]
        encoded = vae.encode(picture.half()).latent_dist.parameters

    assert coder.upcast
    assert decoded.isfinite().all()
    assert encoded.dtype == torch.float16
    assert (decoded - expected).abs().max() < 0.2 * expected.abs().max()
    assert (encoded - moments).abs().max() < 0.2 * moments.abs().max()
    coder.release()
    assert "encode" not in vars(vae)


def test_where_memory_runs_out_fewer_are_painted_at_once(stage: Stages) -> None:
    torch = diffusers_torch()
    one, jobs, watch = stage("fluxfill"), (job(0), job(1), job(2)), Watch()
    expected = one.paint(*jobs)
    given = []

    def hook(**kwargs: Any) -> None:
        given.append(len(kwargs["hidden_states"]))
        if given[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with one.painter() as painter, before_each_pass(one.pipe.transformer, hook):
        painted = arrays(painter.paint(rows(*jobs), watch))
        taken = list(painter.ladder.taken)
        given.clear()
        painter.paint(rows(*jobs), Tell())
    one.pipe.vae.disable_slicing()

    for ours, plain in zip(painted, expected, strict=True):
        assert levels_off(ours, plain) <= 1
    assert taken == ["the autoencoder takes one picture at a time", "1 at once"]
    assert set(given) == {1}  # it is remembered
    assert watch.steps[-1][0] == watch.steps[-1][1]


def test_a_batch_is_not_filled_up_beyond_what_memory_allows(stage: Stages) -> None:
    torch = diffusers_torch()
    one, given = stage("fluxfill"), []

    def hook(**kwargs: Any) -> None:
        given.append(len(kwargs["hidden_states"]))
        if given[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with (
        one.painter(batch=4, exact=True) as painter,
        before_each_pass(one.pipe.transformer, hook),
    ):
        painted = arrays(painter.paint(rows(*(job(i) for i in range(4))), Tell()))
        given.clear()
        arrays(painter.paint(rows(job(0)), Tell()))
    one.pipe.vae.disable_slicing()

    assert len(painted) == 4
    assert set(given) == {2}


def test_where_not_even_one_fits_it_says_what_to_do(stage: Stages) -> None:
    one = stage("fluxfill")

    def hook(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate")

    with (
        one.painter() as painter,
        before_each_pass(one.pipe.transformer, hook),
        pytest.raises(EngineFailed, match="cpu ran out of memory over one picture"),
    ):
        painter.paint(rows(job(0)), Tell())
    assert len(one.paint(job(0))) == 1


def test_a_seed_paints_the_same_picture_again(stage: Stages) -> None:
    one = stage("fluxfill")
    seeds = (0, 7, 2**63 - 1)

    first = one.paint(*(job(1, seed=seed) for seed in seeds))
    again = one.paint(*(job(1, seed=seed) for seed in seeds))

    np.testing.assert_array_equal(first, again)
    assert levels_off(first[0], first[1]) > 20
    assert levels_off(first[1], first[2]) > 20


def test_prompts_are_remembered_as_many_as_are_wanted(stage: Stages) -> None:
    one = stage("sd9")
    red, blue = job(0), job(0, prompt="a blue cat")
    encoded = []

    for entries in (256, 2, 0):
        with one.painter(prompt_cache=entries) as painter:
            for asked in (red, red, blue, red):  # and "ugly" each time
                painter.prompts.arguments([asked.prompt], [asked.negative_prompt])
            encoded.append(painter.prompts.encoded)

    assert encoded == [3, 4, 8]


def test_a_batch_is_filled_up_where_its_size_is_to_be_one(stage: Stages) -> None:
    one = stage("fluxfill")
    given = []

    def hook(**kwargs: Any) -> None:
        given.append(len(kwargs["hidden_states"]))

    with (
        one.painter(batch=3, exact=True) as painter,
        before_each_pass(one.pipe.transformer, hook),
    ):
        painted = arrays(painter.paint(rows(job(0), job(1)), Tell()))

    assert set(given) == {3}
    assert len(painted) == 2


def test_warming_up_paints_as_many_rows_as_it_is_told(stage: Stages) -> None:
    one = stage("fluxfill")
    given = []

    def hook(**kwargs: Any) -> None:
        given.append(len(kwargs["hidden_states"]))

    with one.painter() as painter, before_each_pass(one.pipe.transformer, hook):
        painter.warm(2)

    assert set(given) == {2}


def test_kandinsky_widens_a_mask_as_the_library_does() -> None:
    torch = diffusers_torch()
    from diffusers.pipelines.kandinsky2_2 import pipeline_kandinsky2_2_inpainting

    from overpaint.engines.diffusers.kandinsky import _widened

    theirs: Any = pipeline_kandinsky2_2_inpainting
    drawn = torch.Generator().manual_seed(0)
    kept = (torch.rand((3, 1, 9, 12), generator=drawn) > 0.1).float()

    assert torch.equal(_widened(kept), theirs.prepare_mask(kept.clone()))
