"""Where a checkpoint is: what follows "diffusers:" in an engine's name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from overpaint.engines.diffusers.options import Options, defaults, read_options, read_query
from overpaint.errors import InvalidOption

#: The name of this family of engines, before the colon.
PREFIX = "diffusers"

_LIMIT = "must be diffusers:ID, :FOLDER or :FILE.safetensors, with ?OPTION=VALUE&... if need be"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HUB = re.compile(
    rf"(?P<repo>{_PART}/{_PART})"
    r"(?:/(?P<file>[A-Za-z0-9._/ -]+\.[A-Za-z0-9]+))?"
    r"(?:@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]*))?"
)
#: A file ends like this; whether it may be loaded is the checkpoint's business.
_FILES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A repository of the hub, a folder, or a file; it need not exist."""

    kind: Literal["hub", "folder", "file"]
    path: Path | None = None  # absolute; None for the hub
    repo: str = ""  # "org/name" of the hub, else ""
    revision: str | None = None  # branch, tag or commit of the hub; None is its main one
    file: str = ""  # one file of the repository; "" is all of it

    @property
    def name(self) -> str:
        """How it is called where a local path must not be seen: the id, or the last part."""
        if self.path is None:
            return self.repo
        parts = self.path.parts
        if len(parts) > 2 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
            return parts[-3].removeprefix("models--").replace("--", "/", 1)  # the hub's cache
        return self.path.name or "checkpoint"

    @property
    def engine_name(self) -> str:
        """The engine's name as results and answers show it."""
        return f"{PREFIX}:{self.name}"

    def __str__(self) -> str:
        """The source as a user would write it."""
        if self.path is not None:
            return str(self.path)
        at = f"@{self.revision}" if self.revision else ""
        return f"{self.repo}{'/' if self.file else ''}{self.file}{at}"


def read_source(text: str, *, field: str = "engine") -> Source:
    """Read an id of the hub, `org/name[/FILE][@REVISION]`, or a path.

    A path is what begins with `/`, `./`, `../`, `~` or a drive letter, or exists.

    Raises:
        InvalidOption: it is neither.
    """
    text = text.strip()
    if not text or "\0" in text or "\n" in text:
        raise InvalidOption(field, "must name a folder, a file or an id of the hub", repr(text))
    if _is_local(text):
        return _local(text, field)
    hub = _HUB.fullmatch(text)
    if hub is None or ".." in text or "--" in hub["repo"]:  # the hub has no such names
        limit = "must be an id of the hub (org/name or org/name@revision), or a path that exists"
        raise InvalidOption(field, limit, repr(text))
    return Source(kind="hub", repo=hub["repo"], revision=hub["revision"], file=hub["file"] or "")


def read_engine_name(text: str, given: Options | None = None) -> tuple[Source, Options]:
    """Read what follows "diffusers:": a source, and options as a query after "?".

    Args:
        text: `org/name@revision`, `/a/folder?steps=8`, `./file.safetensors`; percent-escapes
            are decoded, so a path with "?" is written with %3F.
        given: the options that hold where the query says nothing; None: those of the setting.

    Raises:
        InvalidOption: the source or an option is not valid; its field is "engine", or
            "diffusers" where the setting is at fault.
    """
    where, _, query = text.partition("?")
    if not where.strip():
        raise InvalidOption("engine", _LIMIT, repr(f"{PREFIX}:{text}"))
    source = read_source(unquote(where))
    if source.file:
        limit = "must not name one file of the hub; `overpaint checkpoints fetch` it, give its path"
        raise InvalidOption("engine", limit, repr(where))
    return source, read_options(read_query(query), given or defaults())


def _is_local(text: str) -> bool:
    if re.match(r"\.{0,2}[/\\]|~|[A-Za-z]:[/\\]|\.{1,2}$", text):
        return True
    try:
        return Path(text).exists()
    except OSError:  # longer than a name may be
        return False


def _local(text: str, field: str) -> Source:
    try:
        path = Path(os.path.normpath(Path(text).expanduser().absolute()))
        is_file = path.is_file() or (not path.is_dir() and path.suffix.lower() in _FILES)
    except (OSError, RuntimeError) as error:  # no such home, a name too long
        raise InvalidOption(field, f"must be a path ({error})", repr(text)) from error
    return Source(kind="file" if is_file else "folder", path=path)
