"""The manifest of `overpaint batch`: read and checked whole before anything is painted."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from overpaint.cli.targets import numbered
from overpaint.errors import EngineFailed, InvalidInput, InvalidOption


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the manifest, checked."""

    number: int  # from 1, empty lines counted
    base: Path
    mask: Path
    prompt: str
    others: tuple[Path, ...]  # pictures that `options` name
    files: tuple[Path, ...]  # what it writes, one a result
    options: Mapping[str, Any]  # keyword arguments of `repaint`, those that were given
    key: str  # changes when the line or one of its input files does


#: Every key that a line may have.
KEYS = (
    "base",
    "mask",
    "prompt",
    "output",
    "n",
    "seed",
    "size",
    "style",
    "negative",
    "engine",
    "reference",
    "sketch",
    "palette",
    "strength",
    "guidance",
    "steps",
    "mask_color",
    "invert_mask",
    "grow",
    "feather",
    "soft_mask",
    "watermark",
)
_ANY_KEY = f"must be one of {', '.join(KEYS)}"
#: Most of a line that a message repeats, characters.
LONGEST_EXCERPT = 40
#: Keys that are passed on to `repaint` as they are -> its name for them.
_OPTIONS = {
    name: "negative_prompt" if name == "negative" else name
    for name in KEYS
    if name not in {"base", "mask", "prompt", "output"}
}


def read_manifest(manifest: Path, folder: Path) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Read a JSON Lines manifest whose results go to `folder`.

    Relative paths start at the manifest's own folder. A key set to null counts as left out;
    empty lines are passed over.

    Returns:
        The valid lines, and a message "line N: field: what is wrong" for each of the others, in
        their order.

    Raises:
        InvalidOption: the manifest cannot be read or has no line.
    """
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except OSError as error:
        limit = f"must be a file that can be read ({error.strerror})"
        raise InvalidOption("manifest", limit, manifest) from error
    except UnicodeDecodeError as error:
        raise InvalidOption("manifest", f"must be UTF-8 ({error.reason})", manifest) from error

    lines: list[Line] = []
    mistakes: list[str] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            lines.append(_read_line(number, raw, manifest.parent, folder))
        except InvalidInput as error:
            mistakes.append(f"line {number}: {error}")
    mistakes += _clashes(lines)
    if not lines and not mistakes:
        raise InvalidOption("manifest", "must have at least one line", manifest)
    return tuple(lines), tuple(sorted(mistakes, key=_line_number))


def _line_number(mistake: str) -> int:
    return int(mistake.split(":", 1)[0].removeprefix("line "))


def _read_line(number: int, raw: str, root: Path, folder: Path) -> Line:
    from overpaint.imaging.encode import format_of

    given = _parse(raw)
    paths = {name: root / given[name] for name in _pictures(given)}
    for name, path in paths.items():
        if not _is_file(path):
            raise InvalidOption(name, "must be a file that exists", path)
    name = given.get("output", f"{number:04d}-{paths['base'].stem}.png")
    output = (folder / name).resolve()
    if not output.is_relative_to(folder.resolve()):
        raise InvalidOption("output", "must stay inside the output folder", name)
    format_of(output)
    state = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths.values()]
    return Line(
        number=number,
        base=paths["base"],
        mask=paths["mask"],
        others=tuple(path for name, path in paths.items() if name in _OPTIONS),
        prompt=given.get("prompt", ""),
        files=numbered(output, given.get("n", 1)),
        options={
            _OPTIONS[name]: paths.get(name, value)
            for name, value in given.items()
            if name in _OPTIONS
        },
        key=hashlib.sha256(json.dumps([given, name, state], sort_keys=True).encode()).hexdigest(),
    )


def _pictures(given: Mapping[str, Any]) -> list[str]:
    """The keys of a line that name picture files."""
    from overpaint.concepts.palette import names_a_file

    names = [name for name in ("base", "mask", "reference", "sketch") if name in given]
    return [*names, "palette"] if names_a_file(given.get("palette")) else names


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that cannot be looked into
        return False


def _parse(raw: str) -> dict[str, Any]:
    """The keys of a line that were given, each with a value that fits it."""
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidOption("line", f"must be JSON ({error})", _excerpt(raw)) from error
    if not isinstance(given, dict):
        raise InvalidOption("line", "must be a JSON object", type(given).__name__)
    for name in given:
        if name not in KEYS:
            near = difflib.get_close_matches(name, KEYS, n=1)
            keys = f"must be known (did you mean {near[0]}?)" if near else _ANY_KEY
            raise InvalidOption("key", keys, _excerpt(name))
    given = {name: value for name, value in given.items() if value is not None}
    for name in ("base", "mask"):
        if name not in given:
            raise InvalidOption(name, "must be given", "none")
    checks = _checks()
    for name, value in given.items():
        checks[name](value)
    return given


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= LONGEST_EXCERPT else f"{text[:LONGEST_EXCERPT]}...")


def _checks() -> dict[str, Callable[[Any], object]]:
    """For each key what raises `InvalidInput` when a value does not fit."""
    from overpaint import options

    return {
        "base": partial(_check_name, "base"),
        "mask": partial(_check_name, "mask"),
        "reference": partial(_check_name, "reference"),
        "output": partial(_check_name, "output"),
        "prompt": options.check_prompt,
        "negative": partial(options.check_prompt, field="negative"),
        "n": partial(options.check_seeds, 0),
        "seed": partial(options.check_seeds, n=1),
        "size": options.check_size,
        "style": options.check_style,
        "engine": _check_engine,
        "mask_color": options.check_colors,
        "grow": options.check_grow,
        "feather": options.check_feather,
        "sketch": partial(_check_name, "sketch"),
        "palette": _check_palette,
        "strength": options.check_strength,
        "guidance": options.check_guidance,
        "steps": options.check_steps,
        "invert_mask": partial(options.check_flag, field="invert_mask"),
        "soft_mask": partial(options.check_flag, field="soft_mask"),
        "watermark": partial(options.check_flag, field="watermark"),
    }


def _check_name(field: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InvalidOption(field, "must be the name of a file", repr(value))


def _check_palette(palette: object) -> None:
    from overpaint.concepts.palette import names_a_file, read_palette

    if names_a_file(palette):
        _check_name("palette", palette)
    elif isinstance(palette, str | list):
        read_palette(palette)
    else:
        raise InvalidOption("palette", "must be text or a list of colours", repr(palette))


def _check_engine(name: object) -> None:
    from overpaint.engines.registry import get_engine, is_family

    if not isinstance(name, str):
        raise InvalidOption("engine", "must be text", repr(name))
    if name == "auto":
        return
    try:
        get_engine(name)
    except EngineFailed as error:
        if not is_family(name):
            raise
        limit = f"must be an engine that can be used ({error})"  # a checkpoint that is not there
        raise InvalidOption("engine", limit, name) from error


def _clashes(lines: list[Line]) -> Iterator[str]:
    """A line for each output that another line writes as well, or that is an input."""
    inputs = {
        path.resolve(): line.number
        for line in lines
        for path in (line.base, line.mask, *line.others)
    }
    writers: dict[str, int] = {}
    for line in lines:
        for file in line.files:
            first = writers.setdefault(str(file).casefold(), line.number)
            if first != line.number:
                yield _clash(line, f"must not be a file that line {first} writes", file)
            if (reader := inputs.get(file)) is not None:
                yield _clash(line, f"must not be an input picture of line {reader}", file)


def _clash(line: Line, limit: str, file: Path) -> str:
    return f"line {line.number}: {InvalidOption('output', limit, file.name)}"
