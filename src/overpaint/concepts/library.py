"""The concept library: what can be named, and pictures of it in several drawing styles.

The built-in artefact is a ZIP file made by `scripts/build_concepts.py`:

    index.json            sources (with licences) and concepts
    <id>/vectors.svgs     the vector drawings of a concept, one SVG document a line
    <id>/<n>.webp         its n-th rendered picture, with alpha

Opening reads the index only; a picture is read and rasterised when it is asked for.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import resvg_py
from PIL import Image

from overpaint.concepts.concept import Concept, Drawing, Exemplar
from overpaint.concepts.search import Match, search
from overpaint.errors import OperationFailed
from overpaint.values import Rgba8

__all__ = ["ConceptLibrary", "Match", "Source"]

BUILT_IN = Path(__file__).with_name("data") / "concepts.zip"
FORMAT = 1  # of index.json
CACHE_BYTES = 64 * 2**20  # rasterised exemplars kept
VISIBLE = 12  # alpha from which a pixel counts as visible, of 255


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where pictures come from."""

    id: str
    drawing: Drawing
    title: str
    author: str
    licence: str  # SPDX identifier
    url: str
    package: str  # npm name@version


@dataclass(frozen=True)
class _Place:
    """Where a picture lies in the archive."""

    concept_id: str
    drawing: Drawing
    member: str
    line: int | None  # of a file of SVG documents; None = the member is the picture


class ConceptLibrary:
    """Concepts and their pictures, out of one archive. Safe to share between threads."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        sources: Mapping[str, Source],
        concepts: Mapping[str, Concept],
        places: Mapping[str, _Place],
    ) -> None:
        self.sources = MappingProxyType(dict(sources))
        self.concepts = MappingProxyType(dict(concepts))
        self._archive = archive
        self._places = places
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, int], Exemplar] = OrderedDict()
        self._cached_bytes = 0

    @classmethod
    def open(cls, path: Path | None = None) -> ConceptLibrary:
        """Open an artefact, the built-in one by default.

        Raises `OperationFailed` if the file is missing, damaged or of another format.
        """
        path = BUILT_IN if path is None else path
        try:
            archive = zipfile.ZipFile(path)
            index = json.loads(archive.read("index.json"))
        except FileNotFoundError:
            raise OperationFailed(f"the concept library is missing: {path}") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise OperationFailed(f"the concept library is damaged: {path} ({error})") from error
        if index["format"] != FORMAT:
            raise OperationFailed(
                f"the concept library has format {index['format']}, not {FORMAT}: {path}"
            )
        sources = [Source(**source) for source in index["sources"]]
        concepts: dict[str, Concept] = {}
        places: dict[str, _Place] = {}
        for row in index["concepts"]:
            concept, of_concept = _concept(row, sources)
            concepts[concept.id] = concept
            places.update(of_concept)
        return cls(archive, {source.id: source for source in sources}, concepts, places)

    def exemplar(self, key: str, *, size: int) -> Exemplar:
        """A picture of a concept, cropped tightly, its longer side `size` px (1 to 4096).

        Vector drawings are crisp at every size; rendered pictures are scaled. Raises `KeyError`
        for an unknown key and `OperationFailed` if the artefact cannot be read.
        """
        place = self._places[key]
        with self._lock:
            found = self._cache.get((key, size))
            if found is not None:
                self._cache.move_to_end((key, size))
                return found
        data = self._read(place)
        pixels = _webp(data, size) if place.line is None else _rasterise(data, size)
        pixels.setflags(write=False)  # shared through the cache
        exemplar = Exemplar(
            concept_id=place.concept_id, drawing=place.drawing, key=key, pixels=pixels
        )
        with self._lock:
            if (key, size) not in self._cache:
                self._cache[key, size] = exemplar
                self._cached_bytes += pixels.nbytes
            while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
                _, old = self._cache.popitem(last=False)
                self._cached_bytes -= old.pixels.nbytes
        return exemplar

    def search(self, word: str, *, limit: int = 10) -> list[Match]:
        """The concepts nearest to a Chinese or English word, best first."""
        return search(self.concepts.values(), word, limit=limit)

    def _read(self, place: _Place) -> bytes:
        try:
            with self._lock:
                data = self._archive.read(place.member)
        except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise OperationFailed(
                f"the concept library is damaged: {place.member} ({error})"
            ) from error
        return data if place.line is None else data.split(b"\n")[place.line]


def _concept(row: list[Any], sources: list[Source]) -> tuple[Concept, dict[str, _Place]]:
    """A row of the index as a concept and the places of its pictures by key."""
    concept_id, words_en, words_zh, keywords_en, keywords_zh, group, placement, drawn = row
    places: dict[str, _Place] = {}
    seen: Counter[str] = Counter()
    vectors = rendered = 0
    for number in drawn:
        source = sources[number]
        seen[source.id] += 1
        copy = f"-{seen[source.id]}" if seen[source.id] > 1 else ""
        if source.drawing == "3d":
            member, line = f"{concept_id}/{rendered}.webp", None
            rendered += 1
        else:
            member, line = f"{concept_id}/vectors.svgs", vectors
            vectors += 1
        places[f"{concept_id}/{source.id}{copy}"] = _Place(concept_id, source.drawing, member, line)
    concept = Concept(
        id=concept_id,
        name_en=words_en[0],
        name_zh=words_zh[0],
        words_en=tuple(words_en),
        words_zh=tuple(words_zh),
        group=group,
        exemplars=tuple((place.drawing, key) for key, place in places.items()),
        keywords_en=tuple(keywords_en),
        keywords_zh=tuple(keywords_zh),
        placement=placement,
    )
    return concept, places


def _rasterise(svg: bytes, size: int) -> Rgba8:
    """An SVG document whose viewBox is tight, its longer side `size` px."""
    text = svg.decode()
    start = text.index('viewBox="') + len('viewBox="')
    _, _, width, height = (float(n) for n in text[start : text.index('"', start)].split())
    scale = size / max(width, height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    sized = f'<svg width="{columns}" height="{rows}"{text.removeprefix("<svg")}'
    png = resvg_py.svg_to_bytes(svg_string=sized, skip_system_fonts=True)
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)  # straight alpha
    return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.uint8)


def _webp(data: bytes, size: int) -> Rgba8:
    """A rendered picture, cropped to what is visible and scaled with premultiplied alpha."""
    rgba = Image.open(io.BytesIO(data)).convert("RGBA")
    box = rgba.getchannel("A").point(lambda alpha: 255 * (alpha >= VISIBLE)).getbbox()
    cropped = rgba.crop(box)
    scale = size / max(cropped.size)
    width, height = (max(1, round(side * scale)) for side in cropped.size)
    scaled = cropped.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
    return np.array(scaled.convert("RGBA"))
