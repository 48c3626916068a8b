from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.unit.tiny_graph import tiny_graph

from overpaint.composer.conditions import CONDITIONS, Floats
from overpaint.composer.vocabulary import Vocabulary
from overpaint.diffusion.schedule import STEPS
from overpaint.engines import builtin
from overpaint.engines.builtin import BuiltinEngine, Painter
from overpaint.engines.collage import CollageEngine
from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, UnknownConcept
from overpaint.values import Mask, PaintedRegion, PaintJob, Rgb8, Step

TOKENS = ["action:remove", "concept:glasses", "concept:balloon", "color:red", "style:auto"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that leaves most of the recomposed picture, but in other tones."""
    path = tmp_path_factory.mktemp("weights") / "painter.onnx"
    path.write_bytes(tiny_graph(len(TOKENS), {"tokens": TOKENS}))
    return path


@pytest.fixture(scope="module")
def engine(weights: Path) -> BuiltinEngine:
    return BuiltinEngine(weights)


@cache
def collage() -> CollageEngine:
    return CollageEngine()


def scene(height: int = 150, width: int = 195) -> Rgb8:
    rng = np.random.default_rng(0)
    ys, xs = np.mgrid[0:height, 0:width]
    gray = 140 + 40 * np.sin(xs / 30) * np.cos(ys / 40) + rng.normal(0, 3, (height, width))
    pixels: Rgb8 = np.clip(np.dstack([gray, gray + 8, gray - 6]), 0, 255).astype(np.uint8)
    return pixels


def oval(height: int = 150, width: int = 195) -> Mask:
    drawn = np.zeros((height, width), np.uint8)
    axes = (max(1, width * 4 // 10), max(1, height * 4 // 10))
    cv2.ellipse(drawn, (width // 2, height // 2), axes, 0, 0, 360, 255, -1)
    return drawn.astype(bool)


def job(prompt: str, **said: Any) -> PaintJob:
    return PaintJob(prompt=prompt, **{"pixels": scene(), "mask": oval(), "seed": 1, **said})


def seen(painted: PaintedRegion, picture: Rgb8, mask: Mask) -> Rgb8:
    """The layer laid over the picture, inside the mask."""
    cover = np.ones(mask.shape) if painted.coverage is None else painted.coverage
    share = (cover * mask)[..., None]
    return np.rint(painted.pixels * share + picture * (1 - share)).astype(np.uint8)


def painter(network: Any, *, refine_removal: bool = True) -> Painter:
    return Painter(
        network=network,
        vocabulary=Vocabulary(TOKENS),
        levels=(0, 1, 2),
        refine_removal=refine_removal,
    )


class Recorder:
    """Predicts the exemplar, brighter by `brighter` of the range -1 to 1."""

    def __init__(self, brighter: float = 0.0) -> None:
        self.calls: list[dict[str, Floats]] = []
        self._brighter = np.float32(brighter)

    def __call__(self, inputs: Mapping[str, Floats]) -> Floats:
        self.calls.append(dict(inputs))
        guess: Floats = inputs["planes"][:, 7:10] + self._brighter
        return guess

    @property
    def given(self) -> set[str]:
        present = self.calls[0]["present"][0]
        return {name for name, on in zip(CONDITIONS, present, strict=True) if on}

    @property
    def words(self) -> dict[str, float]:
        bag = self.calls[0]["words"][0]
        return {token: float(count) for token, count in zip(TOKENS, bag, strict=True) if count}


def with_network(network: Any, **options: bool) -> BuiltinEngine:
    made = BuiltinEngine()
    made._painter = painter(network, **options)
    return made


def test_is_an_engine_that_takes_all_there_is(engine: BuiltinEngine) -> None:
    assert isinstance(engine, Engine)
    info = engine.info
    assert info.name == "builtin"
    assert info.takes_reference
    assert info.takes_style
    assert info.takes_sketch
    assert info.takes_palette
    assert info.takes_strength
    assert info.takes_guidance
    assert info.takes_negative
    assert not info.takes_steps  # it has one step, or few that were trained


def test_where_nothing_is_put_in_the_picture_stays_as_it_was(engine: BuiltinEngine) -> None:
    one = job("add red glasses")
    plain = collage().paint([one])[0]
    painted = engine.paint([one])[0]
    assert plain.coverage is not None
    assert painted.coverage is not None
    there = (plain.coverage > builtin.THERE) & one.mask
    rows, columns = np.nonzero(there)
    reach = int(builtin.REACH * (max(np.ptp(rows), np.ptp(columns)) + 1)) + 2
    near = cv2.dilate(there.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    result = seen(painted, one.pixels, one.mask)
    assert (one.mask & ~near).any()
    assert np.array_equal(result[~near], one.pixels[~near])
    assert not np.array_equal(result, seen(plain, one.pixels, one.mask))


def test_a_network_that_changes_nothing_leaves_the_collage() -> None:
    for prompt in ("add red glasses", "把狗换成红色的气球", "remove the dog"):
        one = job(prompt)
        painted = with_network(Recorder()).paint([one])[0]
        plain = collage().paint([one])[0]
        assert (painted.coverage is None) == (plain.coverage is None)
        difference = seen(painted, one.pixels, one.mask).astype(int) - seen(
            plain, one.pixels, one.mask
        )
        assert np.abs(difference).max() <= 1


def test_what_the_network_changes_is_seen_where_a_thing_is_and_close_to_it() -> None:
    one = job("add a red balloon")
    plain = collage().paint([one])[0]
    assert plain.coverage is not None
    below = seen(plain, one.pixels, one.mask).astype(int)
    result = seen(with_network(Recorder(-0.2)).paint([one])[0], one.pixels, one.mask)
    change = (result - below)[..., 0]
    inner = cv2.erode((plain.coverage * one.mask > 0.99).astype(np.uint8), np.ones((9, 9))) > 0
    assert inner.any()
    assert np.abs(change[inner] + 0.2 * 127.5).max() <= 2
    beside = (plain.coverage == 0) & one.mask
    assert change[beside].min() < -5
    assert (change[beside] == 0).any()


def test_replacing_paints_the_whole_mask() -> None:
    one = job("把狗换成红色的气球")
    painted = with_network(Recorder(0.2)).paint([one])[0]
    assert painted.coverage is None
    assert np.array_equal(painted.pixels[~one.mask], one.pixels[~one.mask])


def test_letters_are_laid_over_what_is_painted() -> None:
    one = job('replace with a red balloon with the text "HI" in white')
    dark = seen(with_network(Recorder(-2.0)).paint([one])[0], one.pixels, one.mask)
    assert (dark[one.mask] > 200).all(axis=1).any()
    assert (dark[one.mask] < 5).all(axis=1).any()


def test_letters_alone_are_not_painted() -> None:
    network = Recorder(0.2)
    one = job('add the text "HI"')
    painted = with_network(network).paint([one])[0]
    assert not network.calls
    assert np.array_equal(painted.pixels, collage().paint([one])[0].pixels)


def test_removing_refines_the_continued_background_unless_the_weights_say_no() -> None:
    one = job("remove the dog")
    plain = collage().paint([one])[0]
    network = Recorder(0.2)
    assert not np.array_equal(with_network(network).paint([one])[0].pixels, plain.pixels)
    assert network.words == {"action:remove": 1, "style:auto": 1}
    silhouette = network.calls[0]["planes"][:, 10]
    assert not silhouette.any()
    unrefined = with_network(network, refine_removal=False).paint([one])[0]
    assert np.array_equal(unrefined.pixels, plain.pixels)


def test_the_prompt_reaches_the_network_in_its_own_words() -> None:
    chinese, english = Recorder(), Recorder()
    with_network(english).paint([job("add red glasses")])
    with_network(chinese).paint([job("加一副红色眼镜")])
    assert english.words == {"concept:glasses": 1, "color:red": 1, "style:auto": 1}
    assert chinese.words == english.words
    assert english.given == {"text", "exemplar", "silhouette", "context"}


@pytest.mark.parametrize(
    ("said", "condition"),
    [
        ({"palette": ((255, 0, 0),), "palette_weights": (1.0,)}, "palette"),
        ({"sketch": oval().astype(np.float32)}, "sketch"),
        ({"strength": 0.4}, "intensity"),
    ],
)
def test_what_else_is_asked_for_reaches_the_network(said: dict[str, Any], condition: str) -> None:
    network = Recorder()
    with_network(network).paint([job("a balloon", **said)])
    assert network.given == {"text", "exemplar", "silhouette", "context", condition}


def test_what_is_recoloured_keeps_its_own_light() -> None:
    one = job("make it blue")
    network = Recorder(0.3)
    painted = with_network(network).paint([one])[0]
    assert network.calls == []
    assert np.array_equal(painted.pixels, collage().paint([one])[0].pixels)


def test_under_guidance_the_colours_that_are_said_are_a_palette_too() -> None:
    for guidance, told in ((1.0, False), (4.0, True)):
        network = Recorder()
        with_network(network).paint([job("a red balloon", guidance=guidance)])
        assert ("palette" in network.given) is told


def test_strength_begins_with_less_noise_and_guidance_asks_more_often() -> None:
    calls = {}
    for name, said in {
        "plain": {},
        "kept": {"strength": 0.8},
        "pressed": {"guidance": 4.0},
    }.items():
        network = Recorder()
        with_network(network).paint([job("a balloon", **said)])
        calls[name] = len(network.calls)
    assert calls["plain"] == sum(STEPS[:3])
    assert calls["kept"] < calls["plain"]
    assert calls["pressed"] == 2 * calls["plain"]  # once more without the text


def test_the_same_job_gives_the_same_pixels_whatever_else_is_painted(
    engine: BuiltinEngine,
) -> None:
    base = job("add red glasses")
    jobs = [replace(base, seed=seed) for seed in (5, 6, 7)]
    jobs.insert(1, job("a red balloon", pixels=scene(97, 131), mask=oval(97, 131)))
    together = engine.paint(jobs)
    for one, painted in zip(jobs, together, strict=True):
        alone = engine.paint([one])[0]
        assert np.array_equal(alone.pixels, painted.pixels)
    assert not np.array_equal(together[0].pixels, together[2].pixels)


def test_steps_come_with_previews(engine: BuiltinEngine) -> None:
    steps: list[Step] = []
    engine.paint([job("a balloon", seed=seed) for seed in (1, 2)], steps.append)
    total = 2 * sum(STEPS[:3])
    assert [(step.done, step.total) for step in steps] == [(i + 1, total) for i in range(total)]
    for step in steps:
        assert step.preview is not None
        assert step.preview.dtype == np.uint8
        assert step.preview.shape[2] == 3
    assert steps[0].preview is not None
    assert steps[-1].preview is not None
    assert steps[0].preview.size < steps[-1].preview.size


@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (97, 131), (33, 257), (1536, 40), (40, 1536), (17, 4095)]
)
def test_regions_of_any_shape_are_painted(engine: BuiltinEngine, height: int, width: int) -> None:
    one = job("a red balloon", pixels=scene(height, width), mask=oval(height, width))
    painted = engine.paint([one])[0]
    assert painted.pixels.shape == (height, width, 3)
    assert painted.pixels.dtype == np.uint8
    assert np.array_equal(painted.pixels[~one.mask], one.pixels[~one.mask])
    if painted.coverage is not None:
        assert painted.coverage.shape == (height, width)
        assert painted.coverage.dtype == np.float32
        assert painted.coverage.min() >= 0
        assert painted.coverage.max() <= 1


def test_nothing_given_is_changed(engine: BuiltinEngine) -> None:
    one = job("a balloon", sketch=oval().astype(np.float32))
    before = (one.pixels.copy(), one.mask.copy(), np.array(one.sketch))
    engine.paint([one])
    assert np.array_equal(one.pixels, before[0])
    assert np.array_equal(one.mask, before[1])
    assert np.array_equal(np.array(one.sketch), before[2])


def test_an_unknown_thing_is_told(engine: BuiltinEngine) -> None:
    with pytest.raises(UnknownConcept):
        engine.paint([job("a flurbwazzle")])


def test_missing_weights_are_told(tmp_path: Path) -> None:
    missing = BuiltinEngine(tmp_path / "painter.onnx")
    with pytest.raises(EngineFailed, match=r"the painter's weights are missing: .*painter\.onnx"):
        missing.paint([job("a balloon")])


def test_torn_weights_are_told(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "painter.onnx"
    path.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(EngineFailed, match="weights cannot be read"):
        BuiltinEngine(path).paint([job("a balloon")])


@pytest.mark.parametrize("said", [{"levels": None}, {"levels": ["x"]}])
def test_weights_that_do_not_say_what_they_are_are_refused(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    path = tmp_path / "painter.onnx"
    path.write_bytes(tiny_graph(len(TOKENS), said))
    with pytest.raises(EngineFailed, match="does not say its tokens and levels"):
        Painter.open(path)


def test_it_may_be_used_again_after_it_was_closed(weights: Path) -> None:
    made = BuiltinEngine(weights)
    first = made.paint([job("a balloon")])[0]
    made.close()
    assert np.array_equal(made.paint([job("a balloon")])[0].pixels, first.pixels)
