"""A small painter with random weights, as torch has it and as it is exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from overpaint.composer.checkpoint import load_checkpoint, save_checkpoint
from overpaint.composer.network import Painter, PainterConfig
from overpaint.composer.vocabulary import Vocabulary
from overpaint.train.export import export

TOKENS = ("action:remove", "concept:glasses", "color:red", "style:auto", "count:1")
TRAINING = {"settings": {"levels": [{"side": side, "share": 1.0} for side in (64, 128, 256)]}}


def exported(folder: Path) -> tuple[Any, Path]:
    """The network and the file of its graph."""
    torch.manual_seed(0)
    size = PainterConfig(words=len(TOKENS), channels=(8, 12, 16), blocks=(1, 1, 1), vector=16)
    painter = Painter(size)
    with torch.no_grad():
        for value in painter.parameters():
            if not value.any():  # else half of the network would do nothing
                value.normal_(std=0.05)
    checkpoint, path = folder / "painter.safetensors", folder / "painter.onnx"
    save_checkpoint(checkpoint, painter, Vocabulary(TOKENS), data={}, training=TRAINING)
    export(checkpoint, path)
    return load_checkpoint(checkpoint)[0].eval(), path
