from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from tests.unit.picture_files import gray_profile, noise, smooth

from overpaint.errors import InvalidOption
from overpaint.imaging import profile
from overpaint.imaging.decode import decode_picture
from overpaint.imaging.encode import FORMATS, encode, format_of, is_lossy, losses
from overpaint.imaging.provenance import Provenance
from overpaint.values import Picture

MADE = Provenance(engine="collage", prompt="一只猫戴着红色眼镜", seed=7)


@pytest.fixture(autouse=True)
def _stderr_stays_clean(capfd: pytest.CaptureFixture[str]) -> Any:
    yield
    assert capfd.readouterr().err == ""


def picture(channels: int = 3, dtype: type = np.uint8, icc: bytes | None = None) -> Picture:
    return Picture(pixels=noise(channels, dtype), icc_profile=icc)


@pytest.mark.parametrize("provenance", [None, MADE])
@pytest.mark.parametrize("icc", [None, profile.srgb_profile()])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_png_and_tiff_keep_everything(
    kind: str, channels: int, dtype: type, icc: bytes | None, provenance: Provenance | None
) -> None:
    before = picture(channels, dtype, icc)
    assert losses(before, kind) == ()
    after = decode_picture(encode(before, format=kind, provenance=provenance))
    assert after.pixels.dtype == dtype
    assert np.array_equal(after.pixels, before.pixels)
    assert after.icc_profile == icc
    assert after.format == kind


def test_other_readers_agree_on_16_bits() -> None:
    before = picture(4, np.uint16)
    tiff = tifffile.imread(io.BytesIO(encode(before, format="TIFF", provenance=MADE)))
    assert np.array_equal(tiff, before.pixels)
    with Image.open(io.BytesIO(encode(before, format="TIFF"))) as image:
        assert image.info["compression"] == "tiff_adobe_deflate"
    shown = np.asarray(Image.open(io.BytesIO(encode(before, format="PNG", provenance=MADE))))
    assert np.array_equal(shown, before.pixels >> 8)  # as Pillow cuts 16 bits down


def test_bmp_keeps_rgb() -> None:
    assert np.array_equal(decode_picture(encode(picture(), format="BMP")).pixels, noise(3))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_stay_near_and_keep_the_profile(kind: str) -> None:
    before = Picture(pixels=smooth(), icc_profile=profile.srgb_profile())
    after = decode_picture(encode(before, format=kind, provenance=MADE))
    assert after.icc_profile == profile.srgb_profile()
    assert np.abs(after.pixels.astype(int) - smooth()).mean() < 2
    assert len(encode(before, format=kind, quality=30)) < len(encode(before, format=kind))


def test_jpeg_equals_pillows_at_the_same_settings() -> None:
    for quality, subsampling in ((95, 0), (80, 2)):
        buffer = io.BytesIO()
        Image.fromarray(smooth()).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
        assert encode(Picture(pixels=smooth()), format="JPEG", quality=quality) == buffer.getvalue()


def test_webp_keeps_alpha_and_jpeg_and_bmp_flatten_it_on_white() -> None:
    pixels = np.concatenate([smooth(), np.full((*smooth().shape[:2], 1), 128, np.uint8)], 2)
    pixels[:50, :, 3] = 0
    pixels[50:100, :, 3] = 255
    before = Picture(pixels=pixels)
    webp = decode_picture(encode(before, format="WEBP")).pixels
    assert np.array_equal(webp[..., 3], pixels[..., 3])
    bmp = decode_picture(encode(before, format="BMP")).pixels
    assert (bmp[:50] == 255).all()
    assert np.array_equal(bmp[50:100], smooth()[50:100])
    half = np.rint((smooth()[100:] * 128.0 + 255 * 127.0) / 255)
    assert np.abs(bmp[100:] - half).max() <= 1
    jpeg = decode_picture(encode(before, format="JPEG")).pixels
    assert np.abs(jpeg.astype(int) - bmp).mean() < 2


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP"])
def test_8_bit_formats_round_16_bits(kind: str) -> None:
    deep = np.minimum(smooth() * np.uint32(257) + 100, 65535).astype(np.uint16)
    after = decode_picture(encode(Picture(pixels=deep), format=kind)).pixels
    shallow = decode_picture(encode(Picture(pixels=smooth()), format=kind)).pixels
    assert np.array_equal(after, shallow)


