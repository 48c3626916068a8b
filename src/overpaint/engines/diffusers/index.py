"""Reads a checkpoint's small files: which parts it has, what is missing, what it was made for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from overpaint.engines.diffusers.family import FAMILIES, Family, family_of, other_family
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.source import Source
from overpaint.engines.diffusers.weights import Weights, find_weights
from overpaint.errors import EngineUnusable, InvalidOption

INDEX = "model_index.json"

_LIGHT = re.compile(r"Tokenizer|Scheduler|Processor|FeatureExtractor")  # parts without weights
_LEFT_OUT = ("safety_checker", "feature_extractor")  # `policy` judges results of every engine
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion", "kandinsky")
_FEW_STEPS = re.compile(
    r"(?<![a-z])(?:turbo|lightning|schnell|lcm|tcd|hyper|distilled|dmd2?|(\d+)-?steps?)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a checkpoint."""

    name: str  # its folder
    class_name: str
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True, kw_only=True)
class Index:
    """A folder with model_index.json, as it is."""

    class_name: str
    own_class: bool  # whether the pipeline's class comes with the checkpoint
    fields: Mapping[str, Any]
    parts: tuple[Part, ...]
    custom_code: tuple[str, ...]
    missing: tuple[str, ...]


def read_index(folder: Path, variant: str = "", *, weights: bool = True) -> Index:
    """Read model_index.json, and what there is of each part that it names.

    Args:
        folder: of the checkpoint.
        variant: of the weights; see `find_weights`.
        weights: False looks for configuration alone, which is all a single file needs.

    Raises:
        EngineUnusable: there is no model_index.json, or it cannot be read.
    """
    try:
        fields = read_fields(folder / INDEX)
    except FileNotFoundError as error:
        raise EngineUnusable(
            f"{folder.name} has no {INDEX}, so it is no checkpoint; name the folder that has it, "
            "or one .safetensors file"
        ) from error
    except (OSError, ValueError) as error:
        raise EngineUnusable(f"{INDEX} of {folder.name} cannot be read: {error}") from error
    named = fields["_class_name"]
    own = isinstance(named, list)
    parts: list[Part] = []
    missing: list[str] = []
    for name, (_, class_name) in parts_of(fields).items():
        part, lost = _read_part(folder / name, class_name, variant, weights=weights)
        parts.append(part)
        missing += lost
    return Index(
        class_name=str(named[-1] if own and named else named),
        own_class=own,
        fields=fields,
        parts=tuple(parts),
        custom_code=custom_code(fields),
        missing=tuple(missing),
    )


def read_fields(path: Path) -> dict[str, Any]:
    """What model_index.json says; raises OSError, and ValueError where it is none."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(fields, dict) or "_class_name" not in fields:
        raise ValueError("it names no pipeline")
    return fields


def parts_of(fields: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The parts that are loaded: name of the folder -> library and class."""
    return {
        name: (entry[0], entry[1])
        for name, entry in fields.items()
        if not name.startswith("_")
        and name not in _LEFT_OUT
        and isinstance(entry, list)
        and len(entry) == 2
        and all(isinstance(one, str) for one in entry)  # [null, null]: it does without this part
    }


