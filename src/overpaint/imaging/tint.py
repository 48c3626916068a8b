"""Give what is in a photograph another colour; texture, folds, shadows and highlights stay."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.oklab import Lab, Plane, from_oklab, oklab_of, to_oklab
from overpaint.imaging.recolor import dominant_share, pigmented
from overpaint.values import Rgb8, Weight

#: A main colour that covers less of the thing than this is that of a pattern: all is tinted.
PLAIN = 0.55
#: By how much shading may gain or lose contrast, as a factor.
CONTRAST = (0.55, 1.6)
#: The darkest and lightest that a surface becomes (OKLab): room for folds and for light.
LIGHTNESS = (0.2, 0.965)
#: How much of the light's play above the middle must fit under white, and what may be given up
#: of the lightness asked for to make it fit.
PLAY = 0.7
MOST_DARKENED = 0.1
#: Pictures are analysed at this long side, px.
SIDE = 512


def tint(pixels: Rgb8, coverage: Weight, rgb: tuple[int, int, int], *, prints: bool = True) -> Rgb8:
    """Return the pixels as if the thing were of another colour.

    The median lightness of the thing becomes the colour's, on a curve that rises everywhere, so
    that every fold and every highlight stays; OKLab's lightness is a cube root of light, so a
    change of albedo scales it. Hue and chroma become the colour's, chroma varying with the light
    and a little as it did. What differs from its main colour (a print, buttons) stays, unless it
    has no main colour.

    Args:
        pixels: height x width x 3.
        coverage: height x width, 0 to 1, how much of a pixel is the thing.
        rgb: the colour, 0 to 255 each.
        prints: what differs from the main colour stays; else all is tinted.

    Returns:
        height x width x 3, to be laid over the pixels with the coverage.
    """
    solid = coverage > 0.5
    if not solid.any():
        return pixels.copy()
    share = _main_share(pixels, coverage) if prints else np.ones_like(coverage)
    body = solid & (share > 0.5)
    lab = to_oklab(pixels)
    painted = _painted(lab, lab[body if body.any() else solid], oklab_of(rgb))
    return from_oklab(lab + (painted - lab) * share[..., None])


def _main_share(pixels: Rgb8, coverage: Weight) -> Plane:
    """How much each pixel belongs to the thing's main colour; 1 everywhere in a pattern."""
    opacity = np.rint(coverage * 255).astype(np.uint8)
    scale = min(1.0, SIDE / max(coverage.shape))
    picture = np.dstack([pixels, opacity])
    if scale < 1:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    share = dominant_share(picture)
    weight = picture[..., 3].astype(np.float32)
    if float((share * weight).sum()) < PLAIN * float(weight.sum()):
        return np.ones(coverage.shape, np.float32)
    share = cv2.resize(share, coverage.shape[::-1]) if scale < 1 else share
    return np.asarray(share, np.float32)


def _painted(lab: Lab, body: Lab, target: tuple[float, float, float]) -> Lab:
    lightness = lab[..., 0]
    middle = float(np.clip(np.median(body[:, 0]), 0.1, 0.95))
    lit = max(0.0, float(np.quantile(body[:, 0], 0.95)) - middle)
    aim = float(np.clip(target[0], *LIGHTNESS))
    contrast = float(np.clip(aim / middle, *CONTRAST))
    aim = max(aim - MOST_DARKENED, min(aim, 0.99 - PLAY * contrast * lit))
    new_lightness = _curve(lightness, middle, aim, contrast)

    return pigmented(lab, body, new_lightness, aim, target, turned=0.15)


def _curve(lightness: Plane, middle: float, aim: float, contrast: float) -> Plane:
    """Map lightness 0 to 1, rising, `middle` to `aim`, with slope `contrast` there; 0 stays 0.

    Above, the light that a dark or colourful thing throws back keeps its whiteness; a white
    thing has none to tell from its own, so its lightest becomes no more than the curve says.
    """
    below = aim * (np.clip(lightness, 0, middle) / middle) ** (contrast * middle / aim)
    reach = 1 - middle
    gloss = float(np.clip((reach - 0.08) / 0.3, 0, 1))
    lit = contrast * reach  # where the slope alone would lead
    room = 0.995 - aim
    ceiling = room if lit > room else lit + gloss * (room - lit)
    up = np.clip((lightness - middle) / reach, 0, 1)
    above = aim + ceiling * (1 - (1 - up) ** (lit / ceiling))
    return np.asarray(np.where(lightness < middle, below, above), np.float32)
