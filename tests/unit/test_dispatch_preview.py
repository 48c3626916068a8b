"""The small pictures that those who wait are shown."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overpaint.dispatch.preview import LONGEST, draw_preview
from overpaint.values import Box, Step

BOX = Box(top=10, left=20, height=300, width=400)


def step(pixels: Any, box: Box | None = BOX) -> Step:
    return Step(stage="paint", done=1, total=2, preview=pixels, box=box)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(64, 48, (48, 64)), (512, 384, (192, 256)), (3000, 1, (1, 256)), (256, 256, (256, 256))],
)
def test_a_preview_is_a_small_jpeg_of_the_same_shape(
    height: int, width: int, size: tuple[int, int]
) -> None:
    drawn = draw_preview(step(np.full((height, width, 3), (200, 30, 60), np.uint8)), serial=7)
    assert drawn is not None
    assert (drawn.box, drawn.serial) == (BOX, 7)
    with Image.open(io.BytesIO(drawn.jpeg)) as image:
        assert image.format == "JPEG"
        assert image.size == size
        assert max(image.size) <= LONGEST
        shown = np.asarray(image.convert("RGB"), np.int16)
    assert np.abs(shown - (200, 30, 60)).max() <= 6  # red stays red


@pytest.mark.parametrize(
    "pixels",
    [
        None,
        "a picture",
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_not_drawn(pixels: Any) -> None:
    assert draw_preview(step(pixels), serial=1) is None


def test_what_lies_nowhere_is_not_drawn() -> None:
    assert draw_preview(step(np.zeros((4, 4, 3), np.uint8), None), serial=1) is None
