from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.unit.picture_files import HEIGHT, WIDTH, file_of, noise, png_of

from overpaint.errors import (
    CorruptImage,
    EmptyMask,
    InvalidMask,
    InvalidOption,
    MaskSizeMismatch,
    ResolutionOutOfRange,
)
from overpaint.imaging.mask import decode_levels, decode_mask, grow_mask
from overpaint.values import Mask

SIZE = (HEIGHT, WIDTH)
RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def shape() -> Mask:
    """A block at the left border, an island, and a stroke 5 px wide."""
    mask = np.zeros(SIZE, bool)
    mask[40:140, 0:90] = True
    mask[180:230, 150:260] = True
    mask[20:25, 120:290] = True
    return mask


def levels(on: int = 255, off: int = 0, dtype: Any = np.uint8) -> Any:
    return np.where(shape(), on, off).astype(dtype)


def painted(on: tuple[int, ...], off: tuple[int, ...]) -> Any:
    """height x width x channels in two colours."""
    return np.where(shape()[..., None], np.array(on), np.array(off)).astype(np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "YCbCr"])
def test_white_repaints_in_every_mode(mode: str) -> None:
    image = Image.fromarray(levels())
    if mode.startswith("I"):
        image = Image.fromarray(levels(65535, 0, np.uint16 if mode == "I;16" else np.int32))
    elif mode != "L":
        image = image.convert("RGB").convert(mode) if mode == "P" else image.convert(mode)
    assert image.mode == mode
    assert np.array_equal(decode_mask(image, size=SIZE), shape())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG"])
def test_white_repaints_in_every_format(kind: str) -> None:
    by_kind: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}
    options = by_kind.get(kind, {})
    for pixels in (levels(), painted(WHITE, (0, 0, 0))):
        assert np.array_equal(decode_mask(file_of(pixels, kind, **options), size=SIZE), shape())


def test_16_bit_png() -> None:
    assert np.array_equal(decode_mask(png_of(levels(65535, 0, np.uint16)), size=SIZE), shape())
    assert np.array_equal(decode_mask(png_of(levels(40000, 900, np.uint16)), size=SIZE), shape())


@pytest.mark.parametrize(
    "array",
    [
        shape(),
        shape()[..., None],
        levels(),
        levels(1),
        levels(1, dtype=np.uint16),
        levels(255, dtype=np.uint16),
        levels(65535, dtype=np.uint16),
        painted(WHITE, (0, 0, 0)),
        painted((255, 255, 255, 255), (0, 0, 0, 255)),
    ],
)
def test_arrays(array: Any) -> None:
    before = array.copy()
    mask = decode_mask(array, size=SIZE)
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, shape())
    assert not np.shares_memory(mask, array)
    mask[:] = False
    assert np.array_equal(array, before)


@pytest.mark.parametrize(("on", "off"), [(255, 0), (200, 30), (128, 127), (100, 0), (255, 140)])
def test_thresholds(on: int, off: int) -> None:
    if on - off < 48:  # flat: only 128 itself parts them
        assert np.array_equal(decode_mask(levels(on, off), size=SIZE), shape())
        return
    noisy = np.random.default_rng(0).normal(levels(on, off), 5).clip(0, 255).astype(np.uint8)
    assert np.array_equal(decode_mask(noisy, size=SIZE), shape())


def test_jpeg_noise_and_soft_edges_are_cut_at_the_middle() -> None:
    soft = Image.fromarray(levels()).filter(ImageFilter.GaussianBlur(3))
    mask = decode_mask(file_of(soft, "JPEG", quality=30), size=SIZE)
    differing = mask != shape()
    near_edge = grow_mask(shape(), 5) & ~grow_mask(shape(), -5)
    assert differing[~near_edge].sum() == 0
    assert decode_mask(file_of(levels(), "JPEG", quality=30), size=SIZE)[shape()].mean() > 0.995


def test_noise_on_black_is_nothing_and_on_white_everything() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(EmptyMask):
        decode_mask(rng.integers(0, 12, SIZE, dtype=np.uint8), size=SIZE)
    assert decode_mask(rng.integers(244, 256, SIZE, dtype=np.uint8), size=SIZE).all()


def test_whole_picture() -> None:
    assert decode_mask(Image.new("L", SIZE[::-1], 255), size=SIZE).all()


