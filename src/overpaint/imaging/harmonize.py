"""Making a pasted object belong: light, tone, sharpness and grain of its surroundings, a shadow.

Everything is measured on the context outside the mask and applied to the object alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.oklab import from_oklab, to_oklab
from overpaint.values import Mask, Rgb8, Weight

#: How far the object goes towards the surroundings' exposure, cast and contrast, 0 to 1.
EXPOSURE_SHARE = 0.75
CAST_SHARE = 0.6
#: Lightness that bright parts of a well exposed picture reach (OKLab).
WHITE = 0.93
#: Chroma below which a pixel tells the colour of the light rather than its own (OKLab).
NEUTRAL = 0.06
#: Share of the mean colour taken for the light's where nothing is neutral.
GRAY_WORLD = 0.15
#: A picture whose chroma nowhere exceeds this is black and white (OKLab, 98th percentile).
COLORLESS = 0.015
#: Scale of the second blur in the sharpness measurement, px.
REBLUR = 1.0
#: Blur that the gradient filter itself adds, px (measured on an ideal step).
SOBEL_BLUR = 0.8
MAX_BLUR = 2.5  # px
MAX_GRAIN = 10.0  # standard deviation, 8-bit levels
#: Strength of the shading across an object, share of lightness.
SHADING = 0.1


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the context of a mask looks like."""

    white: float  # lightness of its bright parts, OKLab 0 to 1
    black: float  # lightness of its dark parts
    cast: tuple[float, float]  # a and b of its neutral pixels, OKLab
    colorless: bool  # black and white
    blur: float  # standard deviation of its sharp edges, px
    grain: float  # standard deviation of its noise, 8-bit levels
    light: tuple[float, float]  # unit vector towards the light, x to the right, y downwards


def observe(pixels: Rgb8, mask: Mask) -> Surroundings:
    """Measure the context of a mask; the masked part itself is not looked at.

    Args:
        pixels: height x width x 3, sRGB.
        mask: height x width.
    """
    known = ~mask
    if not known.any():
        known = np.ones_like(mask)
    lab = to_oklab(pixels)  # h x w x 3
    lightness, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    neutral = known & (chroma < NEUTRAL) & (lightness > 0.2)
    a, b = lab[..., 1], lab[..., 2]
    if neutral.sum() > 0.05 * known.sum():
        cast = (float(a[neutral].mean()), float(b[neutral].mean()))
    else:  # nothing to judge the light by: everything tinges everything a little
        cast = (GRAY_WORLD * float(a[known].mean()), GRAY_WORLD * float(b[known].mean()))
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grain = _grain(luma, known)
    return Surroundings(
        white=float(np.percentile(lightness[known], 97)),
        black=float(np.percentile(lightness[known], 2)),
        cast=cast,
        colorless=float(np.percentile(chroma[known], 98)) < COLORLESS,
        blur=_blur(luma, known, grain),
        grain=grain,
        light=_light(lightness, known),
    )


def _grain(luma: npt.NDArray[np.float32], known: Mask) -> float:
    """Standard deviation of the noise (Immerkaer 1996) on the flatter half of the context."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(luma, -1, kernel))
    activity = cv2.boxFilter(response, -1, (21, 21))
    inner = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not inner.any():
        return 0.0
    flat = inner & (activity <= np.percentile(activity[inner], 50))
    sigma = math.sqrt(math.pi / 2) / 6 * float(response[flat].mean())
    return min(sigma, MAX_GRAIN)


def _blur(luma: npt.NDArray[np.float32], known: Mask, grain: float) -> float:
    """Blur of the sharpest edges, by blurring again (Zhuo and Sim 2011), px."""
    again = np.asarray(cv2.GaussianBlur(luma, (0, 0), REBLUR), np.float32)
    inner = cv2.erode(known.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    before, after = _gradient(luma), _gradient(again)
    strong = inner & (before > 12 + 6 * grain)
    if strong.sum() < 50:
        return 0.6
    ratio = before[strong] / np.maximum(after[strong], 1e-3)
    sharp = float(np.percentile(ratio, 80))
    measured = REBLUR / math.sqrt(max(sharp**2 - 1, 0.1))
    return min(MAX_BLUR, math.sqrt(max(measured**2 - SOBEL_BLUR**2, 0)))


def _gradient(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.125)
    return np.hypot(across, down).astype(np.float32)


def _light(lightness: npt.NDArray[np.float32], known: Mask) -> tuple[float, float]:
    """Where the light comes from: from above, and from the side that is brighter."""
    width = lightness.shape[1]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :].repeat(len(lightness), 0)
    values, places = lightness[known], columns[known]
    spread = float(values.std()) * float(places.std())
    lean = float(((values - values.mean()) * places).mean()) / max(spread, 1e-6)  # -1 to 1
    side = float(np.clip(1.6 * lean, -0.8, 0.8))
    return side, -math.sqrt(1 - side**2)


def harmonize(
    layer: npt.NDArray[np.float32],
    scene: Surroundings,
    *,
    seed: int = 0,
    light: tuple[float, float] | None = None,
) -> npt.NDArray[np.float32]:
    """Give an object the light, tone, sharpness and grain of its surroundings.

    Args:
        layer: height x width x 4, float32, 0 to 1, premultiplied sRGB, on a transparent canvas.
        scene: what was measured there.
        seed: of the grain.
        light: unit vector towards the light; None takes the scene's.

    Returns:
        The same shape and range, premultiplied.
    """
    rows, columns = _visible(layer)
    if rows is None or columns is None:
        return layer.copy()
    result = layer.copy()
    part = layer[rows, columns]
    alpha = part[..., 3]  # h x w
    straight = part[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    rgb = np.clip(np.rint(straight * 255), 0, 255).astype(np.uint8)
    lab = _match(to_oklab(rgb), scene)
    lab[..., 0] *= _shading(alpha.shape, light or scene.light)
    toned = from_oklab(lab).astype(np.float32) / 255 * alpha[..., None]  # premultiplied
    both = np.concatenate([toned, alpha[..., None]], axis=2)  # h x w x 4
    soft = math.sqrt(max(0.0, scene.blur**2 - 0.5**2))  # a resampled edge is 0.5 px soft itself
    if soft > 0.2:
        both = np.asarray(cv2.GaussianBlur(both, (0, 0), soft), np.float32)
    if scene.grain > 0.3:
        noise = _noise(alpha.shape, scene.grain / 255, seed)
        both[..., :3] += noise[..., None] * both[..., 3:]
    both[..., :3] = np.clip(both[..., :3], 0, both[..., 3:])
    result[rows, columns] = both
    return result


def _visible(layer: npt.NDArray[np.float32]) -> tuple[slice | None, slice | None]:
    """The part of the canvas that is not empty, with room for blur."""
    rows = np.flatnonzero(layer[..., 3].any(axis=1))
    columns = np.flatnonzero(layer[..., 3].any(axis=0))
    if not rows.size:
        return None, None
    room = math.ceil(4 * MAX_BLUR)
    return (
        slice(max(0, int(rows[0]) - room), int(rows[-1]) + room + 1),
        slice(max(0, int(columns[0]) - room), int(columns[-1]) + room + 1),
    )


def _match(lab: npt.NDArray[np.float32], scene: Surroundings) -> npt.NDArray[np.float32]:
    """Move exposure, haze, cast and, in a black and white picture, colour."""
    matched = lab.copy()
    gain = 1 + EXPOSURE_SHARE * (min(scene.white / WHITE, 1.0) - 1)
    floor = 0.5 * min(scene.black, 0.4)  # haze lifts what is black
    matched[..., 0] = floor + (matched[..., 0] * gain) * (1 - floor)
    strength = CAST_SHARE * matched[..., 0]  # little light carries little cast
    matched[..., 1] += strength * scene.cast[0]
    matched[..., 2] += strength * scene.cast[1]
    if scene.colorless:
        matched[..., 1:] = np.array(scene.cast, np.float32)
    return matched


def _shading(shape: tuple[int, ...], light: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Brighter towards the light, darker away from it."""
    down = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    facing = np.clip(across * light[0] + down * light[1], -1, 1)
    return np.asarray(1 + SHADING * facing, np.float32)


