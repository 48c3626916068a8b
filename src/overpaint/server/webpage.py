"""The app in the browser: the files that `make page` builds from web/, and what may run there.

Text is sent gzipped, and kept so in memory. Names in assets/ change with their content, so
browsers keep those for good.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from overpaint.server.errors import Declined

router = APIRouter(include_in_schema=False)

HERE = Path(__file__).parent
#: What `make page` builds; a checkout may be without it.
PAGE = HERE / "page"
#: The few files of the page for who is not signed in.
WELCOME = HERE / "welcome"

HEADERS = {
    # Also with scripts, since a worker goes by the policy that its own file came with.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "worker-src 'self'; manifest-src 'self'; img-src 'self' blob: data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not "no-referrer": browsers would then hide from us that a form comes from this page.
    "Referrer-Policy": "same-origin",
}

_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=3600"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
#: What is small already.
_PACKED = frozenset({".ico", ".jpg", ".png", ".webp", ".woff2"})
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_LONGEST_NAME = 200  # characters
_NONE = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")  # what says of a coding that it is not taken


@dataclass(frozen=True)
class _Content:
    plain: bytes
    packed: bytes | None  # gzipped, where that is smaller


@lru_cache(maxsize=256)
def _content(path: Path, changed_ns: int, size: int) -> _Content:
    """What is in a file; a file that has changed is another one here."""
    plain = path.read_bytes()
    if path.suffix in _PACKED:
        return _Content(plain, None)
    packed = gzip.compress(plain, 9, mtime=0)
    return _Content(plain, packed if len(packed) < len(plain) else None)


def app_page(request: Request) -> Response | None:
    """The app, or None where it has not been built."""
    return _answer(request, PAGE, "index.html", "no-store", {"Vary": "Cookie"})


def welcome_address(name: str) -> str:
    """Where a file of the landing page is; another address when it has another size or time."""
    found = (WELCOME / name).stat()
    return f"/welcome/{name}?v={found.st_size:x}{found.st_mtime_ns // 1_000_000_000:x}"


@router.get("/assets/{name:path}")
@router.head("/assets/{name:path}")
def asset(name: str, request: Request) -> Response:
    """One of the app's scripts, styles and pictures."""
    return _found(_answer(request, PAGE / "assets", name, _FOR_GOOD))


@router.get("/welcome/{name}")
@router.head("/welcome/{name}")
def welcome_file(name: str, request: Request) -> Response:
    """One of the landing page's files."""
    return _found(_answer(request, WELCOME, name, _FOR_A_WHILE))


@router.get("/{stem}.{kind}")
@router.head("/{stem}.{kind}")
def top_file(stem: str, kind: str, request: Request) -> Response:
    """One of the few files beside the app's page, such as its icon."""
    if kind == "html":
        raise Declined(404, "NotFound", "There is nothing at this path.")
    return _found(_answer(request, PAGE, f"{stem}.{kind}", _FOR_A_WHILE))


def _found(answer: Response | None) -> Response:
    if answer is None:
        raise Declined(404, "NotFound", "There is nothing at this path.")
    return answer


def _answer(
    request: Request,
    folder: Path,
    name: str,
    cache: str,
    more: dict[str, str] | None = None,
) -> Response | None:
    """A file of a folder, packed for who takes that; None where there is no such file."""
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        return None
    path = folder / name
    try:
        found = path.stat()
        content = _content(path, found.st_mtime_ns, found.st_size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    headers = {**HEADERS, "Cache-Control": cache, **(more or {})}
    body = content.plain
    if content.packed is not None:
        vary = headers.get("Vary")
        headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = content.packed
            headers["Content-Encoding"] = "gzip"
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    return Response(body, headers=headers, media_type=kind)


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.split(","):
        coding, _, quality = part.partition(";")
        if coding.strip().lower() == "gzip":
            return not _NONE.fullmatch(quality)
    return False
