from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from overpaint.composer.conditions import CONDITIONS, PLANES, Floats, palette_of_colors
from overpaint.diffusion.schedule import SIDES, STEPS
from overpaint.engines.painting import MULTIPLE, Sheet, paint, shape_for
from overpaint.values import Mask, Rgb8

LEVELS = (0, 1, 2)
SHAPES = [(1, 1), (16, 16), (97, 131), (260, 340), (1536, 96), (96, 1536), (4095, 17), (1536, 1536)]


class Network:
    """Predicts the exemplar, brighter; remembers what it was given."""

    def __init__(self, brighter: float = 0.0) -> None:
        self.calls: list[dict[str, Floats]] = []
        self._brighter = brighter

    def __call__(self, inputs: Mapping[str, Floats]) -> Floats:
        self.calls.append(dict(inputs))
        guess: Floats = plane(inputs, "exemplar") + np.float32(self._brighter)
        return guess


def plane(inputs: Mapping[str, Floats], name: str) -> Floats:
    start = 0
    for one, channels in PLANES:
        if one == name:
            return inputs["planes"][:, start : start + channels]
        start += channels
    raise KeyError(name)


def given(inputs: Mapping[str, Floats]) -> set[str]:
    """The conditions that are present."""
    return {name for name, on in zip(CONDITIONS, inputs["present"][0], strict=True) if on}


