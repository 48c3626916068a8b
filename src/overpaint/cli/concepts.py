"""`overpaint concepts ...`: what prompts may name, and the user's own concepts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.cli.targets import check_folder, check_targets
from overpaint.errors import InvalidOption, UnknownConcept

if TYPE_CHECKING:
    from overpaint.concepts.concept import Concept, Drawing, Placement
    from overpaint.concepts.shelf import Entry, Shelf

concepts = typer.Typer(help="The concepts that prompts may name, and your own.")

#: A match below this is only a near spelling (see `concepts.search`).
MEANT = 0.6
#: Most matches that may be asked for.
MOST = 1000

_Library = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="The folder of your own concepts; default: concepts/ in $OVERPAINT_HOME.",
    ),
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of a table or lines.")
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace concepts of yours that have the same name.")
]


@concepts.callback()
def _concepts() -> None:
    """The concepts that prompts may name, and your own."""


@concepts.command()
def add(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE", help="Pictures of one thing, with alpha or to be cut out."),
    ],
    *,
    name: Annotated[str, typer.Option(help='What it is called in English: "our mug".')] = "",
    name_zh: Annotated[str, typer.Option(help="What it is called in Chinese: 我们的杯子.")] = "",
    keyword: Annotated[
        list[str] | None, typer.Option(help="What it has to do with, for searching; repeat.")
    ] = None,
    placement: Annotated[
        str | None,
        typer.Option(
            help="stands, floats or worn-eyes, -head, -neck, -ears, -body, -hands, -feet;"
            " default: by the name."
        ),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror/--no-mirror", help="Whether left and right may be swapped.")
    ] = False,
    drawing: Annotated[
        str, typer.Option(help="How it is drawn: photo, 3d, shaded, flat or outline.")
    ] = "photo",
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A PNG to write: what was cut out.")
    ] = None,
    replace: _Replace = False,
    library: _Library = None,
    as_json: _Json = False,
) -> None:
    """Add a concept of your own: prompts may name it from now on."""
    from overpaint.concepts.shelf import Shelf

    if preview is not None:
        if preview.suffix.lower() != ".png":
            raise InvalidOption("preview", "must end in .png", preview)
        check_targets(preview, n=1, inputs=images, field="preview")
    shelf = Shelf(library)
    change = shelf.add(
        images,
        name=name,
        name_zh=name_zh,
        keywords=tuple(keyword or ()),
        placement=cast("Placement | None", placement),
        mirrorable=mirror,
        drawing=cast("Drawing", drawing),
        replace=replace,
    )
    if preview is not None:
        from overpaint.cli.sheet import draw_cutouts

        preview.write_bytes(draw_cutouts(change.pictures))
    _show(_entries(shelf, change.concepts), as_json, notes=change.notes)


@concepts.command("list")
def list_(library: _Library = None, as_json: _Json = False) -> None:
    """List your own concepts."""
    from overpaint.concepts.shelf import Shelf

    contents = Shelf(library).contents()
    _show(contents.entries, as_json, notes=contents.faults)


@concepts.command()
def remove(
    name: Annotated[str, typer.Argument(help="The name, in either language, or the id.")],
    library: _Library = None,
    as_json: _Json = False,
) -> None:
    """Remove one of your own concepts."""
    from overpaint.concepts.shelf import Shelf

    change = Shelf(library).remove(name)
    _say_done("removed", change.concepts, change.notes, as_json)


@concepts.command()
def export(
    file: Annotated[Path, typer.Argument(help="The ZIP file to write.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Which concepts, by name or id; default: all.")
    ] = None,
    library: _Library = None,
    as_json: _Json = False,
) -> None:
    """Write your own concepts into one file, to keep or to hand on."""
    from overpaint.concepts.shelf import Shelf

    check_folder(file.parent, "file")
    if file.is_dir():
        raise InvalidOption("file", "must be a file, not a folder", file)
    change = Shelf(library).export(file, tuple(names or ()))
    _say_done("exported", change.concepts, change.notes, as_json)


@concepts.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `concepts export` wrote.")],
    replace: _Replace = False,
    library: _Library = None,
    as_json: _Json = False,
) -> None:
    """Add the concepts of a file that `concepts export` wrote."""
    from overpaint.concepts.shelf import Shelf

    shelf = Shelf(library)
    change = shelf.import_(file, replace=replace)
    _show(_entries(shelf, change.concepts), as_json, notes=change.notes)


@concepts.command()
def search(
    word: Annotated[str, typer.Argument(help="A word, or a part of one, in Chinese or English.")],
    limit: Annotated[int, typer.Option(metavar="N", parser=number, help="How many at most.")] = 10,
    library: _Library = None,
    as_json: _Json = False,
) -> None:
    """Find the concepts that WORD names, best first."""
    from overpaint.concepts.knowledge import Knowledge

    _check_limit(limit)
    known = Knowledge(library).now()
    matches = known.library.search(word, limit=limit)
    console.say_notes(known.faults)
    meant = [match for match in matches if match.score >= MEANT]
    if not meant:
        near = [f"{one.concept.name_zh} {one.concept.name_en}" for one in matches[:3]]
        raise UnknownConcept("word", repr(word), near)
    if as_json:
        console.print_json(
            {
                "word": word,
                "concepts": [
                    {
                        "id": match.concept.id,
                        "zh": match.concept.name_zh,
                        "en": match.concept.name_en,
                        "group": match.concept.group,
                        "drawings": _drawings(match.concept.exemplars),
                        "score": round(match.score, 4),
                    }
                    for match in meant
                ],
            }
        )
        return
    console.print_table(
        ["concept", "中文", "English", "drawn as"],
        [
            [
                match.concept.id,
                match.concept.name_zh,
                match.concept.name_en,
                ", ".join(_drawings(match.concept.exemplars)),
            ]
            for match in meant
        ],
    )


def _check_limit(limit: object) -> None:
    if not isinstance(limit, int) or not 1 <= limit <= MOST:
        limits = f"must be a whole number between 1 and {MOST}"
        raise InvalidOption("limit", limits, repr(limit))


def _drawings(exemplars: tuple[tuple[str, str], ...]) -> list[str]:
    """The kinds of drawing, each once, in their order."""
    return list(dict.fromkeys(drawing for drawing, _ in exemplars))


def _entries(shelf: Shelf, chosen: Iterable[Concept]) -> list[Entry]:
    """What lies on the shelf of these concepts."""
    ids = {concept.id for concept in chosen}
    return [entry for entry in shelf.list() if entry.concept.id in ids]


def _show(entries: Iterable[Entry], as_json: bool, *, notes: tuple[str, ...]) -> None:
    """Print own concepts, and what the caller should know."""
    if as_json:
        told = [_told(entry) for entry in entries]
        console.print_json({"concepts": told, "notes": list(notes)})
        return
    console.print_table(
        ["concept", "中文", "English", "pictures", "drawn as", "sits", "added", "KB"],
        [
            [
                entry.concept.id,
                entry.concept.name_zh,
                entry.concept.name_en,
                str(len(entry.concept.exemplars)),
                entry.drawing,
                entry.concept.placement,
                f"{entry.added.astimezone():%Y-%m-%d %H:%M}",
                f"{entry.size / 1000:.1f}",
            ]
            for entry in entries
        ],
    )
    console.say_notes(notes)


def _told(entry: Entry) -> dict[str, Any]:
    concept = entry.concept
    return {
        "id": concept.id,
        "zh": concept.name_zh,
        "en": concept.name_en,
        "keywords": [*concept.keywords_en, *concept.keywords_zh],
        "pictures": len(concept.exemplars),
        "drawing": entry.drawing,
        "placement": concept.placement,
        "mirror": concept.mirrorable,
        "added": entry.added.isoformat(),
        "bytes": entry.size,
        "file": str(entry.path),
    }


def _say_done(what: str, chosen: Iterable[Concept], notes: tuple[str, ...], as_json: bool) -> None:
    """Print the ids of what was removed or exported."""
    ids = [concept.id for concept in chosen]
    if as_json:
        console.print_json({what: ids, "notes": list(notes)})
        return
    for id_ in ids:
        print(id_)
    console.say_notes(notes)
