"""A host of input pictures on the loopback, which can be slow, die or say no."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

#: What a path may begin with, and what happens then; anything else that was put is served.
MOODS = ("slow", "silent", "dying", "missing", "moved")


class PictureHost:
    """Serves `files` by name; below a mood's name they are served in that mood."""

    def __init__(self, files: dict[str, bytes], address: str = "127.0.0.1") -> None:
        self.files, self._address = files, address
        self.closing = threading.Event()
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    host.serve(self, *self.path.lstrip("/").rpartition("/")[::2])
                except OSError:  # the other side has heard enough
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> PictureHost:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, name: str, mood: str = "") -> str:
        """Where a file is served, in a mood."""
        folder = f"{mood}/" if mood else ""
        return f"http://{self._address}:{self._server.server_port}/{folder}{name}"

    def serve(self, handler: BaseHTTPRequestHandler, mood: str, name: str) -> None:
        data = self.files.get(name, b"")
        status = 404 if mood == "missing" or not data else 302 if mood == "moved" else 200
        if mood == "silent":
            self.closing.wait(60)
            handler.close_connection = True
            return
        handler.send_response(status)
        handler.send_header("Content-Type", "image/png")
        if status == 302:
            handler.send_header("Location", f"/moved/{name}")  # for ever
            data = b""
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if mood == "slow":
            for at in range(len(data)):
                if self.closing.wait(0.2):
                    break
                handler.wfile.write(data[at : at + 1])
                handler.wfile.flush()
        elif mood == "dying":
            handler.wfile.write(data[: len(data) // 2])
            handler.close_connection = True
        else:
            handler.wfile.write(data)


def refused_url() -> str:
    """A URL whose port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/base.png"
