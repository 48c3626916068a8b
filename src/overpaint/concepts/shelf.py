"""The user's own concepts: a folder of artefacts, one a concept, open to every process.

    from overpaint.concepts.shelf import Shelf
    Shelf().add(["mug.jpg"], name="our mug", name_zh="我们的杯子")

After that 把杯子换成我们的杯子 puts it in: engines look for changes before they paint.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from overpaint import settings
from overpaint.concepts import folder, own
from overpaint.concepts.artefact import Artefact, read_artefact
from overpaint.concepts.atoms import key_of
from overpaint.concepts.concept import DRAWINGS, OWN, PLACEMENTS, Concept, Drawing, Placement
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.naming import (
    check_keywords,
    check_names,
    check_read,
    id_for,
    namesakes,
    usual_placement,
    words,
)
from overpaint.concepts.search import search
from overpaint.errors import InvalidImage, InvalidOption, OperationFailed
from overpaint.imaging.decode import decode_reference
from overpaint.imaging.matte import CutOut, cut_out
from overpaint.imaging.source import Source
from overpaint.values import Rgba8

MAX_IMPORT_BYTES = 2**30
_T = TypeVar("_T", bound=str)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One of the user's own concepts, as it lies on the shelf."""

    concept: Concept
    drawing: Drawing
    added: datetime  # when, with its time zone
    size: int  # bytes
    path: Path
    artefact: Artefact


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What lies on a shelf."""

    entries: tuple[Entry, ...]  # by id
    faults: tuple[str, ...] = ()  # what could not be read and was left out, by file name


@dataclass(frozen=True, kw_only=True)
class Change:
    """What was done to a shelf."""

    concepts: tuple[Concept, ...]  # that were added, removed, exported or imported
    notes: tuple[str, ...] = ()  # what the caller should know
    pictures: tuple[Rgba8, ...] = ()  # after `add`: what was kept of each picture, straight alpha


class Shelf:
    """A folder of the user's own concepts. Safe under several threads and processes.

    Args:
        path: the folder; it need not exist yet. By default the one that `settings` tells:
            `$OVERPAINT_HOME/concepts`, or concepts/ in the system's folder for a user's data.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = settings.own_concepts() if path is None else Path(path).absolute()

    def list(self) -> tuple[Entry, ...]:
        """The own concepts by id; those that cannot be read are left out (see `contents`)."""
        return self.contents().entries

    def contents(self) -> Contents:
        """What can be read, and what not. Raises `OperationFailed` if the folder cannot be."""
        entries, faults = [], []
        for path in folder.concept_files(self.path):
            try:
                entries.append(_entry(path))
            except (OperationFailed, OSError) as error:
                if path.exists():  # else another process has just removed it
                    faults.append(f"your concept file {path.name} is left out: {error}")
        return Contents(entries=tuple(entries), faults=tuple(faults))

    def add(
        self,
        pictures: Sequence[Source],
        *,
        name: str = "",
        name_zh: str = "",
        keywords: Sequence[str] = (),
        placement: Placement | None = None,
        mirrorable: bool = False,
        drawing: Drawing = "photo",
        replace: bool = False,
    ) -> Change:
        """Add a concept; prompts may name it from now on.

        Args:
            pictures: 1 to 32 of the one thing; the seed chooses among them. JPEG, PNG, BMP, TIFF
                or WEBP, at most 10 MB, sides of 16 to 4095 px. With alpha they are taken as they
                are, without the thing is cut out of its background. More than 1280 px are
                scaled down.
            name: in English, 1 to 40 characters.
            name_zh: in Chinese, 1 to 20 characters; at least one of the two names is needed.
            keywords: what it has to do with, in either language; for searching only.
            placement: how it sits where it is put; None: as the known thing that its name ends
                with ("our hat" is worn on the head), else it stands.
            mirrorable: whether left and right may be swapped.
            drawing: how the pictures are drawn; a style starts from the drawings that suit it.
            replace: put it in the place of an own concept of the same name.

        Raises:
            InvalidOption: a name, keyword, placement or drawing is not allowed, or there is an
                own concept of the name already.
            InvalidImage: a picture cannot be used; the field says which ("image 2").
            OperationFailed: the folder cannot be written to.
        """
        english, chinese = check_names(name, name_zh)
        keywords_en, keywords_zh = check_keywords(keywords)
        drawing = _one_of("drawing", drawing, DRAWINGS)
        if placement is not None:
            placement = _one_of("placement", placement, PLACEMENTS)
        built_in = ConceptLibrary.open()
        cuts = _cut_out(pictures)

        concept = Concept(
            id=id_for(english, chinese),
            name_en=english or chinese,
            name_zh=chinese or english,
            words_en=words(english),
            words_zh=words(chinese),
            group=OWN,
            exemplars=(),
            keywords_en=keywords_en,
            keywords_zh=keywords_zh,
            placement=placement or usual_placement((english, chinese), built_in),
            mirrorable=bool(mirrorable),
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        artefact = own.made(concept, drawing, [cut.pixels for cut in cuts], now)
        fields = [_field(number, len(cuts)) for number in range(len(cuts))]
        told = [f"{field}: {cut.note}" for field, cut in zip(fields, cuts, strict=True) if cut.note]
        return Change(
            concepts=tuple(artefact.concepts.values()),
            notes=(*told, *self._place([artefact], built_in, replace)),
            pictures=tuple(cut.pixels for cut in cuts),
        )

    def remove(self, name: str) -> Change:
        """Remove the own concept of this id or name; a file that is damaged goes by its id.

        Raises `InvalidOption` with the nearest names, `OperationFailed`.
        """
        with folder.locked(self.path):
            entries = self.list()
            for path in folder.concept_files(self.path):
                broken = path not in [entry.path for entry in entries]
                if broken and name in (path.stem, path.name):
                    folder.remove(path)
                    note = f"{path.name} could not be read, and is gone"
                    return Change(concepts=(), notes=(note,))
            entry = _find(name, entries)
            folder.remove(entry.path)
            return Change(concepts=(entry.concept,))

    def export(self, file: str | os.PathLike[str], names: Sequence[str] = ()) -> Change:
        """Write own concepts, all or those named, into one ZIP file for `import_`.

        It is an artefact: `ConceptLibrary.open(*BUILT_IN, file)` reads it too. A file of the same
        name is replaced. Raises `InvalidOption` for an unknown name or if there is nothing to
        export, `OperationFailed` if the file cannot be written.
        """
        contents = self.contents()
        entries = [_find(name, contents.entries) for name in names] or contents.entries
        chosen = {entry.concept.id: entry for entry in entries}
        if not chosen:
            raise InvalidOption("library", "must hold a concept of your own to export", self.path)
        folder.write(Path(file), own.joined([entry.artefact for entry in chosen.values()]))
        concepts = tuple(entry.concept for entry in chosen.values())
        return Change(concepts=concepts, notes=() if names else contents.faults)

    def import_(self, file: str | os.PathLike[str], *, replace: bool = False) -> Change:
        """Add all concepts of a file that `export` wrote; all are checked before any is added.

        Args:
            file: the ZIP file, at most 1 GiB.
            replace: put them in the place of own concepts of the same names.

        Raises:
            InvalidOption: it is no such file, or there is an own concept of a name already.
            OperationFailed: the folder cannot be written to.
        """
        path = Path(file)
        limit = "must be a file that `overpaint concepts export` wrote"
        try:
            if path.stat().st_size > MAX_IMPORT_BYTES:
                raise InvalidOption("file", "must have at most 1 GiB", path)
            artefact = own.checked(read_artefact(path), decode=True)
        except OSError as error:
            raise InvalidOption("file", f"{limit} ({error.strerror})", path) from error
        except OperationFailed as error:
            raise InvalidOption("file", f"{limit} ({error})", path) from error
        notes = self._place(list(own.parted(artefact)), ConceptLibrary.open(), replace)
        return Change(concepts=tuple(artefact.concepts.values()), notes=notes)

    def _place(
        self, artefacts: Sequence[Artefact], built_in: ConceptLibrary, replace: bool
    ) -> tuple[str, ...]:
        """Lay checked artefacts, one a concept, on the shelf; what the caller should know."""
        new = [concept for artefact in artefacts for concept in artefact.concepts.values()]
        notes = []
        with folder.locked(self.path):
            before = self.list()
            rivals = [
                (concept, entry) for concept in new for entry in before if _clash(concept, entry)
            ]
            if rivals and not replace:
                names = ", ".join(dict.fromkeys(_called(entry.concept) for _, entry in rivals))
                limit = "must not be that of another concept of yours; remove or replace that"
                raise InvalidOption("name", limit, names)
            gone = {entry.path for _, entry in rivals}
            kept = [entry.concept for entry in before if entry.path not in gone]
            lexicon = Lexicon([*built_in.concepts.values(), *kept, *new])
            for number, concept in enumerate(new):
                if namesakes(concept, new[:number]):
                    limit = "must not be that of another concept of the file"
                    raise InvalidOption("name", limit, _called(concept))
                check_read(concept, lexicon)
                if same := namesakes(concept, built_in.concepts.values()):
                    names = ", ".join(_called(one) for one in same)
                    notes.append(f"{_called(concept)} goes before the built-in {names}")
            notes += [f"{_called(entry.concept)} is replaced" for _, entry in rivals]
            written = {self.path / f"{one.name}{folder.SUFFIX}": one for one in artefacts}
            for path, artefact in written.items():
                folder.write(path, artefact)
            for path in gone - set(written):
                folder.remove(path)
        return tuple(dict.fromkeys(notes))


def _entry(path: Path) -> Entry:
    """A file of the shelf; raises `OperationFailed` or `OSError`."""
    artefact = own.checked(read_artefact(path))
    if list(artefact.concepts) != [path.stem]:
        raise OperationFailed("it does not hold the concept of its name")
    (concept,) = artefact.concepts.values()
    return Entry(
        concept=concept,
        drawing=concept.exemplars[0][0],
        added=datetime.fromisoformat(artefact.added[concept.id]),
        size=path.stat().st_size,
        path=path,
        artefact=artefact,
    )


def _find(name: str, entries: Sequence[Entry]) -> Entry:
    """The entry of this id or name; raises `InvalidOption` with the nearest names."""
    for entry in entries:
        one = entry.concept
        if name == one.id or key_of(name) in (key_of(one.name_en), key_of(one.name_zh)):
            return entry
    concepts = [entry.concept for entry in entries]
    near = [_called(match.concept) for match in search(concepts, name, limit=3)]
    known = f"nearest: {', '.join(near)}" if near else f"there are {len(concepts)}"
    limit = f"must be the name or the id of a concept of your own ({known})"
    raise InvalidOption("name", limit, repr(name))


def _clash(concept: Concept, entry: Entry) -> bool:
    return concept.id == entry.concept.id or bool(namesakes(concept, [entry.concept]))


def _called(concept: Concept) -> str:
    """Both names, for messages."""
    return " ".join(dict.fromkeys((concept.name_zh, concept.name_en)))


def _one_of(field: str, value: object, known: Sequence[_T]) -> _T:
    if value not in known:
        raise InvalidOption(field, f"must be one of {', '.join(known)}", repr(value))
    return cast("_T", value)


def _field(number: int, count: int) -> str:
    return "image" if count == 1 else f"image {number + 1}"


def _cut_out(pictures: Sequence[Source]) -> Sequence[CutOut]:
    """What each picture shows, on its own; raises `InvalidImage`."""
    if isinstance(pictures, (str, bytes, os.PathLike)):  # callers need not be typed
        pictures = [pictures]
    count = len(pictures)
    if not 1 <= count <= own.MAX_PICTURES:
        raise InvalidOption("image", f"must be 1 to {own.MAX_PICTURES} pictures", count)
    cuts = []
    for number, picture in enumerate(pictures):
        field = _field(number, count)
        decoded = decode_reference(picture, field=field)
        if not own.shows_something(decoded):
            raise InvalidImage(field, "must show something", "a transparent picture")
        cuts.append(cut_out(decoded))
    return cuts
