"""What letters are made of: flat colour, metal, neon, relief, depth, outline, shadow.

All functions work on one canvas of letter coverage, height x width, float32, 0 to 1, and return
layers: height x width x 4, float32, 0 to 1, RGB multiplied by alpha. Lengths are in em so that an
effect looks the same at every size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from overpaint.imaging.textsurface import (
    Canvas,
    Layer,
    Tone,
    blurred,
    depth_inside,
    dilated,
    flat,
    half_stroke,
    local_half_width,
    normals,
    over,
    painted,
    shifted,
    smooth_step,
)

EFFECTS = ("gold", "silver", "neon", "embossed", "handwritten", "3d", "outline", "shadow")

#: Room that an effect needs around the letters, em.
ROOM = {"neon": 0.10, "3d": 0.16, "outline": 0.07, "shadow": 0.08, "embossed": 0.03, "gold": 0.04}
ROOM["silver"] = ROOM["gold"]

_RIM = 0.026  # how wide the rim around a weak colour is, em

#: Brightness stops of polished metal lit from above: sky, horizon, ground, and their colours.
_GOLD = (
    (0.00, (255, 250, 214)),
    (0.22, (253, 224, 122)),
    (0.46, (224, 166, 44)),
    (0.56, (152, 98, 20)),
    (0.64, (196, 138, 36)),
    (0.82, (248, 212, 104)),
    (1.00, (255, 244, 190)),
)
_SILVER = (
    (0.00, (255, 255, 255)),
    (0.22, (224, 229, 236)),
    (0.46, (166, 173, 184)),
    (0.56, (96, 103, 116)),
    (0.64, (138, 145, 158)),
    (0.82, (214, 219, 227)),
    (1.00, (250, 252, 255)),
)


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How the letters of a canvas look."""

    effects: tuple[str, ...]
    color: Tone | None  # None: metal, or relief in the surface itself
    contrast: Tone  # what stands out from the colour: outlines
    em: float = 1.0  # px of the canvas
    light: tuple[float, float] = (-0.55, -0.835)  # where it comes from on the canvas, unit vector
    bands: tuple[tuple[float, float], ...] = ((0.0, 1.0),)  # top and bottom of each line, px
    halo: float = 0.0  # opacity of a soft halo behind letters on a restless surface
    rim: float = 0.0  # opacity of a thin contrasting rim around an asked-for colour that is weak
    veil: float = 0.0  # how dark or restless the surface is that letters are raised from, 0 to 1
    bright: bool = False  # the surface under the letters is bright: neon needs a deeper colour


def finish_letters(ink: Canvas, finish: Finish) -> Layer:
    """Lay all effects over each other: shadow and glow, depth, outline, face."""
    effects, em = finish.effects, finish.em
    solid = ink
    layers: list[Layer] = []
    if "outline" in effects:
        solid = dilated(ink, 0.055 * em)
        layers.append(flat(solid, finish.contrast))
    if "neon" in effects:
        color = finish.color if finish.color is not None else np.ones(3, np.float32)
        layers.append(_neon_tube(ink, color, finish))
    elif "gold" in effects or "silver" in effects:
        layers.append(_metal(ink, _GOLD if "gold" in effects else _SILVER, finish))
    elif finish.color is None:
        layers.append(_relief(ink, finish))
    elif "embossed" in effects:
        layers.append(over(_relief(ink, finish), flat(ink, finish.color)))
    elif "3d" in effects:
        layers.append(_lit_face(ink, finish.color, finish))
    else:
        layers.append(flat(ink, finish.color))
    stack = layers[0]
    for layer in layers[1:]:
        stack = over(layer, stack)
    if finish.rim and not {"neon", "outline", "embossed", "gold", "silver", "3d"} & set(effects):
        stack = over(stack, flat(finish.rim * dilated(ink, _RIM * finish.em), finish.contrast))
    if "3d" in effects:
        stack = over(stack, _depth(solid, finish))
    if "neon" in effects:
        stack = over(stack, _glow(ink, finish))
    if "shadow" in effects or "3d" in effects:
        stack = over(stack, _shadow(stack[..., 3], finish, soft=0.06, offset=0.06, opacity=0.55))
    elif "gold" in effects or "silver" in effects:
        stack = over(stack, _shadow(stack[..., 3], finish, soft=0.025, offset=0.02, opacity=0.45))
    elif finish.halo and not {"neon", "outline", "embossed"} & set(effects):
        stack = over(stack, _halo(ink, finish))
    return stack


def _ramp(stops: tuple[tuple[float, tuple[int, int, int]], ...], at: Canvas) -> Layer:
    places = [place for place, _ in stops]
    channels = [np.interp(at, places, [c[i] / 255 for _, c in stops]) for i in range(3)]
    return np.dstack(channels).astype(np.float32)


