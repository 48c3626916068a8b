"""A contact sheet of recolouring: garments in rough masks, colours, prompts in both languages.

    python scripts/sheet_recolor.py OUT.png --photos FOLDER

FOLDER holds the CC0 set (clothing/*.jpg). A row shows the photograph with the mask's outline, then
one result a prompt. Printed for each colour: how far the hue is off, how much of the light's detail
is kept (correlation within the garment), and how many pixels changed outside the mask.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import overpaint
from overpaint.imaging.oklab import oklab_of, to_oklab
from overpaint.imaging.within import thing_within
from overpaint.values import Mask, Rgb8


@dataclass(frozen=True)
class Case:
    photo: str
    box: tuple[float, float, float, float]  # left, top, right, bottom, in shares


CASES = [
    Case("9d981826-b53b-449b-bf38-ead10ca80682", (0.12, 0.2, 0.88, 0.9)),  # T-shirt, blue
    Case("ddfd02ed-5717-4dfa-a7d6-277dbaec7f7d", (0.05, 0.15, 0.95, 0.85)),  # dress, black
    Case("e59186b6-abfa-4f6a-9e7b-2c7e2cf3fd22", (0.1, 0.12, 0.95, 0.98)),  # dress, mauve
    Case("111622d7-2852-4162-a972-3ddc2c01b4e6", (0.05, 0.05, 0.95, 0.95)),  # shirt, white
    Case("667a7349-f0a7-43bc-bb70-246b61e6354b", (0.05, 0.15, 0.95, 0.85)),  # skirt, denim
    Case("3aa1b6a5-a2bf-42d9-a5e8-d53aa3bbd9b4", (0.1, 0.05, 0.95, 1.0)),  # hoodie with a print
    Case("9748e210-8815-45a8-9e32-46e3cdd779dd", (0.0, 0.05, 1.0, 1.0)),  # hoodie, dark
    Case("d03aa977-8e85-4699-b050-c83390e8bd27", (0.1, 0.05, 0.95, 1.0)),  # trousers on flowers
    Case("3f50fdef-ce2c-4409-b2a1-92497179f86f", (0.15, 0.15, 0.88, 0.9)),  # cap on red
    Case("d09be031-92c0-4b14-bb7d-6d4926d3f6e2", (0.2, 0.2, 0.9, 0.9)),  # shoes, white
    Case("42518e91-c969-49f5-ac68-dfe394d7451e", (0.15, 0.1, 0.9, 0.95)),  # jacket, olive
    Case("fe95832e-d72a-43e6-8e47-8aced8140835", (0.05, 0.1, 0.95, 0.9)),  # polo, light blue
    Case("adc1a4dc-883b-4b00-92e9-5538026cb00d", (0.0, 0.15, 1.0, 0.85)),  # shorts, mauve
    Case("6e3cc915-a7c2-4dd3-b920-31b71e23d7fe", (0.1, 0.05, 0.95, 0.98)),  # blazer, charcoal
]
PROMPTS = {
    "把衣服换成红色": (217, 37, 37),
    "make it blue": (31, 99, 216),
    "改成黄色的": (249, 215, 28),
    "turn it white": (247, 247, 245),
    "变成黑色": (28, 28, 30),
    "recolor it to #2e9e3f": (46, 158, 63),
}
TILE = 220  # px, height of one picture


def main() -> None:
    """Make the sheet and print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    arguments = parser.parse_args()
    rows, measures = [], []
    for case in CASES:
        pixels = _photo(arguments.photos / "clothing" / f"{case.photo}.jpg")
        mask = _rough(case, pixels.shape[:2])
        edge = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) - mask
        tiles = [_tile(np.where(edge[..., None] > 0, np.uint8(255), pixels))]
        for prompt, color in PROMPTS.items():
            made = overpaint.repaint(pixels, mask, prompt, seed=1).pictures[0].pixels
            after = np.asarray(made, np.uint8)
            measures.append((prompt, *_measure(pixels, after, mask, color)))
            tiles.append(_tile(after))
        rows.append(np.hstack(tiles))
    wide = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, 4), (0, wide - r.shape[1]), (0, 0))) for r in rows]
    Image.fromarray(np.vstack(padded)).save(arguments.out)
    for prompt in PROMPTS:
        own = np.array([values for name, *values in measures if name == prompt])
        off, kept, outside = own.T
        hue = "gray" if np.isnan(off).any() else f"hue off {np.median(off):.1f} degrees"
        hue += "" if np.isnan(off).any() else f" (worst {off.max():.1f})"
        print(
            f"{prompt}: {hue}, detail kept {np.median(kept):.3f} (worst {kept.min():.3f}),"
            f" changed outside {outside.max():.0f} px"
        )


def _photo(path: Path) -> Rgb8:
    with Image.open(path) as opened:
        image = opened.convert("RGB")
        scale = max(1.0, 400 / min(image.size))
        size = (round(image.width * scale), round(image.height * scale))
        return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _rough(case: Case, shape: tuple[int, ...]) -> Mask:
    """What a hand paints over the garment: a rounded box."""
    left, top, right, bottom = case.box
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]]
    across = np.abs(2 * xs / shape[1] - left - right) / (right - left)
    down = np.abs(2 * ys / shape[0] - top - bottom) / (bottom - top)
    return np.asarray(across**3.5 + down**3.5 < 1)


def _measure(
    before: Rgb8, after: Rgb8, mask: Mask, color: tuple[int, int, int]
) -> tuple[float, float, float]:
    """Hue off in degrees (nan for grays), detail kept, pixels changed outside the mask."""
    found = thing_within(before, mask) > 0.99
    core = cv2.erode(found.astype(np.uint8), np.ones((9, 9))) > 0
    weight = core.astype(np.float32)
    details = []
    for pixels in (before, after):
        lightness = to_oklab(pixels)[..., 0]
        mean = cv2.GaussianBlur(lightness * weight, (0, 0), 8)
        details.append(lightness - mean / (cv2.GaussianBlur(weight, (0, 0), 8) + 1e-3))
    kept = float(np.corrcoef(details[0][core], details[1][core])[0, 1])
    aim = oklab_of(color)
    off = float("nan")
    if np.hypot(aim[1], aim[2]) > 0.05:
        middle = np.median(to_oklab(after)[core], axis=0)
        turn = np.arctan2(middle[2], middle[1]) - np.arctan2(aim[2], aim[1])
        off = float(abs(np.degrees(np.angle(np.exp(1j * turn)))))
    outside = float((before != after).any(axis=2)[~mask].sum())
    return off, kept, outside


def _tile(pixels: Rgb8) -> Rgb8:
    width = round(pixels.shape[1] * TILE / pixels.shape[0])
    return np.asarray(cv2.resize(pixels, (width, TILE), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
