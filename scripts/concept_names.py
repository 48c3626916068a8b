"""Which emoji become concepts, and what those are called in English and Chinese.

Labels and groups come from Emojibase, keywords from Unicode's CLDR; `concepts_overrides.toml`
holds what people really say. A keyword is for searching only: it is never a name.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.concept_packages import CLDR, EMOJIBASE, Packages

OVERRIDES = Path(__file__).with_name("concepts_overrides.toml")

#: What a line of the overrides may say.
FIELDS = frozenset(
    ("en", "zh", "at", "also", "without", "bare", "outline", "group", "lone", "drop")
)
#: Subgroups of emoji of which nothing is a thing to be painted.
LEFT_OUT = frozenset(
    (
        *("hand-fingers-open", "hand-fingers-partial", "hand-single-finger"),
        *("hand-fingers-closed", "hands", "hand-prop", "person-symbol", "skin-tone", "hair-style"),
        *("transport-sign", "warning", "arrow", "religion", "zodiac", "av-symbol", "gender"),
        *("math", "punctuation", "currency", "other-symbol", "keycap", "alphanum", "geometric"),
        *("flag", "country-flag", "subdivision-flag", "emotion", "time", "family"),
    )
)
#: Subgroups whose things are in the air unless an override says otherwise.
FLOATING = frozenset(
    ("animal-bird", "animal-bug", "heart", "sky-weather", "transport-air", "emotion")
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A concept before it has pictures."""

    id: str
    emoji: tuple[str, ...]  # hexcodes without variation selectors, best first
    unicode_names: tuple[tuple[str, ...], ...]  # for each emoji, what sources may call it
    words_en: tuple[str, ...]  # the name first
    words_zh: tuple[str, ...]
    keywords_en: tuple[str, ...]
    keywords_zh: tuple[str, ...]
    group: str
    placement: str
    outline: tuple[str, ...]  # icons of IconPark that show it
    without: tuple[str, ...]  # sources that show something else
    bare: dict[str, tuple[str, ...]]  # by source: the parts of its drawing that are left out
    mirrorable: bool
    lone: bool  # kept even if it is drawn in one manner only


def hexcode(emoji: str) -> str:
    """Lower-case code points joined by `-`, without the variation selector."""
    return "-".join(f"{ord(char):x}" for char in emoji if char != "\ufe0f")


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits, words joined by `-`."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower().replace("'", "")).strip("-")


def read_names(packages: Packages) -> list[Named]:
    """Every concept, in the order of the emoji list."""
    english, chinese, groups, unicode_names = packages.json(
        EMOJIBASE,
        "en/data.json",
        "zh/data.json",
        "meta/groups.json",
        "meta/unicode-names.json",
    )
    annotations = [
        document["annotations"]["annotations"]
        for document in packages.json(
            CLDR, "annotations/en/annotations.json", "annotations/zh/annotations.json"
        )
    ]
    document = tomllib.loads(OVERRIDES.read_text(encoding="utf-8"))
    one_way = frozenset(document.pop("one_way").split())
    overrides = {hexcode(emoji): entry for emoji, entry in document.items()}
    odd = {key for entry in overrides.values() for key in entry} - FIELDS
    if odd:
        raise SystemExit(f"{OVERRIDES.name} has unknown fields: {sorted(odd)}")
    labels_zh = {entry["hexcode"]: entry for entry in chinese}
    facts = {hexcode(entry["emoji"]): entry for entry in english if "group" in entry}
    unknown = set(overrides) - set(facts)
    if unknown:
        raise SystemExit(f"{OVERRIDES.name} names what is no emoji: {sorted(unknown)}")
    taken = {hexcode(e) for entry in overrides.values() for e in entry.get("also", "").split()}

    def named(code: str, entry: dict[str, Any], override: dict[str, Any]) -> Named:
        label_zh = labels_zh[entry["hexcode"]]
        own = (code, *(hexcode(e) for e in override.get("also", "").split()))
        words_en = _split(override.get("en")) or _english(entry["label"])
        group = groups["subgroups"][str(entry["subgroup"])]
        words_zh = _split(override.get("zh")) or _chinese(label_zh["label"], group)
        keywords = [
            [
                *label.get("tags", ()),
                *annotation.get(entry["emoji"].replace("\ufe0f", ""), {}).get("default", ()),
                label["label"],
            ]
            for label, annotation in zip((entry, label_zh), annotations, strict=True)
        ]
        return Named(
            id=slug(words_en[0]),
            emoji=own,
            unicode_names=tuple(
                (facts[e]["label"], unicode_names.get(facts[e]["hexcode"], "")) for e in own
            ),
            words_en=words_en,
            words_zh=words_zh,
            keywords_en=_unlike(words_en, keywords[0]),
            keywords_zh=_unlike(words_zh, map(_plain, keywords[1])),
            group=override.get("group", group),
            placement=override.get("at", "floats" if group in FLOATING else "stands"),
            outline=tuple(override.get("outline", "").split()),
            without=tuple(override.get("without", "").split()),
            bare=_bare(override.get("bare", "")),
            mirrorable=slug(words_en[0]) not in one_way,
            lone=override.get("lone", False),
        )

    concepts = []
    for code, entry in facts.items():
        override = overrides.get(code)
        left_out = groups["subgroups"][str(entry["subgroup"])] in LEFT_OUT or "27a1" in code
        if code in taken or (override is None and left_out) or (override or {}).get("drop"):
            continue
        concepts.append(named(code, entry, override or {}))
    check_names(concepts)
    strangers = one_way - {concept.id for concept in concepts}
    if strangers:
        raise SystemExit(f"{OVERRIDES.name} has one-way things that are none: {sorted(strangers)}")
    return concepts


