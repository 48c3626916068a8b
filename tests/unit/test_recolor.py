"""Colour and material of objects."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from overpaint.errors import InvalidOption
from overpaint.imaging.materials import MATERIALS, material
from overpaint.imaging.oklab import from_oklab, oklab_of, to_oklab
from overpaint.imaging.recolor import dominant_share, recolor
from overpaint.values import Mask, Rgba8

COLOURS = {
    "red": (220, 30, 35),
    "orange": (245, 130, 30),
    "yellow": (250, 210, 40),
    "green": (30, 160, 60),
    "blue": (30, 80, 220),
    "purple": (130, 60, 190),
    "pink": (250, 150, 190),
    "brown": (120, 75, 40),
    "gold": (212, 165, 55),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "pastel blue": (190, 225, 250),
}
GRAYS = {"black", "white", "gray"}

Object = tuple[Rgba8, Mask]  # the picture, and where its body is


def _shaded(body: Mask, rgb: tuple[int, int, int]) -> Rgba8:
    """Draw a body lit from the top left, with a highlight where there is room for one."""
    size = body.shape[0]
    rows, columns = np.mgrid[0:size, 0:size] / size
    light = 1.12 - 0.55 * np.hypot(rows - 0.3, columns - 0.3)
    lab = np.empty((size, size, 3), dtype=np.float32)
    lab[:] = oklab_of(rgb)
    lab *= light[..., None].astype(np.float32)
    picture = np.dstack([from_oklab(lab), np.where(body, 255, 0).astype(np.uint8)])
    glint = np.hypot(rows - 0.34, columns - 0.36) < 0.03
    picture[glint & body, :3] = 250
    return picture


def _disk(size: int = 128, radius: float = 0.45) -> Mask:
    rows, columns = np.mgrid[0:size, 0:size] / size
    return np.asarray(np.hypot(rows - 0.5, columns - 0.5) < radius, dtype=np.bool_)


def ball(rgb: tuple[int, int, int]) -> Object:
    return _shaded(_disk(), rgb), _disk()


def apple(rgb: tuple[int, int, int]) -> Object:
    picture, body = ball(rgb)
    leaf = np.zeros_like(body)
    leaf[4:26, 60:84] = True
    picture[leaf] = (70, 165, 50, 255)
    return picture, body & ~leaf


def glasses(rgb: tuple[int, int, int]) -> Object:
    frame = np.zeros((128, 128), dtype=np.bool_)
    frame[40:88, 2:58] = frame[40:88, 70:126] = frame[46:54, 56:72] = True
    lens = np.zeros_like(frame)
    lens[47:81, 9:51] = lens[47:81, 77:119] = True
    picture = _shaded(frame, rgb)
    picture[lens, :3] = (120, 190, 235)
    return picture, frame & ~lens


def outlined(rgb: tuple[int, int, int]) -> Object:
    body = _disk()
    inner = _disk(radius=0.43)
    picture = np.zeros((128, 128, 4), dtype=np.uint8)
    picture[body] = (20, 18, 22, 255)
    picture[inner, :3] = rgb
    return picture, inner


OBJECTS: dict[str, Object] = {
    "red ball": ball((200, 40, 40)),
    "blue ball": ball((40, 90, 200)),
    "white ball": ball((225, 225, 225)),
    "black ball": ball((45, 45, 48)),
    "gray ball": ball((130, 130, 130)),
    "yellow ball": ball((235, 200, 60)),
    "red apple": apple((205, 45, 40)),
    "pink apple": apple((235, 140, 170)),
    "brown glasses": glasses((110, 65, 40)),
    "purple glasses": glasses((70, 45, 110)),
    "outlined green": outlined((60, 170, 80)),
    "outlined orange": outlined((240, 140, 50)),
}


@pytest.mark.parametrize("color", COLOURS)
@pytest.mark.parametrize("name", OBJECTS)
def test_the_body_takes_the_colour(name: str, color: str) -> None:
    picture, body = OBJECTS[name]
    lab = np.median(to_oklab(recolor(picture, COLOURS[color])[..., :3])[body], axis=0)
    aim = oklab_of(COLOURS[color])
    if color in GRAYS:
        assert np.hypot(lab[1], lab[2]) < 0.02
    else:
        turn = np.angle(complex(lab[1], lab[2]) / complex(aim[1], aim[2]), deg=True)
        assert abs(turn) < 15
        assert np.hypot(lab[1], lab[2]) > 0.6 * np.hypot(aim[1], aim[2])
    assert abs(lab[0] - np.clip(aim[0], 0.21, 0.95)) < 0.06


@pytest.mark.parametrize("color", ["black", "white", "pink", "green"])
def test_shading_keeps_its_order(color: str) -> None:
    picture, body = OBJECTS["red ball"]
    before = to_oklab(picture[..., :3])[..., 0][body]
    after = to_oklab(recolor(picture, COLOURS[color])[..., :3])[..., 0][body]
    assert np.corrcoef(before, after)[0, 1] > 0.8
    assert np.quantile(after, 0.9) - np.quantile(after, 0.1) > 0.03


@pytest.mark.parametrize("color", ["black", "blue", "brown"])
def test_highlights_stay_highlights(color: str) -> None:
    picture, _ = OBJECTS["red ball"]
    glint = (picture[..., :3] == 250).all(axis=-1)
    assert recolor(picture, COLOURS[color])[glint, :3].mean() > 225


def test_a_leaf_stays_green_on_a_blue_apple() -> None:
    picture, body = OBJECTS["red apple"]
    leaf = (picture[..., 3] > 0) & ~body
    change = recolor(picture, COLOURS["blue"])[leaf].astype(int) - picture[leaf]
    assert np.abs(change).mean() < 4


def test_frames_change_and_lenses_stay() -> None:
    picture, body = OBJECTS["purple glasses"]
    lens = (picture[..., 3] > 0) & ~body
    change = recolor(picture, COLOURS["red"])[lens].astype(int) - picture[lens]
    assert np.abs(change).mean() < 4
    share = dominant_share(picture)
    assert share[body].mean() > 0.9
    assert share[lens].mean() < 0.1


def test_black_frames_change_where_the_rim_is_asked_for() -> None:
    picture, body = glasses((50, 50, 52))
    lens = (picture[..., 3] > 0) & ~body
    share = dominant_share(picture, rim=True)
    assert share[body].mean() > 0.9
    assert share[lens].mean() < 0.1


def test_a_black_border_is_not_what_gives_a_butterfly_its_colour() -> None:
    body, inner = _disk(), _disk(radius=0.37)
    picture = np.zeros((128, 128, 4), dtype=np.uint8)
    picture[body] = (52, 52, 54, 255)
    picture[inner, :3] = (60, 150, 230)
    share = dominant_share(picture)
    assert share[inner].mean() > 0.9
    assert share[body & ~inner].mean() < 0.1


def test_a_drawn_outline_stays_dark() -> None:
    picture, body = OBJECTS["outlined green"]
    line = (picture[..., 3] > 0) & ~body
    assert recolor(picture, COLOURS["white"])[line, :3].mean() < 60


def test_size_does_not_change_what_is_the_body() -> None:
    picture, body = OBJECTS["red apple"]
    large = cv2.resize(picture, (700, 700), interpolation=cv2.INTER_NEAREST)
    share = cv2.resize(dominant_share(np.asarray(large, dtype=np.uint8)), (128, 128))
    assert np.abs(share - dominant_share(picture))[body].mean() < 0.05


def test_alpha_and_input_stay() -> None:
    picture, _ = OBJECTS["red apple"]
    before = picture.copy()
    result = recolor(picture, (0, 0, 255))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result[..., 3], picture[..., 3])
    np.testing.assert_array_equal(picture, before)


def test_no_strength_changes_next_to_nothing() -> None:
    picture, body = OBJECTS["blue ball"]
    result = recolor(picture, (255, 0, 0), strength=0)
    assert np.abs(result[body].astype(int) - picture[body]).max() <= 2


def test_glass_can_be_coloured() -> None:
    picture, body = OBJECTS["gray ball"]
    result = recolor(material(picture, "glass"), COLOURS["red"])
    assert -10 < _hue(result, body) < 45


def test_nothing_visible_comes_back_as_it_was() -> None:
    empty = np.zeros((32, 32, 4), dtype=np.uint8)
    np.testing.assert_array_equal(recolor(empty, (1, 2, 3)), empty)


def test_strength_is_checked() -> None:
    with pytest.raises(InvalidOption, match=r"strength: must be 0 to 1, got 1\.5"):
        recolor(OBJECTS["red ball"][0], (1, 2, 3), strength=1.5)


def test_the_colour_is_checked() -> None:
    with pytest.raises(InvalidOption, match=r"color: must be three numbers of 0 to 255, got \(1"):
        recolor(OBJECTS["red ball"][0], (1, 2, 300))


def test_oklab_goes_there_and_back() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.abs(from_oklab(to_oklab(rgb)).astype(int) - rgb).max() <= 1


def test_oklab_agrees_with_the_published_values() -> None:
    # https://bottosson.github.io/posts/oklab/#table-of-example-xyz-and-oklab-pairs, D65 white
    assert oklab_of((255, 255, 255)) == pytest.approx((1, 0, 0), abs=1e-3)
    assert oklab_of((255, 0, 0)) == pytest.approx((0.628, 0.225, 0.126), abs=1e-3)


@pytest.mark.parametrize("name", MATERIALS)
def test_a_material_keeps_the_shape_and_repeats_by_seed(name: str) -> None:
    picture, _ = OBJECTS["red apple"]
    result = material(picture, name, seed=3)
    assert result.shape == picture.shape
    assert result.dtype == np.uint8
    assert (result[..., 3] <= picture[..., 3]).all()
    np.testing.assert_array_equal(result, material(picture, name, seed=3))
    solid = picture[..., 3] == 255
    assert np.abs(result[solid].astype(int) - picture[solid])[:, :3].mean() > 2


def _chroma(picture: Rgba8, body: Mask) -> float:
    lab = to_oklab(picture[..., :3])[body]
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())


def _hue(picture: Rgba8, body: Mask) -> float:
    lab = to_oklab(picture[..., :3])[body].mean(axis=0)
    return float(np.degrees(np.arctan2(lab[2], lab[1])))


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("gold", lambda picture, body: 65 < _hue(picture, body) < 100),
        ("wood", lambda picture, body: 45 < _hue(picture, body) < 85),
        ("silver", lambda picture, body: _chroma(picture, body) < 0.03),
        ("metal", lambda picture, body: _chroma(picture, body) < 0.03),
        ("stone", lambda picture, body: _chroma(picture, body) < 0.03),
        ("marble", lambda picture, body: picture[body, :3].mean() > 190),
        ("ice", lambda picture, body: -170 < _hue(picture, body) < -90),
        ("glass", lambda picture, body: 60 < picture[body, 3].mean() < 200),
    ],
)
def test_a_material_looks_like_itself(name: str, holds: Callable[[Rgba8, Mask], bool]) -> None:
    picture, body = OBJECTS["red ball"]
    assert holds(material(picture, name), body)


def test_soft_materials_keep_the_colour() -> None:
    picture, body = OBJECTS["blue ball"]
    for name in ("plastic", "fabric", "wool", "leather"):
        assert abs(_hue(material(picture, name), body) - _hue(picture, body)) < 10


def test_an_unknown_material_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match=r"material: must be one of gold, .*, got cheese"):
        material(OBJECTS["red ball"][0], "cheese")
