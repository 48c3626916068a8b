"""Draw the page's style cards: one concept of the library in each style, side by side.

python scripts/draw_style_cards.py web/src/panel/styles.webp
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from overpaint.concepts.library import ConceptLibrary
from overpaint.imaging.stylize import stylize
from overpaint.values import STYLES

CONCEPT = "fox"
SIDE = 144  # px of a card, about twice what is shown
MARGIN = 12  # px of paper around the drawing
PAPER = (250, 247, 242)


def draw() -> Image.Image:
    """All styles but "auto", in the order of `STYLES`, from left to right."""
    library = ConceptLibrary.open()
    keys = {key.rpartition("/")[2]: key for _, key in library.concepts[CONCEPT].exemplars}
    styles = [style for style in STYLES if style != "auto"]
    sheet = Image.new("RGB", (SIDE * len(styles), SIDE), PAPER)
    for index, style in enumerate(styles):
        key = keys["fluent-flat" if style == "flat illustration" else "fluent-3d"]
        pixels = stylize(library.exemplar(key, size=2 * SIDE).pixels, style)
        card = Image.fromarray(pixels, "RGBA")
        card.thumbnail((SIDE - 2 * MARGIN, SIDE - 2 * MARGIN), Image.Resampling.LANCZOS)
        left = index * SIDE + (SIDE - card.width) // 2
        sheet.paste(card, (left, (SIDE - card.height) // 2), card)
    return sheet


if __name__ == "__main__":
    draw().save(Path(sys.argv[1]), "WEBP", quality=82, method=6)
