"""Recolour an object into the colours of a palette; its light and shade stay."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from overpaint.imaging.oklab import nearest_colour, oklab_of, palette, to_oklab
from overpaint.imaging.recolor import dominant_share, recolor
from overpaint.imaging.tint import tint
from overpaint.values import Rgba8

#: What differs from the main colour is told apart into this many colours at most.
PARTS = 4
#: Parts with less chroma are gray and stay as they are: eyes, outlines, tyres (OKLab).
GRAY = 0.04
#: Parts whose hue is this near the main one's are its shaded side, radians.
SHADED = 0.7
#: Lightness counts less than hue when a part looks for the colour that is most like it.
WEIGHTS = np.array((0.5, 1.0, 1.0), np.float32)


def repalette(
    exemplar: Rgba8, colors: Sequence[tuple[int, int, int]], *, rim: bool = False
) -> Rgba8:
    """Return the object with its main colour become the first of a palette.

    Every other part of it that has a hue becomes the one of the other colours that is most like
    it (of the only one, where there is one); what is black, gray or white stays.

    Args:
        exemplar: height x width x 4, straight alpha.
        colors: sRGB, 0 to 255 each, at least one.
        rim: the object is named by its frame, as glasses are.

    Returns:
        The same height and width.
    """
    share = dominant_share(exemplar, rim=rim)
    result = recolor(exemplar, colors[0], rim=rim)
    visible = exemplar[..., 3] > 64
    rest = visible & (share < 0.5)
    others = np.array([oklab_of(color) for color in (colors[1:] or colors)], np.float32)
    if rest.sum() < 16:
        return result
    rgb = np.ascontiguousarray(exemplar[..., :3])
    lab = to_oklab(rgb)
    main = lab[visible & ~rest].reshape(-1, 3).sum(axis=0)
    main_hue = float(np.arctan2(main[2], main[1]))
    points = lab[rest] * WEIGHTS
    parts = palette(points, np.ones(len(points), np.float32), PARTS)
    label = np.full(visible.shape, -1)
    label[rest] = nearest_colour(points, parts)
    for index, part in enumerate(parts):
        here = label == index
        if np.hypot(part[1], part[2]) < GRAY or not here.any():
            continue
        turn = abs(np.angle(np.exp(1j * (np.arctan2(part[2], part[1]) - main_hue))))
        chosen = int(nearest_colour(part[None], others * WEIGHTS)[0])
        color = colors[0] if turn < SHADED else (colors[1:] or colors)[chosen]
        painted = tint(rgb, here.astype(np.float32), color, prints=False)
        weight = cv2.GaussianBlur(here.astype(np.float32), (0, 0), 0.7)
        weight = (np.asarray(weight) * (1 - share))[..., None]
        result[..., :3] = np.rint(result[..., :3] * (1 - weight) + painted * weight)
    return result
