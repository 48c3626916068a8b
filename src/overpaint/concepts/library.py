"""The concept library: what can be named, and pictures of it in several drawing styles.

An artefact is a ZIP file; the built-in ones are made by `scripts/build_concepts.py` (drawings) and
`scripts/build_photos.py` (photographs, which add to the concepts of the former):

    index.json            sources (with licences), concepts, "one_way": those that must not be
                          mirrored, and "more": pictures for concepts of earlier artefacts
    <id>/vectors.svgs     the vector drawings of a concept, one SVG document a line
    <id>/<n>.webp         its n-th rendered picture or photograph, with alpha

Opening reads the indexes only; a picture is read and rasterised when it is asked for.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import cv2
import numpy as np
import resvg_py
from PIL import Image

from overpaint.concepts.concept import Concept, Drawing, Exemplar
from overpaint.concepts.search import Match, search
from overpaint.errors import OperationFailed
from overpaint.values import Rgba8

__all__ = ["ConceptLibrary", "Match", "Shelf", "Source"]

DATA = Path(__file__).with_name("data")
BUILT_IN = (DATA / "concepts.zip", DATA / "photos.zip")
FORMAT = 2  # of index.json
CACHE_BYTES = 64 * 2**20  # rasterised exemplars kept
RENDERED = frozenset({"3d", "photo"})  # stored as WebP; the other drawings as SVG
VISIBLE = 12  # alpha from which a pixel counts as visible, of 255

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
class Shelf:
    """The concepts of one artefact, and pictures that it adds to those of earlier ones."""

    name: str  # for messages
    sources: tuple[Source, ...]
    concepts: Mapping[str, Concept]
    more: Mapping[str, Exemplars]  # by concept id
    read: Callable[[str], bytes]  # bytes of a member, from an archive or from anywhere else

    def exemplars(self, concept_id: str) -> Exemplars:
        """What this shelf shows of a concept."""
        own = self.concepts.get(concept_id)
        return own.exemplars if own is not None else self.more.get(concept_id, ())


class ConceptLibrary:
    """Concepts and their pictures. Safe to share between threads.

    Later shelves add concepts, and pictures to the concepts of earlier ones. Raises
    `OperationFailed` if shelves do not fit together.
    """

    def __init__(self, shelves: Iterable[Shelf]) -> None:
        self._shelves = tuple(shelves)
        self.sources: Mapping[str, Source]
        self.concepts: Mapping[str, Concept]
        self.sources, self.concepts = _merged(self._shelves)
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, int], Exemplar] = OrderedDict()
        self.cached_bytes = 0  # of rasterised pictures; at most CACHE_BYTES

    @classmethod
    def open(cls, *paths: Path) -> ConceptLibrary:
        """Open artefacts, the built-in ones by default.

        Raises `OperationFailed` if a file is missing, damaged or of another format.
        """
        return cls(map(_shelf, paths or BUILT_IN))

    def exemplar(self, key: str, *, size: int) -> Exemplar:
        """A picture of a concept, cropped tightly, its longer side `size` px (1 to 4096).

        Vector drawings are crisp at every size; rendered pictures are scaled. Raises `KeyError`
        for an unknown key and `OperationFailed` if the artefact cannot be read.
        """
        with self._lock:
            found = self._cache.get((key, size))
            if found is not None:
                self._cache.move_to_end((key, size))
                return found
        shelf, drawing, member, rank = self._find(key)
        data = shelf.read(member)
        try:
            if drawing in RENDERED:
                pixels = _scale(data, size)
            else:
                pixels = _rasterise(data.split(b"\n")[rank], size)
        except (OSError, ValueError, IndexError, cv2.error) as error:
            raise _damaged(member, error) from error
        pixels.setflags(write=False)  # shared through the cache
        exemplar = Exemplar(
            concept_id=key.partition("/")[0], drawing=drawing, key=key, pixels=pixels
        )
        with self._lock:
            if (key, size) not in self._cache:
                self._cache[key, size] = exemplar
                self.cached_bytes += pixels.nbytes
            while self.cached_bytes > CACHE_BYTES and len(self._cache) > 1:
                _, old = self._cache.popitem(last=False)
                self.cached_bytes -= old.pixels.nbytes
        return exemplar

    def _find(self, key: str) -> tuple[Shelf, Drawing, str, int]:
        """Where a picture is: its shelf, its drawing, the member, and its rank among its kind."""
        concept_id = key.partition("/")[0]
        for shelf in self._shelves:
            exemplars = shelf.exemplars(concept_id)
            drawing = next((drawn for drawn, known in exemplars if known == key), None)
            if drawing is not None:
                rendered = drawing in RENDERED
                rank = [k for d, k in exemplars if (d in RENDERED) is rendered].index(key)
                name = f"{rank}.webp" if rendered else "vectors.svgs"
                return shelf, drawing, f"{concept_id}/{name}", rank
        raise KeyError(key)

    def search(self, word: str, *, limit: int = 10) -> list[Match]:
        """The concepts nearest to a Chinese or English word, best first."""
        return search(self.concepts.values(), word, limit=limit)


class _Archive:
    """A ZIP file held in memory: no handle to share between threads or forked processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        except FileNotFoundError:
            raise OperationFailed(f"the concept library is missing: {path}") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise _damaged(path, error) from error

    def read(self, member: str) -> bytes:
        """The bytes of a member; raises `OperationFailed` if they are not all there."""
        try:
            with self._lock:
                return self._zip.read(member)
        except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise _damaged(f"{self.path}, {member}", error) from error


