"""Build the bank of pictures that the painter learns from: build/bank.zip (not committed).

python scripts/build_bank.py --photos FOLDER_OR_TAR [--out FILE]

The bank holds photographs, objects cut out of their own photographs, holes in photographs with
what `erase` puts there, and the pictures of the concept library; `overpaint.train.bank` reads it.
Deterministic: the same photographs and library give the same bytes on the same versions of OpenCV
and Pillow. About five minutes of one core.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.bank_holes import random_hole
from scripts.build_photos import Photos, open_photos

from overpaint.concepts.library import ConceptLibrary
from overpaint.imaging.inpaint import continue_background
from overpaint.imaging.matte import cut_out
from overpaint.train.split import held_out, share_of
from overpaint.values import Mask, Rgb8, Rgba8

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/bank.zip"
FORMAT = 1
SIDE, LARGE = 256, 512  # px; the sides of the photographs kept
CROPPED, WHOLE = 1650, 760  # garments cropped to a square, and whole ones to be cut out
SCENE_CROPS, LARGE_CROPS = 40, 5  # of each scene
FILLS = 640
FILL_SIDE = 112  # px; at which the background under a cut-out is continued
DRAWING_SIDE = 120  # px; long side of an exemplar
MOST_DRAWINGS = {"flat": 2}  # of one concept in one drawing; 3 of the others
QUALITY, ALPHA_QUALITY = 80, 90  # WebP
TEST_DRAWINGS = 0.05  # of the concepts in a drawing; held out
PLAUSIBLE = (0.06, 0.62)  # share of the photograph that a cut-out covers
DECISIVE = 0.9  # share of its visible alpha that is above 240
RIM = 6  # px around a cut-out that go with it: its shadow
#: What the dataset calls a garment, and the concept; empty where it is not one.
CONCEPTS = {
    "T-Shirt": "t-shirt",
    "Longsleeve": "",
    "Pants": "trousers",
    "Shoes": "sneakers",
    "Shirt": "shirt",
    "Dress": "dress",
    "Outwear": "coat",
    "Shorts": "shorts",
    "Hat": "",
    "Skirt": "skirt",
    "Polo": "polo-shirt",
    "Hoodie": "hoodie",
    "Blazer": "blazer",
}


class Writer:
    """The archive in the making, and its index."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._started = time.monotonic()
        self.index: dict[str, Any] = {"format": FORMAT, "rim": RIM}

    def picture(self, kind: str, pixels: Rgb8 | Rgba8, **row: object) -> Rgb8 | Rgba8:
        """Add a picture; returns it as it will be read again."""
        rows = self.index.setdefault(kind, [])
        name = f"{kind}/{len(rows):05}.webp"
        rows.append({"file": name, **row})
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(
            buffer, "WEBP", quality=QUALITY, alpha_quality=ALPHA_QUALITY, method=3, exact=True
        )
        self.write(name, buffer.getvalue())
        mode = "RGB" if pixels.shape[2] == 3 else "RGBA"
        return np.asarray(Image.open(buffer).convert(mode), dtype=np.uint8)

    def write(self, name: str, data: bytes) -> None:
        """Add a file, dated the same every time."""
        self._archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)

    def report(self, what: str) -> None:
        """Say how far it is."""
        print(f"{time.monotonic() - self._started:6.0f} s  {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder or tar of the photos")
    parser.add_argument("--out", type=Path, default=OUT, help="the bank")
    arguments = parser.parse_args()

    cv2.setNumThreads(1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(arguments.out, "w") as archive, open_photos(arguments.photos) as photos:
        writer = Writer(archive)
        library = ConceptLibrary.open()
        kept: list[Rgb8] = []
        whole = add_garments(writer, photos, kept)
        writer.report(f"{len(kept)} garments")
        add_scenes(writer, photos, kept)
        writer.report(f"{len(kept)} photographs")
        add_drawings(writer, library)
        writer.report(f"{len(writer.index['drawings'])} drawings")
        add_fills(writer, kept, skipped=set(whole))
        writer.report(f"{len(writer.index['fills'])} fills")
        add_cuts(writer, kept, whole)
        writer.report(f"{len(writer.index['cuts'])} cut-outs")
        writer.write("index.json", json.dumps(writer.index, separators=(",", ":")).encode())
    writer.report(f"{arguments.out}, {arguments.out.stat().st_size / 1e6:.1f} MB")


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def square(photo: Image.Image, side: int, box: tuple[float, float, float, float]) -> Rgb8:
    """A box of a photograph, left, top, right and bottom in px, as a square."""
    scaled = photo.resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(scaled, dtype=np.uint8)


def add_garments(writer: Writer, photos: Photos, kept: list[Rgb8]) -> dict[int, str]:
    """Photographs of garments; returns labels of those kept whole, by number."""
    rows = list(csv.DictReader(io.StringIO(photos("labels.csv").decode())))
    unseen = set(held_out(row["file"] for row in rows))
    rows = [row for row in rows if row["file"].startswith("clothing/")]
    rows.sort(key=lambda row: share_of(row["file"]))
    wanted = [row for row in rows if row["label"] in CONCEPTS][:WHOLE]
    named = {row["file"] for row in wanted}
    wanted += [row for row in rows if row["file"] not in named][:CROPPED]
    whole: dict[int, str] = {}
    for row in wanted:
        photo = opened(photos(row["file"]))
        width, height = photo.size
        split = "test" if row["file"] in unseen else "train"
        if row["file"] in named:
            box = (0.0, 0.0, float(width), float(height))  # squeezed a little
            whole[len(kept)] = row["label"]
        else:
            side = min(width, height)
            across = share_of(f"left {row['file']}") * (width - side)
            down = share_of(f"top {row['file']}") * (height - side)
            box = (across, down, across + side, down + side)
        pixels = writer.picture("photos", square(photo, SIDE, box), name=row["file"], split=split)
        kept.append(pixels)
    return whole


def add_scenes(writer: Writer, photos: Photos, kept: list[Rgb8]) -> None:
    """Crops of the scenes at several scales, small and large."""
    rows = csv.DictReader(io.StringIO(photos("labels.csv").decode()))
    names = sorted(row["file"] for row in rows if row["file"].startswith("scenes/"))
    unseen = held_out(names)
    for name in names:
        photo = opened(photos(name))
        split = "test" if name in unseen else "train"
        rng = np.random.default_rng(int(share_of(name) * 2**32))
        for _ in range(SCENE_CROPS):
            box = random_box(photo, SIDE, rng)
            pixels = writer.picture("photos", square(photo, SIDE, box), name=name, split=split)
            kept.append(pixels)
        for _ in range(LARGE_CROPS):
            box = random_box(photo, LARGE, rng)
            writer.picture("large", square(photo, LARGE, box), name=name, split=split)


def random_box(
    photo: Image.Image, least: int, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """A square of a photograph, from `least` px up to its shorter side."""
    width, height = photo.size
    side = least * (min(width, height) / least) ** rng.random()
    left, top = rng.random() * (width - side), rng.random() * (height - side)
    return left, top, left + side, top + side


def add_drawings(writer: Writer, library: ConceptLibrary) -> None:
    """The pictures of the concept library, every drawing of every concept."""
    for concept in library.concepts.values():
        count: Counter[str] = Counter()
        for drawing, key in concept.exemplars:
            count[drawing] += 1
            if count[drawing] > MOST_DRAWINGS.get(drawing, 3):
                continue
            unseen = share_of(f"split {concept.id} {drawing}")
            writer.picture(
                "drawings",
                np.array(library.exemplar(key, size=DRAWING_SIDE).pixels),
                concept=concept.id,
                drawing=drawing,
                placement=concept.placement,
                mirrorable=concept.mirrorable,
                split="test" if unseen < TEST_DRAWINGS else "train",
            )


def add_fills(writer: Writer, kept: list[Rgb8], *, skipped: set[int]) -> None:
    """Holes and what `erase` continues into them; alpha is the hole."""
    rows = writer.index["photos"]
    numbers = [number for number in range(len(kept)) if number not in skipped]
    scenes = [number for number in numbers if rows[number]["name"].startswith("scenes/")]
    others = [number for number in numbers if number not in set(scenes)]
    chosen = spread(scenes, FILLS * 3 // 5) + spread(others, FILLS - FILLS * 3 // 5)
    for done, number in enumerate(chosen):
        rng = np.random.default_rng(number)
        hole = random_hole(SIDE, rng)
        filled = continue_background(kept[number], hole, seed=number)
        writer.picture("fills", hidden(filled, hole), photo=number, split=rows[number]["split"])
        if done % 100 == 99:
            writer.report(f"{done + 1} fills of {len(chosen)}")


def spread(numbers: list[int], count: int) -> list[int]:
    """`count` of them at even distances."""
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers)))
    return [numbers[round(place)] for place in places]


