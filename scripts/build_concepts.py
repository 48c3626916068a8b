"""Build the concept library: src/overpaint/concepts/data/concepts.zip.

python scripts/build_concepts.py --out FILE [--cache DIR] [--sheet DIR]

Deterministic: the same packages and overrides give the same bytes. Needs `npm` only for tarballs
that are not in the cache folder.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.concept_archive import FORMAT, write_archive
from scripts.concept_names import Named, read_names
from scripts.concept_packages import SOURCES, Packages
from scripts.concept_pictures import Drawn, Pictures
from scripts.concept_sheets import write_sheets

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src/overpaint/concepts/data/concepts.zip"
LEAST_DRAWINGS = 2  # a concept with fewer manners of drawing is left out, unless it is "lone"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the artefact")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/npm", help="npm tarballs")
    parser.add_argument("--sheet", type=Path, help="folder for contact sheets")
    arguments = parser.parse_args()

    concepts = collect(Packages(arguments.cache))
    write(arguments.out, concepts)

    manners = Counter(d.source.drawing for _, drawings in concepts for d in drawings)
    size_mb = arguments.out.stat().st_size / 1e6
    print(f"{len(concepts)} concepts, {dict(manners)}, {size_mb:.2f} MB")
    if arguments.sheet:
        write_sheets(arguments.out, arguments.sheet)


def collect(packages: Packages) -> list[tuple[Named, list[Drawn]]]:
    """Every concept that is drawn in LEAST_DRAWINGS manners, with its drawings."""
    pictures = Pictures(packages)
    drawn = [(concept, list(pictures.of(concept))) for concept in read_names(packages)]
    pictures.close()
    return [
        (concept, drawings)
        for concept, drawings in drawn
        if len({d.source.drawing for d in drawings}) >= (1 if concept.lone else LEAST_DRAWINGS)
    ]


def write(path: Path, concepts: list[tuple[Named, list[Drawn]]]) -> None:
    """The artefact: index.json, then for each concept its drawings."""
    write_archive(path, index(concepts), _members(concepts))


def _members(concepts: list[tuple[Named, list[Drawn]]]) -> Iterator[tuple[str, bytes]]:
    for concept, drawings in concepts:
        vectors = [d.data for d in drawings if d.is_vector]
        yield f"{concept.id}/vectors.svgs", b"\n".join(vectors)
        for number, drawing in enumerate(d for d in drawings if not d.is_vector):
            yield f"{concept.id}/{number}.webp", drawing.data


def index(concepts: list[tuple[Named, list[Drawn]]]) -> dict[str, object]:
    """What `overpaint.concepts.library` reads."""
    order = {source.id: number for number, source in enumerate(SOURCES)}
    return {
        "format": FORMAT,
        "sources": [
            {
                "id": source.id,
                "drawing": source.drawing,
                "title": source.title,
                "author": source.author,
                "licence": source.licence,
                "url": source.url,
                "package": f"{source.package.name}@{source.package.version}",
            }
            for source in SOURCES
        ],
        "concepts": [
            [
                concept.id,
                concept.words_en[0],
                concept.words_zh[0],
                _lower(concept.words_en),
                _lower(concept.words_zh),
                concept.keywords_en,
                concept.keywords_zh,
                concept.group,
                concept.placement,
                [order[drawing.source.id] for drawing in drawings],
            ]
            for concept, drawings in concepts
        ],
        "one_way": [concept.id for concept, _ in concepts if not concept.mirrorable],
    }


def _lower(words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(word.lower() for word in words))


if __name__ == "__main__":
    main()
