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
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
FORMAT = 2  # of index.json
CACHE_BYTES = 64 * 2**20  # rasterised exemplars kept
RENDERED = frozenset({"3d", "photo"})  # stored as WebP; the other drawings as SVG
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


class ConceptLibrary:
    """Concepts and their pictures. Safe to share between threads.

    `read` gives the bytes of a member by its name, from an archive or from anywhere else.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        concepts: Iterable[Concept],
        read: Callable[[str], bytes],
    ) -> None:
        self.sources = MappingProxyType({source.id: source for source in sources})
        self.concepts = MappingProxyType({concept.id: concept for concept in concepts})
        self._read = read
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, int], Exemplar] = OrderedDict()
        self.cached_bytes = 0  # of rasterised pictures; at most CACHE_BYTES

    @classmethod
    def open(cls, path: Path | None = None) -> ConceptLibrary:
        """Open an artefact, the built-in one by default.

        Raises `OperationFailed` if the file is missing, damaged or of another format.
        """
        archive = _Archive(BUILT_IN if path is None else path)
        try:
            index = json.loads(archive.read("index.json"))
            if index["format"] != FORMAT:
                raise OperationFailed(
                    f"the concept library has format {index['format']}, not {FORMAT}: "
                    f"{archive.path}"
                )
            sources = [Source(**source) for source in index["sources"]]
            concepts = [_concept(row, sources) for row in index["concepts"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(archive.path, error) from error
        return cls(sources, concepts, archive.read)

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
        concept = self.concepts[key.partition("/")[0]]
        drawing = next((drawn for drawn, known in concept.exemplars if known == key), None)
        if drawing is None:
            raise KeyError(key)
        rendered = drawing in RENDERED
        rank = [k for d, k in concept.exemplars if (d in RENDERED) is rendered].index(key)
        member = f"{concept.id}/{rank}.webp" if rendered else f"{concept.id}/vectors.svgs"
        data = self._read(member)
        try:
            pixels = _scale(data, size) if rendered else _rasterise(data.split(b"\n")[rank], size)
        except (OSError, ValueError, IndexError, cv2.error) as error:
            raise _damaged(member, error) from error
        pixels.setflags(write=False)  # shared through the cache
        exemplar = Exemplar(concept_id=concept.id, drawing=drawing, key=key, pixels=pixels)
        with self._lock:
            if (key, size) not in self._cache:
                self._cache[key, size] = exemplar
                self.cached_bytes += pixels.nbytes
            while self.cached_bytes > CACHE_BYTES and len(self._cache) > 1:
                _, old = self._cache.popitem(last=False)
                self.cached_bytes -= old.pixels.nbytes
        return exemplar

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


def _concept(row: list[Any], sources: list[Source]) -> Concept:
    """A row of the index; the same order as in `scripts/build_concepts.py`."""
    concept_id, name_en, name_zh, words_en, words_zh, keywords_en, keywords_zh = row[:7]
    group, placement, drawn = row[7:]
    exemplars = []
    for rank, number in enumerate(drawn):
        source = sources[number]
        copy = drawn[:rank].count(number) + 1
        suffix = f"-{copy}" if copy > 1 else ""
        exemplars.append((source.drawing, f"{concept_id}/{source.id}{suffix}"))
    return Concept(
        id=concept_id,
        name_en=name_en,
        name_zh=name_zh,
        words_en=tuple(words_en),
        words_zh=tuple(words_zh),
        group=group,
        exemplars=tuple(exemplars),
        keywords_en=tuple(keywords_en),
        keywords_zh=tuple(keywords_zh),
        placement=placement,
    )


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
