"""Draw contact sheets of every style, material and colour, to be looked at.

    python scripts/sheet_styles.py OUT.png [--size 256] [--concepts glasses,hat,...]

Writes OUT.png (styles), OUT-materials.png and OUT-colors.png. Rows are concepts of the built-in
library, each in one drawing; columns the original and what was made of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from overpaint.concepts.library import ConceptLibrary
from overpaint.imaging.materials import MATERIALS, material
from overpaint.imaging.recolor import recolor
from overpaint.imaging.stylize import stylize
from overpaint.values import STYLES, Rgba8

WORDS = "glasses,top hat,red apple,cat,automobile,sunflower,teddy bear,butterfly,rose,sneaker"
COLORS = {
    "red": (220, 30, 35),
    "orange": (245, 130, 30),
    "yellow": (250, 210, 40),
    "green": (30, 160, 60),
    "blue": (30, 80, 220),
    "purple": (130, 60, 190),
    "pink": (250, 150, 190),
    "brown": (120, 75, 40),
    "gold": (212, 165, 55),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "white": (255, 255, 255),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=256, help="long side of an exemplar, px")
    parser.add_argument("--concepts", default=WORDS, help="words, separated by commas")
    options = parser.parse_args()
    objects = pick(options.concepts.split(","), options.size)
    out: Path = options.out
    looks: dict[str, Callable[[Rgba8], list[Rgba8]]] = {
        "": lambda picture: [stylize(picture, style) for style in STYLES],
        "-materials": lambda picture: [picture, *(material(picture, name) for name in MATERIALS)],
        "-colors": lambda picture: [picture, *(recolor(picture, c) for c in COLORS.values())],
    }
    for suffix, look in looks.items():
        sheet = contact_sheet([look(picture) for picture in objects], options.size)
        path = out.with_stem(out.stem + suffix)
        sheet.save(path)
        print(path)


def pick(words: Sequence[str], size: int) -> list[Rgba8]:
    """Return an exemplar of each word, the drawings taken in turn."""
    library = ConceptLibrary.open()
    found = []
    for row, word in enumerate(words):
        matches = library.search(word.strip(), limit=1)
        if not matches:
            raise SystemExit(f"the library does not know {word!r}")
        exemplars = matches[0].concept.exemplars
        key = exemplars[row % min(3, len(exemplars))][1]
        found.append(library.exemplar(key, size=size).pixels)
    return found


def contact_sheet(rows: Sequence[Sequence[Rgba8]], size: int) -> Image.Image:
    """Lay pictures out on a light gray, one cell each."""
    cell = size + 12
    sheet = Image.new("RGB", (cell * max(len(row) for row in rows), cell * len(rows)), "#e1e1e4")
    for top, row in enumerate(rows):
        for left, pixels in enumerate(row):
            picture = Image.fromarray(pixels)
            place = (
                left * cell + (cell - picture.width) // 2,
                top * cell + (cell - picture.height) // 2,
            )
            sheet.paste(picture, place, picture)
    return sheet


if __name__ == "__main__":
    main()
