from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import Subject
from overpaint.concepts.recall import (
    DRAWINGS,
    LOOKS,
    RAINBOW,
    choose_concept,
    choose_drawing,
    dress,
)
from overpaint.concepts.vocabulary import vocabulary
from overpaint.imaging.materials import MATERIALS
from overpaint.values import STYLES, Rgba8


@cache
def library() -> ConceptLibrary:
    return ConceptLibrary.open()


def subject(word: str, *ids: str, **said: object) -> Subject:
    return Subject(concept_ids=ids, word=word, **said)  # type: ignore[arg-type]


def ball(rgb: tuple[int, int, int] = (60, 90, 200)) -> Rgba8:
    ys, xs = np.mgrid[-1:1:120j, -1:1:120j]
    away = np.hypot(ys, xs)
    lit = np.clip(1.1 - 0.5 * np.hypot(ys + 0.4, xs + 0.4), 0.3, 1)[..., None]
    pixels: Rgba8 = np.zeros((120, 120, 4), np.uint8)
    pixels[..., :3] = np.array(rgb) * lit
    pixels[..., 3] = np.where(away < 0.97, 255, 0)
    return pixels


def mean_of(picture: Rgba8) -> list[float]:
    return [float(value) for value in picture[picture[..., 3] > 128][:, :3].mean(axis=0)]


def test_every_style_has_an_order_of_drawings() -> None:
    assert set(DRAWINGS) == set(STYLES)
    assert len({frozenset(order) for order in DRAWINGS.values()}) == 1


def test_every_material_that_prompts_name_can_be_drawn() -> None:
    named = {roles["material"] for roles in vocabulary().words.values() if "material" in roles}
    drawn = {LOOKS[name][0] if name in LOOKS else name for name in named}
    assert drawn <= set(MATERIALS)


def test_a_thing_that_is_called_so_is_meant() -> None:
    hat = subject("top hat", "top-hat", "sun-hat")
    ids = {choose_concept(hat, library(), np.random.default_rng(i)).id for i in range(30)}
    assert ids == {"top-hat"}


def test_a_kind_of_thing_may_be_any_of_its_kind_but_mostly_the_best() -> None:
    hat = subject("hat", "sun-hat", "top-hat", "baseball-cap")
    ids = Counter(choose_concept(hat, library(), np.random.default_rng(i)).id for i in range(200))
    assert set(ids) == {"sun-hat", "top-hat", "baseball-cap"}
    assert ids["sun-hat"] > 100


def test_what_is_to_be_avoided_is_not_taken_while_there_is_another() -> None:
    hat = subject("hat", "sun-hat", "top-hat")
    for i in range(20):
        chosen = choose_concept(hat, library(), np.random.default_rng(i), {"sun-hat"})
        assert chosen.id == "top-hat"
    alone = choose_concept(
        subject("hat", "sun-hat"), library(), np.random.default_rng(0), {"sun-hat"}
    )
    assert alone.id == "sun-hat"


def drawn_as(id_: str, style: str, *, size: float = 0, **said: object) -> Counter[str]:
    """How often each kind of drawing is taken."""
    concept = library().concepts[id_]
    kinds = {key: drawn for drawn, key in concept.exemplars}
    thing = subject(id_, id_, **said)
    keys = [
        choose_drawing(concept, thing, style, library(), np.random.default_rng(i), size=size)  # type: ignore[arg-type]
        for i in range(60)
    ]
    return Counter(kinds[key] for key in keys)


@pytest.mark.parametrize(("style", "kind"), [("flat illustration", "flat"), ("3d cartoon", "3d")])
def test_the_drawing_suits_the_style(style: str, kind: str) -> None:
    counts = drawn_as("cat", style)
    assert counts.most_common(1)[0][0] == kind
    assert len(counts) == 2  # the next best kind comes too


def test_a_photograph_is_preferred_where_it_stays_sharp() -> None:
    assert drawn_as("dress", "auto", size=200)["photo"] > 40
    assert drawn_as("dress", "auto", size=900)["photo"] == 0


def test_a_patterned_photograph_is_not_recoloured() -> None:
    concept = library().concepts["skirt"]

    def shown(**said: object) -> set[str]:
        return {
            choose_drawing(
                concept,
                subject("skirt", "skirt", **said),
                "auto",
                library(),
                np.random.default_rng(i),
            )
            for i in range(150)
        }

    assert shown(rgb=(217, 37, 37)) < shown()


def test_nothing_said_changes_nothing() -> None:
    assert np.array_equal(dress(ball(), None, "auto"), ball())
    assert np.array_equal(dress(ball(), subject("ball", "ball"), "auto"), ball())


def test_a_colour_is_given() -> None:
    red, green, blue = mean_of(
        dress(ball(), subject("ball", "b", color="red", rgb=(217, 37, 37)), "auto")
    )
    assert red > 2 * max(green, blue)


def test_a_golden_thing_is_gold_and_not_gold_painted_over() -> None:
    golden = subject("ball", "b", color="gold", rgb=(212, 160, 23), material="gold")
    only = subject("ball", "b", material="gold")
    assert np.array_equal(dress(ball(), golden, "auto"), dress(ball(), only, "auto"))


def test_a_material_may_have_another_colour() -> None:
    wooden = subject("ball", "b", color="blue", rgb=(40, 90, 210), material="wood")
    red, green, blue = mean_of(dress(ball((200, 150, 90)), wooden, "auto"))
    assert blue > max(red, green)


def test_jade_is_green() -> None:
    red, green, blue = mean_of(dress(ball(), subject("ball", "b", material="jade"), "auto"))
    assert green > max(red, blue)


def test_colourful_things_take_turns() -> None:
    colourful = subject("ball", "b", color="rainbow", rgb=(224, 82, 156))
    seen = {
        tuple(round(v, -1) for v in mean_of(dress(ball(), colourful, "auto", turn=i)))
        for i in range(6)
    }
    assert len(seen) == len(RAINBOW)


def test_one_sees_through_the_lenses_of_glasses_and_not_through_their_frame() -> None:
    glasses = library().concepts["glasses"]
    drawn = library().exemplar("glasses/fluent-3d", size=200).pixels
    dressed = dress(
        drawn,
        subject("glasses", "glasses", rgb=(217, 37, 37), color="red"),
        "auto",
        concept=glasses,
    )
    alpha = dressed[..., 3][drawn[..., 3] > 250]
    assert (alpha < 130).mean() > 0.3
    assert (alpha > 220).mean() > 0.15


def test_a_style_is_given() -> None:
    sketched = dress(ball(), None, "sketch")
    inside = sketched[sketched[..., 3] > 200][:, :3].astype(int)
    assert np.ptp(inside, axis=1).mean() < 20  # graphite has no colour
