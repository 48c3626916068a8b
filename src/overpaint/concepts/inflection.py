"""English singulars and plurals, guessed by their endings."""

from __future__ import annotations

from collections.abc import Iterator

IRREGULAR = {
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "men": "man",
    "women": "woman", "children": "child", "people": "person", "oxen": "ox", "dice": "die",
    "cacti": "cactus", "octopi": "octopus", "fungi": "fungus", "snowmen": "snowman",
    "policemen": "policeman", "firemen": "fireman", "mermen": "merman", "kids": "child",
}  # fmt: skip


def singulars(word: str) -> Iterator[str]:
    """What a lower-case English `word` may be the plural of, likeliest first."""
    if word in IRREGULAR:
        yield IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return
    if word.endswith("ves"):
        yield word[:-3] + "f"
        yield word[:-3] + "fe"
    if word.endswith("ies"):
        yield word[:-3] + "y"
    yield word[:-1]
    if word.endswith("es"):
        yield word[:-2]


def plurals(word: str) -> Iterator[str]:
    """How the plural of a lower-case English `word` may be written."""
    yield word + "s"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        yield word + "es"
