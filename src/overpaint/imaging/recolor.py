"""Give an object another colour and keep its light: `recolor`."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.errors import InvalidOption
from overpaint.imaging.materials import MATERIALS, material
from overpaint.imaging.oklab import (
    Lab,
    Plane,
    from_oklab,
    in_srgb,
    nearest_colour,
    oklab_of,
    palette,
    to_oklab,
)
from overpaint.imaging.texture import shrunk
from overpaint.values import Mask, Rgba8

__all__ = ["MATERIALS", "dominant_share", "material", "recolor"]

#: Pictures are analysed at this long side, px; the answer is the same at any size.
_ANALYSIS_SIDE = 128
#: Lightness tells parts of an object apart less than hue: shading changes it within one part.
_LIGHTNESS_WEIGHT = 0.45
#: Below this chroma a colour counts as gray, and its hue means nothing.
_GRAY_CHROMA = 0.035


def recolor(
    exemplar: Rgba8, rgb: tuple[int, int, int], *, strength: float = 1.0, rim: bool = False
) -> Rgba8:
    """Return the object in the asked colour: its body changes, its accents and light stay.

    `exemplar` is H x W x 4 uint8, straight alpha; `rgb` 0 to 255 each; `strength` 0 (unchanged)
    to 1; `rim` says that the object is named by its frame, as glasses are. The body is the part
    with most area, rim and chroma (`dominant_share`). Its median
    lightness becomes the colour's along a curve that keeps black black and highlights white; hue
    and chroma become the colour's, varying a little as they did. Raises InvalidOption.
    """
    if not 0 <= strength <= 1:
        raise InvalidOption("strength", "must be 0 to 1", strength)
    if not all(0 <= channel <= 255 for channel in rgb):
        raise InvalidOption("color", "must be three numbers of 0 to 255", rgb)
    share = dominant_share(exemplar, rim=rim)
    lab = to_oklab(exemplar[..., :3])
    body = (share > 0.5) & _visible(exemplar[..., 3])
    if not body.any():
        return exemplar.copy()
    painted = _repaint(lab, lab[body], oklab_of(rgb))
    weight = (strength * share)[..., None]
    result = exemplar.copy()
    result[..., :3] = from_oklab(lab + (painted - lab) * weight)
    return result


def dominant_share(exemplar: Rgba8, *, rim: bool = False) -> Plane:
    """Return H x W float32, 0 to 1: how much each pixel belongs to the object's main part.

    The colours are clustered in OKLab; clusters that shade into each other or share a hue are one
    part; the main part is the one with most area and most of the ring under the silhouette, so a
    coloured frame wins over its lenses. Black counts little, as drawings have black borders,
    except where `rim` asks for the ring whatever its colour.
    """
    height, width = exemplar.shape[:2]
    scale = min(1.0, _ANALYSIS_SIDE / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = shrunk(exemplar, size)
    alpha = small[..., 3].astype(np.float32) / 255
    solid = _visible(alpha)
    if not solid.any():
        return np.zeros((height, width), dtype=np.float32)
    features = _features(to_oklab(small[..., :3]))
    colours = palette(features[solid], alpha[solid], 8)
    label = nearest_colour(features.reshape(-1, 3), colours).reshape(solid.shape)
    part = _parts(features, label, solid, colours)
    main = _main_part(features, part[label], solid, rim)

    # soft assignment: a Gaussian round each colour; |p|^2 is common to all and cancels
    full = _features(to_oklab(exemplar[..., :3])).reshape(-1, 3)
    closeness = (2 * full @ colours.T - (colours**2).sum(axis=1)) / (2 * 0.035**2)  # n x k
    closeness = np.exp(closeness - closeness.max(axis=1, keepdims=True))
    share = closeness[:, part == main].sum(axis=1) / closeness.sum(axis=1)
    share = np.clip((share - 0.15) / 0.7, 0, 1)
    return np.asarray(share, dtype=np.float32).reshape(height, width)


def _visible(alpha: Plane) -> Mask:
    """Return where the object is; glass counts too, so the threshold is half of what is most."""
    return np.asarray(alpha > max(0.5 * float(alpha.max()), 1e-3), dtype=np.bool_)


def _features(lab: Lab) -> Lab:
    return lab * np.array([_LIGHTNESS_WEIGHT, 1, 1], dtype=np.float32)


def _parts(
    features: Lab, label: npt.NDArray[np.intp], solid: npt.NDArray[np.bool_], colours: Lab
) -> npt.NDArray[np.intp]:
    """Join colours into parts; returns k indices, equal where colours belong together."""
    count = len(colours)
    border, step = np.zeros((count, count)), np.zeros((count, count))
    for first, second in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        both = solid[first] & solid[second] & (label[first] != label[second])
        jump = np.linalg.norm(features[first] - features[second], axis=-1)[both]
        pair = (label[first][both], label[second][both])
        np.add.at(border, pair, 1)
        np.add.at(step, pair, jump)
    border, step = border + border.T, step + step.T
    part = np.arange(count)
    size = np.bincount(label[solid], minlength=count).astype(np.float64)
    while True:  # the closest pair first; a merged part is judged by its mean colour and border
        groups = np.unique(part[size > 0])
        pairs = [
            (_apart(groups_pair, part, colours, size, border, step), groups_pair)
            for groups_pair in combinations(groups.tolist(), 2)
        ]
        if not pairs or min(pairs)[0] >= 1:
            return part
        keep, drop = min(pairs)[1]
        part[part == drop] = keep


def _apart(
    pair: tuple[int, int],
    part: npt.NDArray[np.intp],
    colours: Lab,
    size: npt.NDArray[np.float64],
    border: npt.NDArray[np.float64],
    step: npt.NDArray[np.float64],
) -> float:
    """Return how different two parts are; under 1 they are one, shaded."""
    members = [np.nonzero(part == index)[0] for index in pair]
    means = [np.average(colours[m], axis=0, weights=size[m]) for m in members]
    sizes = [size[m].sum() for m in members]
    chroma = [float(np.hypot(mean[1], mean[2])) for mean in means]
    hues = [float(np.arctan2(mean[2], mean[1])) for mean in means]
    turn = abs((hues[0] - hues[1] + np.pi) % (2 * np.pi) - np.pi)
    rise = abs(float(means[0][0] - means[1][0])) / _LIGHTNESS_WEIGHT
    between = np.ix_(members[0], members[1])
    length = float(border[between].sum())
    jump = float(step[between].sum()) / max(length, 1.0)

    likeness = 9.0
    if min(chroma) > _GRAY_CHROMA:
        likeness = max(turn / np.radians(30), rise / 0.34)
    elif max(chroma) < 1.5 * _GRAY_CHROMA:
        likeness = rise / 0.32
    if length > 0.25 * np.sqrt(min(sizes)):  # they touch: is it an edge, or shading?
        bend = 0.0 if min(chroma) < _GRAY_CHROMA else turn / np.radians(65)
        likeness = min(likeness, max(jump / 0.03, bend, rise / 0.45))
    return likeness


def _main_part(features: Lab, part: npt.NDArray[np.intp], solid: Mask, rim: bool) -> int:
    """Return the part that a person would name the object's colour by."""
    # A ring somewhat inside the silhouette: deeper than a drawn outline, not as deep as a lens.
    depth = cv2.distanceTransform(np.pad(solid, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = max(solid.shape)
    ring = solid & (depth > 0.012 * reach) & (depth < 0.035 * reach + 0.5)
    chroma = np.hypot(features[..., 1], features[..., 2])
    best, best_score = -1, -1.0
    for index in np.unique(part[solid]):
        here = solid & (part == index)
        area = here.sum() / solid.sum()
        border = (here & ring).sum() / max(1, int(ring.sum()))
        vivid = min(1.0, float(np.median(chroma[here])) / 0.09)
        dark = float(np.median(features[..., 0][here])) / _LIGHTNESS_WEIGHT < 0.42
        plain = 0.2 if dark else 0.35  # what counts of a part without chroma
        score = (area + 1.2 * border) * (plain + (1 - plain) * vivid)
        score *= 0.75 if border < 0.1 else 1.0
        if rim:
            score = border + 0.1 * score
        if score > best_score:
            best, best_score = int(index), score
    return best


def _repaint(lab: Lab, body: Lab, target: tuple[float, float, float]) -> Lab:
    """Return the picture as if all of it were of the target colour (H x W x 3, OKLab)."""
    lightness = lab[..., 0]
    middle = float(np.clip(np.median(body[:, 0]), 0.08, 0.97))
    aim = float(np.clip(target[0], 0.21, 0.95))  # leaves room for shading and for light
    new_lightness = _tone_curve(lightness, middle, aim, _lit_room(aim, target))

    return pigmented(lab, body, new_lightness, aim, target, turned=0.2)


def pigmented(
    lab: Lab,
    body: Lab,
    lightness: Plane,
    aim: float,
    target: tuple[float, float, float],
    *,
    turned: float,
) -> Lab:
    """Return a surface of one pigment under its own light (H x W x 3, OKLab).

    Chroma grows with the light that falls on it and fades into the highlight; what was paler or of
    another hue than the rest stays a little so.

    Args:
        lab: the surface as it was, H x W x 3.
        body: N x 3, the pixels that show its own colour.
        lightness: H x W, 0 to 1, as it is to be.
        aim: lightness that the colour has, 0 to 1.
        target: the colour, OKLab.
        turned: by how much hues may differ at most, radians.
    """
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    body_chroma = float(np.median(np.hypot(body[:, 1], body[:, 2])))
    aim_chroma, aim_hue = float(np.hypot(target[1], target[2])), np.arctan2(target[2], target[1])
    above = np.clip((lightness - aim) / (1 - aim), 0, 1)
    new_chroma = aim_chroma * np.where(lightness < aim, (lightness / aim) ** 0.8, 1 - above**2.5)
    hue = np.full_like(lightness, aim_hue)
    if body_chroma > _GRAY_CHROMA:
        ratio = np.clip(chroma / body_chroma, 0, 1.3)
        new_chroma = new_chroma * np.clip(ratio / 0.8, 0.35, 1.1) ** 0.6
        middle_hue = np.arctan2(np.median(body[:, 2]), np.median(body[:, 1]))
        turn = (np.arctan2(lab[..., 2], lab[..., 1]) - middle_hue + np.pi) % (2 * np.pi) - np.pi
        hue = hue + np.clip(0.3 * turn, -turned, turned) * np.minimum(1, ratio)
    return np.stack(
        [lightness, new_chroma * np.cos(hue), new_chroma * np.sin(hue)], axis=-1
    ).astype(np.float32)


def _lit_room(aim: float, target: tuple[float, float, float]) -> float:
    """Return how far above its lightness a colour can be lit and still be that colour in sRGB."""
    room = 1 - aim
    steps = np.linspace(0, 0.45 * room, 16, dtype=np.float32)
    lit = np.empty((1, 16, 3), dtype=np.float32)
    lit[..., 0] = aim + steps
    lit[..., 1:] = 0.85 * np.array(target[1:], dtype=np.float32)
    shown = in_srgb(lit)[0]
    return float(max(0.15 * room, steps[shown].max(initial=0.0)))


def _tone_curve(lightness: Plane, middle: float, aim: float, lit_room: float) -> Plane:
    """Map lightness 0 to 1, rising, `middle` to `aim`, black to black; highlights reach white.

    Below the middle it is a change of albedo (OKLab's lightness is a cube root of light, so
    scaling it scales light), with the contrast kept within what still reads as shading.
    """
    scale = aim / middle
    power = np.clip(0.5 / scale, 0.8 if scale > 1 else 1.0, 2.5)
    below = aim * (np.clip(lightness, 0, middle) / middle) ** power
    room, rise = 1 - aim, max(scale, 0.55) * (1 - middle)
    up = np.clip((lightness - middle) / (1 - middle), 0, 1)
    diffuse = min(rise, lit_room)  # the lit side; the rest of the room is for highlights
    gloss = np.clip(((1 - middle) - 0.08) / 0.3, 0, 1)
    above = diffuse * (1 - (1 - up) ** (rise / diffuse)) + gloss * (room - diffuse) * up**4
    return np.asarray(np.where(lightness < middle, below, aim + above), dtype=np.float32)
