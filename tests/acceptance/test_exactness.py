"""The product's promise: outside the mask every channel of every pixel is the input's.

Pictures are built here as arrays and written by Pillow, tifffile or OpenCV, so that what must
come out is known without our own decoder. Three engines paint: the two that are built in, and
one that returns noise everywhere, which shows every pixel that is not protected.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

import overpaint
from overpaint.imaging.decode import decode_picture
from overpaint.values import EngineInfo, Mask, OnStep, PaintedRegion, PaintJob, Pixels

HEIGHT, WIDTH = 262, 290


class NoiseEngine:
    """Paints noise over the whole region, context included."""

    def __init__(self, *, native: bool, covers: bool) -> None:
        self.info = EngineInfo(
            name="noise",
            summary="noise",
            native_sizes=(64, 128) if native else (),
            max_side=200,
            needs_prompt=False,
        )
        self._covers = covers

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        painted = []
        for job in jobs:
            rng = np.random.default_rng(job.seed)
            coverage = rng.random(job.mask.shape, np.float32) if self._covers else None
            noise = rng.integers(0, 256, job.pixels.shape, np.uint8)
            painted.append(PaintedRegion(pixels=noise, coverage=coverage))
        return painted

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Case:
    data: bytes
    expected: Pixels  # upright RGB(A), as the file holds it


def drawn(channels: int, dtype: type, seed: int) -> Pixels:
    """Smooth ramps with noise, so that JPEG and palettes have something to do."""
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    full = np.iinfo(dtype).max
    planes = [(ys * (c + 1) + xs * (4 - c)) / (HEIGHT + WIDTH) / 4 for c in range(channels)]
    noise = np.random.default_rng(seed).normal(0, 0.03, (HEIGHT, WIDTH, channels))
    pixels: Pixels = (np.clip(np.dstack(planes) + noise, 0, 1) * full).astype(dtype)
    return pixels


def pillow(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def upright(data: bytes) -> Pixels:
    """What Pillow alone makes of an 8-bit file without a profile."""
    image = Image.open(io.BytesIO(data))
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB"))


def with_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def simple(mode: str, format: str, **options: object) -> Callable[[int], Case]:
    def build(seed: int) -> Case:
        channels = 4 if mode in {"RGBA", "LA", "PA"} else 3
        image = Image.fromarray(drawn(channels, np.uint8, seed)).convert(mode)
        data = pillow(image, format, **options)
        return Case(data, upright(data))

    return build


def deep_png(channels: int) -> Callable[[int], Case]:
    def build(seed: int) -> Case:
        pixels = drawn(channels, np.uint16, seed)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
        ok, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., order]))
        assert ok
        shown = pixels if channels > 1 else np.repeat(pixels, 3, axis=2)
        return Case(data.tobytes(), shown.astype(np.uint16))

    return build


def deep_tiff(channels: int) -> Callable[[int], Case]:
    def build(seed: int) -> Case:
        pixels = drawn(channels, np.uint16, seed)
        out = io.BytesIO()
        extra = {"extrasamples": ["UNASSALPHA"]} if channels == 4 else {}
        tifffile.imwrite(out, pixels, photometric="rgb", **extra)  # type: ignore[arg-type]
        return Case(out.getvalue(), pixels)

    return build


def turned(orientation: int) -> Callable[[int], Case]:
    def build(seed: int) -> Case:
        pixels = drawn(3, np.uint8, seed)
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = pillow(Image.fromarray(pixels), "PNG", exif=exif.tobytes())
        turns: dict[int, Callable[[Pixels], Pixels]] = {
            2: np.fliplr,
            3: lambda p: np.rot90(p, 2),
            4: np.flipud,
            5: lambda p: p.transpose(1, 0, 2),
            6: lambda p: np.rot90(p, -1),
            7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
            8: lambda p: np.rot90(p, 1),
        }
        return Case(data, turns[orientation](pixels))

    return build


CASES: dict[str, Callable[[int], Case]] = {
    "jpeg rgb": simple("RGB", "JPEG"),
    "jpeg gray": simple("L", "JPEG"),
    "png rgb": simple("RGB", "PNG"),
    "png rgba": simple("RGBA", "PNG"),
    "png gray": simple("L", "PNG"),
    "png gray alpha": simple("LA", "PNG"),
    "png palette": simple("P", "PNG"),
    "png palette transparent": simple("P", "PNG", transparency=3),
    "png 1 bit": simple("1", "PNG"),
    "png profile": simple("RGB", "PNG", icc_profile=with_profile()),
    "png 16 rgb": deep_png(3),
    "png 16 rgba": deep_png(4),
    "png 16 gray": deep_png(1),
    "tiff rgb": simple("RGB", "TIFF"),
    "tiff rgba": simple("RGBA", "TIFF"),
    "tiff 16 rgb": deep_tiff(3),
    "tiff 16 rgba": deep_tiff(4),
    "bmp": simple("RGB", "BMP"),
    "webp lossless alpha": simple("RGBA", "WEBP", lossless=True, exact=True),
    "webp lossy": simple("RGB", "WEBP"),
    **{f"turned {i}": turned(i) for i in range(2, 9)},
}


@st.composite
def masks(draw: st.DrawFn, height: int, width: int) -> Mask:
    """Strokes, blobs, islands, the border, the whole picture, single pixels."""
    kind = draw(st.sampled_from(["stroke", "disc", "islands", "border", "whole", "pixel", "dust"]))
    canvas = np.zeros((height, width), np.uint8)
    y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    if kind == "stroke":
        end = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        cv2.line(canvas, (x, y), end, 1, 5)
    elif kind == "disc":
        cv2.circle(canvas, (x, y), draw(st.integers(3, 120)), 1, -1)
    elif kind == "islands":
        for corner in ((30, 40), (height - 50, width - 60), (30, width - 60)):
            canvas[corner[0] : corner[0] + 25, corner[1] : corner[1] + 33] = 1
    elif kind == "border":
        canvas[:9] = canvas[:, :9] = canvas[-9:] = canvas[:, -9:] = 1
    elif kind == "whole":
        canvas[:] = 1
    elif kind == "pixel":
        canvas[y, x] = 1
    else:
        canvas[np.random.default_rng(y).random((height, width)) < 0.01] = 1
        canvas[y, x] = 1
    return canvas.astype(bool)


def repainted(case: Case, mask: Mask, engine: object, **options: object) -> overpaint.RepaintResult:
    return overpaint.repaint(
        case.data,
        mask.astype(np.uint8) * np.uint8(255),
        "",
        engine=engine,  # type: ignore[arg-type]
        seed=5,
        **options,  # type: ignore[arg-type]
    )


def assert_exact(result: overpaint.RepaintResult, case: Case, mask: Mask) -> None:
    for index, picture in enumerate(result.pictures):
        assert picture.pixels.dtype == case.expected.dtype
        assert picture.pixels.shape == case.expected.shape
        kept = picture.pixels[~mask], case.expected[~mask]
        assert np.array_equal(*kept), f"{int((kept[0] != kept[1]).sum())} values changed"
        for format in ("PNG", "TIFF"):  # and what is written is what was painted
            read = decode_picture(result.encode(format, index))
            assert np.array_equal(read.pixels, picture.pixels)
            assert read.icc_profile == picture.icc_profile


@pytest.mark.parametrize("kind", CASES)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_pixel_outside_the_mask_changes(kind: str, data: st.DataObject) -> None:
    case = CASES[kind](data.draw(st.integers(0, 9), label="seed"))
    mask = data.draw(masks(*case.expected.shape[:2]), label="mask")
    engine = NoiseEngine(native=data.draw(st.booleans()), covers=data.draw(st.booleans()))
    result = repainted(
        case,
        mask,
        engine,
        n=data.draw(st.integers(1, 2)),
        feather=data.draw(st.sampled_from([None, 0, 3.5, 40])),
        watermark=data.draw(st.booleans()),
    )
    assert_exact(result, case, mask)
    if mask.sum() > 20 and not engine._covers:
        inside = result.pictures[0].pixels[mask] != case.expected[mask]
        assert inside.any()  # the noise did arrive


@pytest.mark.parametrize("kind", CASES)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_pixel_of_level_0_changes_under_a_soft_mask(kind: str, data: st.DataObject) -> None:
    case = CASES[kind](data.draw(st.integers(0, 9), label="seed"))
    mask = data.draw(masks(*case.expected.shape[:2]), label="mask")
    blur = data.draw(st.sampled_from([0, 1, 9, 40]))
    spread = np.where(mask, np.float32(255), np.float32(0))
    if blur:
        spread = np.asarray(cv2.GaussianBlur(spread, (0, 0), blur), np.float32)
    levels = np.ceil(spread * data.draw(st.sampled_from([0.02, 0.5, 1]))).clip(0, 255)
    levels = levels.astype(np.uint8)
    if levels.max() == 1:  # 0 and 1 alone are another way to write black and white
        levels *= np.uint8(2)
    invert = data.draw(st.booleans()) and bool((levels < 255).any())
    feather = data.draw(st.sampled_from([None, 0, 3.5]))
    result = overpaint.repaint(
        case.data,
        levels,
        "",
        engine=NoiseEngine(native=data.draw(st.booleans()), covers=False),
        seed=5,
        soft_mask=True,
        invert_mask=invert,
        feather=feather,
        watermark=data.draw(st.booleans()),
    )
    strength = 255 - levels if invert else levels
    assert_exact(result, case, strength > 0)
    if not feather and (strength == 255).sum() > 20:
        full = strength == 255
        assert (result.pictures[0].pixels[full] != case.expected[full]).any()


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("engine", ["erase", "collage", "builtin"])
def test_no_pixel_outside_the_mask_changes_with_the_built_in_engines(
    kind: str, engine: str
) -> None:
    case = CASES[kind](1)
    mask = np.zeros(case.expected.shape[:2], bool)
    mask[60:120, 80:150] = True
    result = overpaint.repaint(
        case.data,
        mask.astype(np.uint8) * np.uint8(255),
        "" if engine == "erase" else "add a red balloon",
        engine=engine,
        seed=5,
    )
    assert_exact(result, case, mask)
    assert (result.pictures[0].pixels[mask] != case.expected[mask]).any()


def test_a_wide_gamut_picture_keeps_its_profile_and_numbers() -> None:
    # sRGB with red and green swapped: any profile that is not sRGB shows a lost conversion
    swapped = _swapped_profile()
    pixels = drawn(3, np.uint8, 1)
    data = pillow(Image.fromarray(pixels), "PNG", icc_profile=swapped)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[100:160, 100:170] = True

    class GreenEngine(NoiseEngine):
        def paint(
            self, jobs: Sequence[PaintJob], on_step: OnStep | None = None
        ) -> list[PaintedRegion]:
            green = np.array([30, 200, 30], np.uint8)
            return [
                PaintedRegion(
                    pixels=np.broadcast_to(green, job.pixels.shape).copy(),
                    coverage=np.ones(job.mask.shape, np.float32),
                )
                for job in jobs
            ]

    engine = GreenEngine(native=False, covers=False)
    result = repainted(Case(data, pixels), mask, engine, feather=0)
    assert_exact(result, Case(data, pixels), mask)
    assert result.pictures[0].icc_profile == swapped
    red, green, blue = (int(c) for c in result.pictures[0].pixels[130, 130])
    assert red > 150  # green of the eye is the first number in this profile
    assert green < 90
    assert blue < 90


def _swapped_profile() -> bytes:
    profile = bytearray(with_profile())
    tags = {}
    for i in range(int.from_bytes(profile[128:132], "big")):
        entry = 132 + 12 * i
        tags[bytes(profile[entry : entry + 4])] = entry + 4
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8],
        profile[red : red + 8],
    )
    return bytes(profile)


@pytest.mark.parametrize("size", ["640x400", "300x700", "264x264"])
def test_resized_pixels_are_those_of_the_resized_input(size: str) -> None:
    from overpaint.imaging.region import fit_to_size

    case = CASES["png 16 rgba"](2)
    mask = np.zeros(case.expected.shape[:2], bool)
    mask[20:90, 180:280] = True
    result = repainted(case, mask, NoiseEngine(native=False, covers=False), size=size)
    width, height = (int(part) for part in size.split("x"))
    resized, cut = fit_to_size(decode_picture(case.data), mask, width=width, height=height)
    picture = result.pictures[0]
    assert (picture.width, picture.height) == (width, height)
    assert np.array_equal(picture.pixels[~cut], resized.pixels[~cut])
    assert (picture.pixels[cut] != resized.pixels[cut]).any()