def _damaged(where: Path | str, error: Exception) -> OperationFailed:
    return OperationFailed(f"the concept library is damaged: {where} ({error})")


def _shelf(path: Path) -> Shelf:
    """What an artefact holds; raises `OperationFailed`."""
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
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return Shelf(
        name=str(path),
        sources=sources,
        concepts={concept.id: concept for concept in concepts},
        more=more,
        read=archive.read,
    )


def _merged(shelves: Sequence[Shelf]) -> tuple[Mapping[str, Source], Mapping[str, Concept]]:
    """All sources and all concepts, each with the exemplars of every shelf in their order."""
    sources: dict[str, Source] = {}
    concepts: dict[str, Concept] = {}
    for shelf in shelves:
        twice = [source.id for source in shelf.sources if source.id in sources]
        twice += [id_ for id_ in shelf.concepts if id_ in concepts]
        unknown = [id_ for id_ in shelf.more if id_ not in concepts]
        if twice or unknown:
            what = f"has what is there already: {twice}" if twice else f"adds to none: {unknown}"
            raise OperationFailed(f"{shelf.name} does not fit the concept library: it {what}")
        sources |= {source.id: source for source in shelf.sources}
        concepts |= shelf.concepts
        for id_, exemplars in shelf.more.items():
            concept = concepts[id_]
            concepts[id_] = replace(concept, exemplars=concept.exemplars + exemplars)
    return MappingProxyType(sources), MappingProxyType(concepts)


def _concept(row: list[Any], sources: Sequence[Source], one_way: frozenset[str]) -> Concept:
    """A row of the index; the same order as in `scripts/build_concepts.py`."""
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


def _exemplars(concept_id: str, drawn: list[int], sources: Sequence[Source]) -> Exemplars:
    """The pictures of a concept by the numbers of their sources: drawing and key of each."""
    exemplars = []
    for rank, number in enumerate(drawn):
        source = sources[number]
        copy = drawn[:rank].count(number) + 1
        suffix = f"-{copy}" if copy > 1 else ""
        exemplars.append((source.drawing, f"{concept_id}/{source.id}{suffix}"))
    return tuple(exemplars)


def _rasterise(svg: bytes, size: int) -> Rgba8:
    """An SVG document whose viewBox is tight, its longer side `size` px."""
    text = svg.decode()
    view_box = text.split('viewBox="', 1)[1].split('"', 1)[0]
    width, height = (float(number) for number in view_box.split()[2:])
    scale = size / max(width, height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    sized = f'<svg width="{columns}" height="{rows}"{text.removeprefix("<svg")}'
    png = resvg_py.svg_to_bytes(svg_string=sized, skip_system_fonts=True)
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape != (rows, columns, 4):
        raise ValueError("a drawing came out without its alpha channel")
    return np.ascontiguousarray(bgra[..., [2, 1, 0, 3]], np.uint8)  # PNG: alpha is straight


def _scale(data: bytes, size: int) -> Rgba8:
    """A rendered picture, cropped to what is visible and scaled with premultiplied alpha."""
    rgba = Image.open(io.BytesIO(data)).convert("RGBA")
    box = rgba.getchannel("A").point(lambda alpha: 255 * (alpha >= VISIBLE)).getbbox()
    cropped = rgba.crop(box)
    scale = size / max(cropped.size)
    width, height = (max(1, round(side * scale)) for side in cropped.size)
    scaled = cropped.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
    return np.array(scaled.convert("RGBA"))
