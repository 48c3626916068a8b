"""The painter's network and its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.heavy import require

from overpaint.composer.conditions import (
    CONDITIONS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    PLANES,
    present,
    time_features,
)
from overpaint.composer.vocabulary import Vocabulary
from overpaint.errors import EngineFailed

torch = require("torch")

from overpaint.composer.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from overpaint.composer.network import Painter, PainterConfig  # noqa: E402

WORDS = 5
SMALL = PainterConfig(words=WORDS, channels=(8, 12, 16), blocks=(1, 1, 1), vector=16)


@pytest.fixture(scope="module")
def painter() -> Any:
    """A small network in which nothing is 0 any more, as after training."""
    torch.manual_seed(0)
    painter = Painter(SMALL)
    with torch.no_grad():
        for parameter in painter.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return painter.eval()


def _inputs(n: int = 1, side: int = 32, *, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    arrays = {
        "planes": rng.standard_normal((n, PLANE_CHANNELS, side, side), np.float32),
        "words": rng.integers(0, 2, (n, WORDS)).astype(np.float32),
        "palette": np.full((n, PALETTE_BINS), 1 / PALETTE_BINS, np.float32),
        "present": present(n=n),
        "time": time_features([0.5] * n, 1),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def test_it_begins_as_the_exemplar_itself() -> None:
    inputs = _inputs()
    with torch.no_grad():
        got = Painter(SMALL)(**inputs)
    torch.testing.assert_close(got, inputs["planes"][:, 7:10])


@pytest.mark.parametrize("shape", [(16, 16), (64, 32), (48, 80)])
def test_it_takes_every_shape_of_its_multiple(painter: Any, shape: tuple[int, int]) -> None:
    inputs = _inputs(2) | {"planes": torch.zeros(2, PLANE_CHANNELS, *shape)}
    with torch.no_grad():
        assert painter(**inputs).shape == (2, 3, *shape)
    assert SMALL.multiple == 16


def test_the_config_says_how_large_it_is(painter: Any) -> None:
    assert len(painter.down) == len(SMALL.channels)
    default = sum(p.numel() for p in Painter(PainterConfig(words=1_300)).parameters())
    assert 8e6 < default < 16e6


@pytest.mark.parametrize("plane", range(len(PLANES)))
def test_every_plane_matters(painter: Any, plane: int) -> None:
    first = sum(channels for _, channels in PLANES[:plane])
    inputs = _inputs()
    changed = inputs["planes"].clone()
    changed[:, first : first + PLANES[plane][1]] += 1
    with torch.no_grad():
        difference = painter(**inputs) - painter(**(inputs | {"planes": changed}))
    assert difference.abs().mean() > 1e-3, PLANES[plane][0]


@pytest.mark.parametrize("name", ["words", "palette", "time"])
def test_every_vector_matters(painter: Any, name: str) -> None:
    inputs = _inputs()
    changed = inputs[name].flip(1) + torch.linspace(0, 1, inputs[name].shape[1])
    with torch.no_grad():
        difference = painter(**inputs) - painter(**(inputs | {name: changed}))
    assert difference.abs().mean() > 1e-3


@pytest.mark.parametrize("condition", CONDITIONS)
def test_absence_of_every_condition_is_seen(painter: Any, condition: str) -> None:
    inputs = _inputs()
    absent = torch.from_numpy(present(condition))
    with torch.no_grad():
        difference = painter(**inputs) - painter(**(inputs | {"present": absent}))
    assert difference.abs().mean() > 1e-4


def test_a_picture_does_not_depend_on_its_batch(painter: Any) -> None:
    inputs = _inputs(3)
    with torch.no_grad():
        together = painter(**inputs)
        alone = painter(**{name: value[1:2] for name, value in inputs.items()})
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_brings_back_network_words_and_what_is_said_of_it(
    painter: Any, tmp_path: Path
) -> None:
    path = tmp_path / "painter.safetensors"
    save_checkpoint(
        path,
        painter,
        Vocabulary(["红", "b", "c", "d", "e"]),
        data={"photographs": "CC0-1.0"},
        training={"steps": 3},
        scores={"colour words": 0.9},
        dtype=torch.float32,
    )
    loaded, words, said = load_checkpoint(path)
    assert loaded.config == SMALL
    assert words.tokens == ("红", "b", "c", "d", "e")
    assert said["data"] == {"photographs": "CC0-1.0"}
    assert said["training"] == {"steps": 3}
    assert said["scores"] == {"colour words": 0.9}
    with torch.no_grad():
        torch.testing.assert_close(loaded(**_inputs()), painter(**_inputs()))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_half_precision_halves_the_file_and_hardly_changes_the_picture(
    painter: Any, tmp_path: Path
) -> None:
    sizes = {}
    for dtype in (torch.float16, torch.float32):
        path = tmp_path / f"{dtype}.safetensors"
        save_checkpoint(path, painter, Vocabulary("abcde"), data={}, training={}, dtype=dtype)
        sizes[dtype] = path.stat().st_size
        with torch.no_grad():
            got, due = load_checkpoint(path)[0](**_inputs()), painter(**_inputs())
        assert (got - due).abs().max() < 5e-3 * due.abs().max()
    assert sizes[torch.float16] < 0.6 * sizes[torch.float32]


def test_a_torn_file_is_an_error_that_names_it(painter: Any, tmp_path: Path) -> None:
    path = tmp_path / "painter.safetensors"
    save_checkpoint(path, painter, Vocabulary("abcde"), data={}, training={})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(EngineFailed, match=r"painter\.safetensors cannot be read"):
        load_checkpoint(path)
    with pytest.raises(EngineFailed, match=r"none\.safetensors cannot be read"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"format": '"something"'})
    with pytest.raises(EngineFailed, match="must be of format overpaint-painter-1, got something"):
        load_checkpoint(path)
