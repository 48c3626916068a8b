"""Weights in one file that says what they are: safetensors, its metadata in JSON.

The metadata carry the network's configuration, the tokens in their order, what it was trained on,
for how long, and how it scored.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from overpaint.composer.conditions import FORMAT
from overpaint.composer.network import Painter, PainterConfig
from overpaint.composer.vocabulary import Vocabulary
from overpaint.errors import EngineFailed

#: What the name of a weight that a graph keeps in half precision ends in.
HALVED = ".half"


def save_checkpoint(
    path: Path,
    painter: Painter,
    vocabulary: Vocabulary,
    *,
    data: Mapping[str, Any],
    training: Mapping[str, Any],
    scores: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights and metadata; the file appears whole or not at all.

    Args:
        path: where to.
        painter: the network.
        vocabulary: its words.
        data: what it was trained on: sources, licences, counts.
        training: recipe, steps, pictures seen, seconds.
        scores: measure -> value.
        dtype: what the weights are stored as.
    """
    tensors = {
        name: value.detach().cpu().to(dtype).contiguous()
        for name, value in painter.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "config": asdict(painter.config),
        "tokens": list(vocabulary.tokens),
        "data": dict(data),
        "training": dict(training),
        "scores": dict(scores or {}),
    }
    said = {name: json.dumps(value, ensure_ascii=False) for name, value in metadata.items()}
    write_whole(path, save(tensors, said))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file; it appears whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[Painter, Vocabulary, dict[str, Any]]:
    """Read a network in float32, its words and its metadata.

    Args:
        path: a checkpoint, or the `.onnx` graph exported from one, as the engine has it.

    Raises:
        EngineFailed: the file is missing, torn, or of another kind.
    """
    tensors, metadata = _read_graph(path) if path.suffix == ".onnx" else _read(path)
    if metadata.get("format") != FORMAT:
        raise EngineFailed(f"{path} must be of format {FORMAT}, got {metadata.get('format')}")
    painter = Painter(_config(metadata))
    painter.load_state_dict(tensors)
    return painter, Vocabulary(metadata["tokens"]), metadata


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise EngineFailed(f"{path} cannot be read as a checkpoint: {error}") from error
    return tensors, metadata


def _read_graph(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What `train.export` wrote: weights keep their names, those in half precision with HALVED."""
    import onnx  # here, so that reading a checkpoint does without
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        graph = onnx.load(path)
        metadata = {one.key: json.loads(one.value) for one in graph.metadata_props}
    except (OSError, DecodeError, json.JSONDecodeError) as error:
        raise EngineFailed(f"{path} cannot be read as a checkpoint: {error}") from error
    arrays = {
        one.name.removesuffix(HALVED): onnx.numpy_helper.to_array(one)
        for one in graph.graph.initializer
    }
    names = Painter(_config(metadata)).state_dict() if metadata.get("format") == FORMAT else {}
    return {name: torch.from_numpy(arrays[name].copy()).float() for name in names}, metadata


def _config(metadata: Mapping[str, Any]) -> PainterConfig:
    sizes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in metadata["config"].items()
    }
    return PainterConfig(**sizes)
