"""What a job's options become for each family; no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from overpaint.engines.diffusers.asking import Asked, Manner
from overpaint.engines.diffusers.family import FAMILIES
from overpaint.values import PaintJob


def manner(family: str, *, few_steps: bool = False, **more: Any) -> Manner:
    return Manner(name="org/one", family=replace(FAMILIES[family], **more), few_steps=few_steps)


def job(size: tuple[int, int] = (512, 512), **more: Any) -> PaintJob:
    mask = np.zeros(size, np.bool_)
    mask[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = True
    own = {"pixels": np.full((*size, 3), 90, np.uint8), "mask": mask, "prompt": "a cat"}
    return PaintJob(**{**own, **more})


def ask(family: str, **more: Any) -> Asked:
    return manner(family).ask(job(**more))


@pytest.mark.parametrize(
    ("family", "own", "ordinary", "three"),
    [
        ("sd", 7.5, 7.5, 3.0),
        ("qwen-image", 4.0, 7.5, 3.0),
        ("z-image", 5.0, 6.5, 2.0),  # counts what is added to the words' own
        ("flux-fill", 30.0, 30.0, 12.0),
    ],
)
def test_guidance_is_said_on_one_scale_for_all(
    family: str, own: float, ordinary: float, three: float
) -> None:
    assert ask(family).guidance == own  # 1 is the checkpoint's own
    assert ask(family, guidance=7.5).guidance == ordinary
    assert ask(family, guidance=3.0).guidance == pytest.approx(three)


@pytest.mark.parametrize(
    "one",
    [
        manner("sdxl", few_steps=True, guidance=1.5),
        manner("flux", few_steps=True),
        manner("z-image", guidance=0.0),
        manner("sd", guidance=1.0),
    ],
)
def test_a_checkpoint_made_for_one_guidance_keeps_it_and_says_so(one: Manner) -> None:
    asked = one.ask(job(guidance=3.0))

    assert asked.guidance == one.family.guidance
    assert asked.notes == ("org/one was made for one guidance: 3 is ignored",)
    assert one.ask(job()).notes == ()


def test_a_second_pass_is_made_where_it_says_anything() -> None:
    assert ask("sd").guided
    assert not ask("flux").guided
    assert ask("flux", negative_prompt="ugly").guided
    assert not ask("flux-fill", negative_prompt="ugly").guided  # it takes none
    assert not manner("sd", guidance=1.0).ask(job()).guided


def test_a_negative_prompt_without_effect_is_told() -> None:
    asked = manner("z-image", guidance=0.0).ask(job(negative_prompt="ugly"))

    assert asked.negative == ""
    assert asked.notes == ("org/one is not guided, so the negative prompt has no effect",)


@pytest.mark.parametrize(
    ("family", "kept", "steps", "strength"),
    [
        ("sd", 0.0, 30, 1.0),
        ("sdxl", 0.0, 30, 0.9999),
        ("sdxl", 0.00001, 30, 0.9999),
        ("sdxl", 0.0, 1, 1.0),  # 0.9999 of one step would be none
        ("sd3", 0.0, 28, 1.0),  # its pipeline's own would keep four tenths
        ("sd", 0.8, 10, 0.2),
        ("sd", 0.9, 10, 0.10001),
        ("sd", 1.0, 50, 0.020002),
        ("flux-fill", 1.0, 50, 0.02),
        ("kandinsky", 0.5, 50, 1.0),
    ],
)
def test_strength_is_what_is_repainted_and_leaves_a_step(
    family: str, kept: float, steps: int, strength: float
) -> None:
    assert ask(family, strength=kept, steps=steps).strength == pytest.approx(strength, abs=1e-9)


def test_a_checkpoint_of_few_steps_does_them_all() -> None:
    """Of 4 steps at SDXL's own strength of 0.9999 its pipeline does 3."""
    assert manner("sdxl", few_steps=True).ask(job()).strength == 1


