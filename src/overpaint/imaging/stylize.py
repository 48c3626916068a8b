"""Draw an object in another style: `stylize`."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from overpaint.errors import InvalidOption
from overpaint.imaging.oklab import Lab, Plane, from_oklab, nearest_colour, palette, to_oklab
from overpaint.imaging.texture import (
    brush_strokes,
    dome,
    filled,
    joined,
    kuwahara,
    lit,
    noise,
    smear,
    smoothstep,
    soft,
    stroke_direction,
)
from overpaint.values import STYLES, Rgba8, Style


class _Sheet:
    """The object on the easel: what every style starts from."""

    def __init__(self, exemplar: Rgba8, seed: int) -> None:
        self.rgb, self.alpha = filled(exemplar)  # H x W x 3 and H x W, 0 to 1
        self.shape: tuple[int, int] = (exemplar.shape[0], exemplar.shape[1])
        self.side = float(max(self.shape))  # px; everything drawn scales with it
        self.rng = np.random.default_rng([seed, 0x7374])

    def gray(self) -> Plane:
        """Return the luma, 0 to 1."""
        return np.asarray(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def stylize(exemplar: Rgba8, style: Style, *, seed: int = 0) -> Rgba8:
    """Return the object drawn in `style`, one of STYLES, at the same size.

    `exemplar` is H x W x 4 uint8, straight alpha; "auto" returns a copy. Strokes and grain scale
    with the long side; the same seed gives the same pixels. Raises InvalidOption.
    """
    if style not in STYLES:
        raise InvalidOption("style", f"must be one of {', '.join(STYLES)}", style)
    if style == "auto" or not exemplar[..., 3].any():
        return exemplar.copy()
    rgb, alpha = _STYLES[style](_Sheet(exemplar, seed))
    return joined(rgb, alpha)


def _cartoon(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Soft volume: rendered pictures get a rim light, flat drawings a whole relief."""
    gray = sheet.gray()
    amount = 0.3 + 0.7 * _flatness(sheet, gray)
    calm = soft(sheet.rgb, 0.003 * sheet.side * amount)
    height = dome(sheet.alpha, 0.24 * sheet.side)
    bumps = soft(gray, 0.012 * sheet.side)
    relief = lit(height + 0.3 * bumps, 0.10 * sheet.side) - 0.55
    shade = 1 + amount * 0.55 * np.where(relief > 0, 0.55 * relief, relief)
    rgb = calm * shade[..., None]
    # shadows take a little violet and bounce light, as renderers with a sky do
    rgb += (amount * 0.10 * np.clip(-relief, 0, 1))[..., None] * np.array((0.5, 0.2, 0.9))
    rim = smoothstep(0.35, 0.02, height) * smoothstep(0.2, -0.35, relief)
    rgb += (0.22 * amount * rim)[..., None]
    shine = smoothstep(0.30, 0.45, soft(relief, 0.008 * sheet.side))
    rgb += (1 - rgb) * (0.5 * amount * shine)[..., None]
    return _saturated(rgb.astype(np.float32), 1 + 0.1 * amount), sheet.alpha


def _flatness(sheet: _Sheet, gray: Plane) -> float:
    """Return 0 for a picture with shading of its own to 1 for a drawing of plain areas."""
    steps = np.abs(np.diff(gray, axis=1))[sheet.alpha[:, 1:] > 0.9]
    flat = float((steps < 0.5 / 255).mean()) if steps.size else 0.0
    return float(smoothstep(0.25, 0.8, np.array(flat, dtype=np.float32)))


