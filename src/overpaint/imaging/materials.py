"""Make an object of another material: gold, wood, glass, wool, ..."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from overpaint.errors import InvalidOption
from overpaint.imaging.oklab import Lab, Plane, to_oklab
from overpaint.imaging.texture import (
    dome,
    filled,
    gradient_map,
    joined,
    lit,
    noise,
    smoothstep,
    soft,
)
from overpaint.values import Rgba8

_GOLD = (
    (0.0, 66, 34, 6),
    (0.25, 140, 86, 18),
    (0.45, 205, 146, 40),
    (0.6, 250, 204, 86),
    (0.7, 255, 240, 172),
    (0.77, 222, 166, 52),
    (0.88, 250, 214, 104),
    (1.0, 255, 253, 236),
)
_SILVER = (
    (0.0, 44, 48, 56),
    (0.25, 104, 110, 120),
    (0.45, 168, 174, 182),
    (0.6, 214, 218, 224),
    (0.7, 248, 250, 252),
    (0.77, 176, 182, 190),
    (0.88, 226, 230, 234),
    (1.0, 255, 255, 255),
)
_STEEL = (
    (0.0, 26, 29, 34),
    (0.35, 84, 91, 100),
    (0.55, 128, 136, 146),
    (0.7, 188, 195, 203),
    (0.78, 140, 148, 158),
    (1.0, 240, 244, 248),
)
_WOOD = ((0.0, 62, 34, 16), (0.35, 122, 74, 38), (0.65, 174, 118, 66), (1.0, 226, 178, 118))
_STONE = ((0.0, 44, 43, 42), (0.4, 108, 106, 102), (0.7, 158, 155, 149), (1.0, 214, 211, 204))
_MARBLE = ((0.0, 120, 122, 130), (0.4, 200, 201, 206), (0.75, 238, 238, 240), (1.0, 255, 255, 255))
_ICE = ((0.0, 30, 92, 140), (0.35, 96, 170, 214), (0.65, 176, 222, 244), (1.0, 250, 254, 255))


class _Body:
    """An object seen as a surface: what all materials read."""

    def __init__(self, exemplar: Rgba8, seed: int) -> None:
        self.rgb, self.alpha = filled(exemplar)  # H x W x 3 and H x W, 0 to 1
        self.shape: tuple[int, int] = (exemplar.shape[0], exemplar.shape[1])
        self.side = float(max(self.shape))  # px; textures scale with it
        self.rng = np.random.default_rng([seed, 0x6D61])
        lightness = to_oklab(np.rint(self.rgb * 255).astype(np.uint8))[..., 0]
        seen = lightness[self.alpha > 0.5]
        low, high = np.quantile(seen, (0.02, 0.98)) if seen.size else (0.0, 1.0)
        # flat drawings must not become black and white, so a narrow range stays narrow
        middle, spread = (low + high) / 2, max(float(high - low), 0.45)
        self.lightness: Plane = np.clip(0.5 + (lightness - middle) / spread, 0, 1)
        self.height = dome(self.alpha, 0.1 * self.side)
        self.relief = lit(self.height, 0.05 * self.side)  # about 0.55 where flat
        self.tone: Plane = np.clip(
            0.62 * self.lightness + 0.55 * (self.relief - 0.55) + 0.2, 0, 1
        ).astype(np.float32)

    def grid(self) -> tuple[Plane, Plane]:
        """Return row and column of each pixel, in long sides."""
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        return rows / self.side, columns / self.side


def material(exemplar: Rgba8, name: str, *, seed: int = 0) -> Rgba8:
    """Return the object as if made of `name`, one of MATERIALS; shape and light are kept.

    `exemplar` is H x W x 4 uint8, straight alpha. Plastic, fabric, wool and leather keep the
    object's colours, glass and ice let them shine through, the others bring their own: colour an
    object before giving it a material. Raises InvalidOption for an unknown name.
    """
    if name not in _LOOKS:
        raise InvalidOption("material", f"must be one of {', '.join(MATERIALS)}", name)
    body = _Body(exemplar, seed)
    rgb, alpha = _LOOKS[name](body)
    return joined(rgb, alpha)


def _gold(body: _Body) -> tuple[Lab, Plane]:
    return _polished(body, _GOLD), body.alpha


def _silver(body: _Body) -> tuple[Lab, Plane]:
    return _polished(body, _SILVER), body.alpha


def _polished(body: _Body, stops: tuple[tuple[float, int, int, int], ...]) -> Lab:
    """Map tone through a gradient with dark bands in the light: reflections of a room."""
    wobble = noise(body.shape, 0.35 * body.side, body.rng, octaves=2)
    return gradient_map(np.clip(body.tone + 0.035 * wobble, 0, 1), stops)


def _metal(body: _Body) -> tuple[Lab, Plane]:
    brush = cv2.blur(
        body.rng.standard_normal(body.shape, dtype=np.float32), (_odd(0.25 * body.side), 1)
    )
    brush = brush / (brush.std() + 1e-6)
    return gradient_map(np.clip(body.tone + 0.04 * brush, 0, 1), _STEEL), body.alpha


def _wood(body: _Body) -> tuple[Lab, Plane]:
    rows, columns = body.grid()
    bend = noise(body.shape, 0.5 * body.side, body.rng, octaves=2)
    wave = rows * 11 + 0.42 * bend + 0.35 * np.sin(columns * 2.4 + 0.4)
    ring = 1 - np.abs(2 * (wave % 1) - 1) ** 2.2  # late wood is a thin dark line
    fibre = cv2.blur(
        body.rng.standard_normal(body.shape, dtype=np.float32), (_odd(0.08 * body.side), 1)
    )
    fibre = fibre / (fibre.std() + 1e-6)
    grain = 0.38 + 0.27 * ring + 0.06 * fibre
    shade = 0.55 + 0.75 * body.tone
    return gradient_map(np.clip(grain, 0, 1), _WOOD) * shade[..., None], body.alpha


def _stone(body: _Body) -> tuple[Lab, Plane]:
    rough = noise(body.shape, 0.06 * body.side, body.rng, octaves=4)
    bump = lit(rough, 0.012 * body.side) - 0.55
    speck = noise(body.shape, 0.008 * body.side, body.rng)
    tone = body.tone * 0.8 + 0.08 + 0.35 * bump + 0.03 * speck
    return gradient_map(np.clip(tone, 0, 1), _STONE), body.alpha


def _marble(body: _Body) -> tuple[Lab, Plane]:
    rows, columns = body.grid()
    warp = noise(body.shape, 0.4 * body.side, body.rng, octaves=5)
    clouds = noise(body.shape, 0.35 * body.side, body.rng, octaves=3)
    strength = smoothstep(-0.9, 1.2, noise(body.shape, 0.3 * body.side, body.rng))
    veins = 1 - np.abs(np.sin((columns + 0.7 * rows) * 7 + 0.95 * warp))
    fine = 1 - np.abs(np.sin((columns - 0.5 * rows) * 11 + 1.3 * warp + 2))
    vein = strength * (0.55 * veins**8 + 0.16 * veins**2) + 0.2 * (1 - strength) * fine**14
    vein = vein + 0.05 * np.clip(clouds, 0, 2)
    tone = 0.34 + 0.70 * body.tone - vein
    return gradient_map(np.clip(tone, 0, 1), _MARBLE), body.alpha


def _glass(body: _Body) -> tuple[Lab, Plane]:
    tint = 0.45 * soft(body.rgb, 0.02 * body.side) + 0.55 * np.array(
        (0.80, 0.92, 0.95), dtype=np.float32
    )
    rim = 1 - smoothstep(0.25, 0.95, body.height)
    shine = smoothstep(0.72, 0.95, body.tone) + smoothstep(0.80, 0.95, body.relief) * 0.8
    dark = smoothstep(0.35, 0.05, body.tone) * 0.5 + smoothstep(0.25, -0.3, body.relief) * 0.5
    rgb = tint * (0.72 + 0.4 * body.tone)[..., None]
    rgb = rgb * (1 - 0.55 * dark)[..., None]
    shine = np.clip(shine, 0, 1)
    rgb = rgb + (1 - rgb) * (0.9 * shine)[..., None]
    cover = np.clip(0.30 + 0.38 * rim + 0.25 * dark + 0.6 * shine, 0, 0.96)
    return rgb, (body.alpha * cover).astype(np.float32)


def _ice(body: _Body) -> tuple[Lab, Plane]:
    warp = noise(body.shape, 0.22 * body.side, body.rng, octaves=3)
    cracks = np.maximum(1 - np.abs(warp) * 5, 0) ** 3
    frost = noise(body.shape, 0.03 * body.side, body.rng, octaves=3)
    tone = 0.12 + 0.85 * body.tone + 0.25 * cracks + 0.035 * frost
    rim = 1 - smoothstep(0.2, 0.9, body.height)
    rgb = 0.85 * gradient_map(np.clip(tone + 0.18 * rim, 0, 1), _ICE) + 0.15 * body.rgb
    shine = smoothstep(0.8, 0.95, body.relief)[..., None]
    cover = np.clip(0.74 + 0.26 * (rim + cracks), 0, 1)
    return rgb + (1 - rgb) * 0.8 * shine, (body.alpha * cover).astype(np.float32)


def _plastic(body: _Body) -> tuple[Lab, Plane]:
    calm = soft(body.rgb, 0.006 * body.side)
    gray = calm.mean(axis=-1, keepdims=True)
    vivid = gray + 1.2 * (calm - gray)
    shade = 0.86 + 0.26 * (body.relief - 0.3)
    shine = 0.85 * smoothstep(0.86, 0.97, body.relief) + 0.25 * smoothstep(0.7, 0.95, body.relief)
    rgb = vivid * shade[..., None]
    return rgb + (1 - rgb) * np.clip(shine, 0, 1)[..., None], body.alpha


def _fabric(body: _Body) -> tuple[Lab, Plane]:
    rows, columns = body.grid()
    turns = 2 * np.pi * 64
    warp, weft = np.sin(columns * turns), np.sin(rows * turns)
    over = np.sin(columns * turns / 2) * np.sin(rows * turns / 2) > 0
    weave = np.where(over, warp, weft) * 0.5
    slub = noise(body.shape, 0.02 * body.side, body.rng, octaves=3)
    folds = noise(body.shape, 0.3 * body.side, body.rng)
    shade = 0.97 + 0.09 * weave + 0.03 * slub + 0.03 * folds + 0.25 * (body.relief - 0.55)
    return _matt(body) * shade[..., None], body.alpha


def _wool(body: _Body) -> tuple[Lab, Plane]:
    rows, columns = body.grid()
    stitches = 22.0
    column = columns * stitches
    across = column % 1 - 0.5  # -0.5 to 0.5 within one column of stitches
    along = (rows * stitches * 1.15 - 0.9 * np.abs(across)) % 1  # slanted: a column of Vs
    yarn = (
        np.sqrt(np.clip(1 - (2 * along - 1) ** 2, 0, 1))
        * np.clip(np.abs(np.sin(np.pi * column)), 0.25, 1) ** 0.5
    )
    groove = 1 - np.exp(-((across / 0.06) ** 2))  # between the two legs of the V
    fuzz = noise(body.shape, 0.006 * body.side, body.rng)
    bump = (0.62 + 0.5 * yarn * (0.72 + 0.28 * groove)).astype(np.float32)
    shade = bump + 0.05 * fuzz + 0.3 * (body.relief - 0.55)
    return _matt(body) * shade[..., None], body.alpha


def _leather(body: _Body) -> tuple[Lab, Plane]:
    grain = noise(body.shape, 0.022 * body.side, body.rng, octaves=2)
    creases = np.maximum(1 - 1.6 * np.abs(grain), 0)  # valleys round pebbles
    bump = lit(-soft(creases, 0.002 * body.side), 0.012 * body.side) - 0.55
    shade = 0.9 + 0.5 * bump - 0.10 * creases + 0.35 * (body.relief - 0.55)
    shine = 0.30 * smoothstep(0.75, 1.0, body.relief + 0.35 * bump)
    rgb = _matt(body) * 0.94 * shade[..., None]
    return rgb + (1 - rgb) * shine[..., None], body.alpha


def _matt(body: _Body) -> Lab:
    """Take the gloss off: highlights above the surroundings are pulled down."""
    around = soft(body.rgb, 0.06 * body.side)
    return np.asarray(np.minimum(body.rgb, around * 1.08 + 0.03), dtype=np.float32)


def _odd(length: float) -> int:
    return int(length / 2) * 2 + 1


_LOOKS: dict[str, Callable[[_Body], tuple[Lab, Plane]]] = {
    "gold": _gold,
    "silver": _silver,
    "metal": _metal,
    "wood": _wood,
    "glass": _glass,
    "stone": _stone,
    "marble": _marble,
    "ice": _ice,
    "plastic": _plastic,
    "fabric": _fabric,
    "wool": _wool,
    "leather": _leather,
}
#: What `material` knows.
MATERIALS: tuple[str, ...] = tuple(_LOOKS)
