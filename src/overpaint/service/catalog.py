"""What may be asked for: the models with what each takes, and the concepts that prompts name."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from overpaint.concepts.concept import Concept
from overpaint.concepts.knowledge import Knowledge
from overpaint.concepts.library import ConceptLibrary, Match
from overpaint.concepts.traditional import TO_SIMPLIFIED
from overpaint.engines.registry import get_engine, shown_name
from overpaint.errors import OverpaintError
from overpaint.values import EngineInfo

MAX_WORD = 100  # characters of what concepts are asked for by
MAX_CONCEPTS = 50  # suggested at a time
_AUTO = "auto"
_PAINTS = "builtin"  # what "auto" paints with; with "erase" it takes away
_NAMED = 0.85  # a search's score from which the word is a whole name


@dataclass(frozen=True, kw_only=True)
class Model:
    """A name that callers may give, and what its engine takes."""

    name: str
    engine: str  # as outsiders are told: no path of this machine
    info: EngineInfo | None  # None: the engine cannot be loaded


class Catalog:
    """Looks things up for who is about to order. Every method may be called from any thread."""

    def __init__(self, models: Mapping[str, str]) -> None:
        self._models = models
        self._knowledge = Knowledge()
        self._found = lru_cache(maxsize=512)(_suggest)  # who types asks for the same again

    def warm(self) -> None:
        """Load engines and library, so that the first who ask do not wait for them."""
        with contextlib.suppress(OverpaintError):
            self.models()
            self.concepts("a", limit=1)

    def models(self) -> list[Model]:
        """The server's models in the order of its settings."""
        return [
            Model(name=name, engine=shown_name(engine), info=_info(engine))
            for name, engine in self._models.items()
        ]

    def concepts(self, word: str, *, limit: int) -> Sequence[Concept]:
        """The concepts nearest to the beginning of a word, best first; nothing for "".

        Args:
            word: in Chinese, simplified or not, or English; at most `MAX_WORD` characters count.
            limit: how many, at most `MAX_CONCEPTS`.

        Raises `OperationFailed` only if the library cannot be read.
        """
        wanted = " ".join(word[:MAX_WORD].translate(TO_SIMPLIFIED).lower().split())
        return self._found(self._knowledge.now().library, wanted, min(limit, MAX_CONCEPTS))


def _suggest(library: ConceptLibrary, wanted: str, limit: int) -> tuple[Concept, ...]:
    """Names that are whole first, then those that begin so, then what the search has else."""

    def place(match: Match) -> int:
        names = (match.concept.name_en, match.concept.name_zh)
        if match.score > _NAMED:
            return 0
        return 1 if any(name.startswith(wanted) for name in names) else 2

    found = sorted(library.search(wanted, limit=len(library.concepts)), key=place)
    return tuple(match.concept for match in found[:limit])


def _info(engine: str) -> EngineInfo | None:
    try:
        return get_engine(_PAINTS if engine == _AUTO else engine).info
    except OverpaintError:
        return None