def oval(height: int, width: int) -> Mask:
    drawn = np.zeros((height, width), np.uint8)
    axes = (max(1, width // 4), max(1, height // 4))
    cv2.ellipse(drawn, (width // 2, height // 2), axes, 0, 0, 360, 255, -1)
    return drawn.astype(bool)


def picture(height: int, width: int) -> Rgb8:
    ys, xs = np.mgrid[0:height, 0:width]
    gray = 128 + 60 * np.sin(xs / 9) * np.cos(ys / 7)
    return np.dstack([gray, gray * 0.8, gray * 0.6]).astype(np.uint8)


def sheet(height: int = 200, width: int = 260, **said: Any) -> Sheet:
    mask = oval(height, width)
    plain: dict[str, Any] = {
        "recomposed": picture(height, width),
        "mask": mask,
        "silhouette": mask.astype(np.float32) * np.float32(0.7),
        "words": np.zeros(5, np.float32),
    }
    return Sheet(**{**plain, **said})


TOLD: dict[str, dict[str, Any]] = {
    "text": {"words": np.array([0, 1, 0, 2, 0], np.float32)},
    "palette": {"palette": palette_of_colors([(200, 30, 30)])},
    "sketch": {"sketch": oval(200, 260).astype(np.float32)},
    "intensity": {"keeps_light": True},
}


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize("levels", [(0,), (0, 1), LEVELS, (0, 1, 2, 3)])
def test_every_size_has_a_shape_that_can_be_halved(
    height: int, width: int, levels: tuple[int, ...]
) -> None:
    level, rows, columns = shape_for(height, width, levels)
    assert level in levels
    unit = MULTIPLE * 2**level
    assert rows >= unit
    assert columns >= unit
    assert rows % unit == columns % unit == 0
    assert rows * columns <= 2 * SIDES[level] ** 2


@pytest.mark.parametrize(
    ("side", "level"), [(64, 0), (95, 0), (96, 1), (191, 1), (192, 2), (256, 2), (1536, 2)]
)
def test_larger_regions_are_painted_larger(side: int, level: int) -> None:
    assert shape_for(side, side, LEVELS) == (level, SIDES[level], SIDES[level])


def test_the_largest_level_is_used_only_if_it_was_trained() -> None:
    assert shape_for(600, 600, (0, 1, 2, 3)) == (3, 512, 512)
    assert shape_for(600, 600, LEVELS) == (2, 256, 256)


def test_the_shape_of_the_region_is_kept() -> None:
    assert shape_for(300, 400, LEVELS)[1:] == (192, 256)
    assert shape_for(1536, 384, LEVELS)[1:] == (512, 128)


def test_a_network_that_changes_nothing_changes_nothing() -> None:
    assert np.abs(paint(Network(), sheet(), LEVELS)).max() < 1e-3


def test_what_the_network_adds_is_added_at_the_full_size() -> None:
    one = replace(sheet(700, 900), recomposed=np.full((700, 900, 3), 100, np.uint8))
    change = paint(Network(0.2), one, LEVELS)
    assert change.shape == (700, 900, 3)
    inner = cv2.erode(one.mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert np.abs(change[inner] - 0.2 * 127.5).max() < 0.01
    assert not change[~one.mask].any()


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_any_size_is_painted(height: int, width: int) -> None:
    one = sheet(height, width)
    change = paint(Network(0.1), one, LEVELS)
    assert change.shape == (height, width, 3)
    assert np.isfinite(change).all()
    assert change[one.mask].any()
    assert not change[~one.mask].any()


def test_planes_are_what_the_painter_was_trained_on() -> None:
    network = Network()
    paint(network, sheet(256, 256, **TOLD["sketch"] | {"sketch": oval(256, 256)}), LEVELS)
    sides = [call["planes"].shape[2:] for call in network.calls]
    assert sides == [(64, 64)] * STEPS[0] + [(128, 128)] * STEPS[1] + [(256, 256)] * STEPS[2]
    for call in network.calls:
        mask = plane(call, "mask")
        assert set(np.unique(mask)) == {0, 1}
        outside = np.broadcast_to(mask == 0, plane(call, "context").shape)
        assert not plane(call, "context")[~outside].any()
        for name in ("state", "exemplar"):
            assert np.array_equal(plane(call, name)[outside], plane(call, "context")[outside])
        assert not np.array_equal(plane(call, "state"), plane(call, "exemplar"))
        for name in ("silhouette", "sketch", "intensity"):
            assert not plane(call, name)[mask == 0].any()
        assert plane(call, "sketch").max() == 1  # however small, lines keep their strength
    top = network.calls[-1]
    wanted = picture(256, 256).astype(np.float32) / 127.5 - 1
    assert np.allclose(plane(top, "exemplar")[0].transpose(1, 2, 0), wanted, atol=1e-5)


@pytest.mark.parametrize("name", TOLD)
def test_a_condition_reaches_the_network_only_if_it_is_given(name: str) -> None:
    without, with_it = Network(), Network()
    paint(without, sheet(), LEVELS)
    paint(with_it, sheet(**TOLD[name]), LEVELS)
    assert given(without.calls[0]) == {"exemplar", "silhouette", "context"}
    assert given(with_it.calls[0]) == {name, "exemplar", "silhouette", "context"}
    changed = {key for key, value in with_it.calls[0].items()
               if not np.array_equal(value, without.calls[0][key])}  # fmt: skip
    field = {"text": "words", "palette": "palette"}.get(name, "planes")
    assert changed == {field, "present"}
    if field == "planes":
        for one, _ in PLANES:
            same = np.array_equal(plane(with_it.calls[0], one), plane(without.calls[0], one))
            assert same == (one != name)


def test_intensity_is_the_luma_of_the_recomposed_picture() -> None:
    network = Network()
    gray = np.full((256, 256, 3), 178, np.uint8)
    paint(network, sheet(256, 256, recomposed=gray, keeps_light=True), LEVELS)
    inside = plane(network.calls[0], "mask") == 1
    assert np.allclose(plane(network.calls[0], "intensity")[inside], 178 / 127.5 - 1, atol=1e-4)


def test_thin_lines_stay_lines_however_small_they_are_painted() -> None:
    drawn = np.zeros((1400, 1400), np.float32)
    drawn[700, 500:900] = 1
    network = Network()
    paint(network, sheet(1400, 1400, sketch=drawn), LEVELS)
    for call in network.calls:
        lines = plane(call, "sketch")[0, 0]
        assert lines.max() > 0.5
        assert 0 < (lines > 0.25).sum() <= 2 * len(lines)


def test_guidance_presses_each_condition_that_is_given() -> None:
    network = Network(0.1)
    paint(network, sheet(**TOLD["text"], **TOLD["sketch"], guidance=5.0), (0,))
    asked = [given(call) for call in network.calls[:3]]
    whole = {"text", "exemplar", "sketch", "silhouette", "context"}
    assert asked == [whole, whole - {"text"}, whole - {"sketch"}]
    assert not network.calls[1]["words"].any()
    assert not plane(network.calls[2], "sketch").any()
    assert all(np.array_equal(plane(c, "state"), plane(network.calls[0], "state"))
               for c in network.calls[:3])  # fmt: skip


def test_guidance_goes_away_from_what_is_painted_without_a_condition() -> None:
    def brighter_when_told(inputs: Mapping[str, Floats]) -> Floats:
        told = np.float32(0.05 * inputs["words"].sum())
        whole: Floats = plane(inputs, "state") * 0 + told
        return whole

    flat = np.full((200, 260, 3), 128, np.uint8)
    said = TOLD["text"] | {"recomposed": flat}
    plain = paint(brighter_when_told, sheet(**said), LEVELS)
    pressed = paint(brighter_when_told, sheet(**said, guidance=3.0), LEVELS)
    middle = (100, 130, 0)
    assert plain[middle] == pytest.approx(0.15 * 127.5 - 0.5, abs=0.1)
    assert pressed[middle] == pytest.approx(0.45 * 127.5 - 0.5, abs=0.1)


def test_what_is_kept_begins_with_less_noise() -> None:
    def keeps_its_state(inputs: Mapping[str, Floats]) -> Floats:
        return plane(inputs, "state")

    moved = [np.abs(paint(keeps_its_state, sheet(start=start), LEVELS)).mean()
             for start in (1.0, 0.5, 0.1, 0.0)]  # fmt: skip
    assert moved[0] > moved[1] > moved[2] > moved[3] > 0


def test_the_seed_alone_decides_the_noise() -> None:
    def states(seed: int) -> list[Floats]:
        network = Network()
        paint(network, sheet(seed=seed), LEVELS)
        return [plane(call, "state") for call in network.calls]

    first = states(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, states(1), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, states(2), strict=True))


def test_every_step_is_shown() -> None:
    seen: list[tuple[int, int, tuple[int, ...]]] = []
    flat = np.full((256, 256, 3), 100, np.uint8)
    pictures: list[Rgb8] = []

    def on_step(done: int, total: int, preview: Rgb8) -> None:
        seen.append((done, total, preview.shape))
        pictures.append(preview)

    paint(Network(0.2), sheet(256, 256, recomposed=flat), LEVELS, on_step)
    total = sum(STEPS[:3])
    assert [done for done, _, _ in seen] == list(range(1, total + 1))
    assert {of for _, of, _ in seen} == {total}
    assert seen[0][2] == (64, 64, 3)
    assert seen[-1][2] == (256, 256, 3)
    assert np.array_equal(pictures[-1][0, 0], [100, 100, 100])
    assert np.abs(pictures[-1][128, 128].astype(int) - 126).max() <= 1


def test_a_large_region_needs_little_memory() -> None:
    one = sheet(1536, 1536)
    raw = 1536 * 1536 * 3 * 4
    tracemalloc.start()
    try:
        paint(Network(), one, LEVELS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * raw
