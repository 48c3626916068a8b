from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from overpaint.concepts.library import ConceptLibrary
from overpaint.engines import collage
from overpaint.engines.collage import MAX_OBJECTS, CollageEngine
from overpaint.engines.protocol import Engine
from overpaint.engines.recompose import Thing
from overpaint.errors import InvalidPrompt, UnknownConcept
from overpaint.imaging.oklab import to_oklab
from overpaint.values import Mask, PaintedRegion, PaintJob, Rgb8, Rgba8, Step


@cache
def engine() -> CollageEngine:
    return CollageEngine()


def scene() -> Rgb8:
    rng = np.random.default_rng(0)
    ys, xs = np.mgrid[0:260, 0:340]
    gray = 140 + 40 * np.sin(xs / 30) * np.cos(ys / 40) + rng.normal(0, 3, (260, 340))
    pixels: Rgb8 = np.clip(np.dstack([gray, gray + 8, gray - 6]), 0, 255).astype(np.uint8)
    return pixels


def oval(cx: int = 170, cy: int = 130, rx: int = 80, ry: int = 60) -> Mask:
    drawn = np.zeros((260, 340), np.uint8)
    cv2.ellipse(drawn, (cx, cy), (rx, ry), 0, 0, 360, 255, -1)
    return drawn.astype(bool)


def job(prompt: str, **options: object) -> PaintJob:
    said = {"pixels": scene(), "mask": oval(), "seed": 1, **options}
    return PaintJob(prompt=prompt, **said)  # type: ignore[arg-type]


def paint(prompt: str, **options: object) -> PaintedRegion:
    return engine().paint([job(prompt, **options)])[0]


def cover(painted: PaintedRegion) -> np.ndarray:
    assert painted.coverage is not None
    return painted.coverage


def hue(pixels: np.ndarray) -> float:
    """Of the strongly coloured pixels, degrees in OKLab: red 29, green 142, blue 264."""
    lab = to_oklab(pixels.reshape(1, -1, 3))[0]
    strong = lab[np.hypot(lab[:, 1], lab[:, 2]) > 0.08]
    return float(np.degrees(np.arctan2(strong[:, 2].mean(), strong[:, 1].mean())) % 360)


def test_is_an_engine() -> None:
    assert isinstance(engine(), Engine)


def test_adding_leaves_what_is_beside_the_object() -> None:
    painted = paint("add a red balloon")
    coverage = cover(painted)
    assert (coverage[oval()] < 0.01).any()
    assert (coverage > 0.95).sum() > 0.2 * oval().sum()
    assert not coverage[:40].any()


def test_replacing_continues_the_background() -> None:
    painted = paint("把狗换成红色的气球")
    assert painted.coverage is None
    assert np.array_equal(painted.pixels[~oval()], scene()[~oval()])


def test_what_is_worn_goes_over_its_wearer_whatever_is_said() -> None:
    assert paint("red glasses").coverage is not None


def test_removal_continues_the_background() -> None:
    painted = paint("remove the cat")
    assert painted.coverage is None
    assert (painted.pixels[oval()] != scene()[oval()]).any()


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [("add a red balloon", 27), ("加一个绿色的气球", 145), ("add a blue balloon", 262)],
)
def test_colours_are_obeyed(prompt: str, wanted: float) -> None:
    painted = paint(prompt)
    solid = cover(painted) > 0.95
    assert abs((hue(painted.pixels[solid]) - wanted + 180) % 360 - 180) < 25


def test_the_thing_that_belongs_in_the_mask_is_drawn() -> None:
    glasses, cat = paint("一只猫戴着红色眼镜"), paint("add a cat")
    assert cover(glasses)[oval()].mean() < cover(cat)[oval()].mean()
    assert abs(hue(glasses.pixels[cover(glasses) > 0.9]) - 27) < 25


def test_as_many_as_asked_for() -> None:
    islands, _ = cv2.connectedComponents((cover(paint("add three balls")) > 0.8).astype(np.uint8))
    assert islands - 1 == 3


def test_too_many_are_cut_with_a_note() -> None:
    prompt = "add 12 balls and 12 apples and 12 stars"
    painted = paint(prompt)
    assert any(str(MAX_OBJECTS) in note for note in painted.notes)


