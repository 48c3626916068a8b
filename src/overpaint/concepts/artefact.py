"""Artefacts of the concept library: ZIP files of concepts and their pictures.

    index.json            sources (with licences), concepts, "one_way": those that must not be
                          mirrored, and "more": pictures for concepts of earlier artefacts;
                          in a user's own, "rendered": the drawings stored as WebP, all of them,
                          and "added": when a concept was added, by its id
    <id>/vectors.svgs     the vector drawings of a concept, one SVG document a line
    <id>/<n>.webp         its n-th rendered picture or photograph, with alpha

The built-in ones are made by `scripts/build_concepts.py` (drawings) and `scripts/build_photos.py`
(photographs), a user's own by `overpaint.concepts.shelf`.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from overpaint.concepts.concept import Concept, Drawing
from overpaint.errors import OperationFailed

FORMAT = 2  # of index.json
RENDERED: frozenset[Drawing] = frozenset({"3d", "photo"})  # stored as WebP; the others as SVG
MAX_MEMBER_BYTES = 64 * 2**20  # unpacked; more is taken for damage

#: How a concept is drawn, and the key of each picture.
Exemplars: TypeAlias = tuple[tuple[Drawing, str], ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where pictures come from."""

    id: str
    drawing: Drawing
    title: str
    author: str
    licence: str  # SPDX identifier
    url: str
    package: str  # npm name@version; empty where there is none


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """The concepts of one artefact, and pictures that it adds to those of earlier ones."""

    name: str  # for messages
    sources: tuple[Source, ...]
    concepts: Mapping[str, Concept]
    more: Mapping[str, Exemplars]  # by concept id
    read: Callable[[str], bytes]  # bytes of a member, from an archive or from anywhere else
    rendered: frozenset[Drawing] = RENDERED  # the drawings that are stored as WebP
    added: Mapping[str, str] = field(default_factory=dict)  # concept id -> ISO 8601 time

    def exemplars(self, concept_id: str) -> Exemplars:
        """What this artefact shows of a concept."""
        own = self.concepts.get(concept_id)
        return own.exemplars if own is not None else self.more.get(concept_id, ())

    def member(self, key: str) -> tuple[Drawing, str, int] | None:
        """Where a picture is: its drawing, the member, its rank among its kind; None: not here."""
        concept_id = key.partition("/")[0]
        exemplars = self.exemplars(concept_id)
        drawing = next((drawn for drawn, known in exemplars if known == key), None)
        if drawing is None:
            return None
        rendered = drawing in self.rendered
        rank = [k for d, k in exemplars if (d in self.rendered) is rendered].index(key)
        name = f"{rank}.webp" if rendered else "vectors.svgs"
        return drawing, f"{concept_id}/{name}", rank


class _Archive:
    """A ZIP file held in memory: no handle to share between threads or forked processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        except FileNotFoundError:
            raise OperationFailed(f"the concept library is missing: {path}") from None
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise damaged(path, error) from error

    def read(self, member: str) -> bytes:
        """The bytes of a member; raises `OperationFailed` if they are not all there."""
        try:
            with self._lock:
                if self._zip.getinfo(member).file_size > MAX_MEMBER_BYTES:
                    raise zipfile.BadZipFile(f"more than {MAX_MEMBER_BYTES} bytes")
                return self._zip.read(member)
        except (OSError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise damaged(f"{self.path}, {member}", error) from error


def damaged(where: Path | str, error: Exception) -> OperationFailed:
    """The error for an artefact, or a part of one, that cannot be read."""
    return OperationFailed(f"the concept library is damaged: {where} ({error})")


def read_artefact(path: Path) -> Artefact:
    """What an artefact holds.

    Raises `OperationFailed` if the file is missing, damaged or of another format.
    """
    archive = _Archive(path)
    try:
        index = json.loads(archive.read("index.json"))
        if index["format"] != FORMAT:
            raise OperationFailed(
                f"the concept library has format {index['format']}, not {FORMAT}: {path}"
            )
        sources = tuple(Source(**source) for source in index["sources"])
        one_way = frozenset(index.get("one_way", ()))
        concepts = [_concept(row, sources, one_way) for row in index["concepts"]]
        more = {
            id_: _exemplars(id_, drawn, sources) for id_, drawn in index.get("more", {}).items()
        }
        return Artefact(
            name=str(path),
            sources=sources,
            concepts={concept.id: concept for concept in concepts},
            more=more,
            read=archive.read,
            rendered=frozenset(index.get("rendered", RENDERED)),
            added=dict(index.get("added", {})),
        )
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise damaged(path, error) from error


def write_archive(path: Path, index: object, members: Iterable[tuple[str, bytes]]) -> None:
    """Write a ZIP file of index.json and then `members`, of which WebP is stored as it is.

    The same content gives the same bytes. Raises `OSError`.
    """
    with zipfile.ZipFile(path, "w") as archive:
        compact = json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode()
        _add(archive, "index.json", compact)
        for name, data in members:
            _add(archive, name, data)


def index_of(artefact: Artefact) -> dict[str, object]:
    """The index.json of an artefact that adds to no other."""
    order = {source.id: number for number, source in enumerate(artefact.sources)}
    return {
        "format": FORMAT,
        "sources": [asdict(source) for source in artefact.sources],
        "concepts": [_row(concept, order) for concept in artefact.concepts.values()],
        "one_way": [id_ for id_, concept in artefact.concepts.items() if not concept.mirrorable],
        "rendered": sorted(artefact.rendered),
        "added": dict(artefact.added),
    }


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a member whose bytes depend on nothing but its name and data."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    deflate = not name.endswith(".webp")
    member.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    member.external_attr = 0o644 << 16
    member.create_system = 3
    archive.writestr(member, data, compresslevel=9)


def _concept(row: list[Any], sources: Sequence[Source], one_way: frozenset[str]) -> Concept:
    """A row of the index; the same order as in `scripts/build_concepts.py` and `_row`."""
    concept_id, name_en, name_zh, words_en, words_zh, keywords_en, keywords_zh = row[:7]
    group, placement, drawn = row[7:]
    return Concept(
        id=concept_id,
        name_en=name_en,
        name_zh=name_zh,
        words_en=tuple(words_en),
        words_zh=tuple(words_zh),
        group=group,
        exemplars=_exemplars(concept_id, drawn, sources),
        keywords_en=tuple(keywords_en),
        keywords_zh=tuple(keywords_zh),
        placement=placement,
        mirrorable=concept_id not in one_way,
    )


def _row(concept: Concept, order: Mapping[str, int]) -> list[object]:
    """A row of the index; keys of pictures are `<concept id>/<source id>`, then "-2" and so on."""
    numbers = []
    for _, key in concept.exemplars:
        name = key.partition("/")[2]
        numbers.append(order[name] if name in order else order[name.rpartition("-")[0]])
    return [
        concept.id,
        concept.name_en,
        concept.name_zh,
        concept.words_en,
        concept.words_zh,
        concept.keywords_en,
        concept.keywords_zh,
        concept.group,
        concept.placement,
        numbers,
    ]


def _exemplars(concept_id: str, drawn: list[int], sources: Sequence[Source]) -> Exemplars:
    """The pictures of a concept by the numbers of their sources: drawing and key of each."""
    exemplars = []
    for rank, number in enumerate(drawn):
        source = sources[number]
        copy = drawn[:rank].count(number) + 1
        suffix = f"-{copy}" if copy > 1 else ""
        exemplars.append((source.drawing, f"{concept_id}/{source.id}{suffix}"))
    return tuple(exemplars)
