"""The only place that writes a result: the painted layer goes in, inside the mask, nowhere else."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.region import mask_box
from overpaint.values import Box, Levels, Mask, Pixels, Rgb8, Weight

#: Default feather, as a share of the mask's shorter side, and its limits in px.
FEATHER = 0.02
FEATHER_LIMITS = (1.0, 12.0)
#: A feather never takes more than this share of the way to the middle of an island.
FEATHER_DEPTH = 0.5
#: Width of the ring outside the mask where the tone of the painting is compared, px.
TONE_RING = 6
#: The tone is compared in at most this long side, px.
TONE_SIDE = 1024
#: Rows that are blended at a time, so that memory does not grow with the mask.
STRIP = 64


def blend(
    base: Pixels,
    mask: Mask,
    box: Box,
    layer: Pixels,
    coverage: Weight | None = None,
    *,
    feather: float | None = None,
    levels: Levels | None = None,
) -> Pixels:
    """Lay a painted layer over a picture, inside the mask only.

    Where the mask is False every channel of the result equals `base`, bit for bit. Where it is
    True, colour = base + (layer - base) * opacity, and a transparent base becomes as opaque as
    the layer is; opacity = coverage * feather weight * level / 255.

    Args:
        base: height x width x 3 or 4, uint8 or uint16.
        mask: height x width.
        box: where the layer lies; it holds every True of the mask.
        layer: box.height x box.width x 3, dtype and colours of `base`.
        coverage: box.height x box.width, 0 to 1; None means opaque.
        feather: width of the inward ramp at the mask's edge, px, 0 = hard; None = chosen by
            the mask's size, but 0 beside `levels`.
        levels: height x width, of a soft mask, 0 where `mask` is False; None means 255 all over.

    Returns:
        A new array like `base`.
    """
    result = base.copy()
    tight = _with_rim(mask_box(mask[box.slices]), box)
    inside = mask[box.slices][tight.slices]
    if levels is not None and feather is None:
        feather = 0  # the caller's own rim is the ramp
    opacity = feather_weight(inside, feather)  # h x w, 0 outside the mask
    if levels is not None:
        opacity *= levels[box.slices][tight.slices] / np.float32(255)
    if coverage is not None:
        opacity *= coverage[tight.slices]
    target = result[box.slices][tight.slices]  # a view: what is written here is the result
    layer = layer[tight.slices]
    for top in range(0, tight.height, STRIP):
        rows = slice(top, top + STRIP)
        strip = _over(target[rows], layer[rows], opacity[rows])
        kept = target[rows].copy()
        target[rows] = cv2.copyTo(strip, inside[rows].view(np.uint8), kept)
    return result


def _with_rim(inner: Box, outer: Box) -> Box:
    """One pixel more on each side, so that the mask's edge is seen, but not beyond `outer`."""
    top, left = max(0, inner.top - 1), max(0, inner.left - 1)
    bottom = min(outer.height, inner.top + inner.height + 1)
    right = min(outer.width, inner.left + inner.width + 1)
    return Box(top=top, left=left, height=bottom - top, width=right - left)


def _over(base: Pixels, layer: Pixels, opacity: Weight) -> Pixels:
    """Porter and Duff's `over` (1984) with straight alpha, layer over base."""
    if base.shape[2] == 3:
        change = cv2.subtract(layer, base, dtype=cv2.CV_32F)
        change = cv2.multiply(change, cv2.merge([opacity, opacity, opacity]))
        depth = cv2.CV_8U if base.dtype == np.uint8 else cv2.CV_16U
        return cast(Pixels, cv2.add(base, change, dtype=depth))  # rounds
    full = np.iinfo(base.dtype).max
    share = opacity[..., None]  # h x w x 1, 0..1
    below = base.astype(np.float32)
    above = layer.astype(np.float32)
    alpha = below[..., 3:] / full  # 0..1
    union = share + alpha * (1 - share)
    of_layer = share / np.maximum(union, 1e-6)
    color = below[..., :3] + (above - below[..., :3]) * of_layer
    mixed = np.concatenate([color, union * full], axis=2)
    return cast(Pixels, np.clip(np.rint(mixed), 0, full).astype(base.dtype))


