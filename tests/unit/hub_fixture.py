"""A hub on loopback, so that fetching is tested against a real server and not against the hub."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.heavy import require

CONSTANTS = "huggingface_hub.constants.{}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: What ends like this is a large file: it is known by its SHA-256.
LARGE = (".safetensors", ".bin", ".ckpt")


@dataclass
class Hub:
    """Repositories, what goes wrong, and what was asked for."""

    url: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    sizes: dict[str, int] = field(default_factory=dict)  # what it says of a file, if not the truth
    gated: set[str] = field(default_factory=set)
    cut_after: int = 0  # bytes after which large files are cut off, `cuts` times
    cuts: int = 0
    ranges: bool = True  # whether a part of a file may be asked for
    damage: bool = False  # large files come with other bytes
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """Serve a hub until the end of the block."""
    hub = Hub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def hub_and_cache(repos: dict[str, dict[str, bytes]], cache: Path) -> Iterator[Hub]:
    """A hub that huggingface_hub takes for its own, and an empty folder for its cache."""
    require("huggingface_hub", 'pip install "overpaint[diffusers]"')
    with serving_hub() as hub, pytest.MonkeyPatch.context() as patch:
        hub.repos |= repos
        patch.setattr(CONSTANTS.format("ENDPOINT"), hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(CONSTANTS.format("HUGGINGFACE_CO_URL_TEMPLATE"), template)
        patch.setattr(CONSTANTS.format("HF_HUB_CACHE"), str(cache))
        patch.setattr(CONSTANTS.format("HF_HUB_OFFLINE"), False)
        yield hub


class _Handler(BaseHTTPRequestHandler):
    state: Hub
    protocol_version = "HTTP/1.1"  # keeps the line open
    wbufsize = 1 << 16  # head and body in one go
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.state.asked.append((self.command, path, self.headers.get("Range", "")))
        parts = path.split("/")
        if parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        elif len(parts) > 4 and parts[2] == "resolve":
            self._send_file("/".join(parts[:2]), "/".join(parts[4:]), body=body)
        else:
            self._send(404, b"", {})

    def _describe(self, repo: str, revision: str) -> None:
        if repo not in self.state.repos:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        commit = self.state.revisions.get(revision, revision)
        if commit not in self.state.revisions.values():
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        files = []
        for name, data in self.state.repos[repo].items():
            size = self.state.sizes.get(name, len(data))
            one: dict[str, object] = {"rfilename": name, "size": size, "blobId": "0"}
            if name.endswith(LARGE):
                one["lfs"] = {"sha256": _etag(name, data), "size": size, "pointerSize": 1}
            files.append(one)
        told = {"id": repo, "modelId": repo, "sha": commit, "siblings": files}
        self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send_file(self, repo: str, name: str, *, body: bool) -> None:
        if repo in self.state.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
            return
        data = self.state.repos.get(repo, {}).get(name)
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{_etag(name, data)}"', "X-Repo-Commit": COMMIT}
        status, begin = 200, 0
        asked = self.headers.get("Range", "")
        if asked and self.state.ranges:
            begin = int(asked.removeprefix("bytes=").split("-")[0])
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        if self.state.damage and name.endswith(LARGE):
            data = bytes(len(data))
        cut = None
        if body and name.endswith(LARGE) and self.state.cuts:
            cut = self.state.cut_after
            self.state.cuts -= 1
        self._send(status, data[begin:], headers, body=body, cut=cut)

    def _send(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str],
        *,
        body: bool = True,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data[:cut])
        self.close_connection |= cut is not None


def _etag(name: str, data: bytes) -> str:
    return (hashlib.sha256 if name.endswith(LARGE) else hashlib.sha1)(data).hexdigest()
