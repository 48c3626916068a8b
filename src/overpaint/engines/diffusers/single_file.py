"""Which kind of checkpoint a single .safetensors file is.

Source: the names of tensors in diffusers' loaders/single_file_utils.py, version 0.42.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from overpaint.engines.diffusers.family import Family, family_of
from overpaint.engines.diffusers.hub import find_snapshot
from overpaint.engines.diffusers.index import read_index
from overpaint.engines.diffusers.source import Source
from overpaint.engines.diffusers.weights import Header, find_weights
from overpaint.errors import EngineUnusable

_NET = "model.diffusion_model."
_PARTS = {
    "autoencoder": ("first_stage_model.", "vae."),
    "text encoders": ("cond_stage_model.", "conditioner.", "text_encoders."),
}


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What a single file is."""

    family: str  # a name of FAMILIES
    config: str  # the id of the hub whose configuration and tokenizers it goes with
    channels: int | None = None  # that its U-Net takes
    side: int | None = None  # px, where it is not the family's
    lacks: tuple[str, ...] = ()  # parts that are not in the file


def recognise(header: Header, name: str) -> Recognised:
    """Say what a file of these tensors is.

    Raises:
        EngineUnusable: it is none that can be loaded, `name`, and what to do.
    """
    shapes = header.shapes
    lacks = tuple(
        part
        for part, prefixes in _PARTS.items()
        if not any(tensor.startswith(prefixes) for tensor in shapes)
    )
    made = partial(Recognised, lacks=lacks)

    def shape(tensor: str) -> tuple[int, ...]:
        return shapes.get(_NET + tensor) or shapes.get(tensor) or ()

    unet = shapes.get(f"{_NET}input_blocks.0.0.weight")
    if unet is not None and len(unet) == 4 and unet[1] in (4, 9):
        cross = shape("input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight")
        xl = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias" in shapes
        paints = unet[1] == 9
        if "conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias" in shapes:
            raise EngineUnusable(
                f"{name} is a refiner, which does not inpaint alone; take the base"
            )
        if xl:
            repo = (
                "diffusers/stable-diffusion-xl-1.0-inpainting-0.1"
                if paints
                else "stabilityai/stable-diffusion-xl-base-1.0"
            )
            return made(family="sdxl", config=repo, channels=unet[1])
        if cross and cross[-1] == 1024:
            repo = "stable-diffusion-2-inpainting" if paints else "stable-diffusion-2-1"
            side = None if paints else 768
            return made(family="sd", config=f"stabilityai/{repo}", channels=unet[1], side=side)
        repo = "stable-diffusion-inpainting" if paints else "stable-diffusion-v1-5"
        return made(family="sd", config=f"stable-diffusion-v1-5/{repo}", channels=unet[1])
    if shape("distilled_guidance_layer.in_proj.bias"):
        return made(family="chroma", config="lodestones/Chroma1-HD")
    if shape("double_blocks.0.img_attn.norm.key_norm.scale"):
        inputs = shape("img_in.weight")
        if inputs and inputs[-1] == 384:
            return made(family="flux-fill", config="black-forest-labs/FLUX.1-Fill-dev")
        raise EngineUnusable(
            f"{name} is FLUX.1 in one file, of which diffusers inpaints with Fill alone; "
            "take its folder or its id of the hub"
        )
    if shape("joint_blocks.37.x_block.mlp.fc1.weight"):
        return made(family="sd3", config="stabilityai/stable-diffusion-3.5-large")
    if shape("joint_blocks.0.context_block.adaLN_modulation.1.bias"):
        grid = shape("pos_embed")
        medium = len(grid) == 3 and grid[1] == 147456
        repo = "3.5-medium" if medium else "3-medium-diffusers"
        return made(family="sd3", config=f"stabilityai/stable-diffusion-{repo}")
    if shape("layers.0.adaLN_modulation.0.weight"):
        return made(family="z-image", config="Tongyi-MAI/Z-Image-Turbo")
    raise EngineUnusable(f"{name} {_why_not(header)}")


def _why_not(header: Header) -> str:
    if any("lora_" in tensor or ".lora" in tensor for tensor in header.shapes):
        return "is a LoRA and no checkpoint; add it to one: CHECKPOINT?lora=FILE:1"
    parts = ("down_blocks.", "transformer_blocks.", "decoder.", "text_model.")
    if any(tensor.startswith(parts) for tensor in header.shapes):
        return "is one part of a checkpoint; name the folder with model_index.json"
    return "is no checkpoint that inpaints from a single file; take its folder or id of the hub"


def config_folder(source: Source) -> Path | None:
    """Where the configuration of a single file is on this machine."""
    if source.path is not None:
        return source.path if source.path.is_dir() else None
    return find_snapshot(source.repo, source.revision)


def holds(folder: Path, part: str) -> bool:
    """Whether the folder has weights of these parts."""
    names = {"autoencoder": "vae", "text encoders": "text_encoder*"}[part]
    found = [find_weights(one) for one in folder.glob(names)]
    return bool(found) and all(weights.files for weights in found)


def check_config(config: Path | None, given: Source, family: Family, name: str) -> None:
    """Hold that a single file's configuration is of its own family.

    Raises:
        EngineUnusable: it is of another one.
    """
    other = None if config is None else family_of(read_index(config, weights=False).class_name)
    if other is not None and other.name != family.name:
        raise EngineUnusable(
            f"{name} is of the family {family.title}, and config={given.name} of {other.title}; "
            "name the configuration of a checkpoint of the same family"
        )


def missing_of_file(config: Path | None, given: Source, lacks: tuple[str, ...]) -> tuple[str, ...]:
    """What a single file cannot be loaded without: its configuration, and parts it lacks."""
    if config is None:
        return (f"configuration and tokenizers of {given}", *lacks)
    return (*read_index(config, weights=False).missing, *lacks)
