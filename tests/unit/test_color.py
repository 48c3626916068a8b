from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from overpaint.errors import CorruptImage
from overpaint.imaging.color import from_srgb8, to_srgb8


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, channels)).astype(np.uint8)


def test_8_bit_srgb_is_left_as_it_is() -> None:
    rgb = noise(3)
    assert np.array_equal(to_srgb8(rgb, None), rgb)
    assert np.array_equal(from_srgb8(rgb, None, np.dtype(np.uint8)), rgb)


def test_16_bits_go_to_8_and_back_without_drift() -> None:
    rgb = noise(3)
    deep = from_srgb8(rgb, None, np.dtype(np.uint16))
    assert deep.dtype == np.uint16
    assert deep[rgb == 255].min() == 65535
    assert np.array_equal(to_srgb8(deep, None), rgb)


def test_transparent_pixels_are_seen_on_white() -> None:
    rgba = noise(4)
    rgba[..., 3] = 0
    rgba[0, 0, 3] = 255
    seen = to_srgb8(rgba, None)
    assert np.array_equal(seen[0, 0], rgba[0, 0, :3])
    assert (seen[1:] == 255).all()


def test_a_profile_is_applied_as_pillow_applies_it() -> None:
    lab_d50 = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    rgb = noise(3)
    assert np.abs(to_srgb8(rgb, srgb_profile()).astype(int) - rgb).max() <= 1
    again = ImageCms.profileToProfile(
        Image.fromarray(rgb), ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())), lab_d50
    )
    assert again is not None
    assert np.abs(np.asarray(again).astype(int) - rgb).max() <= 1


@pytest.mark.parametrize("profile", [b"", b"junk", b"\0" * 200])
def test_a_broken_profile_is_named(profile: bytes) -> None:
    with pytest.raises(CorruptImage, match="base: the ICC profile must be usable for RGB"):
        to_srgb8(noise(3), profile)