@pytest.mark.parametrize("ink", [(255, 255, 255), (40, 20, 10), (230, 20, 60)])
def test_opaque_strokes_on_a_clear_canvas_repaint(ink: tuple[int, int, int]) -> None:
    for canvas in ((0, 0, 0, 0), (255, 255, 255, 0), (*ink, 0)):
        pixels = painted((*ink, 255), canvas)
        assert np.array_equal(decode_mask(file_of(pixels, "PNG"), size=SIZE), shape())
        assert np.array_equal(decode_mask(pixels, size=SIZE), shape())


@pytest.mark.parametrize("part", [shape(), ~shape()], ids=["strokes", "a hole"])
def test_black_beside_transparency_is_refused_until_told_which(part: Mask) -> None:
    pixels = np.zeros((*SIZE, 4), np.uint8)
    pixels[part, 3] = 255
    pixels[~part, :3] = 77  # what is seen through has any colour
    black = [(0, 0, 0)]
    for source in (pixels, file_of(pixels, "PNG"), Image.fromarray(pixels).convert("LA")):
        with pytest.raises(InvalidMask) as caught:
            decode_mask(source, size=SIZE)
        assert str(caught.value) == (
            "mask: must say which side repaints where black stands beside transparency (the"
            " transparent part: --invert-mask; the black part: --mask-color 000000), got only black"
            " and transparency"
        )
        assert np.array_equal(decode_mask(source, size=SIZE, invert=True), ~part)
        assert np.array_equal(decode_mask(source, size=SIZE, colors=black), part)
        turned = decode_mask(source, size=SIZE, colors=black, invert=True)
        assert np.array_equal(turned, ~part)


def test_white_with_a_hole_repaints_where_it_is_white() -> None:
    pixels = painted((255, 255, 255, 0), (255, 255, 255, 255))
    assert np.array_equal(decode_mask(pixels, size=SIZE), ~shape())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_of_ones_and_zeros_are_as_good_as_bool(dtype: Any, channels: int) -> None:
    ones = np.ones((*SIZE, channels), dtype)
    assert decode_mask(ones, size=SIZE).all()
    if channels == 1:
        assert decode_mask(file_of(ones[..., 0].astype(np.uint8), "PNG"), size=SIZE).all()
        assert decode_mask(ones[..., 0], size=SIZE).all()
    some = ones.copy()
    some[~shape(), :3] = 0
    assert np.array_equal(decode_mask(some, size=SIZE), shape())
    with pytest.raises(EmptyMask):
        decode_mask(np.zeros_like(ones), size=SIZE)


def test_transparency_beside_several_colours_counts_as_black() -> None:
    pixels = painted((255, 255, 255, 255), (0, 0, 0, 255))
    pixels[:30] = (255, 255, 255, 0)
    expected = shape()
    expected[:30] = False
    assert np.array_equal(decode_mask(pixels, size=SIZE), expected)


def test_half_transparent_white_over_black_is_gray() -> None:
    pixels = painted((255, 255, 255, 200), (0, 0, 0, 255))
    pixels[180:230, 150:260, 3] = 100
    expected = shape()
    expected[180:230, 150:260] = False
    assert np.array_equal(decode_mask(pixels, size=SIZE), expected)


def test_listed_colours_repaint_and_nothing_else() -> None:
    pixels = painted(RED, WHITE)
    pixels[200:210, 160:170] = GREEN
    pixels[0, 0] = (254, 0, 0)
    only_red = shape()
    only_red[200:210, 160:170] = False
    data = file_of(pixels, "PNG")
    for source in (pixels, data, Image.fromarray(pixels)):
        assert np.array_equal(decode_mask(source, size=SIZE, colors=[RED]), only_red)
    assert np.array_equal(decode_mask(data, size=SIZE, colors=[RED, GREEN]), shape())
    assert decode_mask(data, size=SIZE, colors=[WHITE]).sum() == (~shape()).sum() - 1


def test_listed_colours_in_palette_gray_and_bool_masks() -> None:
    palette = Image.fromarray(levels(3)).convert("L")
    palette = palette.convert("P")
    palette.putpalette([0, 0, 0, 9, 9, 9, 8, 8, 8, 200, 10, 30])
    assert np.array_equal(decode_mask(palette, size=SIZE, colors=[(200, 10, 30)]), shape())
    assert np.array_equal(decode_mask(levels(77), size=SIZE, colors=[(77, 77, 77)]), shape())
    assert np.array_equal(decode_mask(shape(), size=SIZE, colors=[(0, 0, 0)]), ~shape())


