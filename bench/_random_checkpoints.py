"""Checkpoints of published architectures with random weights, saved as a user's folder is.

Time and memory do not depend on what the weights say, and nothing has to be downloaded. The
numbers are those of the configurations published with stable-diffusion-v1-5/
stable-diffusion-inpainting and diffusers/stable-diffusion-xl-1.0-inpainting-0.1. Their tokenizers
come with the weights only: in their place stands one of the same size that knows single letters,
so a prompt becomes other numbers, and as always 77 of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench._sd15 import BEGIN, END, SCHEDULER, TEXT, TOKENS, UNET, VAE

Name = Literal["sd15", "sdxl"]

SDXL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 9,  # state 4, mask 1, masked picture 4
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", *["CrossAttnDownBlock2D"] * 2),
    "up_block_types": (*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20),  # how many heads, whatever it is called
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 6 * 256 + 1280,
}
SDXL_VAE: dict[str, Any] = {
    **VAE,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
    "force_upcast": True,
}
SDXL_TEXT_2: dict[str, Any] = {  # OpenCLIP ViT-bigG/14
    **TEXT,
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "hidden_act": "gelu",
    "projection_dim": 1280,
}
SDXL_SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much smaller than published the networks are; the defaults are the published ones."""

    side: int | None = None  # native side, px
    unet: float = 1.0  # width, of the published
    vae: float = 1.0
    text: float = 1.0
    text_layers: float = 1.0  # depth


def _times(widths: tuple[int, ...], share: float) -> tuple[int, ...]:
    """Narrower, each a multiple of the 32 groups of a normalisation."""
    return tuple(max(32, round(width * share / 32) * 32) for width in widths)


def _unet(published: dict[str, Any], scale: Scale, words: int) -> dict[str, Any]:
    config = {
        **published,
        "block_out_channels": _times(published["block_out_channels"], scale.unet),
        "cross_attention_dim": words,
    }
    heads = published["attention_head_dim"]  # how many there are, in both; they keep their width
    if isinstance(heads, int):
        config["attention_head_dim"] = max(1, round(heads * scale.unet))
    else:
        config["attention_head_dim"] = [max(1, round(one * scale.unet)) for one in heads]
    if scale.side is not None:
        config["sample_size"] = scale.side // 8
    return config


def _vae(published: dict[str, Any], scale: Scale) -> dict[str, Any]:
    widths = _times(published["block_out_channels"], scale.vae)
    return {**published, "block_out_channels": widths}


def _text(published: dict[str, Any], scale: Scale) -> dict[str, Any]:
    heads = max(1, round(published["num_attention_heads"] * scale.text))
    width = 64 * heads
    return {
        **published,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": heads,
        "num_hidden_layers": max(2, round(published["num_hidden_layers"] * scale.text_layers)),
        "projection_dim": width,
        "pad_token_id": END,
    }


@contextmanager
def _made_as(device: str, dtype: str) -> Iterator[None]:
    """Make weights where and as they are needed, so that there is never a second copy."""
    torch = importlib.import_module("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def save(name: Name, folder: Path, *, scale: Scale, device: str, dtype: str) -> Path:
    """Build a checkpoint of a kind on a device and save it to a folder; returns that.

    Args:
        name: "sd15" or "sdxl", both for inpainting.
        folder: is made; takes 2 bytes a weight in bfloat16: 2.1 GB and 6.9 GB in full.
        scale: how much smaller than published.
        device: "cpu" or "cuda".
        dtype: "float32" or "bfloat16".
    """
    diffusers = importlib.import_module("diffusers")
    torch = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    first = _text(TEXT, scale)
    with _made_as(device, dtype):
        encoder = transformers.CLIPTextModel(transformers.CLIPTextConfig(**first)).eval()
        parts: dict[str, Any] = {"text_encoder": encoder, "tokenizer": tokenizer()}
        if name == "sd15":
            unet = _unet(UNET, scale, first["hidden_size"])
            parts |= {
                "unet": diffusers.UNet2DConditionModel(**unet).eval(),
                "vae": diffusers.AutoencoderKL(**_vae(VAE, scale)).eval(),
                "safety_checker": None,
                "feature_extractor": None,
            }
        else:
            second = _text(SDXL_TEXT_2, scale)
            unet = _unet(SDXL_UNET, scale, first["hidden_size"] + second["hidden_size"])
            unet["projection_class_embeddings_input_dim"] = 6 * 256 + second["projection_dim"]
            config = transformers.CLIPTextConfig(**second)
            parts |= {
                "text_encoder_2": transformers.CLIPTextModelWithProjection(config).eval(),
                "tokenizer_2": tokenizer(),
                "unet": diffusers.UNet2DConditionModel(**unet).eval(),
                "vae": diffusers.AutoencoderKL(**_vae(SDXL_VAE, scale)).eval(),
            }
    if name == "sd15":
        scheduler = diffusers.DDIMScheduler(**SCHEDULER)
        kind, more = diffusers.StableDiffusionInpaintPipeline, {"requires_safety_checker": False}
    else:
        scheduler = diffusers.EulerDiscreteScheduler(**SDXL_SCHEDULER)
        kind, more = diffusers.StableDiffusionXLInpaintPipeline, {}
    kind(**parts, scheduler=scheduler, **more).save_pretrained(folder)
    return folder


def tokenizer() -> Any:
    """As large as CLIP's, with its numbers for begin and end; knows single bytes alone."""
    transformers = importlib.import_module("transformers")
    alphabet = sorted(importlib.import_module("tokenizers.pre_tokenizers").ByteLevel.alphabet())
    pieces = [*alphabet, *(letter + "</w>" for letter in alphabet)]
    pieces += [f"<|unused{i}|>" for i in range(BEGIN - len(pieces))]
    vocab = {piece: i for i, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    return transformers.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=TOKENS)
