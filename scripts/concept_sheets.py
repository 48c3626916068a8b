"""Contact sheets of the concept library, to look at every picture beside its name."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from overpaint.concepts.library import ConceptLibrary

THUMB_PX = 52
COLUMNS, ROWS = 4, 24
PER_CONCEPT = 9  # pictures shown of each
LABEL_PX = 12


def write_sheets(artefact: Path, folder: Path) -> None:
    """One PNG for every COLUMNS x ROWS concepts: the id, and its pictures in a row."""
    folder.mkdir(parents=True, exist_ok=True)
    library = ConceptLibrary.open(artefact)
    concepts = list(library.concepts.values())
    cell_width, cell_height = PER_CONCEPT * THUMB_PX, THUMB_PX + LABEL_PX
    per_sheet = COLUMNS * ROWS
    for number, start in enumerate(range(0, len(concepts), per_sheet)):
        sheet = Image.new("RGB", (COLUMNS * cell_width, ROWS * cell_height), (225, 232, 240))
        draw = ImageDraw.Draw(sheet)
        for place, concept in enumerate(concepts[start : start + per_sheet]):
            left, top = place // ROWS * cell_width, place % ROWS * cell_height
            draw.text((left + 2, top), f"{concept.id} [{concept.placement}]", fill=(150, 0, 60))
            for index, (_, key) in enumerate(concept.exemplars[:PER_CONCEPT]):
                picture = Image.fromarray(library.exemplar(key, size=THUMB_PX - 4).pixels)
                at = (left + index * THUMB_PX, top + LABEL_PX + (THUMB_PX - 4 - picture.height))
                sheet.paste(picture, at, picture)
        sheet.save(folder / f"concepts-{number:02}.png")
