"""LoRA files: added to the weights of a checkpoint once, when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overpaint.engines.diffusers.fetch import fetch
from overpaint.engines.diffusers.hub import INSTALL, find_snapshot
from overpaint.engines.diffusers.options import Lora, Options
from overpaint.engines.diffusers.source import Source, read_source
from overpaint.engines.diffusers.weights import read_header
from overpaint.errors import CheckpointMissing, EngineUnusable, InvalidOption

_USUAL = "pytorch_lora_weights.safetensors"
_ADAPTER = "overpaint"


def fuse_loras(pipe: Any, loras: Sequence[Lora], options: Options) -> None:
    """Add LoRAs to a pipeline's weights, each times its weight; it runs as fast as without.

    Args:
        pipe: a pipeline of diffusers.
        loras: files, folders or ids of the hub, with weights; one of weight 0 is left out.
        options: whether they may be downloaded, and pickles loaded.

    Raises:
        EngineUnusable: a LoRA is missing or damaged, or is made for another kind of checkpoint: the
            library would load that without a word and without effect.
    """
    wanted = [one for one in loras if one.weight]
    if wanted and not hasattr(pipe, "load_lora_weights"):
        raise EngineUnusable(f"{type(pipe).__name__} takes no LoRA; leave lora= out")
    for one in wanted:
        _load(pipe, find_lora(one.where, options), options)
        pipe.set_adapters([_ADAPTER], [one.weight])
        pipe.fuse_lora(adapter_names=[_ADAPTER])
        pipe.unload_lora_weights()


def find_lora(where: str, options: Options) -> Path:
    """The file of a LoRA.

    Raises:
        CheckpointMissing: it is of the hub and not on this machine.
        EngineUnusable: it is not there, cannot be told from others, or is a pickle.
    """
    try:
        source = read_source(where, field="lora")
    except InvalidOption as error:
        raise EngineUnusable(str(error)) from error
    path = source.path or _from_hub(source, options)
    if path.is_dir():
        path = _only(path)
    if not path.is_file():
        raise EngineUnusable(f"lora={source.name}: there is no such file")
    if path.suffix.lower() != ".safetensors" and not options.pickle:
        raise EngineUnusable(
            f"lora={path.name} is a pickle, which can run code: take its .safetensors, or say "
            "pickle=1 if you trust who made it"
        )
    return path


def _only(folder: Path) -> Path:
    usual = folder / _USUAL
    if usual.is_file():
        return usual
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:10])
        found = f"has several: {names}; say which" if files else "has no .safetensors file"
        raise EngineUnusable(f"lora={folder.name}: the folder {found}")
    return files[0]


def _from_hub(source: Source, options: Options) -> Path:
    folder = find_snapshot(source.repo, source.revision)
    if folder is not None and any(folder.glob(source.file or "*.safetensors")):
        return folder / source.file
    if not options.download:
        raise CheckpointMissing(
            f"lora={source} is not on this machine: overpaint checkpoints fetch {source}, or say "
            "download=1"
        )
    return fetch(source, options)


def _load(pipe: Any, path: Path, options: Options) -> None:
    if path.suffix.lower() == ".safetensors":
        read_header(path)  # a damaged one is told before it is loaded
    misfit = (
        f"lora={path.name} does not fit this checkpoint, which {type(pipe).__name__} runs: "
        "it is made for another kind"
    )
    try:
        pipe.load_lora_weights(
            str(path.parent),
            weight_name=path.name,
            adapter_name=_ADAPTER,
            local_files_only=True,
            use_safetensors=path.suffix.lower() == ".safetensors",
        )
    except ImportError as error:
        raise EngineUnusable(f"a LoRA needs peft: {INSTALL} ({error})") from error
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        said = next((line for line in lines if line and not line.endswith(":")), "")[:300]
        raise EngineUnusable(f"{misfit} ({said or type(error).__name__})") from error
    # Layers of other names are passed over: nothing of the file may have found its place.
    if not any(_ADAPTER in names for names in pipe.get_list_adapters().values()):
        raise EngineUnusable(f"{misfit}, and would have no effect")
