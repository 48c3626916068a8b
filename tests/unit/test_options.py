from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from overpaint import options
from overpaint.errors import InvalidInput


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: options.check_seeds(0, 0), "n: must be a whole number between 1 and 4, got 0"),
        (lambda: options.check_seeds(0, 7), "n: must be a whole number between 1 and 4, got 7"),
        (lambda: options.check_seeds(0, True), "n: must be .* got True"),
        (lambda: options.check_seeds(0, 1.5), "n: must be .* got 1.5"),
        (lambda: options.check_seeds(-1, 1), "seed: must be .* between 0 and 9223372036854775807"),
        (lambda: options.check_seeds(2**63, 1), "seed: .* got 9223372036854775808"),
        (lambda: options.check_seeds("1", 1), "seed: must be a whole number .* got '1'"),
        (lambda: options.check_style("cubist"), "style: must be one of auto, .*, got cubist"),
        (lambda: options.check_style(None), "style: must be one of auto, .*, got None"),
        (lambda: options.check_size("big"), "size: must be .*WIDTHxHEIGHT.* got 'big'"),
        (lambda: options.check_size((512,)), "size: must be .* got .512,"),
        (lambda: options.check_size("10x512"), "size: .* between 64 and 4095 px a side, got 10"),
        (lambda: options.check_size((512, 4096)), "size: .* got 4096"),
        (lambda: options.check_colors(["12345"]), "mask_color: must be RRGGBB .* got '12345'"),
        (lambda: options.check_colors([(1, 2)]), "mask_color: must be RRGGBB or .r, g, b."),
        (lambda: options.check_colors([(1, 2, 256)]), "mask_color: .* between 0 and 255, got 256"),
        (lambda: options.check_colors(7), "mask_color: must be a list of colours, got 7"),
        (lambda: options.check_grow(513), "grow: .* between -512 and 512 px, got 513"),
        (lambda: options.check_feather(-0.5), "feather: must be between 0 and 256 px, got -0.5"),
        (lambda: options.check_feather(float("nan")), "feather: must be between 0 and 256 px"),
        (lambda: options.check_feather("soft"), "feather: must be .* got 'soft'"),
        (lambda: options.check_strength(1.01), "strength: must be between 0 and 1, got 1.01"),
        (lambda: options.check_strength("half"), "strength: must be between 0 and 1, got 'half'"),
        (lambda: options.check_strength(10**400), "strength: must be between 0 and 1, got 1000"),
        (
            lambda: options.check_strength(float("nan")),
            "strength: must be between 0 and 1, got nan",
        ),
        (lambda: options.check_guidance(0.5), "guidance: must be between 1 and 10, got 0.5"),
        (lambda: options.check_guidance(True), "guidance: must be between 1 and 10, got True"),
        (lambda: options.check_steps(0), "steps: .* whole number between 1 and 150, got 0"),
        (lambda: options.check_steps(151), "steps: .* whole number between 1 and 150, got 151"),
        (lambda: options.check_steps(2.5), "steps: .* between 1 and 150, got 2.5"),
        (lambda: options.check_steps(True), "steps: .* between 1 and 150, got True"),
        (lambda: options.check_flag(1, field="soft_mask"), "soft_mask: .* true or false, got 1"),
        (lambda: options.check_prompt(3), "prompt: must be text, got int"),
        (lambda: options.check_prompt("x" * 801), "prompt: .* at most 800 characters, got 801"),
        (
            lambda: options.check_prompt(None, field="negative_prompt"),
            "negative_prompt: must be text, got NoneType",
        ),
    ],
)
def test_each_mistake_is_named_with_field_limit_and_value(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        call()


def test_seeds_count_up_and_go_round_at_the_end() -> None:
    assert options.check_seeds(7, 3) == (7, 8, 9)
    assert options.check_seeds(2**63 - 1, 2) == (2**63 - 1, 0)
    assert options.check_seeds(np.int64(5), 1) == (5,)


@pytest.mark.parametrize("size", ["720x1280", "720*1280", " 720 X 1280 ", (720, 1280), [720, 1280]])
def test_sizes_are_read_as_width_and_height(size: object) -> None:
    assert options.check_size(size) == (720, 1280)
    assert options.check_size(None) is None


def test_colours_are_read_in_every_form() -> None:
    assert options.check_colors(["#FF8000", "00ff00", (1, 2, 3)]) == (
        (255, 128, 0),
        (0, 255, 0),
        (1, 2, 3),
    )
    assert options.check_colors("ff0000") == ((255, 0, 0),)


def test_white_space_round_a_prompt_is_dropped() -> None:
    assert options.check_prompt("  红色的帽子\n") == "红色的帽子"
