"""Runs the exported painter with OpenCV, which is here anyway (docs/decisions/0008-runtime.md)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from overpaint.composer.conditions import (
    CONDITIONS,
    FORMAT,
    INPUTS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    TIME_FEATURES,
    Floats,
)
from overpaint.errors import EngineFailed

#: Fields of ONNX's ModelProto and StringStringEntryProto, and how protobuf writes them.
_METADATA, _KEY, _VALUE = 14, 1, 2
_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}


class Graph:
    """A painter's weights and what they say of themselves. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Read an ONNX file.

        Raises:
            EngineFailed: it is missing, torn, or of another kind.
        """
        try:
            data = path.read_bytes()
            self.metadata = read_metadata(data)
            kind = self.metadata.get("format")
            if kind != FORMAT:
                raise EngineFailed(f"{path} must be of format {FORMAT}, got {kind}")
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        except (OSError, ValueError, cv2.error) as error:
            raise EngineFailed(f"the painter's weights cannot be read: {error}") from error
        self._lock = threading.Lock()
        words = len(self.metadata.get("tokens", ()))
        sizes = (PLANE_CHANNELS, words, PALETTE_BINS, len(CONDITIONS), TIME_FEATURES)
        self._sizes = dict(zip(INPUTS, sizes, strict=True))

    def __call__(self, inputs: Mapping[str, Floats]) -> Floats:
        """Run it: each of `INPUTS` to n x 3 x height x width, about -1 to 1.

        Raises:
            EngineFailed: an input is missing or has not the shape that the graph wants.
        """
        for name, size in self._sizes.items():  # OpenCV would read past the end
            got = inputs[name].shape[1] if name in inputs else 0
            if got != size:
                raise EngineFailed(f"the painter's network wants {size} {name}, got {got}")
        with self._lock:
            try:
                for name in INPUTS:
                    self._net.setInput(np.ascontiguousarray(inputs[name], np.float32), name)
                return np.asarray(self._net.forward(), np.float32)
            except cv2.error as error:
                raise EngineFailed(f"the painter's network failed: {error}") from error


def read_metadata(data: bytes) -> dict[str, Any]:
    """The metadata of an ONNX file, whose values are JSON.

    They are read here because OpenCV does not hand them out. https://protobuf.dev/programming-guides/encoding

    Raises:
        ValueError: the file ends too early, or is none.
    """
    found = {}
    for number, entry in _fields(memoryview(data)):
        if number == _METADATA:
            parts = dict(_fields(entry))
            if _KEY not in parts or _VALUE not in parts:
                raise ValueError("an entry of its metadata has no key or no value")
            found[str(parts[_KEY], "utf-8")] = json.loads(str(parts[_VALUE], "utf-8"))
    return found


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of each field of a message; of numbers the bytes are empty."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        length = 0
        if kind == _VARINT:
            _, place = _varint(data, place)
        elif kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in _FIXED:
            place += _FIXED[kind]
        else:
            raise ValueError("it is no ONNX file")
        if place + length > len(data):
            raise ValueError("it is cut short")
        yield tag >> 3, data[place : place + length]
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number written seven bits a byte, lowest first, and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(data):
            raise ValueError("it is cut short")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("it is no ONNX file")
