"""The service is restarted under its clients, and they notice nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.acceptance.test_serve import LONG_S, secret_of, until

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets are inherited by number"),
]

#: Starts a program as systemd does: with an open socket as file 3.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "overpaint", *sys.argv[2:]])
"""


class Pollers:
    """Clients that ask again and again, each over a connection that it keeps."""

    def __init__(self, url: str, *, count: int = 3) -> None:
        self.answers = 0
        self.errors: list[str] = []
        self._url = url
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._poll) for _ in range(count)]

    def _poll(self) -> None:
        with httpx.Client(timeout=LONG_S, trust_env=False) as client:
            while not self._stopping.is_set():
                try:
                    status = client.get(self._url).status_code
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))
                else:
                    self.answers += 1
                    if status != 200:
                        self.errors.append(str(status))
                time.sleep(0.02)  # else they take the cores that start the next one

    @contextmanager
    def asking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    def more(self, count: int = 20) -> None:
        """Wait until so many more answers have come."""
        wanted = self.answers + count
        until(lambda: self.answers >= wanted, "answers come")


@contextmanager
def served(folder: Path, listener: socket.socket) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`overpaint serve` on a socket that outlives it; and the file with what it prints."""
    said = folder / f"stdout-{time.monotonic_ns()}.txt"
    fd = str(listener.fileno())
    arguments = ("serve", "--data-dir", str(folder / "data"), "--workers", "0")
    with said.open("wb") as out, (folder / "stderr.txt").open("ab") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, fd, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=(listener.fileno(),),
            env={**os.environ, "OVERPAINT_DRAIN_SECONDS": "1"},
        )
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_with_a_socket_of_systemd_a_restart_refuses_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        pollers = Pollers(f"http://{host}:{port}/healthz")
        with pollers.asking():
            with served(tmp_path, listener) as (first, said):
                pollers.more()
                assert f"listens on http://{host}:{port}\n" in said.read_text()
                assert secret_of(said.read_text())
                first.terminate()
                assert first.wait(LONG_S) == 0
            with served(tmp_path, listener) as (second, _):
                pollers.more()
                second.terminate()
                assert second.wait(LONG_S) == 0
            with served(tmp_path, listener) as (third, _):
                pollers.more()
                third.terminate()  # `Pollers` wait for the last answers, which come before the end
                pollers._stopping.set()
                assert third.wait(LONG_S) == 0
    assert pollers.errors == []
