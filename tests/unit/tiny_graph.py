"""An ONNX file written by hand: the tests of the engine need no torch and no onnx."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from overpaint.composer.conditions import (
    CONDITIONS,
    FORMAT,
    INPUTS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    TIME_FEATURES,
)

FLOAT = 1


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    data = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def metadata(said: Mapping[str, Any]) -> bytes:
    return b"".join(
        message(14, message(1, name), message(2, json.dumps(value))) for name, value in said.items()
    )


def tensor(name: str, value: np.ndarray[Any, Any]) -> bytes:
    dims = b"".join(number(1, size) for size in value.shape)
    data = value.astype("<f4").tobytes()
    return message(5, dims, number(2, FLOAT), message(8, name), message(9, data))


def node(kind: str, inputs: tuple[str, ...], output: str) -> bytes:
    return message(
        1, *(message(1, name) for name in inputs), message(2, output), message(3, output),
        message(4, kind),
    )  # fmt: skip


def value_info(field: int, name: str, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(
        message(1, message(2, size) if isinstance(size, str) else number(1, size)) for size in shape
    )
    kind = message(1, number(1, FLOAT), message(2, dims))
    return message(field, message(1, name), message(2, kind))


def tiny_graph(words: int, said: Mapping[str, Any] | None = None) -> bytes:
    """A "painter" that mixes its planes, and adds to all pixels what the vectors come to."""
    mix = np.zeros((3, PLANE_CHANNELS, 1, 1), np.float32)
    for channel in range(3):
        mix[channel, 7 + channel] = 0.9  # the exemplar
        mix[channel, channel] = 0.05  # the state
        mix[channel, 10:] = 0.03  # silhouette, sketch, intensity
    sizes = (words, PALETTE_BINS, len(CONDITIONS), TIME_FEATURES)
    parts = [node("Conv", ("planes", "mix"), "mixed"), tensor("mix", mix)]
    told = "mixed"
    for place, (name, size) in enumerate(zip(INPUTS[1:], sizes, strict=True)):
        weight = np.full((size, 3), 0.01 * (place + 1), np.float32)
        weight[::2] *= -0.5
        parts += [tensor(f"{name}.weight", weight)]
        parts += [node("MatMul", (name, f"{name}.weight"), f"{name}.sum")]
        parts += [node("Reshape", (f"{name}.sum", "column"), f"{name}.column")]
        after = "picture" if name == INPUTS[-1] else f"{name}.told"
        parts += [node("Add", (told, f"{name}.column"), after)]
        told = after
    column = np.array([-1, 3, 1, 1], "<i8")
    whole = message(
        5, number(1, 4), number(2, 7), message(8, "column"), message(9, column.tobytes())
    )
    inputs = [value_info(11, "planes", ("n", PLANE_CHANNELS, "height", "width"))]
    inputs += [value_info(11, n, ("n", size)) for n, size in zip(INPUTS[1:], sizes, strict=True)]
    outputs = value_info(12, "picture", ("n", 3, "height", "width"))
    nodes = sorted(parts, key=lambda part: part[0] != 0x0A)  # nodes first, in their order
    graph = message(7, *nodes, whole, message(2, "tiny"), *inputs, outputs)
    opset = message(8, message(1, ""), number(2, 17))
    given = {"format": FORMAT, "tokens": [f"word:{i}" for i in range(words)], "levels": [0, 1, 2]}
    return number(1, 8) + graph + opset + metadata({**given, **(said or {})})
