"""Every family paints in a batch what the library's own call paints alone with the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.diffusers_stage import (
    Stage,
    arrays,
    diffusers_torch,
    job,
    levels_off,
    rows,
    stages,
)
from tests.unit.diffusers_tiny import SIDE, TINY, diffusers

from overpaint.engines.diffusers.options import Scheduler
from overpaint.engines.diffusers.rows import Tell

Stages = Callable[..., Stage]

#: Families that take `image_reference`.
WITH_REFERENCE = ("kontext", "klein")
#: One of each way to be asked and to be encoded.
KINDS = (
    "sd9",
    "sdxl4",
    "sd3",
    "fluxfill",
    "flux",
    "klein",
    "qwen",
    "zimage",
    "kandinsky",
    "chroma",
)
#: What rounding may come to between batches of different sizes, levels of 255. The tiny Kandinsky's
#: random weights press it up step by step; a single row equals the library's to the bit.
ROUNDING = {"kandinsky": 4}


@pytest.fixture(scope="module")
def stage(tiny: Callable[[str], Path]) -> Stages:
    return stages(tiny)


@pytest.mark.parametrize("family", TINY)
def test_each_row_of_a_batch_is_what_the_library_paints_alone(family: str, stage: Stages) -> None:
    one = stage(family)
    jobs = [job(0), job(2)]  # they have no picture, mask, word or seed in common

    alone = [one.library(each) for each in jobs]

    for painted, expected in zip(one.paint(*jobs), alone, strict=True):
        assert levels_off(painted, expected) <= ROUNDING.get(family, 1)
    assert levels_off(alone[0], alone[1]) > 20


@pytest.mark.parametrize("family", KINDS)
def test_what_is_asked_changes_the_picture(family: str, stage: Stages) -> None:
    one = stage(family)
    plain = job(0)
    others = [replace(plain, prompt="a blue whale"), replace(plain, guidance=3.0)]
    if one.manner.family.takes_negative:
        others.append(replace(plain, negative_prompt="nothing green, please"))
    if family == "sd9":  # the others' equal the library's, which is given what differs
        others += [replace(plain, seed=99), replace(plain, steps=3), replace(plain, strength=0.5)]

    first, *changed = one.paint(plain, *others, batch=8)

    for asked, painted in zip(others, changed, strict=True):
        assert levels_off(painted, first) > 0, asked


@pytest.mark.parametrize(
    ("family", "kept"),
    [("sd9", 0.5), ("sd9", 0.97), ("sdxl4", 0.5), ("fluxfill", 0.97), ("qwen", 0.5)],
)
def test_what_is_kept_is_the_librarys_strength(family: str, kept: float, stage: Stages) -> None:
    one = stage(family)
    asked = job(1, strength=kept)

    (painted,) = one.paint(asked)

    assert levels_off(painted, one.library(asked)) <= 1


@pytest.mark.parametrize("family", ["sd9", "sdxl9", "fluxfill", "qwen", "kandinsky"])
def test_pictures_of_one_job_are_those_of_their_seeds_and_encoded_once(
    family: str, stage: Stages
) -> None:
    one = stage(family)
    jobs = [job(1, seed=seed) for seed in (20, 21)]

    with one.painter() as painter:
        together = arrays(painter.paint(rows(*jobs), Tell()))
        encoded, words = painter.coder.encoded, painter.prompts.encoded
    (alone,) = one.paint(jobs[1])

    assert levels_off(together[1], alone) <= ROUNDING.get(family, 1)
    assert levels_off(*together) > 20
    assert encoded <= 2  # the picture, and what is left of it beside the mask
    assert words <= 2  # the prompt, and the negative one


@pytest.mark.parametrize("family", ["sdxl4", "qwen"])
def test_remembering_what_was_encoded_changes_no_bit(family: str, stage: Stages) -> None:
    one = stage(family)
    jobs = [job(1, seed=seed) for seed in (20, 21)]

    with one.painter() as painter:
        first = arrays(painter.paint(rows(*jobs), Tell()))
        again = arrays(painter.paint(rows(*jobs), Tell()))
        assert painter.coder.asked > 2 * painter.coder.encoded
        painter.coder.forget()
        painter.prompts.forget()
        anew = arrays(painter.paint(rows(*jobs), Tell()))

    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, anew)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_with_exact_a_row_is_the_same_to_the_bit_in_any_company(dtype: str, stage: Stages) -> None:
    one = stage("sd9", dtype=dtype)

    asked, others = job(0, steps=1), (job(1, steps=1), job(2, steps=1))

    (alone,) = one.paint(asked, batch=3, exact=True)
    last = one.paint(*others, asked, batch=3, exact=True)[2]

    np.testing.assert_array_equal(alone, last)


@pytest.mark.parametrize(
    "name",
    ["EulerAncestralDiscrete", "DPMSolverMultistep", "LCM"],
)
def test_schedulers_that_draw_noise_draw_each_rows_own(name: str, stage: Stages) -> None:
    from overpaint.engines.diffusers.schedulers import set_scheduler

    one = stage("sd9", batch=2)  # its own pipeline, which the others do not see
    set_scheduler(diffusers(), one.pipe, Scheduler(name=name))
    alone = one.library(job(1))

    _, painted = one.paint(job(0), job(1))

    assert levels_off(painted, alone) <= 1


@pytest.mark.parametrize("family", WITH_REFERENCE)
def test_a_reference_goes_to_a_family_that_takes_one(family: str, stage: Stages) -> None:
    from PIL import Image

    one = stage(family)
    thing = np.random.default_rng(7).integers(0, 255, (32, 48, 4), np.uint8)
    thing[..., 3] = 255
    thing[:8, :8] = (1, 2, 3, 0)  # seen through: white
    plain, given = job(0), job(0, reference=thing)

    with_and_without = one.paint(plain, given)

    on_white = thing[..., :3].copy()
    on_white[:8, :8] = 255
    expected = one.library(given, image_reference=Image.fromarray(on_white))
    assert levels_off(with_and_without[0], one.library(plain)) <= 1
    assert levels_off(with_and_without[1], expected) <= 1
    assert levels_off(*with_and_without[:2]) > 0


def test_a_reference_is_no_larger_than_what_is_painted_and_fits_the_network(
    stage: Stages,
) -> None:
    seen: list[tuple[int, ...]] = []
    one = stage("klein")
    thing = np.full((300, 700, 4), 255, np.uint8)

    with one.painter() as painter:
        plain = one.pipe.vae.encode

        def encode(pictures: Any, **more: Any) -> Any:
            seen.append(tuple(pictures.shape))
            return plain(pictures, **more)

        one.pipe.vae.encode = encode
        arrays(painter.paint(rows(job(0, reference=thing)), Tell()))

    assert (1, 3, 28, SIDE) in seen


class OfItsOwn:
    """A pipeline that nobody knows: one picture a call, at its own size, little to be asked."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.asked = pipe, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    def __call__(
        self,
        prompt: str,
        image: Any,
        mask_image: Any,
        generator: Any,
        num_inference_steps: int,
        output_type: str,
        return_dict: bool,
    ) -> Any:
        self.asked += 1
        return self.pipe(
            prompt=prompt,
            image=image.resize((SIDE, SIDE)),
            mask_image=mask_image,
            generator=generator,
            num_inference_steps=num_inference_steps,
            output_type=output_type,
            return_dict=return_dict,
        )


