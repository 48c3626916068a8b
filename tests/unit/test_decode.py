from __future__ import annotations

import io
import os
import pickle
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from tests.unit.picture_files import (
    HEIGHT,
    WIDTH,
    chunk,
    file_of,
    gray_profile,
    noise,
    png_of,
    smooth,
    tiff_of,
)

from overpaint.errors import (
    CorruptImage,
    FileTooLarge,
    InvalidImage,
    NotAnImage,
    ResolutionOutOfRange,
    UnsupportedFormat,
)
from overpaint.imaging import deep, profile
from overpaint.imaging.decode import decode_picture, decode_reference
from overpaint.imaging.source import MAX_BYTES, LengthChecked, caught_warnings

LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "BMP": {},
    "TIFF": {},
    "TIFF deflate": {"compression": "tiff_adobe_deflate"},
    "TIFF lzw": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True, "exact": True},
}


@pytest.fixture(autouse=True)
def _stderr_stays_clean(capfd: pytest.CaptureFixture[str]) -> Any:
    yield
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("kind", "channels"),
    [(kind, 3) for kind in LOSSLESS] + [(kind, 4) for kind in LOSSLESS if kind != "BMP"],
)
def test_lossless_files_keep_every_pixel(kind: str, channels: int) -> None:
    pixels = noise(channels)
    picture = decode_picture(file_of(pixels, kind.split()[0], **LOSSLESS[kind]))
    assert np.array_equal(picture.pixels, pixels)
    assert picture.format == kind.split()[0]
    assert picture.notes == ()
    assert picture.icc_profile is None


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100}])
def test_jpeg_and_lossy_webp_decode_as_pillow_does(options: dict[str, Any]) -> None:
    for kind in ("JPEG", "WEBP"):
        data = file_of(smooth(), kind, **options)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert np.array_equal(decode_picture(data).pixels, expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_every_bit(channels: int) -> None:
    pixels = noise(channels, np.uint16)
    decoded = decode_picture(png_of(pixels)).pixels
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, as_rgb(pixels))


def test_16_bit_png_transparent_colour_becomes_alpha() -> None:
    gray, rgb = noise(1, np.uint16), noise(3, np.uint16)
    clear_gray = chunk(b"tRNS", struct.pack(">H", gray[5, 6]))
    clear_rgb = chunk(b"tRNS", rgb[5, 6].astype(">u2").tobytes())
    for data, expected in ((png_of(gray, clear_gray), gray), (png_of(rgb, clear_rgb), rgb)):
        decoded = decode_picture(data).pixels
        assert decoded.shape[2] == 4
        assert decoded[5, 6, 3] == 0
        assert decoded[..., 3].max() == 65535
        assert np.array_equal(decoded[..., :3], as_rgb(expected))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_tiff_keeps_every_bit(channels: int, order: str, compression: str | None) -> None:
    pixels = noise(channels, np.uint16)
    photometric = "minisblack" if channels == 1 else "rgb"
    options: dict[str, Any] = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    data = tiff_of(
        pixels, photometric=photometric, byteorder=order, compression=compression, **options
    )
    decoded = decode_picture(data).pixels
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, as_rgb(pixels))