def test_every_number_of_steps_leaves_one_to_do() -> None:
    """As the pipelines count: U-Nets round what is repainted down, transformers what is kept."""
    for steps in range(1, 151):
        strength = ask("sd", strength=1.0, steps=steps).strength
        assert min(int(steps * strength), steps) == 1, steps

        strength = ask("qwen-image", strength=1.0, steps=steps).strength
        assert steps - int(max(steps - min(steps * strength, steps), 0)) == 1, steps


def test_steps_are_the_jobs_or_the_checkpoints() -> None:
    assert ask("sd").steps == 30
    assert ask("sd", steps=7).steps == 7


def test_jobs_asked_alike_share_a_batch() -> None:
    plain = ask("sd")

    for other in ({"prompt": "a dog"}, {"seed": 5}, {"negative_prompt": "ugly"}, {"strength": 0.0}):
        assert ask("sd", **other).bucket == plain.bucket
    for other in ({"steps": 3}, {"strength": 0.5}, {"guidance": 3.0}):
        assert ask("sd", **other).bucket != plain.bucket


@pytest.mark.parametrize(
    ("size", "painted"),
    [
        ((512, 512), (512, 512)),
        ((100, 100), (512, 512)),
        ((300, 600), (256, 512)),
        ((600, 333), (512, 288)),  # 284 is brought to the multiple by reflection
        ((1, 900), (8, 512)),
    ],
)
def test_a_job_is_painted_at_the_checkpoints_side(
    size: tuple[int, int], painted: tuple[int, int]
) -> None:
    one, given = manner("sd"), job(size)
    asked = one.ask(given)

    pixels, mask = one.fit(given)

    assert (asked.height, asked.width) == painted
    assert pixels.shape == (*painted, 3)
    assert mask.shape == painted
    assert one.fit_back(given, pixels).shape == (*size, 3)


def test_a_job_of_the_right_size_is_not_resampled() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    given = job(pixels=pixels)

    fitted, mask = manner("sd").fit(given)

    np.testing.assert_array_equal(fitted, pixels)
    np.testing.assert_array_equal(mask, given.mask)
    np.testing.assert_array_equal(manner("sd").fit_back(given, fitted), pixels)


def test_a_style_is_said_in_the_prompts_language() -> None:
    assert ask("sd", style="oil painting").prompt == "a cat, oil painting"
    assert ask("sd", style="oil painting", prompt="").prompt == "oil painting"
    assert ask("qwen-image", prompt="一只猫。", style="anime").prompt == "一只猫，动漫风格"
    assert ask("sd", prompt="一只猫", style="anime").prompt == "一只猫, anime style illustration"
    assert ask("sd", style="auto").prompt == "a cat"


def test_chinese_is_passed_on_and_told_where_it_is_not_read() -> None:
    read, unread = ask("qwen-image", prompt="一只猫 and 狗"), ask("sd", prompt="一只猫 and 狗")

    assert read.prompt == unread.prompt == "一只猫 and 狗"
    assert read.notes == ()
    assert unread.notes == ("org/one reads English only: 一只猫 狗 was passed as it is",)


def test_what_is_cut_off_a_prompt_is_told() -> None:
    short = replace(manner("sd"), unread=lambda text: text[12:])

    asked = short.ask(job(prompt="a cat on a mat", style="anime"))

    assert asked.prompt == "a cat on a mat, anime style illustration"
    assert asked.notes == (
        'org/one reads the beginning only: "at, anime style illustration" was left out',
    )
    assert short.ask(job(prompt="a cat")).notes == ()


def test_a_prompt_that_takes_away_is_painted_without_words() -> None:
    asked = ask("qwen-image", prompt="去掉路人", style="anime")

    assert asked.prompt == ""
    assert asked.notes == (
        '"去掉路人" only asks to take something away: org/one painted without words; '
        "the engine erase is made for it",
    )
    assert ask("qwen-image", prompt=" ").notes == ()
