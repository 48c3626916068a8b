"""Build the photographed part of the concept library: src/overpaint/concepts/data/photos.zip.

python scripts/build_photos.py --photos FOLDER_OR_TAR [--out FILE] [--sheet FILE]

Cuts the garments named in photos_selection.toml out of their photographs. Deterministic: the same
photographs and selection give the same bytes on the same versions of OpenCV and Pillow.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.concept_archive import FORMAT, write_archive

from overpaint.imaging.matte import cut_out
from overpaint.values import Rgba8

ROOT = Path(__file__).resolve().parent.parent
SELECTION = ROOT / "scripts/photos_selection.toml"
OUT = ROOT / "src/overpaint/concepts/data/photos.zip"
LONGEST = 320  # px; what the photographs give
FAINT = 8  # alpha that is cut off, of 255
QUALITY, ALPHA_QUALITY = 82, 90  # WebP
SOURCE = {
    "id": "photo",
    "drawing": "photo",
    "title": "Clothing dataset, cut out",
    "author": "Alexey Grigorev and contributors",
    "licence": "CC0-1.0",
    "url": "https://github.com/alexeygrigorev/clothing-dataset",
    "package": "",
}
#: Gives the bytes of a photograph by its path.
Photos = Callable[[str], bytes]


@dataclass(frozen=True, kw_only=True)
class Pick:
    """One garment to cut out."""

    file: str  # name of the photograph in clothing/, without .jpg
    turn: float = 0.0  # degrees clockwise that put it upright
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)  # left, top, right, bottom


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A concept and its photographs; with names if it is a new one."""

    id: str
    picks: tuple[Pick, ...]
    words_en: tuple[str, ...] = ()
    words_zh: tuple[str, ...] = ()
    placement: str = "worn-body"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder or tar with clothing/")
    parser.add_argument("--out", type=Path, default=OUT, help="the artefact")
    parser.add_argument("--sheet", type=Path, help="PNG file for a contact sheet")
    arguments = parser.parse_args()

    shown = read_selection(SELECTION)
    with open_photos(arguments.photos) as photos:
        pictures = {s.id: list(cut_all(s.picks, photos)) for s in shown}
    write_archive(
        arguments.out,
        index(shown),
        (
            (f"{id_}/{n}.webp", file)
            for id_, files in pictures.items()
            for n, file in enumerate(files)
        ),
    )
    count, size_mb = sum(map(len, pictures.values())), arguments.out.stat().st_size / 1e6
    print(f"{len(shown)} concepts, {count} pictures, {size_mb:.2f} MB")
    if arguments.sheet:
        write_sheet(arguments.sheet, pictures)


def read_selection(path: Path) -> list[Shown]:
    """What to cut out for each concept."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_shown(id_, row) for id_, row in table.items()]


def _shown(id_: str, row: dict[str, Any]) -> Shown:
    picks = tuple(
        Pick(file=pick) if isinstance(pick, str) else Pick(**pick) for pick in row["pictures"]
    )
    if "words_en" not in row:
        return Shown(id=id_, picks=picks)
    return Shown(
        id=id_,
        picks=picks,
        words_en=tuple(row["words_en"]),
        words_zh=tuple(row["words_zh"]),
        placement=row["placement"],
    )


@contextmanager
def open_photos(path: Path) -> Iterator[Photos]:
    """Read photographs from a folder or from a tar file."""
    if path.is_dir():
        yield lambda name: (path / name).read_bytes()
        return
    with tarfile.open(path) as archive:
        members = {member.name.removeprefix("./"): member for member in archive}

        def read(name: str) -> bytes:
            file = archive.extractfile(members[name])
            if file is None:
                raise SystemExit(f"{path}: {name} is not a file")
            return file.read()

        yield read


def cut_all(picks: tuple[Pick, ...], photos: Photos) -> Iterator[bytes]:
    """The WebP files of a concept's garments."""
    for pick in picks:
        pixels = cut(pick, photos(f"clothing/{pick.file}.jpg"))
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(
            buffer, "WEBP", quality=QUALITY, alpha_quality=ALPHA_QUALITY, method=6
        )
        yield buffer.getvalue()


def cut(pick: Pick, jpeg: bytes) -> Rgba8:
    """A garment on its own: h x w x 4 uint8, straight alpha, upright, at most LONGEST px long."""
    photo = Image.open(io.BytesIO(jpeg)).convert("RGB")
    left, top, right, bottom = pick.crop
    width, height = photo.size
    box = tuple(map(round, (left * width, top * height, right * width, bottom * height)))
    found = cut_out(np.asarray(photo.crop(box), dtype=np.uint8))  # type: ignore[arg-type]
    if found.note is not None:
        raise SystemExit(f"{pick.file}: {found.note}")
    quarters, rest = divmod(round(pick.turn + 45), 90)
    pixels = np.rot90(found.pixels, -quarters)
    garment = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa")  # premultiplied
    if rest != 45:
        garment = garment.rotate(45 - rest, Image.Resampling.BICUBIC, expand=True)
    alpha = garment.convert("RGBA").getchannel("A")
    garment = garment.crop(alpha.point(lambda opacity: 255 * (opacity > FAINT)).getbbox())
    garment.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return np.asarray(garment.convert("RGBA"), dtype=np.uint8)


def index(shown: list[Shown]) -> dict[str, object]:
    """What `overpaint.concepts.library` reads: new concepts, and pictures for known ones."""
    new = [s for s in shown if s.words_en]
    return {
        "format": FORMAT,
        "sources": [SOURCE],
        "concepts": [
            [
                s.id,
                s.words_en[0],
                s.words_zh[0],
                [word.lower() for word in s.words_en],
                [word.lower() for word in s.words_zh],
                [],
                [],
                "clothing",
                s.placement,
                [0] * len(s.picks),
            ]
            for s in new
        ],
        "more": {s.id: [0] * len(s.picks) for s in shown if not s.words_en},
    }


def write_sheet(path: Path, pictures: dict[str, list[bytes]]) -> None:
    """Every picture at its real size, a row for each concept."""
    widest = max(map(len, pictures.values()))
    cell = LONGEST + 8
    sheet = Image.new("RGB", (widest * cell, len(pictures) * cell), (150, 200, 170))
    for row, files in enumerate(pictures.values()):
        for column, data in enumerate(files):
            picture = Image.open(io.BytesIO(data))
            sheet.paste(picture, (column * cell + 4, row * cell + 4), picture)
    sheet.save(path)


if __name__ == "__main__":
    main()