@pytest.mark.parametrize("side", [SIDE, SIDE // 2])
def test_a_pipeline_that_is_not_in_the_table_is_called_job_by_job(side: int, stage: Stages) -> None:
    one = stage("sd9")
    unknown = OfItsOwn(one.pipe)
    family = replace(
        one.manner.family, name="other", embedding="none", batches=False, side=side, multiple=side
    )
    other = Stage(replace(one.loaded, pipe=unknown), replace(one.manner, family=family))
    jobs = [job(0, negative_prompt=""), job(1, negative_prompt="")]

    painted = other.paint(*jobs)

    assert unknown.asked == 2
    for each, asked in zip(painted, jobs, strict=True):
        assert each.shape == (SIDE, SIDE, 3)
        if side == SIDE:
            assert levels_off(each, one.library(asked)) <= 1


@pytest.mark.parametrize("family", ["sd4", "flux", "kandinsky"])
def test_the_mask_lies_where_it_was_drawn(family: str, stage: Stages) -> None:
    """Outside it the latents are the picture's own, so the decoder gives what it gives of them."""
    torch = diffusers_torch()
    one = stage(family)
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[4:24, 36:60] = True  # upper right: neither axis may be swapped or turned
    asked = job(0, mask=mask)

    (painted,) = one.paint(asked)

    inner = getattr(one.pipe, "decoder_pipe", one.pipe)
    coder = getattr(inner, "vae", None) or inner.movq
    with torch.no_grad():
        picture = torch.from_numpy(asked.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
        if hasattr(inner, "movq"):
            latents = coder.encode(picture).latents
            decoded = coder.decode(latents, force_not_quantize=True).sample
        else:
            decoded = coder.decode(coder.encode(picture).latent_dist.mode()).sample
    plain = ((decoded[0] / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).numpy()
    off = np.abs(painted - plain).mean(-1)
    far = np.zeros_like(mask)
    far[40:, :] = True
    assert off[mask].mean() > 2 * off[far].mean()


@pytest.mark.parametrize("family", ["sd9", "sdxl4"])
def test_the_end_of_a_prompt_that_clip_does_not_read_is_found(family: str, stage: Stages) -> None:
    from overpaint.engines.diffusers.prompts import unread

    one = stage(family)
    end = unread(one.pipe, one.manner.family.embedding)
    assert end is not None
    words = [f"{'ABCDEFGH'[i % 8]}{i}" for i in range(60)]
    text = " ".join(words)
    left = end(text)

    assert left
    assert text.endswith(left)
    read = text.removesuffix(left)
    assert end(read) == ""
    assert end(text) == left  # whatever was asked between
    cut = [one.paint(replace(job(0), prompt=prompt), batch=1)[0] for prompt in (text, read)]
    assert levels_off(*cut) == 0  # the encoder does not know the difference


def test_where_prompts_may_be_long_none_is_called_cut(stage: Stages) -> None:
    from overpaint.engines.diffusers.prompts import unread

    assert unread(stage("sd3").pipe, "sd3") is None