def _noise(shape: tuple[int, ...], sigma: float, seed: int) -> npt.NDArray[np.float32]:
    """Film-like grain: normal noise, slightly soft, of the given standard deviation."""
    raw = np.random.default_rng(seed).standard_normal(shape, np.float32)
    soft = np.asarray(cv2.GaussianBlur(raw, (0, 0), 0.5), np.float32)
    noise: npt.NDArray[np.float32] = soft * np.float32(sigma / max(float(soft.std()), 1e-6))
    return noise


def cast_shadow(alpha: Weight, *, light: tuple[float, float], reach: float) -> Weight:
    """The shadow of something that lies close to what is behind it (worn, stuck on).

    Args:
        alpha: height x width, opacity of the object.
        light: unit vector towards the light.
        reach: how far the shadow falls, px; its edge is half as soft.

    Returns:
        height x width, 0 to 1: how dark it is at full strength.
    """
    shift = np.array([[1, 0, -light[0] * reach], [0, 1, -light[1] * reach]], np.float64)
    moved = cv2.warpAffine(alpha, shift, (alpha.shape[1], alpha.shape[0]))
    soft = cv2.GaussianBlur(moved, (0, 0), max(0.5, reach / 2))
    return np.clip(np.asarray(soft, np.float32), 0, 1)


def contact_shadow(alpha: Weight, *, light: tuple[float, float], softness: float) -> Weight:
    """The shadow of something that stands on the ground: dark where it touches, soft beside.

    Args:
        alpha: height x width, opacity of the object.
        light: unit vector towards the light.
        softness: px.

    Returns:
        height x width, 0 to 1: how dark it is at full strength.
    """
    rows = np.flatnonzero(alpha.max(axis=1) > 0.3)
    empty: Weight = np.zeros_like(alpha)
    if not rows.size:
        return empty
    bottom, tall = int(rows[-1]), int(rows[-1] - rows[0] + 1)
    foot = alpha[max(0, bottom - max(2, tall // 10)) : bottom + 1].max(axis=0)  # w
    columns = np.flatnonzero(foot > 0.3)
    if not columns.size:
        return empty
    half = max(
        (columns[-1] - columns[0] + 1) / 2, 0.32 * np.ptp(np.flatnonzero(alpha.max(axis=0) > 0.3))
    )
    middle = (columns[0] + columns[-1]) / 2 - light[0] * softness
    ys, xs = np.mgrid[0 : alpha.shape[0], 0 : alpha.shape[1]].astype(np.float32)
    flat = max(2.0, 0.16 * half)  # an ellipse on the ground, seen from a little above
    away = np.hypot((xs - middle) / (half * 1.08), (ys - bottom + 0.4 * flat) / flat)
    core = np.clip(1.25 - away, 0, 1)
    near = np.asarray(cv2.GaussianBlur(core, (0, 0), max(0.8, softness / 3)), np.float32)
    far = np.asarray(cv2.GaussianBlur(core, (0, 0), max(1.2, softness)), np.float32)
    shadow: Weight = np.clip(0.65 * near + 0.5 * far, 0, 1).astype(np.float32)
    return shadow