def custom_code(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What is code of the checkpoint's own: its pipeline, parts of it."""
    named = fields["_class_name"]
    own = (f"{named[0]}.py",) if isinstance(named, list) and named else ()
    parts = (
        f"{name}: {library}.{class_name}"
        for name, (library, class_name) in parts_of(fields).items()
        if library not in _LIBRARIES
    )
    return (*own, *parts)


def _read_part(
    folder: Path, class_name: str, variant: str, *, weights: bool
) -> tuple[Part, tuple[str, ...]]:
    name = folder.name
    if is_light(class_name):
        there = folder.is_dir() and any(path.is_file() for path in folder.iterdir())
        return Part(name=name, class_name=class_name), () if there else (f"{name}: all files",)
    lost = () if (folder / "config.json").is_file() else (f"{name}: config.json",)
    if not weights:
        return Part(name=name, class_name=class_name), lost
    found = find_weights(folder, variant)
    return Part(name=name, class_name=class_name, weights=found), (*lost, *found.missing)


def is_light(class_name: str) -> bool:
    """Whether parts of this class have no weights: tokenizers, schedulers, processors."""
    return _LIGHT.search(class_name) is not None


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The configuration of a part; empty where there is none, or none that can be read."""
    for file in ("config.json", f"{name}_config.json"):
        try:
            found = json.loads((folder / name / file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def inpainting_family(index: Index, name: str) -> Family:
    """The family of a checkpoint; one whose pipeline's class comes with it has its own.

    Raises:
        EngineUnusable: it cannot inpaint; `name` is what it is called.
    """
    family = family_of(index.class_name)
    if family is not None:
        return family
    if index.own_class:
        return other_family(index.class_name)
    known = ", ".join(family.title for family in FAMILIES.values())
    raise EngineUnusable(
        f"checkpoint {name} is a {index.class_name}, which cannot inpaint; what can: {known}"
    )


def called(source: Source, options: Options) -> str:
    """What the checkpoint and its LoRAs are called."""
    return " ".join((source.name, *(Path(lora.where).name for lora in options.loras)))


def few_steps(family: Family, folder: Path | None, names: str, options: Options) -> int:
    """For how many steps a distilled checkpoint was made; 0 is one that is not distilled.

    Args:
        family: of the checkpoint.
        folder: with its configuration.
        names: of the checkpoint and what is added to it: "Z-Image-Turbo", "lcm-lora".
        options: a scheduler for few steps says it as well.
    """
    words = list(_FEW_STEPS.finditer(names))
    told = next((int(word[1]) for word in words if word[1]), 0)
    scheduler = options.scheduler.name if options.scheduler else ""
    distilled = bool(words)
    if folder is not None:
        scheduler = scheduler or str(read_config(folder, "scheduler").get("_class_name", ""))
        index = read_index(folder, weights=False).fields
        distilled |= index.get("is_distilled") is True
        network = read_config(folder, "transformer")
        distilled |= family.name == "flux" and network.get("guidance_embeds") is False
    distilled |= scheduler.lower().startswith(("lcm", "tcd"))
    return (told if 1 <= told <= 150 else family.few_steps) if distilled else 0


def fitted(family: Family, folder: Path | None, few: int, options: Options) -> Family:
    """The family as this checkpoint and its options have it: side, multiple, steps, guidance.

    Args:
        family: of the checkpoint.
        folder: with its configuration.
        few: as `few_steps` gives it.
        options: of the checkpoint.

    Raises:
        InvalidOption: `side` is not a multiple of what the family needs.
    """
    network: Mapping[str, Any] = {}
    factor = 8  # pixels a side of a latent
    if folder is not None:
        network = read_config(folder, "unet") or read_config(folder, "transformer")
        factor = _factor(read_config(folder, "vae") or read_config(folder, "movq"))
    multiple = max(1, family.multiple * factor // 8)
    latent = network.get("sample_size")
    side = options.side or family.side * factor // 8
    if not options.side and isinstance(latent, int) and family.sized_by_network:
        side = latent * factor
    if side % multiple:
        raise InvalidOption("engine", f"side must be a multiple of {multiple} px", side)
    made = replace(
        family,
        side=side,
        multiple=multiple,
        steps=options.steps or few or family.steps,
        guidance=family.guidance if options.guidance is None else options.guidance,
    )
    takes_guidance = family.guidance_kind == "distilled" and network.get("guidance_embeds", True)
    if few and options.guidance is None and not takes_guidance:
        made = replace(made, guidance=family.unguided, guidance_kind="none", takes_negative=False)
    return made


def _factor(autoencoder: Mapping[str, Any]) -> int:
    """How many pixels a side of a latent stands for."""
    for levels, lowest in (("block_out_channels", 1), ("temperal_downsample", 0)):
        found = autoencoder.get(levels)
        if isinstance(found, list) and len(found) >= lowest:
            return int(2 ** (len(found) - lowest))
    return 8
