"""The colours of lettering: what stands out from the surface behind it, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from overpaint.imaging.textsurface import Tone

_NEON = ((255, 64, 160), (40, 214, 255), (255, 176, 32), (90, 255, 130), (176, 96, 255))


def tones(
    under: Tone, color: tuple[int, int, int] | None, effects: tuple[str, ...]
) -> tuple[Tone | None, Tone]:
    """The letters' colour (None: that of the surface) and one that stands out from it."""
    if color is not None:
        tone: Tone | None = np.array(color, np.float32) / 255.0
    elif "neon" in effects:
        tubes = np.array(_NEON, np.float32) / 255.0
        weight = np.array([0.3, 0.59, 0.11]) if luminance(under) > 0.3 else np.ones(3)
        tone = tubes[int((np.abs(tubes - under) @ weight).argmax())]
    elif "embossed" in effects and not {"3d", "outline", "handwritten"} & set(effects):
        tone = None
    else:
        tone = standing_out(under)
    face = tone
    if "gold" in effects:
        face = np.array([0.9, 0.7, 0.25], np.float32)
    elif "silver" in effects:
        face = np.array([0.75, 0.78, 0.8], np.float32)
    return tone, standing_out(face if face is not None else under)


def luminance(colors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Relative luminance of ... x 3 colours, 0 to 1 (WCAG 2.2)."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def calming(around: npt.NDArray[np.float32], face: Tone) -> float:
    """Opacity of the halo: how much of the surface contrasts too little with the face."""
    contrast = _contrast(around, face)
    return float(np.clip(2.2 * (contrast < 2.2).mean() - 0.1, 0.0, 0.85))


def weakness(around: npt.NDArray[np.float32], face: Tone) -> float:
    """Opacity of the rim: how far the surface's contrast with the face is below 4.5 (WCAG AA)."""
    contrast = _contrast(around, face)
    return float(np.clip(1.4 * np.clip((4.5 - contrast) / 2.5, 0.0, 1.0).mean(), 0.0, 0.95))


def unrest(around: npt.NDArray[np.float32]) -> float:
    """How dark or restless a surface is, 0 (light and even) to 1; of its lightness, 0 to 1."""
    lightness = np.cbrt(luminance(around))
    dark = (0.66 - float(lightness.mean())) / 0.35
    restless = (float(lightness.std()) - 0.04) / 0.12
    return float(np.clip(max(dark, restless), 0.0, 1.0))


def _contrast(around: npt.NDArray[np.float32], face: Tone) -> npt.NDArray[np.float64]:
    behind, before = luminance(around) + 0.05, float(luminance(face)) + 0.05
    return np.maximum(behind / before, before / behind)


def standing_out(under: Tone) -> Tone:
    """Nearly black or nearly white, whichever contrasts more (WCAG), with a touch of the hue."""
    hue = under - under.mean()
    light = float(luminance(under))
    base = 0.10 if light > 0.3 else 0.02 if light > 0.179 else 0.97
    return np.asarray(np.clip(base + 0.16 * hue, 0.0, 1.0), np.float32)
