"""The engine's fast path against torch: one network, and the whole way from noise to picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.heavy import require

from overpaint.composer.conditions import (
    CONDITIONS,
    INPUTS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    TIME_FEATURES,
    Floats,
    palette_of_colors,
)
from overpaint.engines.builtin import Painter
from overpaint.engines.painting import Sheet, paint
from overpaint.engines.runtime import Graph

torch = require("torch")
require("onnxruntime")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    from tests.unit.small_painter import exported

    return exported(tmp_path_factory.mktemp("painter"))


def by_torch(painter: Any, given: Mapping[str, Floats]) -> Floats:
    with torch.inference_mode():
        made: Floats = painter(*(torch.from_numpy(given[name]) for name in INPUTS)).numpy()
    return made


def test_the_exported_painter_agrees_with_torch(both: tuple[Any, Path]) -> None:
    painter, path = both
    graph = Graph(path)
    widths = (painter.config.words, PALETTE_BINS, len(CONDITIONS), TIME_FEATURES)
    for n, height, width in ((1, 64, 64), (4, 16, 48), (1, 128, 64)):
        rng = np.random.default_rng(height)
        shapes = [(n, PLANE_CHANNELS, height, width), *((n, size) for size in widths)]
        drawn = [rng.standard_normal(shape, np.float32) for shape in shapes]
        given = dict(zip(INPUTS, drawn, strict=True))
        wanted = by_torch(painter, given)
        assert np.abs(graph(given) - wanted).max() <= 1e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_the_whole_way_from_noise_agrees_with_torch(
    both: tuple[Any, Path], guidance: float
) -> None:
    painter, path = both
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    mask = np.zeros((200, 260), np.uint8)
    cv2.ellipse(mask, (130, 100), (70, 50), 0, 0, 360, 1, -1)
    sheet = Sheet(
        recomposed=np.asarray(cv2.resize(coarse, (260, 200)), np.uint8),
        mask=mask.astype(bool),
        silhouette=mask.astype(np.float32) * np.float32(0.5),
        words=np.ones(painter.config.words, np.float32),
        palette=palette_of_colors([(255, 0, 0)]),
        guidance=guidance,
        seed=7,
    )
    fast = paint(Graph(path), sheet, (0, 1, 2))
    plain = paint(lambda given: by_torch(painter, given), sheet, (0, 1, 2))
    assert np.abs(plain).max() > 5
    assert np.abs(fast - plain).max() <= 1e-3 * np.abs(plain).max()


def test_what_the_weights_say_is_understood(both: tuple[Any, Path]) -> None:
    from tests.unit.small_painter import TOKENS

    painter = Painter.open(both[1])
    assert painter.vocabulary.tokens == TOKENS
    assert painter.levels == (0, 1, 2)
    assert painter.refine_removal