def test_the_same_seed_gives_the_same_pixels_whatever_else_is_in_the_batch() -> None:
    one = engine().paint([job("a hat", seed=5)])[0]
    batch = engine().paint([job("a hat", seed=4), job("a hat", seed=5), job("a hat", seed=6)])
    assert np.array_equal(one.pixels, batch[1].pixels)
    assert not np.array_equal(one.pixels, batch[0].pixels)


def test_what_does_not_depend_on_the_seed_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str) -> None:
        original = getattr(collage, name)

        def wrapper(*arguments: object) -> object:
            calls.append(name)
            return original(*arguments)

        monkeypatch.setattr(collage, name, wrapper)

    for name in ("read_prompt", "observe", "continue_background", "cut_out"):
        counted(name)
    first = job("replace it with our logo", reference=own_picture(), seed=0)
    engine().paint([first, replace(first, seed=1), replace(first, seed=2)])
    assert sorted(calls) == ["continue_background", "cut_out", "observe", "read_prompt"]


def test_seeds_give_different_exemplars() -> None:
    jobs = [job("add a cat", seed=seed) for seed in range(8)]
    pictures = {painted.pixels[oval()].tobytes() for painted in engine().paint(jobs)}
    assert len(pictures) == 8


def test_progress_is_told_a_picture_at_a_time() -> None:
    steps: list[Step] = []
    engine().paint([job("a hat", seed=i) for i in range(3)], steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]


def test_a_prompt_that_names_nothing_known_says_what_is_near() -> None:
    with pytest.raises(UnknownConcept, match=r"nothing .*nearest: .*glasses") as error:
        paint("galsses")
    assert "glasses" in error.value.nearest


def test_an_unknown_word_beside_a_known_one_is_a_note() -> None:
    notes = paint("a flurb and a balloon").notes
    assert any('"flurb" is not in the concept library' in note for note in notes)


def test_lettering_stays_in_the_mask_and_leaves_the_rest() -> None:
    painted = paint('写着"生日快乐"的红色大字')
    coverage = cover(painted)
    assert coverage.max() > 0.95
    assert not coverage[~oval()].any()
    assert (coverage[oval()] == 0).any()


def test_lettering_stands_in_columns_where_that_is_asked_for() -> None:
    def shape(prompt: str) -> float:
        rows, columns = np.nonzero(cover(paint(prompt)) > 0.8)
        return float(np.ptp(rows) / np.ptp(columns))

    assert shape('竖排写着"快乐"') > 1.5
    assert shape('横排写着"快乐"') < 0.7


def test_what_was_read_otherwise_than_said_is_a_note() -> None:
    assert any("100 were asked for" in note for note in paint("add 100 balloons").notes)


def test_lettering_that_cannot_be_read_is_refused() -> None:
    small = oval(rx=9, ry=4)
    with pytest.raises(InvalidPrompt, match="prompt"):
        paint('the text "a rather long sentence that cannot fit"', mask=small)


def test_a_thing_may_carry_lettering() -> None:
    plain, lettered = paint("a cake", seed=2), paint('a cake with the text "Hi"', seed=2)
    assert not np.array_equal(plain.pixels, lettered.pixels)


def own_picture() -> Rgba8:
    picture: Rgba8 = np.zeros((80, 80, 4), np.uint8)
    cv2.circle(picture, (40, 40), 36, (20, 200, 40, 255), -1)
    return picture


def test_the_caller_s_own_picture_is_put_in() -> None:
    painted = paint("add our logo", reference=own_picture())
    solid = cover(painted) > 0.95
    assert solid.sum() > 0.3 * oval().sum()
    assert abs(hue(painted.pixels[solid]) - 143) < 25


def test_the_caller_s_own_picture_needs_no_known_name() -> None:
    assert (paint("flurb", reference=own_picture()).pixels != scene()).any()


def test_what_is_not_wanted_is_not_taken() -> None:
    jobs = [job("add a hat", negative_prompt="sun hat", seed=seed) for seed in range(6)]
    without = engine().paint(jobs)
    plain = engine().paint([job("add a hat", seed=seed) for seed in range(6)])
    changed = [not np.array_equal(a.pixels, b.pixels) for a, b in zip(without, plain, strict=True)]
    assert any(changed)


