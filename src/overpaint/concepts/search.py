"""Search concepts by a word in Chinese or English: exact, then prefix, substring, near spelling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from overpaint.concepts.concept import Concept

LEAST_LIKENESS = 0.72  # of two spellings, 0 to 1


@dataclass(frozen=True, kw_only=True)
class Match:
    """A concept that a search found."""

    concept: Concept
    score: float  # 0 to 1; 1 = the word is its first name


def search(concepts: Iterable[Concept], word: str, *, limit: int = 10) -> list[Match]:
    """The concepts nearest to `word`, best first; ties in the library's order.

    Names count more than keywords: 1.0 to 0.9 a name (its rank decides), 0.85 the start of one,
    0.75 a keyword, 0.65 a part of a name, below that a near spelling of one.
    """
    wanted = " ".join(word.lower().split())
    if not wanted:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored = [(_score(concept, wanted, matcher), concept) for concept in concepts]
    found = sorted((item for item in scored if item[0] > 0), key=lambda item: -item[0])
    return [Match(concept=concept, score=round(score, 3)) for score, concept in found[:limit]]


def _score(concept: Concept, wanted: str, matcher: SequenceMatcher[str]) -> float:
    names = (*concept.words_en, *concept.words_zh, concept.id)
    for words in (concept.words_en, concept.words_zh, (concept.id,)):
        if wanted in words:
            return max(0.9, 1.0 - 0.01 * words.index(wanted))
    if any(name.startswith(wanted) for name in names):
        return 0.85 - 0.001 * min(len(name) for name in names if name.startswith(wanted))
    if wanted in concept.keywords_en or wanted in concept.keywords_zh:
        return 0.75
    if any(wanted in name for name in names):
        return 0.65 - 0.001 * min(len(name) for name in names if wanted in name)
    if any(len(name) > 1 and name in wanted for name in concept.words_zh):
        return 0.6
    return 0.6 * max((_likeness(name, matcher) for name in names), default=0.0)


def _likeness(name: str, matcher: SequenceMatcher[str]) -> float:
    """Likeness of two spellings, 0 where it is under LEAST_LIKENESS."""
    matcher.set_seq1(name)
    if matcher.real_quick_ratio() < LEAST_LIKENESS or matcher.quick_ratio() < LEAST_LIKENESS:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= LEAST_LIKENESS else 0.0
