"""A caller of the service that costs little itself, and what it sends."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

CREATE = "/api/v1/services/aigc/image2image/image-synthesis"
IDLE_S = 2.0  # a connection that was not used for longer is not used again
FINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})

Pixels = npt.NDArray[np.uint8]


class WireError(Exception):
    """No answer was read; whether the request was carried out is not known."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    kind: str  # media type

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Wire:
    """One connection, of the loopback if not said, kept alive; one thread uses it."""

    def __init__(
        self, port: int, key: str = "", *, timeout_s: float = 30, host: str = "127.0.0.1"
    ) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._used = 0.0

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return self.send("POST", path, data, {"Content-Type": "application/json", **headers})

    def create(self, body: object) -> Answer:
        """Submit a task."""
        return self.post(CREATE, body, **{"X-DashScope-Async": "enable"})

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; raises `WireError` where no whole answer came, and connects anew then."""
        if time.monotonic() - self._used > IDLE_S:  # the server may be closing it just now
            self._connection.close()
        try:
            if self._connection.sock is None:
                self._connection.connect()
                _at_once(self._connection.sock)
            self._connection.request(method, path, body, {**self._headers, **(headers or {})})
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise WireError(f"{type(error).__name__}: {error}") from error
        self._used = time.monotonic()
        kind = response.getheader("Content-Type", "").partition(";")[0]
        return Answer(response.status, data, kind)


def _at_once(connected: socket.socket | None) -> None:
    """Headers and body go in two pieces: do not hold the second one back."""
    if connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def order(
    model: str, prompt: str, base_url: str, mask_url: str, **parameters: object
) -> dict[str, object]:
    """A request's body; the size is the picture's own unless said."""
    return {
        "model": model,
        "input": {"prompt": prompt, "base_image_url": base_url, "mask_image_url": mask_url},
        "parameters": {"size": "original", **parameters},
    }


def scene(side: int, seed: int = 0) -> Pixels:
    """side x side x 3: gradients with a little grain."""
    rows, columns = np.mgrid[0:side, 0:side]
    smooth = np.stack([rows * 200 // side, columns * 200 // side, (rows + columns) % 200], 2)
    grain = np.random.default_rng(seed).integers(0, 8, (side, side, 1))
    return np.asarray(smooth + grain, np.uint8)


def box(side: int) -> Pixels:
    """side x side: a white box on black, a quarter of the side from each edge."""
    drawn = np.zeros((side, side), np.uint8)
    drawn[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 255
    return drawn


def file_of(pixels: Pixels, kind: str = "PNG") -> bytes:
    """A file of these pixels."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return out.getvalue()


def pixels_of(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
