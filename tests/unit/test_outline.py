from __future__ import annotations

import cv2
import numpy as np
import pytest

from overpaint.imaging.outline import silhouette, warp_to_outline
from overpaint.values import Mask, Rgba8, Weight

ALL = np.ones((200, 240), bool)


def ellipse(*, tilt: float = 0, arc: int = 360, thickness: int = 3) -> Weight:
    lines = np.zeros(ALL.shape, np.uint8)
    cv2.ellipse(lines, (120, 100), (80, 40), tilt, 0, arc, 255, thickness)
    return lines.astype(np.float32) / np.float32(255)


def overlap(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / (first | second).sum())


def disc() -> Mask:
    return ellipse(thickness=-1) > 0.5


def bar() -> Rgba8:
    """An object twice as wide as high, red at its left end."""
    picture: Rgba8 = np.full((60, 120, 4), 255, np.uint8)
    picture[:, :20] = (255, 0, 0, 255)
    return picture


@pytest.mark.parametrize("arc", [360, 345])
def test_an_outline_is_filled_even_with_a_gap(arc: int) -> None:
    filled = silhouette(ellipse(arc=arc), ALL)
    assert filled is not None
    assert overlap(filled, disc()) > 0.9


def test_loose_strokes_give_their_hull() -> None:
    lines = np.zeros(ALL.shape, np.float32)
    lines[50, 40:200] = 1
    lines[50:150, 40] = 1
    filled = silhouette(lines, ALL)
    assert filled is not None
    assert filled[60, 100]
    assert not filled[140, 190]


def test_nothing_outside_the_mask_and_nothing_without_lines() -> None:
    half = ALL.copy()
    half[:, 120:] = False
    filled = silhouette(ellipse(), half)
    assert filled is not None
    assert not filled[:, 120:].any()
    assert silhouette(np.zeros(ALL.shape, np.float32), ALL) is None


def test_an_object_near_the_outline_s_shape_is_bent_into_it() -> None:
    drawn = warp_to_outline(bar(), disc())
    assert overlap(drawn[..., 3] > 0.5, disc()) > 0.95
    assert (drawn[..., :3] <= drawn[..., 3:] + 1e-6).all()


def test_it_follows_the_tilt() -> None:
    tilted = ellipse(tilt=30, thickness=-1) > 0.5
    drawn = warp_to_outline(bar(), tilted)
    assert overlap(drawn[..., 3] > 0.5, tilted) > 0.9
    red = np.argwhere((drawn[..., 0] > 0.8) & (drawn[..., 1] < 0.2))
    assert red[:, 1].mean() < 90  # left
    assert red[:, 0].mean() < 90  # and up: clockwise, not the other way round


def test_another_shape_says_only_where_it_goes() -> None:
    ring: Rgba8 = np.zeros((100, 100, 4), np.uint8)
    cv2.circle(ring, (50, 50), 44, (90, 120, 200, 255), 8)
    drawn = warp_to_outline(ring, disc())
    assert drawn[100, 120, 3] < 0.2  # still a ring
    rows, columns = np.nonzero(drawn[..., 3] > 0.5)
    assert abs(rows.mean() - 100) < 6
    assert abs(columns.mean() - 120) < 6


def test_the_side_is_kept_unless_it_may_be_mirrored() -> None:
    flag: Rgba8 = np.zeros((80, 80, 4), np.uint8)
    flag[:, :20] = 255
    flag[:30] = 255
    mirrored = np.zeros(ALL.shape, bool)
    mirrored[60:140, 140:160] = True
    mirrored[60:90, 80:160] = True
    kept = warp_to_outline(flag, mirrored)[..., 3] > 0.5
    turned = warp_to_outline(flag, mirrored, mirrorable=True)[..., 3] > 0.5
    assert overlap(turned, mirrored) > 0.95 > overlap(kept, mirrored)