def test_listed_colours_must_be_opaque() -> None:
    pixels = painted((*RED, 255), (*RED, 0))
    assert np.array_equal(decode_mask(pixels, size=SIZE, colors=[RED]), shape())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_listed_colours_are_found_in_lossy_files(kind: str) -> None:
    options: dict[str, Any] = {"subsampling": 0} if kind == "JPEG" else {"quality": 95}
    data = file_of(painted(RED, (0, 0, 255)), kind, **options)
    mask = decode_mask(data, size=SIZE, colors=[RED])
    assert (mask == shape()).mean() > 0.98
    exact = file_of(Image.open(io.BytesIO(data)), "PNG")
    assert mask.sum() > count_or_zero(exact)


def count_or_zero(data: bytes) -> int:
    """How many pixels of a lossless mask are exactly red."""
    try:
        return int(decode_mask(data, size=SIZE, colors=[RED]).sum())
    except EmptyMask:
        return 0


def test_invert() -> None:
    for source in (levels(), shape(), file_of(levels(), "PNG")):
        assert np.array_equal(decode_mask(source, size=SIZE, invert=True), ~shape())


def test_mask_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(levels(), "PNG", exif=exif.tobytes())
    assert np.array_equal(decode_mask(data, size=SIZE[::-1]), np.rot90(shape(), -1))
    with pytest.raises(MaskSizeMismatch):
        decode_mask(data, size=SIZE)


# Refused


@pytest.mark.parametrize("wrap", [lambda a: a, Image.fromarray, lambda a: file_of(a, "PNG")])
def test_another_resolution(wrap: Any) -> None:
    with pytest.raises(MaskSizeMismatch) as caught:
        decode_mask(wrap(levels()), size=(400, 500))
    assert str(caught.value) == (
        "mask: must have the resolution of the base picture, 500 x 400 px, got 300 x 261 px"
    )
    with pytest.raises(MaskSizeMismatch) as caught:
        decode_mask(wrap(levels()), size=SIZE[::-1])
    assert str(caught.value) == (
        "mask: must have the resolution of the base picture, 261 x 300 px (the sides are swapped:"
        " a photo with an EXIF orientation is turned upright first, so its mask must be upright"
        " too), got 300 x 261 px"
    )


def test_another_resolution_is_found_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(levels(), "PNG")

    def must_not(*args: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", must_not)
    with pytest.raises(MaskSizeMismatch):
        decode_mask(data, size=(300, 400))


def test_nothing_to_repaint() -> None:
    with pytest.raises(EmptyMask) as caught:
        decode_mask(levels(0), size=SIZE)
    assert str(caught.value) == (
        "mask: must mark something to repaint, got no white pixel (other colours must be listed)"
    )
    with pytest.raises(EmptyMask):
        decode_mask(painted(RED, (0, 0, 0)), size=SIZE)
    with pytest.raises(EmptyMask, match=r"got no pixel of the colour #ff0000, #00ff00$"):
        decode_mask(levels(), size=SIZE, colors=[RED, GREEN])
    with pytest.raises(EmptyMask, match=r"to repaint, got none once inverted$"):
        decode_mask(np.ones(SIZE, bool), size=SIZE, invert=True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            np.zeros(SIZE, np.float32),
            "mask: must be an array of bool, uint8 or uint16, got float32",
        ),
        (
            noise(2),
            "mask: must be an array of height x width, or with 1, 3 or 4 channels,"
            f" got {HEIGHT} x {WIDTH} x 2",
        ),
        (Image.new("F", SIZE[::-1]), "mask: must have 8 or 16 bits a channel, got floating point"),
        (
            Image.new("I", SIZE[::-1], 70000),
            "mask: must have 8 or 16 bits a channel, got 32-bit integers",
        ),
    ],
)
def test_other_pixels(source: Any, message: str) -> None:
    with pytest.raises(InvalidMask) as caught:
        decode_mask(source, size=SIZE)
    assert str(caught.value) == message


@pytest.mark.parametrize("color", [(1, 2), (0, 0, 256), (-1, 0, 0)])
def test_other_colours(color: Any) -> None:
    with pytest.raises(InvalidOption, match=r"mask_color: must be three numbers from 0 to 255"):
        decode_mask(levels(), size=SIZE, colors=[color])


