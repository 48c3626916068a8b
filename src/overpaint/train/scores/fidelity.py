"""How near a filled hole comes to what was there: PSNR, SSIM, and how much detail it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, Rgb8

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """All over the pixels of the hole alone."""

    psnr: float  # dB, of the three channels together; at most 58.1
    ssim: float  # -1 to 1, of luma
    detail: float  # mean slope of luma against the truth's: 1 = as sharp, 0 = a smear


def fidelity(truth: Rgb8, painted: Rgb8, hole: Mask) -> Fidelity:
    """Compare two pictures of one size where `hole` is True."""
    error = (painted.astype(np.float32) - truth)[hole]
    known, got = luma(truth), luma(painted)
    return Fidelity(
        psnr=float(10 * np.log10(255**2 / max(float((error**2).mean()), 0.1))),
        ssim=float(ssim_map(known, got)[hole].mean()),
        detail=slope(got, hole) / max(slope(known, hole), 0.1),
    )


def luma(picture: Rgb8) -> Plane:
    """Height x width float32, 0 to 255 (Rec. 601 weights on sRGB values)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def ssim_map(one: Plane, two: Plane) -> Plane:
    """Wang et al. 2004: 11 x 11 Gaussian window, sigma 1.5, values 0 to 255."""

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), np.float32)

    m1, m2 = mean(one), mean(two)
    v1, v2, cov = mean(one * one) - m1**2, mean(two * two) - m2**2, mean(one * two) - m1 * m2
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    similar = (2 * m1 * m2 + c1) * (2 * cov + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))
    return np.asarray(similar, np.float32)


def slope(plane: Plane, hole: Mask) -> float:
    """Mean of |dx| + |dy| where `hole` is True."""
    dx = np.abs(np.diff(plane, axis=1))[:-1]
    dy = np.abs(np.diff(plane, axis=0))[:, :-1]
    return float((dx + dy)[hole[:-1, :-1]].mean())
