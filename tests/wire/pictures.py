"""Pictures that the tests send, and what the result must be."""

from __future__ import annotations

import base64
import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from tests.unit.picture_files import file_of

Array = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 280, 320
CENTER = (140, 150)  # row and column inside the mask of `mask`, far from its edge


def scene(height: int = HEIGHT, width: int = WIDTH, *, seed: int = 0) -> Array:
    """height x width x 3: gradients with some grain."""
    rows, columns = np.mgrid[0:height, 0:width]
    smooth = np.stack([rows * 200 // height, columns * 200 // width, (rows + columns) % 200], 2)
    grain = np.random.default_rng(seed).integers(0, 50, (height, width, 1))
    return (smooth + grain).astype(np.uint8)


def mask(height: int = HEIGHT, width: int = WIDTH) -> Array:
    """height x width: a white box on black, a quarter of the picture's sides from its edges."""
    drawn = np.zeros((height, width), np.uint8)
    drawn[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = 255
    return drawn


def png(pixels: Array) -> bytes:
    return file_of(pixels, "PNG", compress_level=1)


def flat(height: int, width: int, level: int = 90) -> bytes:
    """A PNG file of one gray level; small, whatever its resolution."""
    return file_of(Image.new("L", (width, height), level), "PNG")


def data_url(data: bytes) -> str:
    """A PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def pixels_of(data: bytes) -> npt.NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def fitted(base: Array, area: Array, *, width: int, height: int) -> tuple[Array, Array]:
    """The picture and its mask, cropped to the shape round the mask and scaled once.

    Scaled by OpenCV's INTER_CUBIC where it grows, by INTER_AREA where it shrinks.
    """
    scale = max(width / base.shape[1], height / base.shape[0])
    wide, high = round(width / scale), round(height / scale)
    rows, columns = np.nonzero(area)
    top = round((rows.min() + rows.max() + 1) / 2 - high / 2)
    left = round((columns.min() + columns.max() + 1) / 2 - wide / 2)
    top = min(max(0, top), base.shape[0] - high)
    left = min(max(0, left), base.shape[1] - wide)
    window = (slice(top, top + high), slice(left, left + wide))
    how = cv2.INTER_AREA if width * height < wide * high else cv2.INTER_CUBIC
    picture = cv2.resize(base[window], (width, height), interpolation=how)
    share = cv2.resize(area[window], (width, height), interpolation=how)
    return picture.astype(np.uint8), (share >= 128).astype(np.uint8) * np.uint8(255)
