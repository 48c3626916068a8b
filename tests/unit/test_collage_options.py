"""What sketch, palette, strength and recolouring do to what `collage` paints."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from overpaint.concepts.knowledge import Knowledge
from overpaint.engines.collage import Brief, CollageEngine, recall_and_recompose
from overpaint.engines.composition import Composition
from overpaint.errors import InvalidPrompt
from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.values import Mask, PaintedRegion, PaintJob, Rgb8

BLUE, YELLOW, RED = (31, 99, 216), (249, 215, 28), (217, 37, 37)


@cache
def engine() -> CollageEngine:
    return CollageEngine()


def floor() -> Rgb8:
    rng = np.random.default_rng(0)
    gray = np.full((260, 340, 3), (170, 160, 140)) + rng.normal(0, 3, (260, 340, 1))
    return np.clip(gray, 0, 255).astype(np.uint8)


def garment() -> Mask:
    drawn = np.zeros((260, 340), np.uint8)
    cv2.rectangle(drawn, (120, 70), (220, 210), 1, -1)
    return drawn > 0


def scene() -> Rgb8:
    """A green garment with folds on a floor."""
    folds = 0.8 + 0.2 * np.sin(np.arange(340) / 6)[None, :, None]
    cloth = np.array((60, 140, 70)) * folds
    return np.where(garment()[..., None], cloth, floor()).astype(np.uint8)


def oval(rx: int = 90, ry: int = 100) -> Mask:
    drawn = np.zeros((260, 340), np.uint8)
    cv2.ellipse(drawn, (170, 140), (rx, ry), 0, 0, 360, 1, -1)
    return drawn > 0


def job(prompt: str, **options: object) -> PaintJob:
    said = {"pixels": scene(), "mask": oval(), "seed": 1, **options}
    return PaintJob(prompt=prompt, **said)  # type: ignore[arg-type]


def paint(prompt: str, **options: object) -> PaintedRegion:
    return engine().paint([job(prompt, **options)])[0]


def compose(prompt: str, **options: object) -> Composition:
    asked = job(prompt, **options)
    known = Knowledge().now()
    brief = Brief(asked, known.lexicon)
    return recall_and_recompose(asked, brief, known.library, known.lexicon)


def hue_off(pixels: np.ndarray, color: tuple[int, int, int]) -> float:
    """Between the main hue of pixels and a colour's, degrees."""
    lab = to_oklab(np.ascontiguousarray(pixels.reshape(1, -1, 3)))[0]
    strong = lab[np.hypot(lab[:, 1], lab[:, 2]) > 0.06]
    a, b = np.median(strong[:, 1]), np.median(strong[:, 2])
    aim = oklab_of(color)
    turn = np.arctan2(b, a) - np.arctan2(aim[2], aim[1])
    return float(abs(np.degrees(np.angle(np.exp(1j * turn)))))


def seen(painted: PaintedRegion) -> Rgb8:
    """The layer laid over the scene."""
    if painted.coverage is None:
        return painted.pixels
    opacity = painted.coverage[..., None]
    return np.rint(painted.pixels * opacity + scene() * (1 - opacity)).astype(np.uint8)


def detail(pixels: Rgb8) -> np.ndarray:
    """Lightness against its mean in the neighbourhood, the garment alone counting."""
    lightness = to_oklab(pixels)[..., 0]
    inside = garment().astype(np.float32)
    mean = cv2.GaussianBlur(lightness * inside, (0, 0), 9)
    return np.asarray(lightness - mean / (cv2.GaussianBlur(inside, (0, 0), 9) + 1e-3))


@pytest.mark.parametrize(
    ("prompt", "color"),
    [("把衣服换成红色", RED), ("make the dress blue", BLUE), ("裙子换成黄色的", YELLOW)],
)
def test_recolouring_keeps_folds_and_surroundings(prompt: str, color: tuple[int, int, int]) -> None:
    after = seen(paint(prompt))
    core = cv2.erode((garment() & oval()).astype(np.uint8), np.ones((7, 7))) > 0
    assert hue_off(after[core], color) < 10
    kept = np.corrcoef(detail(scene())[core], detail(after)[core])[0, 1]
    assert kept > 0.9
    beside = ~(cv2.dilate(garment().astype(np.uint8), np.ones((9, 9))) > 0)
    assert np.abs(after[beside].astype(int) - scene()[beside]).max() <= 1


