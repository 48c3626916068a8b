"""Files that people bring, and how what they take away is judged."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tests.browser.desk import File
from tests.wire import pictures

import overpaint

Array = npt.NDArray[np.uint8]

#: The cat that ships with Overpaint, and where its eyes are.
CAT = File("chelsea.png", (Path(overpaint.__file__).parent / "demo/chelsea.png").read_bytes())
EYES = ((0.29, 0.37), (0.54, 0.435), (0.79, 0.5))

#: Flat on the left, grain on the right: a wand takes the one and not the other.
HALVES = np.concatenate(
    [np.full((300, 200, 3), (200, 60, 40), np.uint8), pictures.scene(300, 220)], axis=1
)
PLAIN = File("halves.png", pictures.png(HALVES))


def pixels_of(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def check_exact(result: bytes, base: bytes, mask: Array) -> None:
    """What is not marked is the original's, bit by bit; what is marked is not."""
    made, given = pixels_of(result), pixels_of(base)
    assert made.shape == given.shape
    assert made.shape[:2] == mask.shape
    assert 0 < np.count_nonzero(mask) < mask.size
    assert np.array_equal(made[mask == 0], given[mask == 0])
    assert not np.array_equal(made[mask > 0], given[mask > 0])