def test_damaged_and_oversized_files() -> None:
    data = file_of(noise(1), "PNG")
    with pytest.raises(
        CorruptImage, match="mask: must be a whole, undamaged picture, got a PNG file"
    ):
        decode_mask(data[:-500], size=SIZE)
    with pytest.raises(ResolutionOutOfRange, match="mask: "):
        decode_mask(Image.new("L", (5000, 10)), size=SIZE)


# Growing


@pytest.mark.parametrize("px", [1, 2, 5, 13])
def test_growing_adds_a_disc(px: int) -> None:
    mask = np.zeros((60, 70), bool)
    mask[5, 60] = mask[30, 20] = True
    rows, columns = np.mgrid[0:60, 0:70]
    expected = np.zeros_like(mask)
    for row, column in np.argwhere(mask):
        expected |= np.hypot(rows - row, columns - column) <= px
    assert np.array_equal(grow_mask(mask, px), expected)
    assert np.array_equal(grow_mask(~mask, -px), ~expected)


def test_shrinking_does_not_eat_in_from_the_border() -> None:
    assert grow_mask(np.ones((20, 30), bool), -5).all()
    mask = np.zeros((20, 30), bool)
    mask[:, :10] = True
    assert np.array_equal(np.flatnonzero(grow_mask(mask, -3)[0]), np.arange(7))


def test_growing_leaves_its_argument_alone_and_may_end_empty() -> None:
    mask = shape()
    assert not grow_mask(mask, -200).any()
    assert not grow_mask(np.zeros(SIZE, bool), 5).any()
    same = grow_mask(mask, 0)
    assert np.array_equal(same, mask)
    assert not np.shares_memory(same, mask)
    assert np.array_equal(mask, shape())


def ramp() -> Any:
    """Every level from 0 at the left to 255 at the right."""
    row = np.rint(np.linspace(0, 255, WIDTH)).astype(np.uint8)
    return np.broadcast_to(row, SIZE).copy()


def test_levels_are_read_as_they_are() -> None:
    rgb = np.dstack([ramp(), np.full(SIZE, 255, np.uint8), np.full(SIZE, 255, np.uint8)])
    deep = ramp().astype(np.uint16) * 257
    files = file_of(ramp(), "PNG"), file_of(rgb, "PNG"), png_of(deep)
    for source in (*files, ramp(), ramp()[..., None], deep):
        assert np.array_equal(decode_levels(source, size=SIZE), ramp())
        assert np.array_equal(decode_levels(source, size=SIZE, invert=True), 255 - ramp())


def test_of_strokes_on_a_clear_canvas_the_opacity_is_the_level() -> None:
    red = np.dstack([np.full(SIZE, 255), np.zeros(SIZE), np.zeros(SIZE), ramp()]).astype(np.uint8)
    assert np.array_equal(decode_levels(file_of(red, "PNG"), size=SIZE), ramp())


def test_what_is_hard_has_the_levels_of_its_ends() -> None:
    ends = shape() * np.uint8(255)
    colored = painted((9, 8, 7), (50, 60, 70))
    for source in (shape(), shape().astype(np.uint8), file_of(shape() * np.uint8(1), "PNG")):
        assert np.array_equal(decode_levels(source, size=SIZE), ends)
    assert np.array_equal(decode_levels(colored, size=SIZE, colors=[(9, 8, 7)]), ends)


def test_what_jpeg_does_to_black_and_white_is_taken_off() -> None:
    soft = Image.fromarray(levels()).filter(ImageFilter.GaussianBlur(6))
    data = file_of(np.asarray(soft), "JPEG", quality=80)
    with Image.open(io.BytesIO(data)) as image:
        noisy = np.asarray(image)
    read = decode_levels(data, size=SIZE)
    far = np.asarray(soft) == 0
    assert noisy[far].any()
    assert not read[far & (noisy < 16)].any()
    assert (read[noisy > 239] == 255).all()
    between = (noisy >= 16) & (noisy <= 239)
    assert np.array_equal(read[between], noisy[between])


def test_levels_of_nothing_are_refused() -> None:
    with pytest.raises(EmptyMask, match="no white pixel"):
        decode_levels(np.zeros(SIZE, np.uint8), size=SIZE)
    with pytest.raises(EmptyMask, match="none once inverted"):
        decode_levels(np.full(SIZE, 255, np.uint8), size=SIZE, invert=True)
    with pytest.raises(EmptyMask, match="no pixel of the colour #010203"):
        decode_levels(painted(WHITE, RED), size=SIZE, colors=[(1, 2, 3)])
