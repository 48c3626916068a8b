"""What the user's own concepts may be called, and the ids that follow from it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from overpaint.concepts.atoms import key_of
from overpaint.concepts.concept import Concept, Placement
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.nearest import HAN, is_chinese
from overpaint.concepts.prompt import read_prompt
from overpaint.concepts.vocabulary import vocabulary
from overpaint.errors import InvalidOption

#: What the ids of own concepts begin with; no built-in one does.
OWN_PREFIX = "own-"
OWN_ID = re.compile(r"own-[a-z0-9]+(?:-[a-z0-9]+)*")

MAX_ENGLISH = 40  # characters
MAX_CHINESE = 20
MAX_KEYWORDS = 20
#: Letters (of any Latin alphabet), digits and single marks between them.
_ENGLISH = re.compile(rf"[^\W_{HAN}]+(?:[ '’&-][^\W_{HAN}]+)*")
_CHINESE = re.compile(rf"[A-Za-z0-9{HAN}]+(?:[ ·-][A-Za-z0-9{HAN}]+)*")
#: Prompts that a name has to be read in, by language.
_PROMPTS = {
    "en": ("{}", "put {} on the table", "replace the cat with {}"),
    "zh": ("{}", "桌上放着{}", "把猫换成{}"),
}

#: What the vocabulary says of things that the built-in library lacks.
_HARMLESS = frozenset({"absent", "kin"})


def check_names(name: object, name_zh: object) -> tuple[str, str]:
    """The English and the Chinese name with single spaces, one of them possibly empty.

    Raises `InvalidOption` with the field "name" or "name_zh".
    """
    english, chinese = _text("name", name), _text("name_zh", name_zh)
    if not english and not chinese:
        raise InvalidOption("name", "must be given, in English, in Chinese or both")
    if english:
        limit = (
            f"must be 1 to {MAX_ENGLISH} letters and digits of English, with single spaces,"
            " hyphens, apostrophes or & between them"
        )
        latin = all(not c.isalpha() or unicodedata.name(c, "").startswith("LATIN") for c in english)
        letter = re.search("[a-zA-Z]", english) is not None
        if not (len(english) <= MAX_ENGLISH and letter and latin and _ENGLISH.fullmatch(english)):
            raise InvalidOption("name", limit, repr(english))
    if chinese:
        limit = (
            f"must be 1 to {MAX_CHINESE} Chinese characters, letters and digits,"
            " at least one of them Chinese, with single spaces, hyphens or · between them"
        )
        short = len(chinese) <= MAX_CHINESE
        if not (short and is_chinese(chinese) and _CHINESE.fullmatch(chinese)):
            raise InvalidOption("name_zh", limit, repr(chinese))
    return english, chinese


def check_keywords(keywords: Sequence[object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """English and Chinese keywords, lower case, each once. Raises `InvalidOption`."""
    if isinstance(keywords, str):  # callers need not be typed
        keywords = (keywords,)
    words = list(dict.fromkeys(_text("keyword", word).lower() for word in keywords))
    if len(words) > MAX_KEYWORDS:
        raise InvalidOption("keyword", f"must be given {MAX_KEYWORDS} times at most", len(words))
    for word in words:
        if not 1 <= len(word) <= MAX_ENGLISH or not word.isprintable():
            limit = f"must be 1 to {MAX_ENGLISH} printable characters"
            raise InvalidOption("keyword", limit, repr(word))
    return (
        tuple(word for word in words if not is_chinese(word)),
        tuple(word for word in words if is_chinese(word)),
    )


def id_for(english: str, chinese: str) -> str:
    """The id of an own concept of these names: "own-our-mug", "own-5e2f9a01"."""
    plain = unicodedata.normalize("NFKD", english).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall("[a-z0-9]+", plain))
    return OWN_PREFIX + (slug or hashlib.sha256(key_of(chinese).encode()).hexdigest()[:8])


def words(name: str) -> tuple[str, ...]:
    """What a concept of this name answers to; nothing for no name."""
    return (name.lower(),) if name else ()


def usual_placement(names: Iterable[str], built_in: ConceptLibrary) -> Placement:
    """How the known thing sits that the first of `names` ends with; without one it stands."""
    lexicon = Lexicon(built_in.concepts.values())
    for name in names:
        spans = lexicon.spans(name)
        if spans and spans[-1].end == len(name):
            return built_in.concepts[spans[-1].concept_ids[0]].placement
    return "stands"


def keys_of(concept: Concept) -> frozenset[str]:
    """What the names of a concept are looked up by."""
    return frozenset(key_of(name) for name in (concept.name_en, concept.name_zh))


def check_read(concept: Concept, lexicon: Lexicon) -> None:
    """Raise `InvalidOption` unless prompts with its names ask for `concept`, of `lexicon`.

    A name such as "red" or 移除 is read as a colour or as what to do.
    """
    limit = "must be read as a thing; choose one that has no meaning of its own in prompts"
    for field, named in (("name", concept.words_en), ("name_zh", concept.words_zh)):
        for word in named:
            if not _HARMLESS.issuperset(vocabulary().words.get(key_of(word), ())):
                raise InvalidOption(field, limit, repr(word))
            for prompt in _PROMPTS["zh" if is_chinese(word) else "en"]:
                subjects = read_prompt(prompt.format(word), lexicon).subjects
                if len(subjects) != 1 or subjects[0].concept_ids[0] != concept.id:
                    raise InvalidOption(field, limit, repr(word))


def namesakes(concept: Concept, others: Iterable[Concept]) -> list[Concept]:
    """Those of `others` that are called as `concept` is, by a name or another word."""
    keys = keys_of(concept)
    return [
        one for one in others if keys & {key_of(word) for word in (*one.words_en, *one.words_zh)}
    ]


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):  # callers need not be typed
        raise InvalidOption(field, "must be text", type(value).__name__)
    return " ".join(unicodedata.normalize("NFC", value).split())