def check_names(concepts: Iterable[Named]) -> None:
    """Refuse two concepts of one id or one first Chinese name."""
    seen: dict[str, str] = {}
    clashes = [
        f"{name} ({seen[name]}, {concept.emoji[0]})"
        for concept in concepts
        for name in (concept.id, concept.words_zh[0])
        if seen.setdefault(name, concept.emoji[0]) != concept.emoji[0]
    ]
    if clashes:
        raise SystemExit(f"names of two concepts: {', '.join(clashes)}")


def _split(words: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (words or "").split(",") if word.strip())


def _bare(parts: str) -> dict[str, tuple[str, ...]]:
    """ "noto:0,2 twemoji:1.0" by source."""
    pairs = (part.partition(":") for part in parts.split())
    return {source: tuple(paths.split(",")) for source, _, paths in pairs}


def _unlike(names: tuple[str, ...], words: Iterable[str]) -> tuple[str, ...]:
    """The words that are not names, once each, in order, lower case."""
    known = {name.lower() for name in names}
    lower = (word.lower() for word in words)
    return tuple(dict.fromkeys(word for word in lower if word and word not in known))


def _plain(label: str) -> str:
    """A Chinese label without its punctuation and blanks."""
    return re.sub(r"[\s:：“”、,，]+", "", label).lower()


def _english(label: str) -> tuple[str, ...]:
    """An emoji's label as one would say it: "woman: red hair" -> "red-haired woman"."""
    text = label.lower().replace("’", "'")
    if match := re.fullmatch(r"(\w+): (\w+) hair", text):
        return (f"{match[2]}-haired {match[1]}", f"{match[1]} with {match[2]} hair")
    if match := re.fullmatch(r"(\w+): beard", text):
        return (f"bearded {match[1]}", f"{match[1]} with a beard")
    if match := re.fullmatch(r"(\w+): bald", text):
        return (f"bald {match[1]}",)
    if match := re.fullmatch(r"(man|woman|person) (\w+ing)", text):
        return (text, f"{match[2]} {match[1]}")
    if match := re.fullmatch(r"(man|woman) (?!with|in |.*ing\b)(.+)", text):
        return (text, f"{'male' if match[1] == 'man' else 'female'} {match[2]}")
    return (text,)


def _chinese(label: str, group: str) -> tuple[str, ...]:
    """A Chinese label as the name of a thing: "男生游泳" -> "游泳的男人", "大笑" -> "大笑表情"."""
    if match := re.fullmatch(r"(.+): (.+)", label):
        return (f"{_plain(match[2])}{_plain(match[1])}",)
    text = _plain(label)
    if group.startswith("face-") and group != "face-costume":
        return (text if text.endswith(("脸", "表情")) else f"{text}表情",)
    if group in ("person-gesture", "person-activity", "person-sport"):
        if match := re.fullmatch(r"([男女])生(.+)", text) or re.fullmatch(r"(.+)([男女])", text):
            who, does = sorted(match.groups(), key=len)
            return (f"{_doing(does)}的{who}人",)
        if not text.endswith(("人", "者", "选手", "兔先生", "兔女郎")):
            return (f"{_doing(text)}的人",)
    return (text,)


def _doing(text: str) -> str:
    return f"做{text}" if text.endswith("手势") else text
