"""Known words that come close to an unknown one: by spelling in English, else by characters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from heapq import nsmallest

from overpaint.concepts.concept import Concept

#: Chinese characters, for a character class.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_IS_HAN = re.compile(f"[{HAN}]")


def is_chinese(word: str) -> bool:
    """Whether `word` has a Chinese character."""
    return _IS_HAN.search(word) is not None


class NearWords:
    """The known words `ids`, each with the ids of its concepts best first, ready to compare."""

    def __init__(self, ids: Mapping[str, tuple[str, ...]], concepts: Mapping[str, Concept]) -> None:
        self._ids = ids
        self._concepts = concepts
        self._grams: dict[str, list[str]] = defaultdict(list)
        self._sizes: dict[str, int] = {}
        for known in ids:
            parts = _grams(known)
            self._sizes[known] = len(parts)
            for gram in set(parts):
                self._grams[gram].append(known)

    def of(self, key: str, limit: int) -> tuple[str, ...]:
        """At most `limit` words like `key`, which is folded, best first, one for each concept."""
        grams = _grams(key)
        if not grams or limit < 1:
            return ()
        shared = Counter(known for gram in set(grams) for known in self._grams.get(gram, ()))
        alike = ((-2 * n / (len(grams) + self._sizes[near]), near) for near, n in shared.items())
        close = [near for _, near in nsmallest(24, alike)]
        if is_chinese(key):
            likely = [(_chinese_distance(key, near), near) for near in close]
        else:
            likely = [(_edits(key, near) / max(len(key), 3), near) for near in close]
        names: dict[str, None] = {}
        claimed: set[str] = set()
        chinese = is_chinese(key)
        for concept in self._concepts.values():  # what it has to do with, first
            if key in (concept.keywords_zh if chinese else concept.keywords_en):
                claimed.add(concept.id)
                names[concept.name_zh if chinese else concept.name_en] = None
                if len(claimed) >= limit:
                    break
        for distance, known in sorted(likely):
            best = self._ids[known][0]
            if distance <= (0.8 if is_chinese(key) else 0.45) and best not in claimed:
                claimed.add(best)
                names[known] = None
        return tuple(names)[:limit]


def _grams(key: str) -> list[str]:
    """What two words share when they are alike: characters in Chinese, letter pairs in English."""
    if is_chinese(key):
        return [char for char in key if is_chinese(char)]
    padded = f"^{key}$"
    return [padded[at : at + 2] for at in range(len(padded) - 1)] if key else []


def _chinese_distance(word: str, known: str) -> float:
    """0 (the same) to 1, by shared characters, pairs of them, and the last, which names a kind."""

    def parts(text: str) -> Counter[str]:
        return Counter(text) + Counter(text[at : at + 2] for at in range(len(text) - 1))

    one, other = parts(word), parts(known)
    shared = sum((one & other).values()) + 0.5 * (word[-1] == known[-1])
    return 1 - 2 * shared / (sum(one.values()) + sum(other.values()) + 1)


def _edits(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
