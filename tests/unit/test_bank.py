from __future__ import annotations

from pathlib import Path

import pytest
from tests.heavy import require
from tests.unit.tiny_bank import DRAWN, SPLITS, VOCABULARY, write_bank

from overpaint.errors import OperationFailed

torch = require("torch")

from overpaint.train.bank import PLACEMENTS, Bank  # noqa: E402


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    path = write_bank(tmp_path_factory.mktemp("bank") / "bank.zip")
    return Bank.load(path, vocabulary=VOCABULARY)


def test_every_kind_of_picture_is_there_in_its_size(bank: Bank) -> None:
    count = len(SPLITS)
    assert bank.photos[256].shape == (count, 3, 256, 256)
    assert bank.photos[128].shape == (count, 3, 128, 128)
    assert bank.large.shape == (count, 3, 512, 512)
    assert bank.fills.layers[256].shape == (count, 4, 256, 256)
    assert bank.cuts.layers[128].shape == (count, 4, 128, 128)
    assert [tuple(level.shape[1:]) for level in bank.drawings.layers] == [
        (4, 128, 128),
        (4, 64, 64),
        (4, 32, 32),
    ]


def test_nothing_is_both_learned_from_and_held_out(bank: Bank) -> None:
    for kind in ("photos", "large", "fills", "cuts", "drawings"):
        train, test = bank.splits[kind, "train"].tolist(), bank.splits[kind, "test"].tolist()
        assert not set(train) & set(test)
        assert sorted(train + test) == list(range(len(SPLITS)))


def test_a_fill_is_its_photograph_outside_the_hole(bank: Bank) -> None:
    layers = bank.fills.layers[256]
    outside = (layers[:, 3:] == 0).expand(-1, 3, -1, -1)
    photo = bank.photos[256][bank.fills.photo]
    assert torch.equal(layers[:, :3][outside], photo[outside])
    assert not torch.equal(layers[:, :3][~outside], photo[~outside])


def test_a_background_is_its_photograph_away_from_the_object(bank: Bank) -> None:
    layers, photo = bank.cuts.layers[256], bank.photos[256][bank.cuts.photo]
    assert torch.equal(layers[:, :3, :50], photo[:, :, :50])
    assert not torch.equal(layers[:, :3, 128], photo[:, :, 128])


def test_drawings_know_their_words_and_how_they_sit(bank: Bank) -> None:
    tokens = [VOCABULARY.tokens[place] for place in bank.drawings.token.tolist()]
    drawn = [VOCABULARY.tokens[place] for place in bank.drawings.drawn.tolist()]
    placements = [PLACEMENTS[place] for place in bank.drawings.placement.tolist()]
    assert tokens == [f"concept:{concept}" for concept, _, _ in DRAWN]
    assert drawn == [f"drawing:{drawing}" for _, drawing, _ in DRAWN]
    assert placements == ["stands", "worn", "floats", "stands"]


def test_a_missing_bank_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="the bank is missing"):
        Bank.load(tmp_path / "none.zip", vocabulary=VOCABULARY)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = write_bank(tmp_path / "bank.zip", format=7)
    with pytest.raises(OperationFailed, match=r"damaged.*format 7, not 1"):
        Bank.load(path, vocabulary=VOCABULARY)
