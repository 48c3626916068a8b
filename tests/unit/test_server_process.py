"""The API process: it serves a socket that it inherits, and leaves when it is told to."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from overpaint.service import Service
from overpaint.settings import Settings, inherited

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are inherited by number")


@contextmanager
def started(
    folder: Path, *arguments: str, listener: socket.socket | None = None, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    settings = Settings(data_dir=folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "overpaint.server", *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[] if listener is None else [listener.fileno()],
        env={**inherited(), **settings.environment(), **more},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_inherited_socket_outlives_the_process(tmp_path: Path) -> None:
    Service.open(Settings(data_dir=tmp_path), migrate=True).close()
    with socket.create_server(("127.0.0.1", 0)) as listener, httpx.Client(timeout=60) as client:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
        fd = str(listener.fileno())
        with started(tmp_path, "--fd", fd, listener=listener) as process:
            # A connection waits until the process has started.
            assert client.get(url).json() == {"status": "alive"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        with started(tmp_path, "--fd", fd, listener=listener) as process:
            assert client.get(url).json() == {"status": "alive"}
            assert process.stdin is not None
            process.stdin.close()  # as when the parent is gone
            process.stdin = None
            assert process.wait(30) == 1


def test_told_to_end_it_drains_first(tmp_path: Path) -> None:
    """It says so to balancers, closes connections with their answers, and answers as before."""
    Service.open(Settings(data_dir=tmp_path), migrate=True).close()
    with socket.create_server(("127.0.0.1", 0)) as listener, httpx.Client(timeout=60) as client:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        fd = str(listener.fileno())
        drain = {"OVERPAINT_DRAIN_SECONDS": "600"}
        with started(tmp_path, "--fd", fd, listener=listener, **drain) as process:
            before = client.get(f"{url}/readyz")
            assert "draining" not in before.json()["problems"]
            assert "connection" not in before.headers
            process.send_signal(signal.SIGTERM)
            while "draining" not in (answer := client.get(f"{url}/readyz")).json()["problems"]:
                assert process.poll() is None
            assert answer.status_code == 503
            assert answer.headers["connection"] == "close"
            for _ in range(2):
                answer = client.get(f"{url}/healthz")
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            process.send_signal(signal.SIGINT)  # told again, it drains no longer
            assert process.wait(30) == 0


def said(process: subprocess.Popen[bytes]) -> str:
    """What it wrote, after it ended; its stdin stays open meanwhile, as a parent keeps it."""
    assert process.stderr is not None
    text = process.stderr.read().decode()
    assert process.wait(30) == 1
    return text


def test_it_says_why_it_cannot_begin(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0", OVERPAINT_TIME_ZONE="Mars/Olympus") as process:
        assert said(process).startswith("error: time_zone: must be ")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with started(tmp_path, "--port", port) as process:
            text = said(process)
    assert text.startswith("error: ")
    assert os.strerror(errno.EADDRINUSE) in text
