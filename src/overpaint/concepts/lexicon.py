"""Finding known words in a text, Chinese or English: one dictionary, one pass, fewest words win.

A text is cut into atoms (a Chinese character, a Latin word, a number, a mark) and then into the
known words that cover it best: as few words as possible, as few unknown atoms as possible, longer
words first. It is the classic shortest-path segmentation; a trie is not needed because the longest
word that begins with an atom is known.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from overpaint.concepts.atoms import atoms_of, extent, fold, join, key_of
from overpaint.concepts.concept import OWN, Concept
from overpaint.concepts.inflection import IRREGULAR, plurals, singulars
from overpaint.concepts.nearest import NearWords, is_chinese
from overpaint.concepts.vocabulary import Senses, vocabulary

_KNOWN_COST = 10.0
_UNKNOWN_COST = 25.0
_LENGTH_BONUS = 0.1
_LONGEST_WORD = 24  # atoms
_SYNONYM = 10_000_000  # what a synonym ranks behind a name


@dataclass(frozen=True)
class Span:
    """A word that names concepts: `text[start:end]`, as written."""

    start: int
    end: int
    text: str
    concept_ids: tuple[str, ...]  # best first


@dataclass(frozen=True)
class Token:
    """A word of a text with everything that it may mean; with neither, nobody knows it."""

    start: int
    end: int
    text: str  # folded: lower case, simplified
    concept_ids: tuple[str, ...] = ()
    senses: Senses = field(default_factory=dict)
    plural: bool = False  # found by its singular
    guessed: bool = False  # not known as a whole; concept_ids are those of its last part

    @property
    def known(self) -> bool:
        """Whether it has any meaning."""
        return bool(self.concept_ids or self.senses)


class Lexicon:
    """The words of `concepts` and of the vocabulary."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._concepts = {concept.id: concept for concept in concepts}
        ranked: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, concept in enumerate(self._concepts.values()):
            for name, words in (
                (concept.name_en, concept.words_en),
                (concept.name_zh, concept.words_zh),
            ):
                rank = _rank(concept, number)
                first = key_of(name)
                ranked[first].append((rank, concept.id))
                for key in map(key_of, words):
                    if key != first:
                        ranked[key].append((rank + _SYNONYM, concept.id))
        self._ids: dict[str, tuple[str, ...]] = {
            key: tuple(dict.fromkeys(identity for _, identity in sorted(entries)))
            for key, entries in ranked.items()
            if key
        }
        self._senses = {key_of(word): senses for word, senses in vocabulary().words.items()}
        self._stand_ins: dict[str, str] = {}  # a word to the name of what is drawn for it
        self._absent: dict[str, str] = {}  # a word to the name of what comes nearest, or ""
        for key, senses in list(self._senses.items()):
            self._take_absent(key, senses)
        for key in [key for key in self._ids if self._only_adds_color(key)]:
            del self._ids[key]  # so that "a red book" is read as red, and not only as a book
        for key in list(self._ids):
            if key.count(" ") == 1:  # "icecream"
                self._ids.setdefault(key.replace(" ", ""), self._ids[key])
            elif len(key) == 2 and key[1] == "子" and _may_name(key[0]):  # 椅, 杯
                self._ids.setdefault(key[0], self._ids[key])
        self._longest: dict[str, int] = {}  # first atom to the atoms of the longest word
        for key in (*self._ids, *self._senses, *self._absent):
            first, length = extent(key)
            if length > self._longest.get(first, 1):
                self._longest[first] = length
        self._near: NearWords | None = None  # made when first asked for

    @property
    def concepts(self) -> Mapping[str, Concept]:
        """Every concept by its id."""
        return MappingProxyType(self._concepts)

    def is_name(self, token: Token) -> bool:
        """Whether `token` is the very name of its best concept, not a synonym."""
        if not token.concept_ids:
            return False
        best = self._concepts[token.concept_ids[0]]
        return key_of(token.text) in (key_of(best.name_en), key_of(best.name_zh))

    def _only_adds_color(self, key: str) -> bool:
        """Whether a synonym is a colour and another word for the same thing.

        The colour of a drink is not that of its cup, and 黄牛 is a species, not a yellow ox.
        """
        best = self._concepts[self._ids[key][0]]
        species = best.group.startswith("animal") and is_chinese(key)
        if species or best.group == "drink" or key in (key_of(best.name_en), key_of(best.name_zh)):
            return False
        first, _, rest = key.partition(" ")
        splits = [(first, rest)]
        if is_chinese(key):
            splits = [(key[:at], key[at:]) for at in range(1, len(key) - 1)]  # not 白云
        return any(
            "color" in self._senses.get(color, {})
            and best.id in self._ids.get(noun, ())[:1]
            and noun not in self._senses  # cloud is a scene, "white cloud" is a thing
            for color, noun in splits
        )

    def stand_in(self, token: Token) -> str | None:
        """The name of what is drawn for `token` though it is another thing, or None."""
        key = key_of(token.text)
        forms = (key, *singulars(key))
        return next((self._stand_ins[form] for form in forms if form in self._stand_ins), None)

    def _take_absent(self, key: str, senses: Senses) -> None:
        """A thing that the table names because it is easily taken for another one."""
        likeness = senses.get("kin") or senses.get("absent")
        if not {"kin", "absent"} & set(senses):
            return
        del self._senses[key]
        if key in self._ids:  # the library has it by now
            return
        known = self._ids.get(key_of(likeness or ""), ())
        best = self._concepts[known[0]] if known else None
        name = "" if best is None else best.name_zh if is_chinese(key) else best.name_en
        if "kin" in senses and known:
            self._ids[key] = known
            self._stand_ins[key] = name
        else:
            self._absent[key] = name

    def spans(self, text: str) -> list[Span]:
        """Every word of `text` that names concepts, in order, not overlapping."""
        return [
            Span(token.start, token.end, text[token.start : token.end], token.concept_ids)
            for token in self.tokens(text)
            if token.concept_ids
        ]

    def tokens(self, text: str) -> list[Token]:
        """`text` cut into words and marks, in order; only white space and ties are left out."""
        folded = fold(text)
        atoms = atoms_of(folded)
        words = [match.group() for match in atoms]
        best: list[tuple[float, int, Token | None]] = [(0.0, 0, None)]  # cost, where from, token
        for _ in words:
            best.append((float("inf"), 0, None))
        for begin, word in enumerate(words):
            cost = best[begin][0]
            key = ""
            for length in range(1, min(self._longest_from(word), len(words) - begin) + 1):
                last = words[begin + length - 1]
                key = join(key, last)
                found = self._look_up(key, last, length)
                if found is None:
                    if length > 1 and not self._is_absent(key):
                        continue
                    found = ((), {}, False)
                ids, senses, plural = found
                price = _KNOWN_COST - _LENGTH_BONUS * length**2
                absent = length > 1 and not ids and not senses
                if not absent and not ids and not senses and last.isalnum():
                    price = _UNKNOWN_COST
                end = begin + length
                if cost + price < best[end][0]:
                    start, stop = atoms[begin].start(), atoms[end - 1].end()
                    token = Token(start, stop, folded[start:stop], ids, senses, plural, absent)
                    best[end] = (cost + price, begin, token)
        chosen: list[Token] = []
        at = len(words)
        while at > 0:
            _, at, picked = best[at]
            if picked is not None:
                chosen.append(picked)
        return chosen[::-1]

    def nearest(self, word: str, limit: int = 3) -> tuple[str, ...]:
        """Known words like `word`, best first: by spelling in English, by characters in Chinese."""
        if self._near is None:
            self._near = NearWords(self._ids, self._concepts)
        key = key_of(word)
        forms = (key, *singulars(key))
        likeness = next((self._absent[form] for form in forms if form in self._absent), "")
        first = (likeness,) if likeness else ()
        return tuple(dict.fromkeys((*first, *self._near.of(key, limit))))[:limit]

    def _is_absent(self, key: str) -> bool:
        return key in self._absent or any(form in self._absent for form in singulars(key))

    def _longest_from(self, word: str) -> int:
        return min(max(self._longest.get(word, 1), 1 if is_chinese(word) else 2), _LONGEST_WORD)

    def _is_plural(self, key: str, last: str, identity: str) -> bool:
        """Whether a listed word is the plural of another one of the same concept, and no name."""
        if not last.endswith("s") and last not in IRREGULAR:
            return False
        if key == key_of(self._concepts[identity].name_en):
            return False
        stem = key[: len(key) - len(last)]
        return any(identity in self._ids.get(stem + form, ()) for form in singulars(last))

    def _look_up(
        self, key: str, last: str, length: int
    ) -> tuple[tuple[str, ...], Senses, bool] | None:
        ids, senses = self._ids.get(key, ()), self._senses.get(key)
        if senses and set(senses.values()) == {"scene"} and not ids:  # "clouds" are things too
            forms = (self._ids.get(form, ()) for form in singulars(key))
            if ids := next(filter(None, forms), ()):
                return ids, senses, True
        if ids or senses:
            return ids, senses or {}, bool(ids) and self._is_plural(key, last, ids[0])
        if last.isascii() and last.isalpha():
            stem = key[: len(key) - len(last)]
            for form in singulars(last):
                if ids := self._ids.get(stem + form, ()):
                    return ids, {}, True
            for form in plurals(last):
                if ids := self._ids.get(stem + form, ()):
                    return ids, {}, False
            if length == 2 and (ids := self._ids.get(key.replace(" ", ""), ())):
                return ids, {}, False
        elif length == 1 and not last.isalnum() and unicodedata.category(last[0]) == "So":
            name = unicodedata.name(last, "").lower().replace("-", " ")
            for candidate in (name, name.removesuffix(" face"), name.rsplit(" ", 1)[-1]):
                if ids := self._ids.get(candidate, ()):
                    return ids, {}, False
        return None


def _may_name(char: str) -> bool:
    """Whether a Chinese character means nothing else that would be in the way of a noun."""
    return set(vocabulary().words.get(char, ())) <= {"measure"}


def _rank(concept: Concept, number: int) -> int:
    """Smaller is better: the user's own, the whole before a face, more drawings, earlier ones."""
    if concept.group == OWN:
        return number - 10 * _SYNONYM  # before every built-in one, were it by a synonym
    face = "face" in concept.group or concept.name_en.endswith("face")
    drawings = min(len(concept.exemplars), 9)
    return (face * 10 + 9 - drawings) * 100_000 + number
