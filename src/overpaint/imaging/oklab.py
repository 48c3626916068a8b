"""OKLab, the colour space in which objects are recoloured, and its palettes.

Björn Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab/ (matrices of the 2021-01-25 revision).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgb8

#: ... x 3 float32: lightness 0 to 1, then a (green to red) and b (blue to yellow), within 0.4.
#: Float32 at run time; `Any` because OpenCV's stubs do not say which dtype comes back.
Lab: TypeAlias = npt.NDArray[Any]
#: Height x width float32.
Plane: TypeAlias = npt.NDArray[Any]

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)
_FROM_LAB = np.linalg.inv(_TO_LAB.astype(np.float64)).astype(np.float32)
_FROM_LMS = np.linalg.inv(_TO_LMS.astype(np.float64)).astype(np.float32)

_codes = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_codes <= 0.04045, _codes / 12.92, ((_codes + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
_lights = np.linspace(0, 1, 16385)
_CODE = np.rint(
    255 * np.where(_lights <= 0.0031308, 12.92 * _lights, 1.055 * _lights ** (1 / 2.4) - 0.055)
).astype(np.uint8)


def to_oklab(rgb: Rgb8) -> Lab:
    """Turn H x W x 3 uint8 sRGB into H x W x 3 float32 OKLab."""
    lms = cv2.transform(_LINEAR[rgb], _TO_LMS)
    return np.asarray(cv2.transform(np.cbrt(lms), _TO_LAB), dtype=np.float32)


def from_oklab(lab: Lab) -> Rgb8:
    """Turn H x W x 3 OKLab into uint8 sRGB; too strong colours lose chroma alone."""
    lab = np.array(lab, dtype=np.float32)
    lab[..., 0] = np.clip(lab[..., 0], 0, 1)
    light = _to_light(lab)
    outside = np.nonzero(~_displayable(light))
    if outside[0].size:
        lost = lab[outside][None]  # 1 x n x 3
        low = np.zeros((1, lost.shape[1], 1), dtype=np.float32)
        high = np.ones_like(low)
        for _ in range(6):  # bisect the share of the chroma that stays inside sRGB
            share = (low + high) / 2
            trial = _to_light(np.concatenate([lost[..., :1], lost[..., 1:] * share], axis=-1))
            inside = _displayable(trial)[..., None]
            low, high = np.where(inside, share, low), np.where(inside, high, share)
        light[outside] = _to_light(
            np.concatenate([lost[..., :1], lost[..., 1:] * low], axis=-1, dtype=np.float32)
        )[0]
    steps = np.rint(np.clip(light, 0, 1) * 16384).astype(np.int32)
    return np.asarray(_CODE[steps], dtype=np.uint8)


def in_srgb(lab: Lab) -> Mask:
    """Return for H x W x 3 OKLab which colours an sRGB display can show."""
    return _displayable(_to_light(lab))


def oklab_of(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return (lightness, a, b) of one sRGB colour, 0 to 255 each."""
    lightness, a, b = to_oklab(np.array([[rgb]], dtype=np.uint8))[0, 0]
    return float(lightness), float(a), float(b)


def palette(points: Lab, weight: Plane, count: int, *, rounds: int = 12) -> Lab:
    """Return at most `count` colours that stand for n x 3 points: k-means, farthest point first.

    No chance is in it: the same points give the same colours. Most weight comes first.
    """
    centres = [np.average(points, axis=0, weights=weight)]
    centres[0] = points[np.argmin(((points - centres[0]) ** 2).sum(axis=1))]
    nearest = ((points - centres[0]) ** 2).sum(axis=1)
    trust = np.sqrt(weight / weight.max())
    while len(centres) < count and float((nearest * trust).max()) > 1e-4:
        centres.append(points[np.argmax(nearest * trust)])
        nearest = np.minimum(nearest, ((points - centres[-1]) ** 2).sum(axis=1))
    found = np.array(centres, dtype=np.float32)  # k x 3
    mass = np.zeros(len(found), dtype=np.float64)
    for _ in range(rounds):
        label = nearest_colour(points, found)
        mass[:] = np.bincount(label, weights=weight, minlength=len(found))
        for axis in range(3):
            total = np.bincount(label, weights=weight * points[:, axis], minlength=len(found))
            found[:, axis] = np.where(mass > 0, total / np.maximum(mass, 1e-9), found[:, axis])
    order = np.argsort(-mass, kind="stable")
    return found[order][mass[order] > 0]


def nearest_colour(points: Lab, colours: Lab) -> npt.NDArray[np.intp]:
    """Return for each of n x 3 points the index of the nearest of k x 3 colours."""
    # |p - c|^2 without |p|^2, which is the same for every colour
    distance = (colours**2).sum(axis=1) - 2 * points @ colours.T
    return np.asarray(np.argmin(distance, axis=1), dtype=np.intp)


def _displayable(light: Lab) -> Mask:
    return np.asarray(((light >= -2e-3) & (light <= 1 + 2e-3)).all(axis=-1), dtype=np.bool_)


def _to_light(lab: Lab) -> Lab:
    roots = cv2.transform(lab, _FROM_LAB)
    return np.asarray(cv2.transform(roots * roots * roots, _FROM_LMS), dtype=np.float32)
