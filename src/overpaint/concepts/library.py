"""The concept library: what can be named, and pictures of it in several drawing styles.

It is put together from artefacts (`artefact`): the built-in ones and a user's own. Opening reads
the indexes only; a picture is read and rasterised when it is asked for.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import resvg_py
from PIL import Image

from overpaint.concepts.artefact import (
    FORMAT,
    RENDERED,
    Artefact,
    Exemplars,
    Source,
    damaged,
    read_artefact,
)
from overpaint.concepts.concept import Concept, Drawing, Exemplar
from overpaint.concepts.search import Match, search
from overpaint.errors import OperationFailed
from overpaint.values import Rgba8

__all__ = [
    "BUILT_IN",
    "CACHE_BYTES",
    "FORMAT",
    "RENDERED",
    "ConceptLibrary",
    "Exemplars",
    "Match",
    "Source",
    "built_in",
]

DATA = Path(__file__).with_name("data")
BUILT_IN = (DATA / "concepts.zip", DATA / "photos.zip")
CACHE_BYTES = 64 * 2**20  # rasterised exemplars kept
VISIBLE = 12  # alpha from which a pixel counts as visible, of 255


@cache
def built_in() -> tuple[Artefact, ...]:
    """The built-in artefacts, read once a process and shared. Raises `OperationFailed`."""
    return tuple(map(read_artefact, BUILT_IN))


class ConceptLibrary:
    """Concepts and their pictures. Safe to share between threads.

    Later artefacts add concepts, and pictures to the concepts of earlier ones. Raises
    `OperationFailed` if they do not fit together.
    """

    def __init__(self, artefacts: Iterable[Artefact]) -> None:
        self._artefacts = tuple(artefacts)
        self.sources: Mapping[str, Source]
        self.concepts: Mapping[str, Concept]
        self.sources, self.concepts = _merged(self._artefacts)
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, int], Exemplar] = OrderedDict()
        self.cached_bytes = 0  # of rasterised pictures; at most CACHE_BYTES

    @classmethod
    def open(cls, *paths: Path) -> ConceptLibrary:
        """Open artefacts, the built-in ones by default.

        Raises `OperationFailed` if a file is missing, damaged or of another format.
        """
        return cls(map(read_artefact, paths) if paths else built_in())

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
        artefact, drawing, member, rank = self._find(key)
        data = artefact.read(member)
        try:
            if drawing in artefact.rendered:
                pixels = _scale(data, size)
            else:
                pixels = _rasterise(data.split(b"\n")[rank], size)
        except (OSError, ValueError, IndexError, cv2.error) as error:
            raise damaged(member, error) from error
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

    def _find(self, key: str) -> tuple[Artefact, Drawing, str, int]:
        """Where a picture is: its artefact, its drawing, the member, its rank among its kind."""
        for artefact in self._artefacts:
            found = artefact.member(key)
            if found is not None:
                return artefact, *found
        raise KeyError(key)

    def search(self, word: str, *, limit: int = 10) -> list[Match]:
        """The concepts nearest to a Chinese or English word, best first."""
        return search(self.concepts.values(), word, limit=limit)


def _merged(artefacts: Sequence[Artefact]) -> tuple[Mapping[str, Source], Mapping[str, Concept]]:
    """All sources and all concepts, each with the exemplars of every artefact in their order."""
    sources: dict[str, Source] = {}
    concepts: dict[str, Concept] = {}
    for one in artefacts:
        twice = [source.id for source in one.sources if source.id in sources]
        twice += [id_ for id_ in one.concepts if id_ in concepts]
        unknown = [id_ for id_ in one.more if id_ not in concepts]
        if twice or unknown:
            what = f"has what is there already: {twice}" if twice else f"adds to none: {unknown}"
            raise OperationFailed(f"{one.name} does not fit the concept library: it {what}")
        sources |= {source.id: source for source in one.sources}
        concepts |= one.concepts
        for id_, exemplars in one.more.items():
            concept = concepts[id_]
            concepts[id_] = replace(concept, exemplars=concept.exemplars + exemplars)
    return MappingProxyType(sources), MappingProxyType(concepts)


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
