"""Folders of checkpoints as they are published: real names and headers, and no weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Shapes = Mapping[str, Sequence[int]]

SD_UNET = {"in_channels": 9, "sample_size": 64, "cross_attention_dim": 768}
VAE = {"block_out_channels": [128, 256, 512, 512], "latent_channels": 4}
SD_INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionInpaintPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "image_encoder": [None, None],
    "requires_safety_checker": True,
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
CARD = "---\nlicense: creativeml-openrail-m\ntags:\n- stable-diffusion\n---\n# A checkpoint\n"


def weights(shapes: Shapes, *, dtype: str = "F16") -> bytes:
    """A .safetensors file of these tensors, all of them zero."""
    told: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        told[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    header = json.dumps(told).encode()
    return len(header).to_bytes(8, "little") + header + bytes(end)


def sd_files(index: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """A Stable Diffusion inpainting checkpoint: the path of each file and what is in it."""
    index = SD_INDEX if index is None else index
    files: dict[str, Any] = {
        "README.md": CARD,
        "model_index.json": index,
        "scheduler/scheduler_config.json": {"_class_name": "PNDMScheduler"},
        "tokenizer/tokenizer_config.json": {},
        "tokenizer/vocab.json": {},
        "tokenizer/merges.txt": "#version: 0.2\n",
        "text_encoder/config.json": {"architectures": ["CLIPTextModel"]},
        "text_encoder/model.safetensors": weights({"embeddings": (30, 10)}),
        "unet/config.json": SD_UNET,
        "unet/diffusion_pytorch_model.safetensors": weights({"conv_in": (40, 9, 3, 3)}),
        "vae/config.json": VAE,
        "vae/diffusion_pytorch_model.safetensors": weights({"conv": (16, 16)}),
    }
    return {name: _bytes(data) for name, data in files.items()}


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write files into a folder; what is neither bytes nor text is written as JSON."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(data))
    return folder


def write_checkpoint(
    folder: Path, class_name: str, parts: Mapping[str, tuple[str, Mapping[str, Any]]], **more: Any
) -> Path:
    """A folder of a pipeline: part -> class and configuration; `more` stands in the index."""
    index: dict[str, Any] = {"_class_name": class_name, **more}
    files: dict[str, Any] = {}
    for name, (its_class, config) in parts.items():
        index[name] = ["diffusers", its_class]
        if "Scheduler" in its_class:
            files[f"{name}/scheduler_config.json"] = {"_class_name": its_class, **config}
            continue
        files[f"{name}/config.json"] = config
        files[f"{name}/diffusion_pytorch_model.safetensors"] = weights({"weight": (4, 4)})
    return write(folder, {"model_index.json": index, **files})


def _bytes(data: Any) -> bytes:
    if isinstance(data, bytes):
        return data
    return (data if isinstance(data, str) else json.dumps(data)).encode()
