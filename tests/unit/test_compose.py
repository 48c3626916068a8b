from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.heavy import require
from tests.unit.tiny_bank import VOCABULARY, write_bank

from overpaint.composer.conditions import palette_of as plain_palette_of
from overpaint.concepts.vocabulary import vocabulary

torch = require("torch")

from overpaint.train.bank import Bank  # noqa: E402
from overpaint.train.compose import KINDS, Batch, compose, palette_of  # noqa: E402
from overpaint.train.sheet import contact_sheet  # noqa: E402
from overpaint.train.tone import recolored  # noqa: E402


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    path = write_bank(tmp_path_factory.mktemp("bank") / "bank.zip")
    return Bank.load(path, vocabulary=VOCABULARY)


def make(bank: Bank, count: int = 6, side: int = 64, seed: int = 1, **how: str) -> Batch:
    return compose(bank, count, side, torch.Generator().manual_seed(seed), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [64, 96, 128])
def test_planes_have_their_shapes_and_ranges(bank: Bank, kind: str, side: int) -> None:
    batch = make(bank, 5, side, kind=kind)
    square = (side, side)
    assert batch.picture.shape == batch.exemplar.shape == (5, 3, *square)
    for plane in (batch.mask, batch.silhouette, batch.sketch, batch.intensity):
        assert plane.shape == (5, 1, *square)
    assert batch.words.shape == (5, len(VOCABULARY))
    for plane, low in (
        (batch.picture, -1),
        (batch.exemplar, -1),
        (batch.intensity, -1),
        (batch.silhouette, 0),
        (batch.sketch, 0),
    ):
        assert torch.isfinite(plane).all()
        assert plane.min() >= low - 1e-6
        assert plane.max() <= 1 + 1e-6
    assert set(batch.mask.flatten().tolist()) <= {0.0, 1.0}
    assert (batch.mask.sum((1, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_mask_the_exemplar_is_the_picture(bank: Bank, kind: str) -> None:
    batch = make(bank, kind=kind)
    outside = (batch.mask == 0).expand(-1, 3, -1, -1)
    assert torch.equal(batch.exemplar[outside], batch.picture[outside])
    assert not torch.equal(batch.exemplar[~outside], batch.picture[~outside])


def test_conditions_tell_nothing_outside_the_mask(bank: Bank) -> None:
    batch = make(bank, 12)
    outside = batch.mask == 0
    for plane in (batch.sketch, batch.intensity, batch.silhouette):
        assert (plane[outside] == 0).all()


def test_only_what_is_put_in_has_a_silhouette(bank: Bank) -> None:
    for kind in KINDS:
        covered = make(bank, kind=kind).silhouette.sum((1, 2, 3)) > 0
        assert covered.all() if kind in ("drawn", "cut-out") else not covered.any()


def test_the_same_generator_gives_the_same_batch(bank: Bank) -> None:
    first, again, other = make(bank), make(bank), make(bank, seed=2)
    for field in dataclasses.fields(Batch):
        assert torch.equal(getattr(first, field.name), getattr(again, field.name))
    assert not torch.equal(first.picture, other.picture)


def test_all_kinds_occur(bank: Bank) -> None:
    kinds = make(bank, 96).kind
    assert set(kinds.tolist()) == set(range(len(KINDS)))


def test_large_pictures_are_composed_without_small_sources(bank: Bank) -> None:
    batch = make(bank, 4, 512)
    assert {KINDS[kind] for kind in batch.kind.tolist()} <= {"drawn", "plain"}
    assert batch.picture.shape[-1] == 512


def test_held_out_concepts_are_named_only_where_asked_for(bank: Bank) -> None:
    photo = VOCABULARY.tokens.index("drawing:photo")  # the only held-out drawing is one
    assert make(bank, 40, kind="drawn").words[:, photo].sum() == 0
    assert make(bank, 40, kind="drawn", split="test").words[:, photo].sum() > 0


def test_words_say_concept_and_count(bank: Bank) -> None:
    words = make(bank, 20, kind="drawn").words
    concepts = [i for i, token in enumerate(VOCABULARY.tokens) if token.startswith("concept:")]
    counts = [i for i, token in enumerate(VOCABULARY.tokens) if token.startswith("count:")]
    assert (words[:, concepts].sum(1) >= 1).all()
    assert (words[:, counts].sum(1) >= 1).all()


def test_palettes_sum_to_one(bank: Bank) -> None:
    total = make(bank, 12).palette.sum(1)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-4)


def test_the_palette_is_that_of_the_plain_reference() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    weight = np.random.default_rng(1).random((32, 32), dtype=np.float32)
    picture = torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255
    found = palette_of(picture, torch.from_numpy(weight)[None, None], torch.ones(1, 1, 32, 32))
    np.testing.assert_allclose(found[0].numpy(), plain_palette_of(rgb, weight), atol=1e-5)


@pytest.mark.parametrize("name", ["red", "orange", "yellow", "green", "blue", "purple", "pink"])
def test_a_recoloured_object_has_the_hue_of_its_word(name: str) -> None:
    shade = torch.linspace(0.3, 1.0, 32).view(1, 1, 1, 32)
    color = torch.tensor((0.2, 0.7, 0.4)).view(1, 3, 1, 1) * shade.expand(1, 1, 32, 32)
    target = torch.tensor([vocabulary().colors[name]]) / 255
    painted = recolored(color, torch.ones(1, 1, 32, 32), target)
    mean = painted.mean((2, 3)) - painted.mean()
    asked = target - target.mean()
    assert torch.cosine_similarity(mean, asked).item() > 0.97


def test_colour_words_match_the_truth(bank: Bank) -> None:
    batch = make(bank, 120, kind="drawn", seed=4)
    place = VOCABULARY.tokens.index("color:blue")
    chosen = (batch.words[:, place] > 0) & (batch.words.sum(1) < 6)
    assert chosen.any()
    cover = batch.silhouette[chosen]
    mean = (batch.picture[chosen] * cover).sum((2, 3)) / cover.sum((2, 3))
    assert (mean[:, 2] > mean[:, 0]).float().mean() > 0.8


def test_a_side_that_does_not_divide_is_refused(bank: Bank) -> None:
    with pytest.raises(ValueError, match="a side that 32 divides, got 2 of 100"):
        make(bank, 2, 100)


def test_the_contact_sheet_shows_five_columns(bank: Bank) -> None:
    sheet = contact_sheet(make(bank, 3), gap=2)
    assert sheet.shape == (3 * 66, 5 * 66, 3)
    assert sheet.dtype == np.uint8
