from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.unit.tiny_graph import message, metadata, tiny_graph

from overpaint.composer.conditions import (
    CONDITIONS,
    FORMAT,
    INPUTS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    TIME_FEATURES,
    Floats,
)
from overpaint.engines.runtime import Graph, read_metadata
from overpaint.errors import EngineFailed

WORDS = 5


def feed(
    n: int = 1, height: int = 16, width: int = 32, words: int = WORDS
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n + height + width)
    widths = (words, PALETTE_BINS, len(CONDITIONS), TIME_FEATURES)
    shapes = [(n, PLANE_CHANNELS, height, width), *((n, size) for size in widths)]
    return {
        name: rng.standard_normal(shape, np.float32)
        for name, shape in zip(INPUTS, shapes, strict=True)
    }


def tiny(folder: Path) -> Graph:
    path = folder / "painter.onnx"
    path.write_bytes(tiny_graph(WORDS))
    return Graph(path)


def test_a_graph_computes_what_it_says(tmp_path: Path) -> None:
    given = feed(2)
    told: Floats = np.zeros(2, np.float32)
    for place, name in enumerate(INPUTS[1:], start=1):
        weight = np.full(given[name].shape[1], 0.01 * place, np.float32)
        weight[::2] *= -0.5
        told += given[name] @ weight
    planes = given["planes"]
    mixed = (
        0.9 * planes[:, 7:10] + 0.05 * planes[:, :3] + 0.03 * planes[:, 10:].sum(1, keepdims=True)
    )
    assert np.allclose(tiny(tmp_path)(given), mixed + told[:, None, None, None], atol=1e-5)


def test_sizes_may_change_from_call_to_call(tmp_path: Path) -> None:
    graph = tiny(tmp_path)
    first = graph(feed())
    assert graph(feed(3, 64, 16)).shape == (3, 3, 64, 16)
    assert np.array_equal(graph(feed()), first)


def test_threads_may_share_a_graph(tmp_path: Path) -> None:
    graph = tiny(tmp_path)
    given = [feed(height=16 * (1 + i % 3)) for i in range(24)]
    alone = [graph(one) for one in given]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(graph, given))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_metadata_are_read_as_json() -> None:
    said = {"tokens": ["concept:cat", "颜色"], "levels": [0, 1], "scores": {"psnr": 30.5}}
    assert read_metadata(message(7, b"graph") + metadata(said)) == said


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"weights cannot be read: .*none\.onnx"):
        Graph(tmp_path / "none.onnx")


@pytest.mark.parametrize("kept", [0.001, 0.3, 0.9, 0.999])
def test_a_torn_file_is_told(tmp_path: Path, kept: float) -> None:
    data = tiny_graph(WORDS)
    path = tmp_path / "torn.onnx"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(EngineFailed, match=r"cannot be read|must be of format"):
        Graph(path)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n", b"\x0f", b"\xff" * 40, message(14, message(1, "a"))]
)
def test_what_is_no_graph_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(data)
    with pytest.raises(EngineFailed, match="weights cannot be read"):
        Graph(path)


def test_a_broken_graph_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(message(7, b"graph") + metadata({"format": FORMAT}))
    with pytest.raises(EngineFailed, match="weights cannot be read"):
        Graph(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "painter.onnx"
    path.write_bytes(tiny_graph(WORDS, {"format": "overpaint-painter-9"}))
    with pytest.raises(EngineFailed, match=r"must be of format overpaint-painter-1, got .*-9"):
        Graph(path)


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_do_not_fit_are_told(tmp_path: Path, name: str) -> None:
    graph = tiny(tmp_path)
    given = feed()
    with pytest.raises(EngineFailed, match=rf"network wants \d+ {name}, got \d+"):
        graph({**given, name: given[name][:, 1:]})
    with pytest.raises(EngineFailed, match=rf"network wants \d+ {name}, got 0"):
        graph({other: value for other, value in given.items() if other != name})


def test_inputs_of_different_numbers_are_told(tmp_path: Path) -> None:
    given = feed(2)
    with pytest.raises(EngineFailed, match="network failed"):
        tiny(tmp_path)({**given, "words": given["words"][:, :, None]})