def test_a_material_changes_more_than_the_colour_and_keeps_the_place() -> None:
    gold = paint("把衣服变成黄金的")
    assert hue_off(gold.pixels[garment() & oval()], (212, 160, 23)) < 15
    assert gold.coverage is not None
    assert gold.coverage[oval() & ~garment()].mean() < 0.1


def test_recolouring_without_a_colour_takes_the_palette_s_or_says_so() -> None:
    painted = paint("换个颜色", palette=(BLUE,))
    assert hue_off(painted.pixels[garment() & oval()], BLUE) < 10
    with pytest.raises(InvalidPrompt, match=r"prompt: must say a colour, .* got '换个颜色'"):
        paint("换个颜色")


def test_a_palette_alone_recolours_what_is_there() -> None:
    painted = paint("", palette=(RED, BLUE))
    assert hue_off(painted.pixels[garment() & oval()], RED) < 10


def test_strength_lets_the_old_colour_through_where_it_is_recoloured() -> None:
    half = paint("make the dress blue", strength=0.5)
    full = paint("make the dress blue")
    core = cv2.erode((garment() & oval()).astype(np.uint8), np.ones((7, 7))) > 0
    assert half.coverage is not None
    assert full.coverage is not None
    assert half.coverage[core].mean() == pytest.approx(0.5 * full.coverage[core].mean(), abs=0.02)


def test_objects_take_the_palette_and_a_colour_in_the_prompt_wins() -> None:
    solid = paint("add a balloon", palette=(BLUE,))
    assert solid.coverage is not None
    assert hue_off(solid.pixels[solid.coverage > 0.95], BLUE) < 15
    named = paint("add a red balloon", palette=(BLUE,))
    assert named.coverage is not None
    assert hue_off(named.pixels[named.coverage > 0.95], RED) < 20


def test_several_objects_begin_with_one_of_its_colours_each() -> None:
    painted = paint("add two balloons", palette=(BLUE, RED))
    assert painted.coverage is not None
    strong = painted.pixels[painted.coverage > 0.95].astype(int)
    assert (strong[:, 2] > strong[:, 0] + 60).mean() > 0.2
    assert (strong[:, 0] > strong[:, 2] + 60).mean() > 0.2


def test_an_object_goes_where_the_sketch_says() -> None:
    places = []
    for center in ((125, 120), (215, 160)):
        lines = np.zeros((260, 340), np.float32)
        cv2.ellipse(lines, center, (34, 34), 0, 0, 360, 1, 2)
        painted = paint("add an apple", sketch=lines)
        assert painted.coverage is not None
        rows, columns = np.nonzero(painted.coverage > 0.95)
        assert abs(columns.mean() - center[0]) < 10
        assert abs(rows.mean() - center[1]) < 10
        assert 50 < np.ptp(columns) < 78
        places.append(columns.mean())
    assert places[1] > places[0] + 60


def test_strength_carries_folds_over_and_ends_with_the_picture_as_it_was() -> None:
    core = cv2.erode((garment() & oval()).astype(np.uint8), np.ones((9, 9))) > 0
    plain = job("replace the dress with a blue ball")
    jobs = [replace(plain, strength=strength) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    none, little, half, more, whole = engine().paint(jobs)
    likeness = []
    for painted in (none, little, half):
        assert painted.coverage is None
        likeness.append(np.corrcoef(detail(scene())[core], detail(painted.pixels)[core])[0, 1])
    assert likeness[0] < likeness[1] - 0.05 < likeness[2] - 0.1
    assert more.coverage is not None
    assert more.coverage[oval()].max() == pytest.approx(0.5, abs=0.01)
    assert whole.coverage is not None
    assert not whole.coverage.any()


def test_a_composition_has_its_parts_and_a_whole() -> None:
    made = compose("replace the dress with a red apple")
    assert made.opaque
    assert made.background is not None
    flat = made.flatten()
    assert np.array_equal(flat[~oval()], scene()[~oval()])
    assert np.array_equal(flat[oval()], made.painted().pixels[oval()])
    worn = compose("add a red apple")
    assert worn.background is None
    assert not worn.opaque
    flat = worn.flatten()
    assert np.array_equal(flat[~oval()], scene()[~oval()])
    bare = oval() & (worn.layer()[..., 3] == 0)
    assert bare.any()
    assert np.array_equal(flat[bare], scene()[bare])