def _metal(
    ink: Canvas, stops: tuple[tuple[float, tuple[int, int, int]], ...], finish: Finish
) -> Layer:
    """Polished metal: what a bevelled surface mirrors of a bright sky over dark ground."""
    width = 0.62 * half_stroke(ink)
    nx, ny, nz = normals(ink, width)
    lx, ly = finish.light
    facing = nx * lx + ny * ly  # > 0 towards the light
    down = _down(ink.shape[0], finish.bands)
    across = np.arange(ink.shape[1], dtype=np.float32)[None, :] / finish.em
    sway = 0.03 * np.sin(1.7 * across + 0.6)
    mirrored = 0.16 + 0.62 * down[:, None] + sway
    mirrored = np.clip(mirrored - 0.55 * facing, 0.0, 1.0).astype(np.float32)
    rgb = _ramp(stops, mirrored)
    rgb = rgb * (0.72 + 0.28 * nz)[..., None]
    shine = np.clip(facing * 0.82 + nz * 0.57, 0.0, 1.0) ** 22
    rgb = rgb + 0.85 * shine[..., None] * (1.0 - rgb)
    dark = np.clip(-facing - 0.15, 0.0, 1.0)
    rgb = rgb * (1.0 - 0.5 * dark)[..., None]
    rim = flat(dilated(ink, 0.012 * finish.em), np.array(stops[3][1], np.float32) / 255 * 0.45)
    return over(painted(ink, rgb), rim)


def _down(height: int, bands: tuple[tuple[float, float], ...]) -> Canvas:
    """How far down its own line each row lies, 0 to 1: every line mirrors the room anew."""
    rows = np.arange(height, dtype=np.float64)
    tops, bottoms = np.array(bands).T
    away = np.maximum(tops[:, None] - rows, rows - bottoms[:, None])
    band = away.argmin(axis=0)
    down = (rows - tops[band]) / np.maximum(bottoms - tops, 1.0)[band]
    return np.asarray(np.clip(down, 0.0, 1.0), np.float32)


def _relief(ink: Canvas, finish: Finish) -> Layer:
    """Light and shade of letters raised from the surface: white and black, nothing between.

    Where the surface is dark or restless, light and shade alone do not hold together as letters:
    a veil makes it paler inside them, and a shade all around darker outside.
    """
    width = 0.7 * half_stroke(ink)
    nx, ny, nz = normals(ink, width)
    lx, ly = finish.light
    facing = nx * lx + ny * ly
    light = ink * np.clip(0.92 * np.clip(facing, 0, 1) + 0.13 * nz, 0, 1)
    shade = ink * np.clip(0.82 * np.clip(-facing, 0, 1), 0, 1)
    reach = 0.03 * finish.em
    cast = shifted(blurred(ink, 0.8 * reach), -lx * reach, -ly * reach) * (1.0 - ink) * 0.62
    edge = shifted(blurred(ink, 0.4 * reach), lx * 0.4 * reach, ly * 0.4 * reach)
    lift = edge * (1.0 - ink) * 0.30 * (1.0 - cast)
    white = np.clip(light + lift, 0.0, 1.0).astype(np.float32)
    black = np.clip(shade + cast, 0.0, 1.0).astype(np.float32)
    relief = over(flat(white, np.ones(3, np.float32)), flat(black, np.zeros(3, np.float32)))
    if not finish.veil:
        return relief
    if finish.color is None:
        relief = over(relief, flat(0.66 * finish.veil * ink, np.ones(3, np.float32)))
    around = np.clip(2.2 * blurred(dilated(ink, reach), 0.9 * reach), 0.0, 1.0)
    shade_around = flat(0.62 * finish.veil * around * (1.0 - ink), np.zeros(3, np.float32))
    return over(relief, shade_around)


def _lit_face(ink: Canvas, color: Tone, finish: Finish) -> Layer:
    """A flat front, a little brighter above, with a fine bright edge to the light."""
    nx, ny, _ = normals(ink, 0.22 * half_stroke(ink))
    lx, ly = finish.light
    facing = nx * lx + ny * ly
    down = np.linspace(0.5, -0.5, ink.shape[0], dtype=np.float32)[:, None]
    rgb: Layer = color * np.ones((*ink.shape, 1), np.float32)
    rgb = rgb + (0.10 * np.clip(down, 0, 1))[..., None] * (1.0 - rgb)
    rgb = rgb * (1.0 - 0.22 * np.clip(-down, 0, 1))[..., None]
    rgb = rgb + 0.55 * np.clip(facing, 0, 1)[..., None] * (1.0 - rgb)
    rgb = rgb * (1.0 - 0.35 * np.clip(-facing, 0, 1))[..., None]
    return painted(ink, rgb.astype(np.float32))