def _anime(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Cel shading in a few tones with a clean dark line (lines: Winnemöller's XDoG, 2012)."""
    calm = kuwahara(sheet.rgb, 0.012 * sheet.side)
    lab = to_oklab(np.rint(np.clip(calm, 0, 1) * 255).astype(np.uint8))
    relief = lit(dome(sheet.alpha, 0.26 * sheet.side), 0.11 * sheet.side) - 0.55
    volume = 0.10 + 0.12 * _flatness(sheet, sheet.gray())
    lightness = lab[..., 0] + volume * np.clip(relief, -0.8, 0.3)
    tones = 7.0  # over the whole range; one object spans three or four of them
    # the tones lie where the object's own lightness gathers, so that flat areas keep theirs
    seen = lab[..., 0][sheet.alpha > 0.5]
    turns = np.exp(2j * np.pi * tones * seen).sum() if seen.size else 1.0
    phase = float(np.angle(turns)) / (2 * np.pi)
    level = lightness * tones - phase
    step = np.floor(level) + smoothstep(0.44, 0.56, level % 1) + phase
    drop = step / tones - lab[..., 0]
    lab[..., 0] = np.clip(0.97 * (step / tones) + 0.025, 0, 1)
    lab[..., 1:] *= 1.22
    lab[..., 2] += 0.16 * np.minimum(drop, 0)  # shadows turn cool
    rgb = from_oklab(lab).astype(np.float32) / 255
    line = _contour(sheet, calm.mean(axis=-1), 0.0042 * sheet.side)
    ink = rgb * 0.22 + np.array((0.03, 0.02, 0.06), dtype=np.float32)
    rgb = rgb + (ink - rgb) * line[..., None]
    return rgb, sheet.alpha


def _contour(sheet: _Sheet, gray: Plane, width: float) -> Plane:
    """Return 0 to 1: ink on inner edges and just inside the silhouette, about 2 `width` px wide."""
    width = max(width, 0.6)
    narrow, wide = soft(gray, width), soft(gray, 1.6 * width)
    inner = smoothstep(0.012, 0.035, wide - narrow)
    depth = _depth(sheet.alpha)
    outer = smoothstep(2.6 * width + 0.7, 2.6 * width - 0.7, depth)
    return np.asarray(np.maximum(inner, outer), dtype=np.float32)


def _depth(alpha: Plane) -> Plane:
    """Return the distance in px of every pixel inside to the silhouette; 0 outside."""
    inside = np.pad((alpha > 0.5).astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)


def _oil(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Bodied strokes along the forms, whose ridges and bristle marks catch the light."""
    gray = soft(sheet.gray(), 0.004 * sheet.side)
    direction = stroke_direction(gray, 0.03 * sheet.side)
    paint, body = brush_strokes(sheet.rgb, sheet.alpha, direction, sheet.side, sheet.rng)
    paint = smear(paint, direction, 0.005 * sheet.side, steps=1)
    bristle = noise(sheet.shape, max(0.006 * sheet.side, 1.5), sheet.rng)
    marks = smear(bristle, direction, 0.03 * sheet.side, steps=4)
    marks /= float(marks.std()) + 1e-6
    ridges = soft(body, 0.0025 * sheet.side) + 0.10 * marks + 0.05 * _canvas(sheet)
    light = lit(ridges, 0.0085 * sheet.side) - 0.55
    rgb = paint * (1 + 0.55 * light)[..., None]
    rgb += 0.22 * np.clip(light - 0.12, 0, 1)[..., None]
    edge = smear(sheet.alpha, direction, 0.008 * sheet.side, steps=2)
    wobble = noise(sheet.shape, 0.02 * sheet.side, sheet.rng)
    alpha = smoothstep(0.4, 0.6, edge + 0.06 * wobble)
    return _saturated(rgb, 1.15), alpha


def _canvas(sheet: _Sheet) -> Plane:
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    turns = 2 * np.pi * 110 / sheet.side
    return np.asarray(np.sin(columns * turns) * np.sin(rows * turns), dtype=np.float32)


def _watercolor(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Wet washes: pale, mottled, with pigment gathered at their edges (Bousseau et al. 2006)."""
    side = sheet.side
    warp = [noise(sheet.shape, 0.06 * side, sheet.rng, octaves=3) for _ in range(2)]
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    where = (columns + 0.0038 * side * warp[0], rows + 0.0038 * side * warp[1])
    washed = cv2.remap(kuwahara(sheet.rgb, 0.02 * side), *where, cv2.INTER_LINEAR)
    alpha = cv2.remap(sheet.alpha, *where, cv2.INTER_LINEAR, borderValue=0)
    gray = washed.mean(axis=-1)
    bleed = soft(washed, 0.02 * side)
    washed = 0.75 * washed + 0.25 * bleed

    rims = np.abs(soft(gray, 0.004 * side) - soft(gray, 0.012 * side))
    depth = _depth(alpha)
    edge = np.exp(-(((depth - 0.004 * side) / (0.006 * side)) ** 2))  # where the puddle dried
    turbulence = noise(sheet.shape, 0.22 * side, sheet.rng, octaves=4)
    paper = noise(sheet.shape, max(0.006 * side, 1.2), sheet.rng, octaves=2)
    pigment = 1 + 0.22 * turbulence + 0.10 * paper + 4.0 * rims + 1.0 * edge
    pale = 0.20 + 0.80 * washed
    # more pigment darkens a wash the way Bousseau's density does: C - (C - C^2)(d - 1)
    rgb = pale - (pale - pale * pale) * (pigment - 1)[..., None]
    rgb = rgb + (0.985 - rgb) * (0.16 * smoothstep(0.2, 1.6, turbulence))[..., None]
    alpha = smoothstep(0.25, 0.75, alpha) * (0.96 + 0.04 * edge)
    return _saturated(rgb.astype(np.float32), 1.12), alpha


def _sketch(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Graphite on paper: contour lines and three directions of hatching by tone."""
    side = sheet.side
    gray = kuwahara(sheet.rgb, 0.008 * side).mean(axis=-1)
    seen = gray[sheet.alpha > 0.5]
    low, high = np.quantile(seen, (0.02, 0.98)) if seen.size else (0.0, 1.0)
    tone = 0.2 + 0.75 * (gray - low) / max(float(high - low), 0.35)
    relief = lit(dome(sheet.alpha, 0.16 * side), 0.07 * side) - 0.55
    tone = tone + 0.35 * np.clip(relief, -0.6, 0.3)
    ink = np.zeros(sheet.shape, dtype=np.float32)
    for angle, start, reach in ((-55, 0.80, 0.45), (-20, 0.50, 0.4), (75, 0.30, 0.35)):
        stroke = _hatching(sheet, angle)
        dark = smoothstep(0, 1, (start - tone) / reach)
        ink = ink + (1 - ink) * 0.62 * smoothstep(0.95 - 1.2 * dark, 1.5 - 1.1 * dark, stroke)
    line = np.maximum(
        _contour(sheet, gray, 0.0022 * side), 0.7 * _contour(sheet, gray, 0.0045 * side)
    )
    pressure = 0.8 + 0.2 * noise(sheet.shape, 0.1 * side, sheet.rng)
    ink = ink + (1 - ink) * np.clip(0.85 * line * pressure, 0, 1)
    tooth = noise(sheet.shape, max(0.003 * side, 1.0), sheet.rng)
    ink = np.clip(ink * (1 + 0.22 * tooth) + 0.03 * (1 - tone), 0, 0.93)
    paper = np.array((0.975, 0.968, 0.95), dtype=np.float32)
    graphite = np.array((0.17, 0.17, 0.19), dtype=np.float32)
    return (paper + (graphite - paper) * ink[..., None]).astype(np.float32), sheet.alpha


def _hatching(sheet: _Sheet, angle: float) -> Plane:
    """Return pencil strokes of one direction: noise smeared along it, deviation 1."""
    spacing = max(0.006 * sheet.side, 2.4)
    x, y = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    bend = 0.6 * noise(sheet.shape, 0.3 * sheet.side, sheet.rng)
    across = (-y * columns + x * rows) / spacing + bend
    along = (x * columns + y * rows) / (22 * spacing)
    cells = sheet.rng.standard_normal((96, 512), dtype=np.float32)
    strokes = cv2.remap(
        cells, across % 511, along % 95, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    wave = np.cos(2 * np.pi * across)
    return np.asarray(0.75 * wave + 0.55 * strokes, dtype=np.float32)


def _chinese(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Ink and mineral colour on rice paper: a brushed contour, pale washes, soft diffusion."""
    side = sheet.side
    warp = [noise(sheet.shape, 0.05 * side, sheet.rng, octaves=3) for _ in range(2)]
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    where = (columns + 0.003 * side * warp[0], rows + 0.003 * side * warp[1])
    flat = cv2.remap(kuwahara(sheet.rgb, 0.018 * side), *where, cv2.INTER_LINEAR)
    alpha = cv2.remap(sheet.alpha, *where, cv2.INTER_LINEAR, borderValue=0)
    wash = 0.55 * flat + 0.45 * soft(flat, 0.025 * side)
    lab = to_oklab(np.rint(np.clip(wash, 0, 1) * 255).astype(np.uint8))
    lab[..., 1:] *= 0.85
    depth = _depth(alpha)
    core = smoothstep(0.0, 0.16 * side, depth)
    flow = noise(sheet.shape, 0.18 * side, sheet.rng, octaves=3)
    lab[..., 0] = 0.19 + 0.745 * lab[..., 0] + 0.07 * core + 0.016 * flow
    lab[..., 1:] *= np.clip(1.1 - 0.35 * core + 0.06 * flow, 0.3, 1.5)[..., None]
    lab[..., 2] += 0.012  # rice paper under the pigment
    rgb = from_oklab(lab).astype(np.float32) / 255

    gray = flat.mean(axis=-1)
    press = 1 + 0.62 * noise(sheet.shape, 0.16 * side, sheet.rng, octaves=2)
    width = 0.0055 * side * np.clip(press, 0.12, 2.4)
    outer = smoothstep(0.9, 1.15, 1 + (2.2 * width - depth) / (2.2 * width + 1.0))
    narrow, wide = soft(gray, 0.004 * side), soft(gray, 0.011 * side)
    inner = smoothstep(0.015, 0.06, (wide - narrow) * np.clip(press, 0.4, 1.6))
    stroke = np.maximum(outer, inner)
    dry = noise(sheet.shape, max(0.004 * side, 1.0), sheet.rng, octaves=2)
    stroke = np.clip(stroke * (0.9 + 0.10 * dry), 0, 1) * np.clip(0.45 + 0.45 * press, 0.25, 1)
    blot = 0.35 * soft(stroke, 0.012 * side)  # ink runs into the wet paper
    ink = np.clip(np.maximum(0.92 * soft(stroke, 0.0012 * side), blot), 0, 1)[..., None]
    rgb = rgb + (np.array((0.09, 0.09, 0.10), dtype=np.float32) - rgb) * ink
    fibre = noise(sheet.shape, max(0.004 * side, 1.0), sheet.rng, octaves=2)
    rgb = rgb * (1 + 0.018 * fibre)[..., None]
    halo = smoothstep(0.05, 0.95, soft(alpha, 0.004 * side))
    return rgb.astype(np.float32), halo


def _flat(sheet: _Sheet) -> tuple[Lab, Plane]:
    """Few flat colours with smooth borders and no line, like a cut-paper poster."""
    calm = kuwahara(sheet.rgb, 0.014 * sheet.side)
    lab = to_oklab(np.rint(np.clip(calm, 0, 1) * 255).astype(np.uint8))
    scale = min(1.0, 96 / sheet.side)
    small = cv2.resize(lab, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(sheet.alpha, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    solid = weight > 0.5
    if not solid.any():
        return sheet.rgb, sheet.alpha
    colours = palette(small[solid], weight[solid], 7)
    label = nearest_colour(lab.reshape(-1, 3), colours).reshape(sheet.shape)
    smooth = 0.007 * sheet.side
    votes = np.stack([soft((label == k).astype(np.float32), smooth) for k in range(len(colours))])
    sharp = np.maximum(votes - votes.max(axis=0) + 0.10, 0)  # antialiased winner
    sharp /= sharp.sum(axis=0)
    colours = colours.copy()
    colours[:, 1:] *= 1.08
    flat = from_oklab(colours[None])[0].astype(np.float32) / 255
    return np.tensordot(sharp, flat, axes=(0, 0)).astype(np.float32), sheet.alpha


def _saturated(rgb: Lab, factor: float) -> Lab:
    gray = rgb.mean(axis=-1, keepdims=True)
    return np.asarray(np.clip(gray + factor * (rgb - gray), 0, 1), dtype=np.float32)


_STYLES: dict[str, Callable[[_Sheet], tuple[Lab, Plane]]] = {
    "3d cartoon": _cartoon,
    "anime": _anime,
    "oil painting": _oil,
    "watercolor": _watercolor,
    "sketch": _sketch,
    "chinese painting": _chinese,
    "flat illustration": _flat,
}
