"""Brings files of the hub into its cache on this machine.

A large file that was cut off goes on where it ended. huggingface_hub's own download begins anew: it
writes to a file of another name each time and removes that where it fails, and Xet does no more
(https://github.com/huggingface/huggingface_hub/pull/4306, since 1.18). Nor does it look at the hash
of what came by plain HTTP. Small files and links are left to it.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from overpaint.engines.diffusers.hub import hub_folder, repository_folder
from overpaint.errors import EngineFailed
from overpaint.values import OnStep, Step

_MB = 10**6
_BLOCK = 1 << 20  # bytes read at a time
#: After so long without a byte a line is broken, s.
PATIENCE_S = 30.0
_TRIES = 5  # of a file, each from where the last one ended


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a repository."""

    name: str  # its path in the repository
    bytes: int
    sha256: str = ""  # "" where it is no large file


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository at one commit."""

    repo: str
    commit: str
    files: tuple[File, ...]

    @property
    def blobs(self) -> Path:
        """Where the cache keeps what large files hold, by their hash."""
        return repository_folder(self.repo) / "blobs"


class Progress:
    """Tells `on_step` of every MB."""

    def __init__(self, total: int, on_step: OnStep | None) -> None:
        self.done = 0
        self._told = -1
        self._total = total
        self._on_step = on_step
        self.add(0)

    def add(self, count: int) -> None:
        """Say that so many bytes more are there."""
        self.to(self.done + count)

    def to(self, done: int) -> None:
        """Say how many bytes are there."""
        self.done = done
        mb = -(-done // _MB)
        if self._on_step is not None and mb != self._told:
            self._told = mb
            total = max(1, -(-self._total // _MB))
            self._on_step(Step(stage="fetch MB", done=min(mb, total), total=total))


@cache
def tls() -> ssl.SSLContext:
    """What httpx trusts, made once: that takes longer than a small file."""
    return httpx.create_ssl_context()


def small_file(repository: Repository, name: str) -> Path:
    """Download a file by the hub's own library; where it is there already, find it."""
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(repository.repo, name, revision=repository.commit))


def download(client: httpx.Client, repository: Repository, file: File, progress: Progress) -> None:
    """Bring one file: a large one into the cache's store of blobs, from where it was cut off."""
    blobs = repository.blobs
    before = progress.done
    if file.sha256 and not (blobs / file.sha256).exists():
        with _alone(repository, file):
            if not (blobs / file.sha256).exists():  # another process has not brought it meanwhile
                _bring(client, repository, file, progress)
    small_file(repository, file.name)  # the blob is there: this only links it
    progress.to(before + file.bytes)


@contextmanager
def _alone(repository: Repository, file: File) -> Iterator[None]:
    """Wait until nobody else brings this file; the lock is that of the hub's own library."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # is lazy

    locks = hub_folder() / ".locks" / repository_folder(repository.repo).name
    locks.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(locks / f"{file.sha256}.lock"):
        yield


def _bring(client: httpx.Client, repository: Repository, file: File, progress: Progress) -> None:
    """Bring a large file into the store of blobs, trying again where it is cut off."""
    blobs, before = repository.blobs, progress.done
    blobs.mkdir(parents=True, exist_ok=True)
    part = blobs / f"{file.sha256}.overpaint"
    for tries_left in reversed(range(_TRIES)):
        try:
            _stream(client, repository, file, part, progress)
            break
        except httpx.TransportError:  # cut off; an answer that says no is not tried again
            if not tries_left:
                raise
            progress.to(before)
    part.replace(blobs / file.sha256)


def _stream(
    client: httpx.Client, repository: Repository, file: File, part: Path, progress: Progress
) -> None:
    """Append what is missing to `part`, and see that it is what the hub says it is."""
    from huggingface_hub import get_token, hf_hub_url

    url = hf_hub_url(repository.repo, file.name, revision=repository.commit)
    digest = hashlib.sha256()
    with part.open("ab+") as out:
        out.seek(0)
        while block := out.read(_BLOCK):
            digest.update(block)
        had = out.tell()
        if had < file.bytes:
            headers = {"Range": f"bytes={had}-", "Accept-Encoding": "identity"}
            token = get_token()
            if token:  # not sent on to another host that the hub leads to
                headers["Authorization"] = f"Bearer {token}"
            with client.stream("GET", url, headers=headers) as answer:
                answer.raise_for_status()
                if had and answer.status_code != httpx.codes.PARTIAL_CONTENT:  # all of it again
                    out.truncate(0)
                    digest, had = hashlib.sha256(), 0
                progress.add(had)
                for block in answer.iter_bytes():
                    out.write(block)
                    digest.update(block)
                    progress.add(len(block))
    if digest.hexdigest() != file.sha256:
        cut = part.stat().st_size < file.bytes
        if not cut:
            part.unlink()
        what = "was cut off" if cut else "came damaged"
        raise EngineFailed(f"{file.name} {what} on its way; fetch it again")
