"""The words that the painter knows: a bag of them is its text condition.

Chinese and English prompts are read by one lexicon into the same tokens, so both languages say
exactly the same to the painter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from overpaint.composer.conditions import Floats
from overpaint.concepts.concept import DRAWINGS, Concept
from overpaint.concepts.prompt import MAX_COUNT, Subject
from overpaint.concepts.vocabulary import vocabulary
from overpaint.imaging.materials import MATERIALS
from overpaint.values import STYLES, Style


class Vocabulary:
    """An ordered list of tokens; its order is part of the trained weights."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self._index = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        """Whether it is known."""
        return token in self._index

    def bag(self, tokens: Iterable[str]) -> Floats:
        """How often each token is said, one value a token; unknown ones are left out."""
        counts = np.zeros(len(self.tokens), np.float32)
        for token in tokens:
            if (index := self._index.get(token)) is not None:
                counts[index] += 1
        return counts


def build_vocabulary(concepts: Mapping[str, Concept]) -> Vocabulary:
    """All that the lexicon can say about these concepts."""
    return Vocabulary(
        [
            "action:remove",
            *(f"concept:{id}" for id in sorted(concepts)),
            *(f"color:{name}" for name in sorted(vocabulary().colors)),
            *(f"material:{name}" for name in MATERIALS),
            *(f"style:{style}" for style in STYLES),
            *(f"drawing:{drawing}" for drawing in DRAWINGS),
            *(f"count:{count}" for count in range(1, MAX_COUNT + 1)),
        ]
    )


def words_of(subjects: Iterable[Subject], *, style: Style = "auto") -> list[str]:
    """The tokens of what a prompt wants in the mask; "dark blue" says blue."""
    tokens = [f"style:{style}"]
    for subject in subjects:
        tokens.append(f"concept:{subject.concept_ids[0]}")
        tokens.append(f"count:{subject.count}")
        if subject.color is not None:
            tokens.append(f"color:{_basic(subject.color)}")
        if subject.material is not None:
            tokens.append(f"material:{subject.material}")
    return tokens


def _basic(color: str) -> str:
    """The name without its shade, where only so it is known."""
    return color if color in vocabulary().colors else color.rsplit(" ", 1)[-1]