def test_16_bit_tiff_dialects() -> None:
    rgb, gray = noise(3, np.uint16), noise(1, np.uint16)
    planes = tiff_of(np.moveaxis(rgb, 2, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(decode_picture(planes).pixels, rgb)
    inverted = tiff_of(65535 - gray, photometric="miniswhite")
    assert np.array_equal(decode_picture(inverted).pixels, as_rgb(gray))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_16_bit_tiff_of_gray_and_alpha_keeps_every_bit(
    compression: str | None, planes: str
) -> None:
    pixels = noise(2, np.uint16)
    data = gray_alpha_tiff(pixels, compression=compression, planarconfig=planes)
    picture = decode_picture(data)
    assert np.array_equal(picture.pixels, as_rgb(pixels))
    assert (picture.format, picture.notes) == ("TIFF", ())


def test_16_bit_tiff_of_gray_and_alpha_keeps_its_profile_and_is_turned() -> None:
    pixels = noise(2, np.uint16)
    tag = [(0x0112, 3, 1, 6, True)]
    picture = decode_picture(gray_alpha_tiff(pixels, extratags=tag, iccprofile=gray_profile(1.8)))
    assert np.array_equal(picture.pixels, np.rot90(as_rgb(pixels), -1))
    assert picture.icc_profile == profile.rgb_profile_of_gray(gray_profile(1.8))


def test_16_bit_tiff_of_gray_and_premultiplied_alpha_becomes_straight() -> None:
    stored = np.full((HEIGHT, WIDTH, 2), (10000, 32768), np.uint16)
    decoded = decode_picture(gray_alpha_tiff(stored, extrasamples=["assocalpha"])).pixels
    assert np.array_equal(decoded[5, 6], (20000, 20000, 20000, 32768))


def test_16_bit_tiff_of_gray_and_alpha_is_checked_as_any_other() -> None:
    with pytest.raises(ResolutionOutOfRange, match="got 300 x 100 px"):
        decode_picture(gray_alpha_tiff(noise(2, np.uint16)[:100]))
    data = gray_alpha_tiff(noise(2, np.uint16), compression="zlib")
    with pytest.raises(CorruptImage, match="got a TIFF file that is damaged or cut short"):
        decode_picture(data[:-5000])
    broken = bytearray(data)
    broken[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    with pytest.raises(CorruptImage, match="got a TIFF file that is damaged or cut short"):
        decode_picture(bytes(broken))
    at = data.index(struct.pack("<HHI", 259, 3, 1)) + 8  # compression: LZW, it says
    with pytest.raises(InvalidImage) as caught:
        decode_picture(data[:at] + struct.pack("<H", 5) + data[at + 2 :])
    assert str(caught.value) == (
        "base: must be uncompressed or deflated where a TIFF has 16-bit gray with alpha, got LZW"
    )


def test_16_bit_tiff_premultiplied_alpha_becomes_straight() -> None:
    straight = noise(4, np.uint16)
    straight[..., 3] |= 0x8000  # where alpha is low, few bits are left to compare
    alpha = straight[..., 3:].astype(np.float64) / 65535
    stored = straight.copy()
    stored[..., :3] = np.rint(straight[..., :3] * alpha)
    decoded = decode_picture(tiff_of(stored, photometric="rgb", extrasamples=["assocalpha"])).pixels
    assert np.array_equal(decoded[..., 3], straight[..., 3])
    assert np.abs(decoded[..., :3].astype(int) - straight[..., :3]).max() <= 1


@pytest.mark.parametrize("compression", [5, 32773])  # LZW, PackBits
def test_16_bit_tiff_with_other_compressions(compression: int) -> None:
    pixels = noise(3, np.uint16)
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".tiff", stored, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    data = encoded.tobytes()
    assert struct.pack("<HHIHH", 259, 3, 1, compression, 0) in data
    assert np.array_equal(decode_picture(data).pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = file_of(smooth(), kind, exif=exif.tobytes(), **options)
    turned = decode_picture(data)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(turned.pixels, np.asarray(expected))
    assert (turned.width > turned.height) == (orientation < 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_16_bits_is_applied_once(orientation: int) -> None:
    pixels = noise(3, np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    marker = Image.fromarray((pixels >> 8).astype(np.uint8))
    marker.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(marker))
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    tag = [(0x0112, 3, 1, orientation, True)]
    files = [
        png_of(pixels, chunk(b"eXIf", body)),
        tiff_of(pixels, photometric="rgb", extratags=tag),
        tiff_of(pixels, photometric="rgb", extratags=tag, compression="zlib", byteorder=">"),
    ]
    for data in files:
        assert np.array_equal(decode_picture(data).pixels >> 8, expected)


def test_nonsense_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    data = file_of(smooth(), "PNG", exif=exif.tobytes())
    assert np.array_equal(decode_picture(data).pixels, smooth())


@pytest.mark.parametrize("mode", ["1", "L", "P", "YCbCr", "HSV", "RGBX", "RGB"])
def test_modes_without_alpha_become_rgb(mode: str) -> None:
    image = Image.fromarray(smooth()).convert(mode)
    decoded = decode_picture(image).pixels
    assert np.array_equal(decoded, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "PA", "La", "RGBA", "RGBa"])
def test_modes_with_alpha_become_rgba(mode: str) -> None:
    rgba = Image.fromarray(noise(4))
    steps = {"La": ["LA", "La"], "PA": ["P", "PA"]}.get(mode, [mode])
    image = rgba
    for step in steps:
        image = image.convert(step)
    decoded = decode_picture(image).pixels
    if mode == "La":
        image = image.convert("LA")
    assert np.array_equal(decoded, np.asarray(image.convert("RGBA")))


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_16_bit_gray_images_keep_every_bit(mode: str) -> None:
    gray = noise(1, np.uint16)
    if mode == "I":
        image = Image.fromarray(gray.astype(np.int32))
    else:
        order = ">u2" if mode == "I;16B" else "<u2"
        image = Image.frombytes(mode, (WIDTH, HEIGHT), gray.astype(order).tobytes())
    assert image.mode == mode
    assert np.array_equal(decode_picture(image).pixels, as_rgb(gray))


def test_palette_transparency_survives() -> None:
    image = Image.fromarray(smooth()).quantize(8)
    for transparency in (3, bytes([0, 50, 255])):
        data = file_of(image, "PNG", transparency=transparency)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        assert np.array_equal(decode_picture(data).pixels, expected)


def test_transparent_gray_and_rgb_of_png_become_alpha() -> None:
    for image, clear in ((Image.fromarray(noise(1)), 7), (Image.fromarray(smooth()), (3, 0, 1))):
        decoded = decode_picture(file_of(image, "PNG", transparency=clear)).pixels
        assert decoded.shape[2] == 4
        assert set(np.unique(decoded[..., 3])) == {0, 255}


def test_cmyk_without_profile_is_converted_and_said() -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        data = file_of(image, kind)
        picture = decode_picture(data)
        assert np.array_equal(
            picture.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        )
        assert picture.notes == ("CMYK without a usable profile was converted to RGB",)
        assert picture.icc_profile is None


def test_lab_tiff_is_converted_to_srgb() -> None:
    srgb = ImageCms.createProfile("sRGB")
    lab = ImageCms.profileToProfile(
        Image.fromarray(smooth()), srgb, ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    picture = decode_picture(file_of(lab, "TIFF"))
    assert picture.notes == ("LAB was converted to sRGB",)
    assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_rgb_profile_is_kept(kind: str) -> None:
    data = file_of(smooth(), kind, icc_profile=profile.srgb_profile())
    assert decode_picture(data).icc_profile == profile.srgb_profile()


def test_gray_profile_becomes_the_rgb_profile_that_looks_the_same() -> None:
    gray = noise(1)
    picture = decode_picture(file_of(gray, "PNG", icc_profile=gray_profile(1.8)))
    assert np.array_equal(picture.pixels, as_rgb(gray))  # exact: only the profile changed
    assert picture.icc_profile is not None
    assert profile.colour_space(picture.icc_profile) == "RGB"
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(3, 0).T[None]
    shown = profile.pixels_to_srgb(np.ascontiguousarray(ramp), picture.icc_profile)
    direct = profile.transform_to_srgb(gray_profile(1.8), "L")
    assert direct is not None
    expected = np.asarray(profile.apply(direct, Image.fromarray(ramp[..., 0].copy())))
    assert np.abs(shown.astype(int) - expected).max() <= 1
    assert np.abs(shown[0, 64].astype(int) - 64).min() > 5  # gamma 1.8 is not sRGB's


@pytest.mark.parametrize("unfit", [b"not a profile", gray_profile()])
def test_profile_that_does_not_fit_is_left_out_and_said(unfit: bytes) -> None:
    picture = decode_picture(file_of(smooth(), "PNG", icc_profile=unfit))
    assert picture.icc_profile is None
    assert picture.notes == ("the ICC profile cannot be used with this picture and was left out",)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_first_of_several_frames_is_taken_with_a_note(kind: str) -> None:
    first, second = Image.fromarray(smooth()), Image.fromarray(255 - smooth())
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = file_of(first, kind, save_all=True, append_images=[second, first], **options)
    picture = decode_picture(data)
    assert np.array_equal(picture.pixels, smooth())  # RGB: nothing is seen through
    assert picture.notes == (
        ("the first page of several was taken",)
        if kind == "TIFF"
        else ("the first frame of 3 was taken",)
    )


def test_first_frame_of_a_webp_keeps_its_alpha() -> None:
    first, second = Image.fromarray(noise(4)), Image.fromarray(noise(4, seed=1))
    options: dict[str, Any] = {"lossless": True, "exact": True}
    data = file_of(first, "WEBP", save_all=True, append_images=[second], **options)
    assert np.array_equal(decode_picture(data).pixels[..., 3], noise(4)[..., 3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_are_copied(dtype: Any, channels: int) -> None:
    pixels = noise(channels, np.dtype(dtype).newbyteorder("=").type).astype(dtype)
    picture = decode_picture(pixels)
    assert np.array_equal(picture.pixels, as_rgb(pixels))
    assert not np.shares_memory(picture.pixels, pixels)
    assert picture.pixels.dtype.isnative
    if channels == 1:
        assert np.array_equal(decode_picture(pixels[..., None]).pixels, picture.pixels)


def test_pil_image_is_turned_upright_and_left_alone() -> None:
    image = Image.fromarray(smooth())
    image.getexif()[0x0112] = 6
    assert decode_picture(image).pixels.shape == (WIDTH, HEIGHT, 3)
    assert image.size == (WIDTH, HEIGHT)


def test_files_come_by_path_and_by_content_not_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(file_of(smooth(), "PNG"))
    for source in (path, str(path)):
        picture = decode_picture(source)
        assert np.array_equal(picture.pixels, smooth())
        assert picture.format == "PNG"


# Refused


@pytest.mark.parametrize(
    ("size", "shown"),
    [((256, 300), "256 x 300 px"), ((300, 4096), "300 x 4096 px"), ((10, 10), "10 x 10 px")],
)
def test_sides_out_of_range(size: tuple[int, int], shown: str) -> None:
    image = Image.new("L", size)
    for source in (image, np.asarray(image), file_of(image, "PNG"), file_of(image, "WEBP")):
        with pytest.raises(ResolutionOutOfRange) as caught:
            decode_picture(source)
        assert str(caught.value) == (
            f"base: each side must be over 256 and under 4096 px, got {shown}"
        )
        assert (caught.value.field, caught.value.value) == ("base", shown)


@pytest.mark.parametrize("size", [(257, 4095), (4095, 257)])
def test_sides_just_within_range(size: tuple[int, int]) -> None:
    assert decode_picture(file_of(Image.new("L", size), "PNG")).width == size[0]


def bomb(kind: str) -> bytes:
    """A tiny file whose header claims 60000 x 60000, or 16000 x 16000 for WEBP."""
    if kind == "PNG":
        header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1000)))]
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")
    data = bytearray(file_of(smooth(), kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
    elif kind == "BMP":
        data[18:26] = struct.pack("<II", 60000, 60000)
    elif kind == "WEBP":
        data[26:30] = struct.pack("<HH", 16000, 16000)
    else:
        for tag in (256, 257):
            at = data.index(struct.pack("<H", tag), struct.unpack("<I", data[4:8])[0])
            data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 60000)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_a_bomb_is_refused_before_it_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(*args: object, **kwargs: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", must_not)
    monkeypatch.setattr("cv2.imdecode", must_not)
    data = bomb(kind)
    with pytest.raises(
        ResolutionOutOfRange, match=r"16000 x 16000|60000 x 60000|3600000000 pixels"
    ):
        decode_picture(data)
    with pytest.raises(ResolutionOutOfRange):
        decode_reference(data)


@pytest.mark.parametrize("cut", [1, 13, 400, 0.5, 0.9])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "jpeg"}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_truncated_files(kind: str, options: dict[str, Any], cut: float) -> None:
    data = file_of(noise(3), kind, **options)
    kept = len(data) - int(cut if cut >= 1 else cut * len(data))
    with pytest.raises(CorruptImage) as caught:
        decode_picture(data[:kept])
    assert str(caught.value) == (
        f"base: must be a whole, undamaged picture, got a {kind} file that is damaged or cut short"
    )


@pytest.mark.parametrize("cut", [1, 13, 0.5, 0.9])
def test_truncated_16_bit_files(cut: float) -> None:
    pixels = noise(3, np.uint16)
    for data in (
        png_of(pixels),
        tiff_of(pixels, photometric="rgb"),
        tiff_of(pixels, photometric="rgb", compression="zlib"),
    ):
        kept = len(data) - int(cut if cut >= 1 else cut * len(data))
        with pytest.raises(CorruptImage):
            decode_picture(data[:kept])


def test_headers_alone_are_corrupt() -> None:
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP"):
        for kept in (12, 16, 24, 30):
            with pytest.raises((CorruptImage, NotAnImage)):
                decode_picture(file_of(smooth(), kind)[:kept])


def test_damaged_png_chunk_is_corrupt() -> None:
    for data in (file_of(smooth(), "PNG"), png_of(noise(3, np.uint16))):
        broken = bytearray(data)
        broken[len(data) // 2] ^= 0x10
        with pytest.raises(CorruptImage):
            decode_picture(bytes(broken))


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    for source in (b"", path):
        with pytest.raises(CorruptImage, match=r"undamaged picture, got an empty file$"):
            decode_picture(source)


def test_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: reading it would fill the memory
    words = r"^base: must be a file of at most 10 MB, got "
    with pytest.raises(FileTooLarge, match=words + r"1048576\.00 MB$"):
        decode_picture(path)
    with pytest.raises(FileTooLarge, match=words + r"10\.01 MB$"):
        decode_picture(bytes(10 * 1024 * 1024 + 1))


def test_exactly_10_mb_is_allowed() -> None:
    data = file_of(smooth(), "JPEG")
    padded = data + bytes(10 * 1024 * 1024 - len(data))
    assert np.array_equal(decode_picture(padded).pixels, decode_picture(data).pixels)


def test_pipe_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    import threading

    path = tmp_path / "pipe"
    os.mkfifo(path)

    def feed() -> None:
        try:
            with path.open("wb") as pipe:
                for _ in range(11):
                    pipe.write(bytes(1024 * 1024))
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=feed)
    writer.start()
    with pytest.raises(FileTooLarge, match="at most 10 MB"):
        decode_picture(path)
    writer.join()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIF"),
        (b"8BPS\0\x01", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x0a", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
    ],
)
def test_other_formats_are_named(head: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        decode_picture(head + bytes(100))
    assert str(caught.value) == (f"base: must be a JPEG, PNG, BMP, TIFF or WEBP, got {name}")


@pytest.mark.parametrize("data", [b"hello", b"\0" * 500, b"RIFF\0\0\0\0WAVE", b"P6 1 1 255"])
def test_not_an_image(data: bytes) -> None:
    with pytest.raises(NotAnImage) as caught:
        decode_picture(data)
    assert str(caught.value) == (
        f"base: must be a JPEG, PNG, BMP, TIFF or WEBP, got a file that begins with {data[:8]!r}"
    )


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"base: must be a file that exists, got .*nowhere.png"):
        decode_picture(tmp_path / "nowhere.png")
    with pytest.raises(InvalidImage, match="base: must be a picture file, not a folder, got "):
        decode_picture(tmp_path)
    with pytest.raises(InvalidImage, match="base: must be a file that can be read"):
        decode_picture("with\0nul.png")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (tiff_of(np.zeros((300, 300), np.float32), photometric="minisblack"), "floating point"),
        (tiff_of(np.zeros((300, 300), np.int16), photometric="minisblack"), "16 bits, signed"),
        (tiff_of(np.zeros((300, 300), np.uint32), photometric="minisblack"), "32 bits"),
    ],
)
def test_tiff_samples_other_than_8_and_16_bits(data: bytes, value: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        decode_picture(data)
    assert str(caught.value) == f"base: must have 8 or 16 bits a channel, got {value}"


def test_tiff_of_an_odd_layout_says_what_it_is() -> None:
    data = tiff_of(
        noise(2, np.uint16),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified"],
    )
    with pytest.raises(InvalidImage) as caught:
        decode_picture(data)
    assert str(caught.value) == (
        "base: must be a gray, RGB, RGBA, palette, CMYK or LAB TIFF of 8 or 16 bits a channel,"
        " got uint16 x 2 channels"
    )


def test_pil_images_other_than_8_and_16_bits() -> None:
    with pytest.raises(InvalidImage, match="must have 8 or 16 bits a channel, got floating point"):
        decode_picture(Image.new("F", (300, 300)))
    with pytest.raises(InvalidImage, match="must have 8 or 16 bits a channel, got 32-bit integers"):
        decode_picture(Image.new("I", (300, 300), 70000))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((300, 300), bool), "base: must be an array of uint8 or uint16, got bool"),
        (
            np.zeros((300, 300), np.float32),
            "base: must be an array of uint8 or uint16, got float32",
        ),
        (
            np.zeros((300, 300, 2), np.uint8),
            "base: must be an array of height x width, or with 1, 3 or 4 channels,"
            " got 300 x 300 x 2",
        ),
        (
            np.zeros(300, np.uint8),
            "base: must be an array of height x width, or with 1, 3 or 4 channels, got 300",
        ),
    ],
)
def test_other_arrays(array: Any, message: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        decode_picture(array)
    assert str(caught.value) == message


@pytest.mark.parametrize("thing", [None, 5, [1, 2], io.BytesIO(b"x")])
def test_other_types(thing: Any) -> None:
    with pytest.raises(InvalidImage) as caught:
        decode_picture(thing)
    assert str(caught.value) == (
        "base: must be a path, the bytes of a file, a PIL image or an array,"
        f" got {type(thing).__name__}"
    )


# Threads


def test_threads_that_decode_at_once_leave_the_log_level_of_opencv_alone() -> None:
    before = deep._LOG.getLogLevel()
    first, second = deep.quiet(), deep.quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # they overlap, as threads do, and are not nested
    assert deep._LOG.getLogLevel() == 0
    second.__exit__(None, None, None)
    assert deep._LOG.getLogLevel() == before != 0


def test_threads_that_decode_at_once_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    together = threading.Barrier(4)

    def decode() -> None:
        together.wait()
        for _ in range(5):
            decode_picture(file_of(smooth(), "JPEG"))

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_threads_read_at_once_each_with_its_own_warnings() -> None:
    def warn(text: str) -> None:  # as from inside Pillow
        warnings.warn_explicit(text, UserWarning, "x.py", 1, module="PIL.x")

    before = (list(warnings.filters), warnings.showwarning)
    told: dict[str, list[str]] = {}
    both_inside, both_warned = threading.Barrier(2), threading.Barrier(2)

    def read(name: str) -> None:
        with caught_warnings() as texts:
            both_inside.wait(20)  # a lock held while reading would never let the other in
            warn(name)
            both_warned.wait(20)
        told[name] = texts

    threads = [threading.Thread(target=read, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"first": ["first"], "second": ["second"]}
    assert (list(warnings.filters), warnings.showwarning) == before


def test_a_thread_that_does_not_read_has_its_warnings_shown() -> None:
    other = threading.Thread(target=warnings.warn, args=("mine",))

    def read() -> list[str]:
        with caught_warnings() as texts:
            other.start()
            other.join()
        return texts

    with pytest.warns(UserWarning, match="mine"):
        assert read() == []


# Reference


def test_reference_may_be_small_and_becomes_rgba() -> None:
    small = noise(3)[:16, :20]
    reference = decode_reference(file_of(small, "PNG"))
    assert reference.shape == (16, 20, 4)
    assert np.array_equal(reference[..., :3], small)
    assert (reference[..., 3] == 255).all()
    with pytest.raises(ResolutionOutOfRange) as caught:
        decode_reference(small[:15])
    assert str(caught.value) == "reference: each side must be 16 to 4095 px, got 20 x 15 px"


def test_reference_keeps_alpha_and_applies_the_profile() -> None:
    assert np.array_equal(decode_reference(noise(4)), noise(4))
    gray = noise(1)
    shown = decode_reference(file_of(gray, "PNG", icc_profile=gray_profile(1.0)))
    assert shown[gray == 64].min() > 120  # linear light 64 is far lighter in sRGB


def test_reference_of_16_bits_is_rounded() -> None:
    pixels = noise(4, np.uint16)
    assert np.array_equal(decode_reference(pixels), np.rint(pixels / 257).astype(np.uint8))


def gray_alpha_tiff(pixels: Any, *, planarconfig: str = "contig", **options: Any) -> bytes:
    """Save height x width x (gray, alpha)."""
    stored = pixels if planarconfig == "contig" else np.moveaxis(pixels, 2, 0)
    settings = {"extrasamples": ["unassalpha"], **options}
    return tiff_of(stored, photometric="minisblack", planarconfig=planarconfig, **settings)


def as_rgb(pixels: Any) -> Any:
    """Gray to three equal channels, gray and alpha to four."""
    if pixels.ndim == 2:
        return np.stack([pixels] * 3, 2)
    if pixels.shape[2] == 2:
        return np.stack([pixels[..., 0]] * 3 + [pixels[..., 1]], 2)
    return pixels


def test_bytes_whose_length_was_checked_may_be_more() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8)
    data = file_of(pixels, "PNG", compress_level=0)
    assert len(data) > MAX_BYTES
    with pytest.raises(FileTooLarge):
        decode_picture(data)
    assert np.array_equal(decode_picture(LengthChecked(data)).pixels, pixels)
    sent = pickle.loads(pickle.dumps(LengthChecked(data)))  # to the inspection's process
    assert type(sent) is LengthChecked
    assert decode_reference(sent).shape == (2000, 2000, 4)
    with pytest.raises(CorruptImage, match="empty file"):
        decode_picture(LengthChecked(b""))
