"""What the painter is told: palettes, noise features, words."""

from __future__ import annotations

import numpy as np
import pytest

from overpaint.composer.conditions import (
    CONDITIONS,
    PALETTE_BINS,
    PALETTE_LEVELS,
    TIME_FEATURES,
    palette_of,
    palette_of_colors,
    present,
    time_features,
)
from overpaint.composer.vocabulary import Vocabulary, build_vocabulary, words_of
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.prompt import read_prompt


def test_a_palette_sums_to_one_and_keeps_the_mean_colour() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    palette = palette_of(rgb)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 255, PALETTE_LEVELS)] * 3, indexing="ij"), -1)
    assert palette.shape == (PALETTE_BINS,)
    assert palette.sum() == pytest.approx(1)
    mean = (palette[:, None] * grid.reshape(-1, 3)).sum(axis=0)
    np.testing.assert_allclose(mean, rgb.reshape(-1, 3).mean(axis=0), rtol=1e-4)


def test_a_colour_on_the_grid_is_one_bin() -> None:
    palette = palette_of_colors([(255, 0, 85)])
    assert int(palette.argmax()) == 3 * 16 + 0 * 4 + 1
    assert palette.max() == pytest.approx(1)


def test_a_palette_counts_by_weight() -> None:
    rgb = np.asarray([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    palette = palette_of(rgb, np.asarray([[3, 1]], np.float32))
    np.testing.assert_allclose(palette, palette_of_colors([(255, 0, 0), (0, 0, 255)], [3, 1]))
    assert palette[48] == pytest.approx(0.75)
    assert not palette_of(rgb, np.zeros((1, 2), np.float32)).any()


def test_noise_features_tell_noises_and_levels_apart() -> None:
    features = time_features([0.1, 0.11, 1.0], 2)
    assert features.shape == (3, TIME_FEATURES)
    assert np.abs(features[0] - features[1]).max() > 0.1
    assert np.abs(time_features([0.5], 0) - time_features([0.5], 1)).max() == 1


def test_dropped_conditions_are_absent_and_others_present() -> None:
    flags = present("text", "sketch", n=2)
    assert flags.shape == (2, len(CONDITIONS))
    assert [name for name, flag in zip(CONDITIONS, flags[1], strict=True) if not flag] == [
        "text",
        "sketch",
    ]
    with pytest.raises(ValueError, match="must be among text, exemplar"):
        present("colour")


def test_a_bag_counts_known_words_and_leaves_out_others() -> None:
    words = Vocabulary(["a", "b", "c"])
    np.testing.assert_array_equal(words.bag(["c", "a", "c", "z"]), [1, 0, 2])
    assert len(words) == 3
    assert "b" in words
    assert "z" not in words


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("三个红苹果", "three red apples"),
        ("一只狗戴着蓝色眼镜", "a dog wearing blue glasses"),
        ("一个金色的奖杯", "a golden trophy"),
        ("木头做的椅子", "a wooden chair"),
    ],
)
def test_both_languages_say_the_same_words(chinese: str, english: str) -> None:
    concepts = ConceptLibrary.open().concepts
    lexicon = Lexicon(concepts.values())
    known = build_vocabulary(concepts)
    said = [words_of(read_prompt(text, lexicon).subjects) for text in (chinese, english)]
    assert said[0] == said[1]
    assert len(said[0]) >= 3
    assert all(token in known for token in said[0])


def test_a_shade_of_a_colour_is_said_as_the_colour() -> None:
    concepts = ConceptLibrary.open().concepts
    reading = read_prompt("a dark blue cup", Lexicon(concepts.values()))
    assert "color:blue" in words_of(reading.subjects, style="watercolor")
    assert "style:watercolor" in words_of(reading.subjects, style="watercolor")
