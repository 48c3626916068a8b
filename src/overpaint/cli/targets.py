"""Where results go, checked before anything is painted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from overpaint.errors import InvalidOption


def numbered(output: Path, n: int) -> tuple[Path, ...]:
    """The files that `n` results go to: OUT itself for one, else OUT-1, OUT-2, ..."""
    if n <= 1:
        return (output,)
    return tuple(output.with_stem(f"{output.stem}-{i}") for i in range(1, n + 1))


def check_folder(folder: Path, field: str = "output") -> None:
    """Raise `InvalidOption` unless files can be written into `folder`; a trial file says so."""
    if not folder.is_dir():
        told = "which is a file" if folder.exists() else "which does not exist"
        raise InvalidOption(field, "must go into a folder that exists", f"{folder}, {told}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidOption(
            field, f"must go into a folder that can be written to ({error.strerror})", folder
        ) from error


def make_folder(folder: Path, field: str = "output") -> None:
    """Make the folder when it is missing; raise `InvalidOption` unless it can be written into."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        limit = f"must be a folder that can be made ({error.strerror})"
        raise InvalidOption(field, limit, folder) from error
    check_folder(folder, field)


def check_targets(
    output: Path, *, n: int, inputs: Iterable[Path], field: str = "output"
) -> tuple[Path, ...]:
    """The files to write, or `InvalidInput` when a result could not go there.

    The extension must be one of a format that can be written, the folder must be there and
    writable, and no file may be one of `inputs`.
    """
    from overpaint.imaging.encode import format_of

    format_of(output)
    check_folder(output.parent, field)
    files = numbered(output, n)
    sources = {path.resolve() for path in inputs}
    for file in files:
        try:
            folder, source = file.is_dir(), file.resolve() in sources
        except OSError as error:  # a name that is too long, links that go round
            limit = f"must be a file that can be written ({error.strerror})"
            raise InvalidOption(field, limit, file) from error
        if folder:
            raise InvalidOption(field, "must be a file, not a folder", file)
        if source:
            raise InvalidOption(field, "must not be one of the input pictures", file)
    return files
