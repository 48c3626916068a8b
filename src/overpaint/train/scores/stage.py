"""Where things are painted: crops of held-out photographs with masks, and plain ways to paste.

The same number always gives the same stage. Photographs are those that `split.held_out` names.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from overpaint.imaging.inpaint import continue_background
from overpaint.train.split import held_out
from overpaint.values import Mask, Rgb8, Rgba8

SIDE = 320  # px of a stage
FILL = 0.92  # of the mask's box that a pasted thing takes
MARGIN = 0.04  # of the mask's box, round what the judge is shown
LEAST_CROP = 300  # px of a scene
DARK, TRIES = 32, 12  # mean level below which another crop is looked for, so often
LOW, HIGH = (0.42, 0.42, 0.4, 0.4), (0.58, 0.58, 0.6, 0.6)  # a mask's size and centre, of SIDE


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A photograph and a mask."""

    name: str
    seed: int
    picture: Rgb8  # SIDE x SIDE
    mask: Mask

    @cached_property
    def bare(self) -> Rgb8:
        """The background continued into the mask, as the engine `erase` does."""
        return continue_background(self.picture, self.mask, seed=self.seed)


class Photographs:
    """The held-out photographs of an archive, decoded as they are asked for."""

    def __init__(self, archive: Path) -> None:
        """Read them; raises OSError or tarfile.TarError if there is no such archive."""
        with tarfile.open(archive) as tar:
            members = {m.name.removeprefix("./"): m for m in tar if m.name.endswith(".jpg")}
            files = ((name, tar.extractfile(members[name])) for name in held_out(members))
            self._data = {name: file.read() for name, file in files if file is not None}
        self.scenes = [name for name in self._data if name.startswith("scenes/")]
        self.garments = [name for name in self._data if not name.startswith("scenes/")]
        self._decoded: dict[str, Rgb8] = {}

    def photograph(self, name: str) -> Rgb8:
        """The whole photograph."""
        if name not in self._decoded:
            data = np.frombuffer(self._data[name], np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError(f"{name} is damaged")
            self._decoded[name] = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        return self._decoded[name]

    def crop(self, number: int, side: int = SIDE) -> tuple[str, Rgb8]:
        """A square of a photograph, of `side` px; two of three are of scenes."""
        rng = np.random.default_rng([number, 1])
        kind = self.scenes if number % 3 or not self.garments else self.garments
        kind = kind or self.garments
        name = kind[int(rng.integers(len(kind)))]
        picture = self.photograph(name)
        shortest = min(picture.shape[:2])
        least = min(LEAST_CROP, shortest)
        for _ in range(TRIES):
            taken = int(least * (shortest / least) ** rng.uniform(0, 0.8))
            top = int(rng.integers(picture.shape[0] - taken + 1))
            left = int(rng.integers(picture.shape[1] - taken + 1))
            square = picture[top : top + taken, left : left + taken]
            if square.mean() >= DARK:
                break
        return name, resized(square, side, side)

    def stage(self, number: int) -> Stage:
        """A crop with a rounded mask near its middle, about half as wide."""
        name, picture = self.crop(number)
        rng = np.random.default_rng([number, 2])
        width, height, x, y = (int(SIDE * share) for share in rng.uniform(LOW, HIGH))
        mask = rounded((x, y), (width, height))
        return Stage(name=name, seed=number, picture=picture, mask=mask)


def rounded(centre: tuple[int, int], size: tuple[int, int], side: int = SIDE) -> Mask:
    """A rectangle (x, y; width, height; px) with corners rounded by a quarter of its breadth."""
    canvas = np.zeros((side, side), np.uint8)
    radius = min(size) // 4
    left, top = centre[0] - size[0] // 2 + radius, centre[1] - size[1] // 2 + radius
    right, bottom = left + size[0] - 2 * radius, top + size[1] - 2 * radius
    cv2.rectangle(canvas, (left, top), (right, bottom), 1, -1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(canvas, disc).astype(bool)


def box_of(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is True, px."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return left, top, width, height


def look(picture: Rgb8, mask: Mask) -> Rgb8:
    """The square that the judge is shown: the mask's box and a little around it."""
    left, top, width, height = box_of(mask)
    side = min(round(max(width, height) * (1 + 2 * MARGIN)), *picture.shape[:2])
    x = int(np.clip(left + width // 2 - side // 2, 0, picture.shape[1] - side))
    y = int(np.clip(top + height // 2 - side // 2, 0, picture.shape[0] - side))
    return np.ascontiguousarray(picture[y : y + side, x : x + side])


def fitted(thing: Rgba8, mask: Mask, *, squeeze: float = 1.0) -> Rgba8:
    """A layer of the mask's size with the thing as large as the mask's box takes it."""
    left, top, width, height = box_of(mask)
    scale = FILL * min(width / (thing.shape[1] * squeeze), height / thing.shape[0])
    columns = max(1, round(thing.shape[1] * squeeze * scale))
    rows = max(1, round(thing.shape[0] * scale))
    layer = np.zeros((*mask.shape, 4), np.uint8)
    x, y = left + (width - columns) // 2, top + (height - rows) // 2
    layer[y : y + rows, x : x + columns] = resized(thing, columns, rows)
    return layer


def paste(backdrop: Rgb8, layer: Rgba8, mask: Mask) -> Rgb8:
    """The layer as it is over the backdrop, inside the mask."""
    alpha = layer[..., 3:].astype(np.float32) / 255 * mask[..., None]
    mixed = layer[..., :3] * alpha + backdrop * (1 - alpha)
    return np.rint(mixed).astype(np.uint8)


def seamless(backdrop: Rgb8, layer: Rgba8, mask: Mask) -> Rgb8:
    """The layer by `cv2.seamlessClone` (Perez et al. 2003, normal cloning) of what it covers."""
    solid = ((layer[..., 3] > 127) & mask).astype(np.uint8)
    if not solid.any():
        return backdrop.copy()
    left, top, width, height = cv2.boundingRect(solid)
    source = paste(backdrop, layer, mask)
    centre = (left + width // 2, top + height // 2)
    cloned = cv2.seamlessClone(source, backdrop, solid * 255, centre, cv2.NORMAL_CLONE)
    return np.where(mask[..., None], np.asarray(cloned, np.uint8), backdrop)


def resized(pixels: Rgb8 | Rgba8, width: int, height: int) -> Rgb8:
    """Scaled to a size: area down, cubic up."""
    shrinks = width < pixels.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=way), np.uint8)
