"""Lettering lies inside the mask, has the right shapes, follows the mask, and looks as asked."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from overpaint.errors import (
    EmptyMask,
    FontMissing,
    InvalidOption,
    InvalidPrompt,
    MaskSizeMismatch,
)
from overpaint.imaging import fonts
from overpaint.imaging.fonts import SANS
from overpaint.imaging.lettering import EFFECTS, letter
from overpaint.imaging.linebreaks import split_atoms
from overpaint.imaging.textfit import Fit, fit_text
from overpaint.imaging.textframe import tilt
from overpaint.imaging.typesetting import set_lines
from overpaint.values import Mask, Rgba8


def _box(top: int, left: int, height: int, width: int, size: tuple[int, int] = (240, 320)) -> Mask:
    mask = np.zeros(size, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _stripe(angle: float, length: int = 260, breadth: int = 60) -> Mask:
    corners = cv2.boxPoints(((160.0, 160.0), (length, breadth), angle))
    drawn = cv2.fillPoly(np.zeros((320, 320), np.uint8), [corners.round().astype(np.int32)], 1)
    return drawn.astype(bool)


def _circle() -> Mask:
    return cv2.circle(np.zeros((300, 300), np.uint8), (150, 150), 130, 1, -1).astype(bool)


def _brush() -> Mask:
    points = np.array([[20 + 4 * i, 120 + int(16 * np.sin(i / 9))] for i in range(70)], np.int32)
    return cv2.polylines(np.zeros((240, 320), np.uint8), [points], False, 1, 80).astype(bool)


def _ring() -> Mask:
    hole = cv2.circle(np.zeros((300, 300), np.uint8), (150, 150), 70, 1, -1)
    return np.asarray(_circle() & (hole == 0))


def _fit(mask: Mask, text: str, *, vertical: bool | None = None) -> Fit:
    atoms = split_atoms(text, (SANS,) * len(text))
    fit = fit_text(mask, text, atoms, reserve=0.0, hand=None, least_em=1.0, vertical=vertical)
    assert fit is not None
    return fit


def _direction(alpha: npt.NDArray[np.uint8]) -> float:
    moments = cv2.moments((alpha > 127).astype(np.uint8), binaryImage=True)
    turn = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    return float(np.rad2deg(turn))


def _luminance(rgb: npt.NDArray[np.floating]) -> float:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


MASKS = {
    "wide": _box(80, 20, 70, 280),
    "tall": _box(5, 130, 230, 60),
    "at the border": _box(0, 0, 90, 320),
    "whole": np.ones((240, 320), bool),
    "round": _circle(),
    "tilted": _stripe(-25.0),
    "brushed": _brush(),
    "ring": _ring(),
}


@pytest.mark.parametrize("text", ["生日快乐", "Happy Birthday", "“祝你2026，Good luck！”"])
@pytest.mark.parametrize("shape", MASKS)
def test_nothing_is_painted_outside_the_mask_and_letters_are_whole(shape: str, text: str) -> None:
    mask = MASKS[shape]
    layer = letter(mask, text, color=(255, 0, 0))
    assert layer.shape == (*mask.shape, 4)
    assert layer.dtype == np.uint8
    assert layer[..., 3].max() == 255
    assert not layer[~mask].any()
    # letters that the mask cut off would touch its edge
    padded = np.pad(mask.astype(np.uint8), 1)
    edge = mask & ~cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1].astype(bool)
    assert not layer[edge, 3].any()


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("shape", ["round", "tilted", "at the border"])
def test_effects_stay_inside_the_mask_too(shape: str, effect: str) -> None:
    mask = MASKS[shape]
    layer = letter(mask, "生日快乐", effects=(effect,))
    assert layer[mask, 3].max() > 128
    assert not layer[~mask].any()


@pytest.mark.parametrize("text", ["生日快乐", "Typography", "福2026"])
def test_glyphs_have_the_shapes_that_pillow_draws(text: str) -> None:
    mask = _box(40, 10, 120, 300)
    fit = _fit(mask, text)
    assert len(fit.layout.boxes) == 1
    # slow reference: each glyph at eight times the size, then the mean of 8 x 8 px
    reference = Image.new("L", (320 * 8, 240 * 8))
    font = SANS.at(8 * fit.em)
    x = fit.layout.glyphs[0].x
    for i, character in enumerate(text):
        x += SANS.kerning(text[i - 1], character) if i else 0.0
        at = (8 * (fit.origin[0] + x * fit.em), 8 * fit.origin[1])
        ImageDraw.Draw(reference).text(at, character, fill=255, font=font, anchor="ls")
        x += font.getlength(character) / (8 * fit.em)
    drawn = letter(mask, text, color=(0, 0, 0))[..., 3].astype(float)
    expected = np.asarray(reference, float).reshape(240, 8, 320, 8).mean(axis=(1, 3))
    assert np.minimum(drawn, expected).sum() > 0.96 * np.maximum(drawn, expected).sum()


def test_characters_keep_their_order() -> None:
    glyphs = _fit(_box(40, 10, 60, 300), "生日快乐").layout.glyphs
    assert [glyph.character for glyph in sorted(glyphs, key=lambda glyph: glyph.x)] == list(
        "生日快乐"
    )


@pytest.mark.parametrize("angle", [-60.0, -20.0, 12.0, 35.0])
def test_the_text_follows_the_tilt_of_the_mask(angle: float) -> None:
    mask = _stripe(angle)
    assert tilt(mask) == pytest.approx(angle, abs=1.0)
    alpha = letter(mask, "Happy Birthday", color=(0, 0, 0))[..., 3]
    assert _direction(alpha) == pytest.approx(angle, abs=3.0)


@pytest.mark.parametrize("angle", [-2.0, 0.0, 2.0])
def test_a_mask_that_is_almost_level_gets_level_text(angle: float) -> None:
    assert tilt(_stripe(angle)) == 0.0


@pytest.mark.parametrize("shape", ["round", "ring"])
def test_a_round_mask_has_no_tilt(shape: str) -> None:
    assert tilt(MASKS[shape]) == 0.0


def test_a_tilted_square_stays_level() -> None:
    assert tilt(_stripe(30.0, length=180, breadth=180)) == 0.0


def test_a_tilted_text_is_as_crisp_as_a_level_one() -> None:
    def soft(angle: float) -> float:
        alpha = letter(_stripe(angle), "生日快乐", color=(0, 0, 0))[..., 3]
        return float(((alpha > 20) & (alpha < 235)).sum() / (alpha >= 235).sum())

    assert soft(20.0) < 1.6 * soft(0.0)


def test_the_text_is_as_large_as_the_mask_allows() -> None:
    alpha = letter(_box(80, 20, 60, 280), "生日快乐", color=(0, 0, 0))[..., 3]
    rows, columns = (np.flatnonzero(alpha.any(axis=axis)) for axis in (1, 0))
    assert rows[-1] - rows[0] + 1 >= 0.80 * 60 or columns[-1] - columns[0] + 1 >= 0.80 * 280


def test_the_text_lies_in_the_middle() -> None:
    alpha = letter(_box(40, 30, 160, 260), "Happy Birthday", color=(0, 0, 0))[..., 3]
    rows, columns = (np.flatnonzero(alpha.any(axis=axis)) for axis in (1, 0))
    assert (rows[0] + rows[-1] + 1) / 2 == pytest.approx(120, abs=6)
    assert (columns[0] + columns[-1] + 1) / 2 == pytest.approx(160, abs=6)


def test_the_largest_island_is_lettered() -> None:
    mask = _box(10, 10, 40, 60) | _box(100, 100, 100, 200)
    layer = letter(mask, "福", color=(0, 0, 0))
    assert not layer[:90].any()
    assert layer[100:200, 100:300, 3].max() == 255


def test_tall_masks_set_chinese_in_columns_and_latin_on_its_side() -> None:
    column = _fit(_box(5, 130, 230, 50), "生日快乐")
    assert column.layout.vertical
    assert column.angle == 0.0
    places = [glyph.y for glyph in column.layout.glyphs]
    assert places == sorted(places)
    word = _fit(_box(5, 130, 230, 30), "Happy Birthday")
    assert not word.layout.vertical
    assert word.angle == 90.0


def test_columns_run_from_right_to_left() -> None:
    fit = _fit(_box(5, 120, 230, 90), "福如东海，寿比南山。")
    assert fit.layout.vertical
    assert len(fit.layout.boxes) == 2
    where = {glyph.character: glyph.x for glyph in fit.layout.glyphs}
    assert where["福"] > where["寿"]
    assert "︐" in where  # the comma has its vertical form


def test_long_text_wraps_between_words() -> None:
    text = "The quick brown fox jumps over the lazy dog"
    fit = _fit(np.ones((240, 320), bool), text)
    assert len(fit.layout.boxes) > 2
    # glyphs of one word stand on one baseline
    glyphs = iter(fit.layout.glyphs)
    for word in text.split():
        assert len({next(glyphs).y for _ in word}) == 1


def test_line_breaks_of_the_text_are_kept() -> None:
    layout = _fit(np.ones((120, 320), bool), "生日快乐\n小明").layout
    rows: dict[float, str] = {}
    for glyph in layout.glyphs:
        rows[glyph.y] = rows.get(glyph.y, "") + glyph.character
    assert list(rows.values()) == ["生日快乐", "小明"]


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_shows_and_repeats_exactly(effect: str) -> None:
    mask = MASKS["wide"]
    backdrop = np.full((*mask.shape, 3), (70, 110, 150), np.uint8)
    plain = letter(mask, "生日快乐", backdrop=backdrop)
    first = letter(mask, "生日快乐", effects=(effect,), backdrop=backdrop, seed=3)
    again = letter(mask, "生日快乐", effects=(effect,), backdrop=backdrop, seed=3)
    assert np.array_equal(first, again)
    assert (np.abs(first.astype(int) - plain).max(axis=2) > 24).sum() > 500


def test_effects_combine() -> None:
    mask = MASKS["wide"]
    pictures = {
        letter(mask, "生日快乐", effects=effects).tobytes()
        for effects in (("gold",), ("3d",), ("gold", "3d"), ("gold", "3d", "outline"))
    }
    assert len(pictures) == 4


def test_handwriting_differs_by_seed() -> None:
    mask = MASKS["wide"]
    one, two = (letter(mask, "生日快乐", effects=("handwritten",), seed=seed) for seed in (1, 2))
    assert not np.array_equal(one, two)


def _painted(layer: Rgba8) -> npt.NDArray[np.float64]:
    return np.asarray(layer[layer[..., 3] > 250][:, :3].mean(axis=0) / 255.0)


@pytest.mark.parametrize(
    "surface",
    [(0, 0, 0), (255, 255, 255), (128, 128, 128), (30, 60, 160), (240, 220, 60), (200, 30, 30)],
)
def test_a_chosen_colour_contrasts_with_the_backdrop(surface: tuple[int, int, int]) -> None:
    mask = MASKS["wide"]
    backdrop = np.full((*mask.shape, 3), surface, np.uint8)
    face = _luminance(_painted(letter(mask, "生日快乐", backdrop=backdrop)))
    ground = _luminance(np.array(surface) / 255.0)
    assert (max(face, ground) + 0.05) / (min(face, ground) + 0.05) >= 4.5  # WCAG AA


def test_only_the_backdrop_inside_the_mask_counts() -> None:
    mask = MASKS["wide"]
    backdrop = np.zeros((*mask.shape, 3), np.uint8)
    backdrop[mask] = 255
    assert _painted(letter(mask, "生日快乐", backdrop=backdrop)).max() < 0.3


def test_a_given_colour_is_painted_exactly() -> None:
    layer = letter(MASKS["wide"], "Hello", color=(12, 200, 99))
    assert (layer[layer[..., 3] > 0][:, :3] == (12, 200, 99)).all()


def test_a_restless_backdrop_is_calmed_behind_the_letters() -> None:
    mask = MASKS["wide"]
    backdrop = np.zeros((*mask.shape, 3), np.uint8)
    backdrop[:, ::2] = 255
    calmed = letter(mask, "生日快乐", backdrop=backdrop)
    level = letter(mask, "生日快乐", backdrop=np.full_like(backdrop, 128))
    assert (calmed[..., 3] > 20).sum() > 1.3 * (level[..., 3] > 20).sum()


def _laid_over(layer: Rgba8, backdrop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    alpha = layer[..., 3:] / 255.0
    return np.asarray(layer[..., :3] * alpha + backdrop * (1 - alpha))


def _busy() -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (320, 240), interpolation=cv2.INTER_NEAREST))


@pytest.mark.parametrize("backdrop", [np.full((240, 320, 3), 24, np.uint8), _busy()])
def test_relief_is_paler_than_a_dark_or_busy_surface(backdrop: npt.NDArray[np.uint8]) -> None:
    mask = MASKS["wide"]
    ink = letter(mask, "永恒", color=(0, 0, 0))[..., 3] > 250
    beside = cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~ink

    def contrast(seen: npt.NDArray[np.uint8] | None) -> float:
        layer = letter(mask, "永恒", effects=("embossed",), backdrop=seen)
        shown = _laid_over(layer, backdrop)
        return float(shown[ink].mean() / shown[beside].mean())

    assert contrast(backdrop) > 1.6
    assert contrast(backdrop) > 1.35 * contrast(None)  # which knows of no surface


def test_relief_leaves_a_light_even_surface_its_tone() -> None:
    mask = MASKS["wide"]
    backdrop = np.full((240, 320, 3), 225, np.uint8)
    veiled = letter(mask, "永恒", effects=("embossed",), backdrop=backdrop)
    assert np.array_equal(veiled, letter(mask, "永恒", effects=("embossed",)))


def test_a_weak_asked_for_colour_gets_a_contrasting_rim() -> None:
    mask, blue = MASKS["wide"], (31, 99, 216)
    dark, white = (np.full((240, 320, 3), value, np.uint8) for value in (20, 250))
    plain = letter(mask, "生日快乐", color=blue, backdrop=white)
    rimmed = letter(mask, "生日快乐", color=blue, backdrop=dark)
    assert (plain[plain[..., 3] > 0][:, :3] == blue).all()  # strong enough by itself
    around = (rimmed[..., 3] > 100) & (plain[..., 3] == 0)
    assert around.sum() > 300
    assert rimmed[around][:, :3].mean() > 200
    core = cv2.erode((plain[..., 3] == 255).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (rimmed[core][:, :3] == blue).all()


def test_metal_is_brighter_above_than_the_deepest_shade() -> None:
    layer = letter(np.ones((240, 320), bool), "口", effects=("gold",))
    painted = layer[layer[..., 3] > 250][:, :3].astype(float)
    assert np.percentile(painted[:, 0], 95) > 230
    assert (painted[:, 0] >= painted[:, 2]).mean() > 0.95  # gold, not gray
    assert np.percentile(painted.mean(axis=1), 90) > 2 * np.percentile(painted.mean(axis=1), 5)


def test_relief_without_colour_only_lightens_and_darkens_the_surface() -> None:
    layer = letter(np.ones((240, 320), bool), "口", effects=("embossed",))
    painted = layer[layer[..., 3] > 0][:, :3].astype(int)
    assert (np.ptp(painted, axis=1) <= 1).all()  # no hue of its own
    upper, lower = (layer[half][..., :3].astype(float) for half in (slice(0, 120), slice(120, 240)))
    weight_up, weight_low = layer[:120, :, 3].astype(float), layer[120:, :, 3].astype(float)
    light = (upper.mean(axis=2) * weight_up).sum() / weight_up.sum()
    dark = (lower.mean(axis=2) * weight_low).sum() / weight_low.sum()
    assert light > dark  # lit from above


def test_neon_is_white_in_the_tube_and_coloured_around() -> None:
    layer = letter(np.ones((240, 320), bool), "一", color=(255, 0, 80), effects=("neon",))
    opaque = layer[layer[..., 3] > 250][:, :3].astype(int)
    glow = layer[(layer[..., 3] > 20) & (layer[..., 3] < 150)][:, :3].astype(int)
    assert opaque.min(axis=1).max() > 200
    assert (glow[:, 0] - glow[:, 1]).mean() > 150


def test_blanks_and_controls_draw_nothing() -> None:
    mask = MASKS["wide"]
    plain = letter(mask, "Hi you", color=(0, 0, 0))
    assert np.array_equal(letter(mask, " Hi \t you\u200d\ufe0f ", color=(0, 0, 0)), plain)


def test_an_emoji_heart_is_set_as_a_heart_of_type() -> None:
    mask = MASKS["wide"]
    heart = letter(mask, "I ♥ you", color=(0, 0, 0))
    assert np.array_equal(letter(mask, "I ❤\ufe0f you", color=(0, 0, 0)), heart)


def test_a_date_in_a_tall_mask_stands_in_columns() -> None:
    assert _fit(_box(5, 120, 230, 66), "2026年10月1日，国庆节快乐！").layout.vertical


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b"])
def test_a_text_without_characters_is_refused(text: str) -> None:
    with pytest.raises(InvalidPrompt, match="at least one character") as caught:
        letter(MASKS["wide"], text)
    assert caught.value.field == "prompt"
    assert caught.value.value == repr(text)


@pytest.mark.parametrize("text", ["长" * 900, "Happy Birthday " * 40, "长" * 60])
def test_a_text_too_long_to_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidPrompt, match="short enough to be set 8 px high") as caught:
        letter(_box(10, 10, 40, 120), text)
    assert caught.value.field == "prompt"
    assert "8 px high" in caught.value.limit
    assert "characters" in str(caught.value.value)


def test_a_mask_too_thin_for_letters_is_refused() -> None:
    with pytest.raises(InvalidPrompt, match="8 px high"):
        letter(_box(100, 10, 5, 300), "生日快乐")


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(EmptyMask, match="mask: the mask marks nothing to repaint"):
        letter(np.zeros((20, 20), bool), "福")


def test_an_unknown_effect_is_refused_by_name() -> None:
    with pytest.raises(InvalidOption, match=r"effects: must be of gold, .*, got 'glitter'"):
        letter(MASKS["wide"], "福", effects=("glitter",))


def test_a_colour_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidOption, match="color: must be three numbers from 0 to 255, got"):
        letter(MASKS["wide"], "福", color=(256, 0, 0))


def test_a_backdrop_of_another_size_is_refused() -> None:
    with pytest.raises(MaskSizeMismatch, match="320 x 240 px of the mask, got 30 x 20"):
        letter(MASKS["wide"], "福", backdrop=np.zeros((20, 30, 3), np.uint8))


def test_a_character_without_a_font_is_named() -> None:
    with pytest.raises(InvalidPrompt, match=r"that a font has, got .* \(U\+10FFFD\)$") as caught:
        letter(MASKS["wide"], "福\U0010fffd")
    assert caught.value.field == "prompt"


def test_a_chinese_character_without_a_font_is_a_missing_font(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "_system_face", lambda needed: None)
    with pytest.raises(FontMissing, match=r"was found: .* \(U\+2A6A5\)"):
        letter(MASKS["wide"], "福\U0002a6a5")


@pytest.mark.parametrize(
    ("text", "script"),
    [("שלום", "Hebrew"), ("OPEN مرحبا", "Arabic"), ("नमस्ते", "Devanagari"), ("สวัสดี", "Thai")],
)
def test_a_script_whose_letters_join_or_run_backwards_is_refused(text: str, script: str) -> None:
    with pytest.raises(InvalidPrompt, match=f"prompt: {script} script cannot be set") as caught:
        letter(MASKS["wide"], text)
    assert caught.value.value == repr(text)


def _extent(layer: Rgba8) -> tuple[int, int]:
    rows, columns = (np.flatnonzero(layer[..., 3].any(axis=axis)) for axis in (1, 0))
    return int(np.ptp(rows)), int(np.ptp(columns))


@pytest.mark.parametrize("text", ["生日快乐", "OPEN"])
def test_columns_and_lines_can_be_asked_for(text: str) -> None:
    high, wide = _extent(letter(_box(5, 120, 230, 60), text, color=(0, 0, 0), vertical=True))
    assert high > 2.5 * wide
    assert _fit(_box(20, 20, 60, 280), "生日快乐", vertical=True).layout.vertical
    assert not _fit(_box(5, 120, 230, 60), "生日快乐", vertical=False).layout.vertical


def test_latin_letters_stand_upright_in_a_column() -> None:
    text = "Open late"
    atoms = tuple(replace(a, upright=True) for a in split_atoms(text, (SANS,) * len(text)))
    layout = set_lines((atoms,), vertical=True)
    assert all(glyph.turn == 0 for glyph in layout.glyphs)
    places = [glyph.y for glyph in layout.glyphs]
    assert places == sorted(set(places))


def test_latin_columns_run_from_left_to_right() -> None:
    text = "Open late"
    first, second = (replace(a, upright=True) for a in split_atoms(text, (SANS,) * len(text)))
    boxes = set_lines(((first,), (second,)), vertical=True).boxes
    assert boxes[0][2] < boxes[1][0]
