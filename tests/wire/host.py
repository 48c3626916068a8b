"""A web server on the loopback that holds input pictures, and behaves badly where asked to."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Page = Callable[[BaseHTTPRequestHandler], None]


class PictureHost:
    """Serves what was put; `url` of what is not there answers 404."""

    def __init__(self, ip: str = "127.0.0.1") -> None:
        self._pages: dict[str, Page] = {}
        self._numbers = itertools.count(1)
        self.closing = threading.Event()
        self.seen: list[str] = []  # paths that were asked for
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.seen.append(self.path)
                page = host._pages.get(self.path.split("?")[0].lstrip("/"))
                try:
                    if page is None:
                        answer(self, b"nothing here", kind="text/plain", status=404)
                    else:
                        page(self)
                except OSError:  # the other side has heard enough
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((ip, 0), Handler)
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

    @property
    def address(self) -> str:
        return f"http://{self._server.server_address[0]!s}:{self._server.server_port}"

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    def put(self, data: bytes, *, name: str = "", kind: str = "image/png") -> str:
        """Serve these bytes; returns their URL."""
        return self.page(lambda handler: answer(handler, data, kind=kind), name=name)

    def page(self, page: Page, *, name: str = "") -> str:
        """Serve what this function answers; returns its URL."""
        name = name or f"{next(self._numbers)}.png"
        self._pages[name] = page
        return self.url(name)

    def redirect(self, target: str, *, status: int = 302) -> str:
        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return self.page(send)

    def dying(self, data: bytes) -> str:
        """Says how much comes, sends half of it and hangs up."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            begin(handler, {"Content-Length": str(len(data))})
            handler.wfile.write(data[: len(data) // 2])
            handler.close_connection = True

        return self.page(send)

    def slow(self, data: bytes) -> str:
        """Sends a byte now and then, for ever."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            begin(handler, {"Content-Length": str(len(data))})
            for at in range(len(data)):
                if self.closing.wait(0.2):
                    break
                handler.wfile.write(data[at : at + 1])
                handler.wfile.flush()
            handler.close_connection = True

        return self.page(send)

    def silent(self) -> str:
        """Takes the request and never answers."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            self.closing.wait(30)
            handler.close_connection = True

        return self.page(send)

    def endless(self) -> str:
        """Sends chunks without saying how many, for as long as someone listens."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            begin(handler, {"Transfer-Encoding": "chunked"})
            chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and not self.closing.is_set():
                handler.wfile.write(chunk)
            handler.close_connection = True

        return self.page(send)


def begin(handler: BaseHTTPRequestHandler, headers: dict[str, str]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "image/png")
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def answer(handler: BaseHTTPRequestHandler, data: bytes, *, kind: str, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
