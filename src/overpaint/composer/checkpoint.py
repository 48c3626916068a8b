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

from overpaint.composer.network import Painter, PainterConfig
from overpaint.composer.vocabulary import Vocabulary
from overpaint.errors import EngineFailed

FORMAT = "overpaint-painter-1"


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
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.write_bytes(save(tensors, said))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[Painter, Vocabulary, dict[str, Any]]:
    """Read a network in float32, its words and its metadata.

    Raises:
        EngineFailed: the file is missing, torn, or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise EngineFailed(f"{path} cannot be read as a checkpoint: {error}") from error
    if metadata.get("format") != FORMAT:
        raise EngineFailed(f"{path} must be of format {FORMAT}, got {metadata.get('format')}")
    sizes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in metadata["config"].items()
    }
    painter = Painter(PainterConfig(**sizes))
    painter.load_state_dict(tensors)
    return painter, Vocabulary(metadata["tokens"]), metadata