def _neon_tube(ink: Canvas, color: Tone, finish: Finish) -> Layer:
    """A glass tube in the middle of each stroke: white inside, coloured at its wall."""
    depth = blurred(depth_inside(ink), 0.008 * finish.em)
    across = depth / np.maximum(local_half_width(depth_inside(ink)), 1.0)
    alpha = smooth_step(0.12, 0.34, across) * ink
    core = smooth_step(0.30, 0.85, across)
    vivid = color / max(float(color.max()), 1e-3)
    bright = vivid * 0.9 + 0.1
    white = 0.78 if finish.bright else 0.92
    rgb = bright + core[..., None] * (1.0 - bright) * white
    tube = painted(alpha, rgb)
    if finish.bright:  # on a lit wall the glass shows as a dark rim
        return over(tube, flat(0.75 * blurred(alpha, 0.012 * finish.em), 0.45 * vivid))
    return tube


def _glow(ink: Canvas, finish: Finish) -> Layer:
    """Light of the tube in the air and on the wall: near and bright, far and dim."""
    color = finish.color if finish.color is not None else np.ones(3, np.float32)
    vivid = color / max(float(color.max()), 1e-3)
    near, middle, far = (blurred(ink, part * finish.em) for part in (0.03, 0.09, 0.24))
    light = 1.0 - np.exp(-(1.1 * near + 1.0 * middle + 1.1 * far))
    return flat(np.asarray(0.9 * np.clip(light, 0, 1), np.float32), vivid)


def _halo(ink: Canvas, finish: Finish) -> Layer:
    """A soft cloud in the contrasting colour that calms what lies behind the letters."""
    near, far = (blurred(ink, part * finish.em) for part in (0.035, 0.12))
    cloud = np.clip(finish.halo * (0.75 * near + 0.9 * far), 0.0, 0.92)
    return flat(cloud, finish.contrast)


def _shadow(alpha: Canvas, finish: Finish, *, soft: float, offset: float, opacity: float) -> Layer:
    lx, ly = finish.light
    cast = shifted(
        blurred(alpha, soft * finish.em), -lx * offset * finish.em, -ly * offset * finish.em
    )
    tight = shifted(
        blurred(alpha, 0.3 * soft * finish.em),
        -lx * 0.4 * offset * finish.em,
        -ly * 0.4 * offset * finish.em,
    )
    amount = np.clip(opacity * (0.7 * cast + 0.4 * tight), 0.0, 1.0)
    return flat(np.asarray(amount, np.float32), np.full(3, 0.03, np.float32))


def _depth(solid: Canvas, finish: Finish) -> Layer:
    """The sides of letters that reach back to a vanishing point below right of the middle.

    The silhouette is laid behind itself again and again, a step further each time; laying A over
    A moved by k steps doubles the depth, so log2(steps) layers do.
    """
    if "gold" in finish.effects:
        base = np.array([0.72, 0.47, 0.10], np.float32)
    elif "silver" in finish.effects:
        base = np.array([0.50, 0.53, 0.58], np.float32)
    elif finish.color is None:
        base = finish.contrast
    elif float(finish.color.max()) < 0.25:  # sides darker than black would not be seen
        base = 0.4 * finish.color + 0.62
    else:
        base = finish.color
    soft = blurred(solid, max(1.2, 0.012 * finish.em))
    dx, dy = (cv2.Sobel(soft, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    length = np.maximum(np.sqrt(dx * dx + dy * dy), 1e-6)
    lx, ly = finish.light
    # sides that face down or right are the ones seen; those facing down are the darkest
    facing = -(dx * lx + dy * ly) / length
    light = blurred(0.60 + 0.17 * facing + 0.07 * dy / length, 1.0)
    layer = painted(solid, (base * light[..., None]).astype(np.float32))
    height, width = solid.shape
    reach = 0.15 * finish.em
    steps = max(1, int(np.ceil(reach)))
    doublings = max(1, int(np.ceil(np.log2(steps + 1))))
    rows, columns = np.nonzero(solid > 0.5)
    middle = (float(columns.mean()), float(rows.mean())) if rows.size else (width / 2, height / 2)
    unit = reach / 2**doublings
    grow = 1.0 - 0.05 * min(1.0, finish.em * 4 / max(height, width)) / 2**doublings
    step = np.array([[grow, 0.0, 0.0], [0.0, grow, 0.0], [0.0, 0.0, 1.0]])
    step[0, 2] = middle[0] * (1 - grow) + 0.42 * unit
    step[1, 2] = middle[1] * (1 - grow) + 0.90 * unit
    for _ in range(doublings):
        behind = cv2.warpAffine(layer, step[:2], (width, height), flags=cv2.INTER_LINEAR)
        fade = np.array([0.985, 0.985, 0.985, 1.0], np.float32)
        layer = over(layer, np.asarray(behind, np.float32) * fade)
        step = step @ step
    return layer
