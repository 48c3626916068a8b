"""IOPaint with its OpenCV model: a server that a user might run instead."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from bench._wire import Wire, WireError

START_S = 120.0


class Peer:
    """`iopaint start --model cv2`, from the interpreter of another environment."""

    def __init__(self, python: Path, folder: Path) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]
        self._log = folder / "peer.txt"
        program = str(python.with_name("iopaint"))
        command = [program, "start", "--model", "cv2", "--device", "cpu"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Peer:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(WireError), Wire(self.port, timeout_s=5) as wire:
                if wire.get("/api/v1/server-config").status == 200:
                    return self
            time.sleep(0.2)
        self.process.kill()
        raise SystemExit(f"IOPaint did not start:\n{self._log.read_text()[-2000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def peer_body(base: bytes, mask: bytes) -> dict[str, object]:
    """What its page sends, as far as the model reads it."""
    return {
        "image": base64.b64encode(base).decode(),
        "mask": base64.b64encode(mask).decode(),
        "hd_strategy": "Original",
        "cv2_flag": "INPAINT_TELEA",
        "cv2_radius": 5,
    }
