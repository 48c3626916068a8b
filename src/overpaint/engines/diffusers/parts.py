"""The parts of a checkpoint that have weights: how much memory they take, and loading one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch

from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.weights import Weights, find_weights, read_header

#: Parts that no call of ours uses; the safety checker is no part of ours either: `policy` judges
#: results of every engine alike.
LEFT_OUT = ("safety_checker", "feature_extractor", "image_encoder")
#: How tensors of a single file begin that are not the network's.
_AUTOENCODER = ("first_stage_model.", "vae.")
_TEXT_ENCODERS = ("cond_stage_model.", "conditioner.", "text_encoders.")


def part_bytes(checkpoint: Checkpoint, itemsize: int) -> dict[str, int]:
    """How many bytes the weights of each part take in memory, with numbers of so many bytes."""
    numbers: dict[str, int] = {}
    for part in checkpoint.parts:
        known = part.weights.parameters
        if part.name in LEFT_OUT and (checkpoint.path / part.name).is_dir():
            continue
        if checkpoint.path.is_file() and known:
            numbers |= _numbers_of_file(checkpoint.path)
        else:  # a pickle's are guessed: of four bytes
            numbers[part.name] = known or part.weights.bytes // 4
    return {name: count * itemsize for name, count in numbers.items()}


def _numbers_of_file(path: Path) -> dict[str, int]:
    shapes = read_header(path).shapes
    numbers = dict.fromkeys(("network", "autoencoder", "text encoders"), 0)
    for name, shape in shapes.items():
        part = "network"
        if name.startswith(_AUTOENCODER):
            part = "autoencoder"
        elif name.startswith(_TEXT_ENCODERS):
            part = "text encoders"
        numbers[part] += torch.Size(shape).numel()
    return numbers


def own_parts(checkpoint: Checkpoint, folder: Path) -> dict[str, Weights]:
    """The parts of a folder that have weights; those of a connected checkpoint are elsewhere."""
    return {
        part.name: part.weights
        for part in checkpoint.parts
        if part.weights.files
        and part.weights.files[0].parent == folder / part.name
        and part.name not in LEFT_OUT
    }


def lacking_parts(checkpoint: Checkpoint, folder: Path) -> dict[str, Weights]:
    """The parts that a single file has not, from the folder of its configuration."""
    if checkpoint.path.suffix.lower() != ".safetensors":
        return {}
    there = _numbers_of_file(checkpoint.path)
    names = [] if there["autoencoder"] else ["vae"]
    if not there["text encoders"]:
        names += sorted(path.name for path in folder.glob("text_encoder*"))
    return {name: find_weights(folder / name) for name in names}


def load_part(
    library: Any,
    entry: list[str],
    folder: Path,
    weights: Weights,
    options: Options,
    dtype: torch.dtype,
) -> Any:
    """A part's network, None where only the pipeline knows how to load it.

    Args:
        library: the package diffusers.
        entry: the part's package and class, as model_index.json has them.
        folder: the part's.
        weights: those that are there.
        options: whether pickles may be loaded.
        dtype: of the network.
    """
    if entry[0] not in ("diffusers", "transformers"):
        return None
    of_transformers = entry[0] == "transformers"
    kind = getattr(
        importlib.import_module("transformers") if of_transformers else library, entry[1]
    )
    if not issubclass(kind, torch.nn.Module):
        return None
    return kind.from_pretrained(
        str(folder),
        local_files_only=True,
        use_safetensors=None if options.pickle else True,
        variant=weights.variant or None,
        **{"dtype" if of_transformers else "torch_dtype": dtype},
    )
