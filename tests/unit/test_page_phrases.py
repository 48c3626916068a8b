"""What the page's lettering helper writes into a prompt is read as it was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import LetteringRequest, read_prompt
from overpaint.concepts.vocabulary import EFFECTS, vocabulary

#: What `phrase` of lettering.ts gives; its own test holds it to this list.
PHRASES = Path(__file__).parents[2] / "web" / "src" / "panel" / "lettering.phrases.json"
METALS = ("gold", "silver")  # effects that bring their colour along


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(ConceptLibrary.open().concepts.values())


def written() -> list[dict[str, Any]]:
    phrases: list[dict[str, Any]] = json.loads(PHRASES.read_text(encoding="utf-8"))
    return phrases


def test_there_are_phrases_of_every_effect_in_both_languages() -> None:
    for language in ("en", "zh"):
        effects = [one["effects"] for one in written() if one["language"] == language]
        assert all([effect] in effects for effect in EFFECTS)


@pytest.mark.parametrize("one", written(), ids=lambda one: str(one["phrase"]))
def test_a_phrase_is_read_as_lettering_with_its_looks(
    one: dict[str, Any], lexicon: Lexicon
) -> None:
    reading = read_prompt(one["phrase"], lexicon)
    color = one["ink"] or next((name for name in METALS if name in one["effects"]), None)
    assert reading.lettering == LetteringRequest(
        text=one["text"],
        color=vocabulary().colors[color] if color else None,
        effects=tuple(effect for effect in EFFECTS if effect in one["effects"]),
        vertical={"auto": None, "vertical": True, "horizontal": False}[one["layout"]],
    )
    assert reading.subjects == ()
    assert reading.unknown == ()
