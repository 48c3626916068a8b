"""A bucket for tests: the server of `bucket_server`, and a way to it on which things go wrong."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.heavy import lack, require

SERVER = Path(__file__).with_name("bucket_server.py")
#: As `bucket_server` has them.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "overpaint-tests",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_REGION": "us-east-1",
}
BUCKET = "pictures"


@contextmanager
def serve_bucket() -> Iterator[str]:
    """The URL of a store that has one bucket, until the block ends."""
    for module in ("obstore", "moto", "flask"):
        require(module, "make heavy")
    process = subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def serve_rclone(folder: Path) -> Iterator[str]:
    """The same by another program, which keeps the bucket in a folder that is there."""
    program = Path(sys.executable).with_name("rclone")
    if not program.exists():
        lack("needs rclone: make heavy")
    (folder / BUCKET).mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    keys = f"{ENVIRONMENT['AWS_ACCESS_KEY_ID']},{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}"
    command = [str(program), "serve", "s3", str(folder), "--addr", address, "--auth-key", keys]
    command += ["--vfs-cache-mode", "off", "--config", os.devnull]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host, _, port = address.partition(":")
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(ConnectionRefusedError), socket.create_connection((host, int(port))):
                break
            time.sleep(0.02)
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


class Way:
    """Passes requests on to a server; some go wrong.

    `faults` are those of the next requests: "503", "507", "cut" in the middle of the answer, "drop"
    without one, "stall", or a code of S3 that is answered with 403; "" is none.
    """

    def __init__(self, target: str) -> None:
        self.faults: deque[str] = deque()
        self.always = ""  # of those that come after
        self.requests: list[tuple[str, str]] = []  # method, path with the query
        self._target = target.removeprefix("http://")
        self._ends, self._away = threading.Event(), threading.Event()
        self._server = self._listen(0)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def go(self) -> None:
        """Listen no longer: connections are refused, and those that there are end."""
        self._away.set()
        self._server.shutdown()
        self._server.server_close()

    def come(self) -> None:
        """Listen again."""
        self._away.clear()
        self._server = self._listen(self.port)

    def let_go(self) -> None:
        """Have what stalls broken off."""
        self._ends.set()

    def end(self) -> None:
        """Let go of what stalls, and of the port."""
        self.let_go()
        self.go()

    def _listen(self, port: int) -> ThreadingHTTPServer:
        way = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                way._pass_on(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def _pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        self.requests.append((asked.command, asked.path))
        fault = self.faults.popleft() if self.faults else self.always
        asked.close_connection = bool(fault) or asked.close_connection
        if fault == "drop" or self._away.is_set():
            asked.close_connection = True
            return
        if fault == "stall":
            self._ends.wait(60)
            return
        status, headers, data = self._asked(asked, body) if fault in ("", "cut") else _error(fault)
        asked.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                asked.send_header(name, value)
        length = dict(headers).get("Content-Length", len(data))  # of a HEAD's answer it is another
        asked.send_header("Content-Length", str(length))
        asked.end_headers()
        asked.wfile.write(data[: len(data) // 2] if fault == "cut" else data)

    def _asked(
        self, asked: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        server = http.client.HTTPConnection(self._target, timeout=30)
        try:
            server.putrequest(asked.command, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                server.putheader(name, value)
            server.endheaders(body)
            answer = server.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            server.close()


def _error(fault: str) -> tuple[int, list[tuple[str, str]], bytes]:
    code = {"503": "SlowDown", "507": "XMinioStorageFull"}.get(fault, fault)
    status = int(fault) if fault.isdigit() else 403
    return status, [], f"<Error><Code>{code}</Code></Error>".encode()


@contextmanager
def way_to(url: str) -> Iterator[Way]:
    """A way to a server, until the block ends."""
    way = Way(url)
    try:
        yield way
    finally:
        way.end()


def soon(seconds: float, do: Any) -> threading.Timer:
    """Do something in so many seconds, in another thread; the timer is to be joined."""
    timer = threading.Timer(seconds, do)
    timer.start()
    return timer


def past(moment: float) -> None:
    """Wait until `time.time()` is past a moment."""
    while time.time() <= moment:
        time.sleep(0.05)
