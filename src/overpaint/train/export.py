"""Turn a checkpoint into the graph that the engine runs: `python -m overpaint.train.export`.

The graph is ONNX with free batch, height and width, of plain operators (Conv, ConvTranspose, Gemm,
LeakyRelu, Add, Mul, Split, Slice, Reshape, ReduceMean) that ONNX Runtime, OpenVINO and
OpenCV 5 all load. It computes in float32; its weights are stored as float16 and widened when it is
loaded, which is exact for a checkpoint, as that stores the same values. What the weights are,
how they were trained and what the inputs mean travel in the metadata, each value as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from onnx import TensorProto, helper, numpy_helper

from overpaint.composer.checkpoint import HALVED, load_checkpoint, write_whole
from overpaint.composer.conditions import (
    CONDITIONS,
    FORMAT,
    INPUTS,
    PALETTE_BINS,
    PLANES,
    TIME_FEATURES,
)
from overpaint.composer.network import Painter
from overpaint.diffusion.schedule import SIDES
from overpaint.errors import OperationFailed, OverpaintError

#: The name of the graph's output.
OUTPUT = "picture"
OPSET = 18
#: The largest relative error allowed between the graph and the network.
TOLERANCE = 1e-3
#: The largest graph allowed, in bytes.
MOST_BYTES = 40 * 1000 * 1000
#: Tensors with at least this many values are stored in half the room.
WORTH_HALVING = 64
#: The measure that says whether the painter betters a continued background.
REMOVAL = "removal: PSNR, dB"
#: Batch, height and width at which graph and network are compared.
SHAPES = ((1, 64, 64), (3, 128, 96), (1, 256, 256))


def export(source: Path, target: Path, scores: Mapping[str, Any] | None = None) -> float:
    """Write the graph of a checkpoint, after checking that it agrees with the network.

    Args:
        source: the checkpoint.
        target: where to.
        scores: what to say of it besides the checkpoint's own scores.

    Returns:
        The largest relative error, max|a - b| / max|a|, over several shapes.

    Raises:
        OperationFailed: graph and network disagree, or the graph is too large; nothing is written.
    """
    painter, vocabulary, metadata = load_checkpoint(source)
    painter.eval()
    graph = halved(graph_of(painter))
    said = {
        **metadata,
        "format": FORMAT,
        "scores": {**metadata["scores"], **(scores or {})},
        "tokens": list(vocabulary.tokens),
        "conditions": CONDITIONS,
        "planes": PLANES,
        "sides": SIDES,
        "levels": [
            SIDES.index(level["side"])
            for level in metadata["training"]["settings"]["levels"]
            if level["share"] > 0
        ],
        "multiple": painter.config.multiple,
    }
    helper.set_model_props(
        graph, {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}
    )
    data = graph.SerializeToString()
    if len(data) > MOST_BYTES:
        raise OperationFailed(f"the graph must be at most {MOST_BYTES} bytes, got {len(data)}")
    error = disagreement(painter, data)
    if error > TOLERANCE:
        raise OperationFailed(
            f"the graph must agree with the network to {TOLERANCE:g}, got {error:.2e}"
        )
    write_whole(target, data)
    return error


def scores_of(table: Path) -> dict[str, Any]:
    """The painter's scores in what `runs/evaluate` wrote, and whether it betters removals.

    Raises:
        OperationFailed: the file cannot be read as such.
    """
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))["rows"]
        values = {row["measure"]: row["values"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperationFailed(f"{table} cannot be read as scores: {error}") from error
    scores: dict[str, Any] = {
        measure: round(of["builtin"], 4)
        for measure, of in values.items()
        if of.get("builtin") is not None
    }
    if REMOVAL in scores and "erase" in values[REMOVAL]:
        scores["refine_removal"] = values[REMOVAL]["builtin"] >= values[REMOVAL]["erase"]
    return scores


def graph_of(painter: Painter) -> onnx.ModelProto:
    """The network as an ONNX graph in float32, of any batch and any sides it can do."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    rows = torch.export.Dim("rows", min=1, max=512)
    columns = torch.export.Dim("columns", min=1, max=512)
    multiple = painter.config.multiple
    example = random_inputs(painter, 2, 4 * multiple, 3 * multiple)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            painter,
            example,
            dynamo=True,
            input_names=INPUTS,
            output_names=(OUTPUT,),
            dynamic_shapes=(
                {0: batch, 2: multiple * rows, 3: multiple * columns},
                *({0: batch} for _ in INPUTS[1:]),
            ),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # where in the source it came from
        del node.metadata_props[:]
        node.doc_string = ""
    return model


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its weights stored in float16 and cast to float32 before they are used."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    weights, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= WORTH_HALVING:
            stored = f"{tensor.name}{HALVED}"
            weights.append(numpy_helper.from_array(values.astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
        else:
            weights.append(tensor)
    del result.graph.initializer[:]
    result.graph.initializer.extend(weights)
    del result.graph.node[:]
    result.graph.node.extend([*casts, *model.graph.node])
    onnx.checker.check_model(result)
    return result


@torch.no_grad()
def disagreement(painter: Painter, graph: bytes) -> float:
    """The largest relative error of the graph, run by ONNX Runtime, against the network."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst = 0.0
    for shape in SHAPES:
        inputs = random_inputs(painter, *shape)
        wanted = painter(*inputs).numpy()
        fed = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        (got,) = session.run([OUTPUT], fed)
        worst = max(worst, float(np.abs(got - wanted).max() / np.abs(wanted).max()))
    return worst


def random_inputs(
    painter: Painter, count: int, height: int, width: int
) -> tuple[torch.Tensor, ...]:
    """Arguments for the network, the same ones every time."""
    dice = torch.Generator().manual_seed(count + height + width)
    channels = sum(channels for _, channels in PLANES)
    planes = torch.rand((count, channels, height, width), generator=dice) * 2 - 1
    words = (torch.rand((count, painter.config.words), generator=dice) < 0.01).float()
    palette = torch.rand((count, PALETTE_BINS), generator=dice)
    present = (torch.rand((count, len(CONDITIONS)), generator=dice) < 0.5).float()
    time = torch.rand((count, TIME_FEATURES), generator=dice) * 2 - 1
    return planes, words, palette / palette.sum(1, keepdim=True), present, time


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m overpaint.train.export", description=__doc__)
    parser.add_argument("source", type=Path, help="painter.safetensors of a run")
    parser.add_argument("target", type=Path, help="the .onnx file to write")
    parser.add_argument("--scores", type=Path, help="scores.json of runs/evaluate, to go with it")
    given = parser.parse_args(arguments)
    try:
        scores = scores_of(given.scores) if given.scores else None
        error = export(given.source, given.target, scores)
    except OverpaintError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    size = given.target.stat().st_size / 1e6
    print(f"{given.target}: {size:.1f} MB, relative error {error:.1e} (at most {TOLERANCE:g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