def test_bmp_cannot_hold_a_profile_so_colours_become_srgb() -> None:
    kept = profile.rgb_profile_of_gray(gray_profile(1.0))
    assert kept is not None
    shown = decode_picture(encode(Picture(pixels=smooth(), icc_profile=kept), format="BMP")).pixels
    assert np.array_equal(shown, profile.pixels_to_srgb(smooth(), kept))
    assert shown.mean() > smooth().mean() + 20


def test_profile_survives_as_littlecms_reads_it() -> None:
    data = encode(picture(icc=profile.srgb_profile()), format="PNG")
    with Image.open(io.BytesIO(data)) as image:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(embedded)


@pytest.mark.parametrize("kind", FORMATS)
def test_same_arguments_give_the_same_bytes(kind: str) -> None:
    before = picture(4, np.uint16, profile.srgb_profile())
    first = encode(before, format=kind, provenance=MADE)
    assert first == encode(before, format=kind, provenance=MADE)
    assert np.array_equal(before.pixels, noise(4, np.uint16))


@pytest.mark.parametrize("kind", FORMATS)
def test_views_encode_as_their_copies(kind: str) -> None:
    view = Picture(pixels=noise(4)[::-1, :, :3])
    copy = Picture(pixels=view.pixels.copy())
    assert encode(view, format=kind, provenance=MADE) == encode(copy, format=kind, provenance=MADE)


def test_png_carries_the_label_as_a_text_chunk_too() -> None:
    with Image.open(io.BytesIO(encode(picture(), format="PNG", provenance=MADE))) as image:
        label = json.loads(image.info["AIGC"])
    assert label["Label"] == "1"
    assert label["ContentProducer"] == "Overpaint"


def test_losses_in_plain_words() -> None:
    rich = picture(4, np.uint16, profile.srgb_profile())
    assert losses(rich, "JPEG") == (
        "JPEG is lossy: pixels outside the mask change slightly",
        "JPEG has no alpha: flattened on white",
        "JPEG has 8 bits a channel: rounded from 16",
    )
    assert losses(rich, "WEBP") == (
        "WEBP is lossy: pixels outside the mask change slightly",
        "WEBP has 8 bits a channel: rounded from 16",
    )
    assert losses(rich, "BMP") == (
        "BMP has no alpha: flattened on white",
        "BMP has 8 bits a channel: rounded from 16",
        "BMP holds no ICC profile: converted to sRGB",
        "BMP holds no metadata: provenance is left out",
    )
    assert losses(picture(), "BMP") == ("BMP holds no metadata: provenance is left out",)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "PNG"),
        ("a.JPG", "JPEG"),
        ("dir.x/a.jpeg", "JPEG"),
        ("a.webp", "WEBP"),
        ("a.tif", "TIFF"),
        ("a.b.TIFF", "TIFF"),
        ("a.bmp", "BMP"),
    ],
)
def test_format_of_a_name(name: str, kind: str) -> None:
    assert format_of(name) == kind
    assert is_lossy(kind) == (kind in ("JPEG", "WEBP"))


@pytest.mark.parametrize(("name", "value"), [("a.gif", ".gif"), ("a", "a"), (".png", ".png")])
def test_other_names(name: str, value: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        format_of(name)
    assert str(caught.value) == (
        "output: must end in one of .png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp, got " + value
    )


def test_other_formats_and_qualities() -> None:
    with pytest.raises(
        InvalidOption, match=r"^format: must be one of PNG, JPEG, WEBP, TIFF, BMP, got GIF$"
    ):
        encode(picture(), format="GIF")
    for quality in (0, 101):
        with pytest.raises(InvalidOption, match=rf"^quality: must be 1 to 100, got {quality}$"):
            encode(picture(), format="JPEG", quality=quality)
    assert encode(picture(), format="jpg") == encode(picture(), format="JPEG")