def feather_weight(mask: Mask, feather: float | None = None) -> Weight:
    """How much of the painting shows: 0 outside the mask, rising inwards to 1.

    The ramp is a smoothstep of the Euclidean distance to the nearest kept pixel. The picture's
    own border is no edge. In a thin stroke the ramp gets narrower, so that its middle is
    painted in full.

    Args:
        mask: height x width.
        feather: px; 0 gives a hard edge; None chooses by the mask's size.

    Returns:
        height x width, float32, 0 to 1.
    """
    if feather == 0 or mask.all():
        return mask.astype(np.float32)
    if feather is None:
        rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
        feather = float(np.clip(FEATHER * min(rows, columns), *FEATHER_LIMITS))
    distance = np.asarray(
        cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32
    )
    ramp = np.minimum(feather, FEATHER_DEPTH * (_depth(mask, distance) - 1)) + 1
    rise: Weight = np.divide(distance, ramp, out=distance)  # in place: a mask may be large
    for top in range(0, len(rise), STRIP):
        strip = rise[top : top + STRIP]
        np.minimum(strip, 1, out=strip)
        strip *= strip * (3 - 2 * strip)
    return rise


def _depth(mask: Mask, distance: Weight) -> Weight | np.float32:
    """For each pixel, the largest distance to the edge within its island."""
    count, islands = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    if count == 2:  # one island and the outside
        return np.float32(distance.max())
    labels: npt.NDArray[np.intp] = np.asarray(islands, np.intp)
    deepest = np.ones(count, np.float32)
    np.maximum.at(deepest, labels[mask], distance[mask])
    depth: Weight = deepest[labels]
    return depth


def match_tone(layer: Rgb8, original: Rgb8, mask: Mask) -> Rgb8:
    """Shift the tone of a painted region so that it meets its surroundings without a seam.

    An engine returns the context too. Where its version of the context differs from the
    original (a colour cast of an autoencoder, say), that difference is carried smoothly into
    the mask and taken off: a membrane, as in seamless cloning (Perez et al. 2003), solved by
    averaging over a pyramid (pull and push, Gortler et al. 1996). An engine that kept the
    context is left alone.

    Args:
        layer: height x width x 3, what the engine painted, context included.
        original: height x width x 3, what was there.
        mask: height x width; the comparison is made in a ring outside it.

    Returns:
        height x width x 3, uint8; `layer` itself where nothing is to be done.
    """
    if _kept(layer, original, mask):
        return layer
    height, width = mask.shape
    scale = min(1.0, TONE_SIDE / max(height, width))  # what is smooth needs no more
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    share = cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    hole: Mask = np.asarray(share) > 0
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * TONE_RING + 1,) * 2)
    near: Mask = np.asarray(cv2.dilate(hole.view(np.uint8), kernel)) > 0
    weight: Weight = (near & ~hole).astype(np.float32)
    if not weight.any():
        return layer
    smaller = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (original, layer)]
    difference = smaller[0].astype(np.float32) - smaller[1]  # h x w x 3
    membrane = _pull_push(difference * weight[..., None], weight)
    levels = (np.clip(np.rint(membrane), -127, 127) + 128).astype(np.uint8)
    offset = cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.addWeighted(layer, 1, offset, 1, -128), np.uint8)


def _kept(layer: Rgb8, original: Rgb8, mask: Mask) -> bool:
    """Whether an engine returned the context as it was; by strips, since both may be large."""
    for top in range(0, len(mask), STRIP):
        rows = slice(top, top + STRIP)
        change = cv2.absdiff(layer[rows], original[rows])
        outside = cv2.copyTo(change, (~mask[rows]).view(np.uint8))  # 0 under the mask
        if cv2.countNonZero(outside.reshape(-1)):
            return False
    return True


def _pull_push(values: npt.NDArray[np.float32], weight: Weight) -> npt.NDArray[np.float32]:
    """Fill where the weight is 0 from ever coarser averages of where it is not.

    `values` is height x width x 3, already multiplied by `weight`.
    """
    height, width = weight.shape
    if min(height, width) <= 2:
        mean = values.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean.astype(np.float32), values.shape).copy()
    coarse_values = np.asarray(cv2.pyrDown(values), np.float32)
    coarse_weight = np.asarray(cv2.pyrDown(weight), np.float32)
    gain = np.minimum(1 / np.maximum(coarse_weight, 1e-6), 4)  # saturate: nearer counts more
    coarse = _pull_push(coarse_values * gain[..., None], np.minimum(coarse_weight * gain, 1))
    smooth = np.asarray(cv2.pyrUp(coarse, dstsize=(width, height)), np.float32)
    filled: npt.NDArray[np.float32] = values + smooth * (1 - np.minimum(weight, 1)[..., None])
    return filled
