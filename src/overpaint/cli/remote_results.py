"""Waiting for a task on a server, and its results on this side."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overpaint.cli import console
from overpaint.cli.remote_client import PATIENCE_WAITING_S, Remote, failure
from overpaint.cli.targets import numbered
from overpaint.errors import InvalidImage, InvalidOption, OverpaintError, Refused

_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0


@contextmanager
def coming_back(command: str) -> Iterator[None]:
    """Say, when waiting or fetching ends early, which command goes on with it."""
    try:
        yield
    except Refused:
        raise  # there is nothing to come back to
    except (KeyboardInterrupt, OverpaintError):
        console.say(f"the server keeps the task; come back to it with: {command}")
        raise


def await_end(server: Remote, task_id: str) -> dict[str, Any]:
    """Ask until the task has ended, show how it stands, and return the server's last answer."""
    pause = _FIRST_PAUSE_S
    with console.status() as show:
        while True:
            answer = server.task(task_id, patience_s=PATIENCE_WAITING_S)
            status = str(answer["output"]["task_status"])
            if status in _ENDED:
                return answer
            show(f"task {task_id}: {status.lower()}")
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE_S)


def results(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of an ended task, one a picture: with "url", or with "code" and "message".

    Raises:
        Refused: it was canceled, or failed for what the caller gave.
        OperationFailed: it failed for another reason.
    """
    output = answer["output"]
    if output["task_status"] == "CANCELED":
        raise Refused(f"the task {output.get('task_id', '')} was canceled")
    if output["task_status"] == "FAILED":
        raise failure(str(output.get("code") or ""), str(output.get("message") or ""))
    return [entry for entry in output.get("results") or () if isinstance(entry, dict)]


def fetch(server: Remote, entries: list[dict[str, Any]], output: Path) -> list[Path]:
    """Download the pictures that there are to OUT, or to OUT-1, OUT-2, ... of several."""
    files = []
    for entry, file in zip(entries, numbered(output, len(entries)), strict=True):
        if not entry.get("url"):
            continue
        data = server.download(str(entry["url"]))
        _note_another_format(file, data)
        _write_whole(file, data)
        files.append(file)
    return files


def _note_another_format(file: Path, data: bytes) -> None:
    """Say when a result is not of the format that its name says; it is kept as it came."""
    from overpaint.imaging.container import sniff
    from overpaint.imaging.encode import format_of

    try:
        name = sniff(data, field="output")
    except InvalidImage:
        console.say(f"note: {file} does not look like a picture that Overpaint reads")
        return
    if name != format_of(file):
        console.say(f"note: {file} holds a {name} file, as the server made it")


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file; it appears whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        limit = f"must be a file that can be written ({error.strerror})"
        raise InvalidOption("output", limit, path) from error
    finally:
        unfinished.unlink(missing_ok=True)