def test_a_style_in_the_prompt_counts_like_the_option() -> None:
    said = paint("add a cat in watercolor style")
    asked = paint("add a cat", style="watercolor")
    assert np.array_equal(said.pixels, asked.pixels)
    assert not np.array_equal(said.pixels, paint("add a cat").pixels)


def test_what_flies_casts_no_shadow_on_the_sky() -> None:
    standing, flying = paint("add a dragon"), paint("add a dragon flying")
    assert (cover(standing) > 0.02).sum() > (cover(flying) > 0.02).sum()


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 200)])
def test_the_smallest_masks_are_painted(size: tuple[int, int]) -> None:
    mask = np.zeros((260, 340), bool)
    mask[100 : 100 + size[0], 50 : 50 + size[1]] = True
    assert paint("add a red balloon", mask=mask).pixels.shape == (260, 340, 3)


def test_the_whole_picture_may_be_painted() -> None:
    everything = np.ones((260, 340), bool)
    assert cover(paint("a red balloon", mask=everything)).max() > 0.95
    assert paint("replace it with a red balloon", mask=everything).coverage is None


def wall(*, with_a_thing: bool = False) -> Rgb8:
    """A plain wall, or one with a red box on it that the mask covers."""
    noise = np.random.default_rng(0).normal(0, 4, (260, 340, 3))
    pixels: Rgb8 = np.clip(150 + noise, 0, 255).astype(np.uint8)
    if with_a_thing:
        pixels[90:170, 120:220] = (200, 30, 30)
    return pixels


def test_a_bare_noun_keeps_plain_surroundings_and_replaces_a_thing() -> None:
    plain, occupied = wall(), wall(with_a_thing=True)
    assert paint("a balloon", pixels=plain).coverage is not None
    assert paint("a balloon", pixels=occupied).coverage is None
    assert paint("add a balloon", pixels=occupied).coverage is not None
    assert paint("replace it with a balloon", pixels=plain).coverage is None


def test_nothing_outside_the_mask_is_returned_changed() -> None:
    for prompt in ("replace it with a white horse", "add an apple", '写着"生日快乐"'):
        assert np.array_equal(paint(prompt).pixels[~oval()], scene()[~oval()])


def test_the_caller_s_own_picture_is_never_mirrored() -> None:
    logo: Rgba8 = np.zeros((60, 60, 4), np.uint8)
    logo[..., 3] = 255
    logo[:, :30] = (220, 30, 30, 255)
    logo[:, 30:] = (30, 30, 220, 255)
    for seed in range(6):
        painted = paint("add our logo", reference=logo, seed=seed)
        xs = np.arange(340)[None, :].repeat(260, 0)
        solid = cover(painted) > 0.95
        red = solid & (painted.pixels[..., 0] > painted.pixels[..., 2])
        blue = solid & (painted.pixels[..., 0] < painted.pixels[..., 2])
        assert xs[red].mean() < xs[blue].mean()


def test_what_has_a_right_way_round_is_never_mirrored() -> None:
    cat = ConceptLibrary.open().concepts["cat"]
    assert Thing(subject=None, concept=cat, key="x").mirrorable
    assert not Thing(subject=None, concept=replace(cat, mirrorable=False), key="x").mirrorable


def test_a_thing_too_small_to_be_seen_is_a_note() -> None:
    small = oval(rx=5, ry=5)
    assert any("can hardly be seen" in note for note in paint("add a cat", mask=small).notes)


def test_something_wanted_and_unwanted_is_a_note() -> None:
    notes = paint("add a cat", negative_prompt="cat").notes
    assert any('"cat" is in the negative prompt too' in note for note in notes)


def test_after_closing_it_opens_again() -> None:
    other = CollageEngine()
    before = other.paint([job("a hat")])[0]
    other.close()
    assert np.array_equal(other.paint([job("a hat")])[0].pixels, before.pixels)


def test_a_pencil_lies_along_its_stroke_whichever_way_it_is_drawn() -> None:
    drawn = np.zeros((260, 340), np.uint8)
    cv2.line(drawn, (60, 200), (280, 80), 255, 44)
    stroke = drawn.astype(bool)
    for seed in range(5):
        solid = cover(paint("add a pencil", mask=stroke, seed=seed)) > 0.8
        xs = np.flatnonzero(solid.any(axis=0))
        assert np.ptp(xs) > 90  # across the stroke it would be 50