def hidden(pixels: Rgb8, hole: Mask) -> Rgba8:
    """`pixels` inside the hole; outside one colour, which costs nothing to store."""
    plain = np.rint(pixels[hole].mean(axis=0)).astype(np.uint8)
    inside = np.where(hole[..., None], pixels, plain)
    return np.dstack([inside, np.where(hole, np.uint8(255), np.uint8(0))])


def add_cuts(writer: Writer, kept: list[Rgb8], whole: dict[int, str]) -> None:
    """Objects in their own photographs: alpha, and the background continued under it."""
    rows = writer.index["photos"]
    for done, (number, label) in enumerate(whole.items()):
        alpha = object_alpha(kept[number])
        if alpha is not None:
            under = background(kept[number], alpha)
            writer.picture(
                "cuts",
                np.dstack([under, alpha]),
                photo=number,
                concept=CONCEPTS[label],
                split=rows[number]["split"],
            )
        if done % 100 == 99:
            writer.report(f"{len(writer.index.get('cuts', ()))} cut-outs of {done + 1}")


def object_alpha(photo: Rgb8) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """SIDE x SIDE uint8; None where no object stands out clearly."""
    cut = cut_out(photo)
    if cut.note is not None:
        return None
    height, width = cut.pixels.shape[:2]
    alpha = np.zeros(photo.shape[:2], np.uint8)
    top, left = cut.corner
    alpha[top : top + height, left : left + width] = cut.pixels[..., 3]
    visible = alpha > 12
    decisive = (alpha > 240).sum() / max(1, int(visible.sum()))
    if not PLAUSIBLE[0] < visible.mean() < PLAUSIBLE[1] or decisive < DECISIVE:
        return None
    return alpha


def background(photo: Rgb8, alpha: np.ndarray[Any, np.dtype[np.uint8]]) -> Rgb8:
    """SIDE x SIDE x 3: the background continued under the object; elsewhere one colour."""
    kernel = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    hole = np.asarray(cv2.dilate((alpha > 12).astype(np.uint8), kernel), dtype=np.uint8)
    small = cv2.resize(photo, (FILL_SIDE, FILL_SIDE), interpolation=cv2.INTER_AREA)
    small_hole = cv2.resize(hole * 255, (FILL_SIDE, FILL_SIDE), interpolation=cv2.INTER_LINEAR) > 0
    filled = continue_background(np.asarray(small, np.uint8), np.asarray(small_hole, np.bool_))
    large = cv2.resize(filled, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return hidden(np.asarray(large, np.uint8), hole > 0)[..., :3]


if __name__ == "__main__":
    main()
