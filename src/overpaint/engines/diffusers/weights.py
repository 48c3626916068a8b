"""What weight files there are and what they hold, from their names and headers alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from overpaint.errors import EngineFailed

#: The longest header that is read, bytes; the format's own limit.
MAX_HEADER = 100_000_000

#: What a weight file is called.
_NAME = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)"
    r"(?:\.(?P<variant>\w+))?"
    r"(?:-(?P<number>\d{5})-of-(?P<count>\d{5}))?"
    r"(?:\.(?P<old_variant>\w+))?"  # where it stood before diffusers 0.29
    r"\.(?P<kind>safetensors|bin)"
)


@dataclass(frozen=True, kw_only=True)
class Header:
    """The header of a .safetensors file."""

    shapes: Mapping[str, tuple[int, ...]]  # tensor -> shape
    dtypes: Mapping[str, str]  # tensor -> "F32", "F16", "BF16", ...
    metadata: Mapping[str, str]

    @property
    def parameters(self) -> int:
        """How many numbers the file holds."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def read_header(path: Path) -> Header:
    """Read the header of a .safetensors file, and see that the file is as long as it says.

    Source: https://github.com/huggingface/safetensors, "Format".

    Raises:
        EngineFailed: it is no such file, or is cut short.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(MAX_HEADER, size - 8):
                raise ValueError("no header")
            told = json.loads(file.read(length))
        metadata = told.pop("__metadata__", {})
        shapes = {name: tuple(map(int, tensor["shape"])) for name, tensor in told.items()}
        dtypes = {name: str(tensor["dtype"]) for name, tensor in told.items()}
        end = max((int(tensor["data_offsets"][1]) for tensor in told.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise EngineFailed(f"{path.name} is no safetensors file; download it again") from error
    if size != 8 + length + end:
        full = 8 + length + end
        raise EngineFailed(
            f"{path.name} has {size} bytes and not {full}: it is damaged; download it again"
        )
    return Header(shapes=shapes, dtypes=dtypes, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weight files of one part of a checkpoint."""

    files: tuple[Path, ...] = ()
    parameters: int = 0  # 0 where only a pickle could tell
    bytes: int = 0
    pickled: bool = False
    variant: str = ""
    missing: tuple[str, ...] = ()  # what is wrong: names of files that are not there, or torn


def read_name(name: str) -> tuple[tuple[str, str], tuple[int, int]] | None:
    """What the name of a weight file says: (kind, variant), (number, how many); None: it is none.

    The kind is "safetensors" or "bin", which is a pickle; the variant is "" for the plain one.
    """
    named = _NAME.fullmatch(name)
    if named is None:
        return None
    variant = named["variant"] or named["old_variant"] or ""
    return (named["kind"], variant), (int(named["number"] or 1), int(named["count"] or 1))


def preferred(found: Collection[tuple[str, str]], variant: str) -> tuple[str, str] | None:
    """Which (kind, variant) of these is loaded: safetensors where there are any, else pickles.

    Of `variant` where there is that, else the plain ones, else the only variant there is.
    """
    for kind in ("safetensors", "bin"):
        variants = [its for of, its in found if of == kind]
        for one in (variant, "", *variants):
            if one in variants:
                return kind, one
    return None


def find_weights(folder: Path, variant: str = "") -> Weights:
    """The weights in the folder of one part, as `preferred` chooses them."""
    found: dict[tuple[str, str], dict[tuple[int, int], Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = read_name(path.name)
        if named is None or not path.is_file():  # a link of the cache to what never came
            continue
        found.setdefault(named[0], {})[named[1]] = path
    chosen = preferred(found, variant)
    if chosen is None:
        return Weights(missing=(f"{folder.name}: weights",))
    return _weights(found[chosen], chosen[1], pickled=chosen[0] == "bin")


def _weights(shards: Mapping[tuple[int, int], Path], variant: str, *, pickled: bool) -> Weights:
    count = max(count for _, count in shards)
    there = {number for number, of in shards if of == count}
    files = tuple(path for (_, of), path in sorted(shards.items()) if of == count)
    folder = files[0].parent.name
    missing = [
        f"{folder}: part {number} of {count} of the weights"
        for number in range(1, count + 1)
        if number not in there
    ]
    parameters = 0
    for path in () if pickled else files:
        try:
            parameters += read_header(path).parameters
        except EngineFailed as error:
            missing.append(f"{folder}: {str(error).partition(';')[0]}")
    return Weights(
        files=files,
        parameters=parameters,
        bytes=sum(path.stat().st_size for path in files),
        pickled=pickled,
        variant=variant,
        missing=tuple(missing),
    )
