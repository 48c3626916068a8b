"""The exported graph, against the network and in the engine's own runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.heavy import require

torch = require("torch")
onnx = require("onnx")
require("onnxruntime")
require("onnxscript")

from tests.unit.train_source import Discs, small  # noqa: E402

from overpaint.composer.checkpoint import load_checkpoint  # noqa: E402
from overpaint.composer.conditions import INPUTS  # noqa: E402
from overpaint.composer.network import Painter  # noqa: E402
from overpaint.engines.runtime import Graph  # noqa: E402
from overpaint.errors import EngineFailed, OperationFailed  # noqa: E402
from overpaint.train import export as exporting  # noqa: E402
from overpaint.train.loop import WEIGHTS, Trainer  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network whose every weight matters."""
    out = tmp_path_factory.mktemp("run")
    trainer = Trainer(small(1), Discs(), torch.device("cpu"), out)
    torch.manual_seed(0)
    for value in trainer.average.weights.values():
        value.copy_(torch.randn(value.shape) * 0.1)
    trainer.save({"held_out": 1.5})
    return out / WEIGHTS


@pytest.fixture(scope="module")
def graph(weights: Path) -> Path:
    target = weights.with_name("painter.onnx")
    assert exporting.export(weights, target) < 1e-5
    return target


def test_the_graph_paints_the_same_in_the_engine(weights: Path, graph: Path) -> None:
    painter, vocabulary, _ = load_checkpoint(weights)
    loaded = Graph(graph)
    for shape in ((1, 64, 64), (2, 48, 80)):
        inputs = exporting.random_inputs(painter, *shape)
        with torch.no_grad():
            wanted = painter(*inputs).numpy()
        fed = {n: v.numpy() for n, v in zip(INPUTS, inputs, strict=True)}
        assert np.abs(loaded(fed) - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert loaded.metadata["tokens"] == list(vocabulary.tokens)
    assert loaded.metadata["levels"] == [0, 1]
    assert loaded.metadata["scores"] == {"held_out": 1.5}
    assert loaded.metadata["config"]["channels"] == [8, 8, 8]


def test_its_weights_are_stored_in_half_the_room(graph: Path) -> None:
    model = onnx.load(graph)
    large = [t for t in model.graph.initializer if np.prod(t.dims) >= exporting.WORTH_HALVING]
    assert large
    assert {t.data_type for t in large} <= {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64}


def test_a_graph_that_disagrees_is_not_written(
    weights: Path, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter, _, _ = load_checkpoint(weights)
    torch.nn.init.constant_(painter.leave.bias, 3.0)
    assert exporting.disagreement(painter, graph.read_bytes()) > exporting.TOLERANCE

    def stored(_: Painter) -> object:
        return onnx.load(graph)

    monkeypatch.setattr(exporting, "graph_of", stored)
    monkeypatch.setattr(exporting, "halved", lambda model: model)
    _, vocabulary, metadata = load_checkpoint(weights)
    monkeypatch.setattr(exporting, "load_checkpoint", lambda _: (painter, vocabulary, metadata))
    with pytest.raises(OperationFailed, match=r"agree with the network to 0\.001, got"):
        exporting.export(weights, tmp_path / "no.onnx")
    monkeypatch.setattr(exporting, "MOST_BYTES", 10)
    with pytest.raises(OperationFailed, match="at most 10 bytes, got"):
        exporting.export(weights, tmp_path / "no.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exporting.main([str(tmp_path / "none.safetensors"), str(tmp_path / "no.onnx")]) == 1
    assert "cannot be read as a checkpoint" in capsys.readouterr().err


def test_scores_go_with_the_weights_and_say_whether_removals_are_refined(tmp_path: Path) -> None:
    table = tmp_path / "scores.json"

    def written(builtin: float) -> dict[str, Any]:
        values = {"erase": 25.0, "builtin": builtin}
        rows = [
            {"measure": "removal: PSNR, dB", "values": values},
            {"measure": "seam", "values": {"collage": 0.2}},
        ]
        table.write_text(json.dumps({"rows": rows}), encoding="utf-8")
        return exporting.scores_of(table)

    assert written(25.5) == {"removal: PSNR, dB": 25.5, "refine_removal": True}
    assert written(24.5)["refine_removal"] is False


def test_scores_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=r"none\.json cannot be read as scores"):
        exporting.scores_of(tmp_path / "none.json")


def test_a_run_can_begin_with_the_graph_that_ships(weights: Path, graph: Path) -> None:
    painter, vocabulary, said = load_checkpoint(weights)
    again, words, told = load_checkpoint(graph)
    assert words.tokens == vocabulary.tokens
    assert told["training"] == said["training"]
    for name, value in painter.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    trainer = Trainer(small(1), Discs(), torch.device("cpu"), graph.parent / "next")
    trainer.resume(graph)
    torch.testing.assert_close(trainer.painter.state_dict(), again.state_dict())


def test_a_torn_graph_is_named(graph: Path, tmp_path: Path) -> None:
    torn = tmp_path / "painter.onnx"
    torn.write_bytes(graph.read_bytes()[:2000])
    with pytest.raises(EngineFailed, match=r"painter\.onnx cannot be read as a checkpoint"):
        load_checkpoint(torn)
