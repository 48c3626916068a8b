"""Files made of tiny checkpoints: one in the layout that SD 1.5 came in, and LoRAs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.heavy import require
from tests.unit.diffusers_tiny import diffusers

Pairs = list[tuple[str, str]]

_RESIDUAL: Pairs = [
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
]
_ATTENTION: Pairs = [
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
]
_PLAIN_RESIDUAL: Pairs = [
    ("conv_shortcut", "nin_shortcut"),
    *((name, name) for name in ("norm1", "norm2", "conv1", "conv2")),
]


def save_single_file(folder: Path, path: Path, keep: Callable[[str], bool] = bool) -> Path:
    """Write the tiny `sd9` of a folder as one .safetensors file, of the tensors that `keep` says.

    The names are those of the original release: https://github.com/CompVis/stable-diffusion.
    """
    pipe = diffusers().StableDiffusionInpaintPipeline.from_pretrained(folder)
    tensors = _named(pipe.unet, _unet(blocks=2), "model.diffusion_model.")
    tensors |= _named(pipe.vae, _autoencoder(blocks=2), "first_stage_model.")
    for name, tensor in tensors.items():
        if "attn_1" in name and tensor.ndim == 2:  # there attention is a convolution of 1 x 1
            tensors[name] = tensor[:, :, None, None]
    for name, tensor in pipe.text_encoder.state_dict().items():
        plain = name.removeprefix("text_model.")
        tensors[f"cond_stage_model.transformer.text_model.{plain}"] = tensor
    kept = {name: tensor.contiguous() for name, tensor in tensors.items() if keep(name)}
    require("safetensors.torch").save_file(kept, path)
    return path


def _named(model: Any, pairs: Pairs, prefix: str) -> dict[str, Any]:
    renamed = {}
    for name, tensor in model.state_dict().items():
        old, new = next(pair for pair in pairs if name.startswith(f"{pair[0]}."))
        renamed[prefix + new + name.removeprefix(old)] = tensor
    return renamed


def _below(old: str, new: str, pairs: Iterable[tuple[str, str]]) -> Pairs:
    return [(f"{old}.{a}", f"{new}.{b}") for a, b in pairs]


def _unet(blocks: int) -> Pairs:
    """Of a U-Net of one layer a block."""
    pairs: Pairs = [
        ("conv_in", "input_blocks.0.0"),
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
    ]
    for block in range(blocks):
        down, here = f"down_blocks.{block}", f"input_blocks.{2 * block + 1}"
        pairs += _below(f"{down}.resnets.0", f"{here}.0", _RESIDUAL)
        pairs.append((f"{down}.attentions.0", f"{here}.1"))
        pairs.append((f"{down}.downsamplers.0.conv", f"input_blocks.{2 * block + 2}.0.op"))
        for layer in range(2):
            up, here = f"up_blocks.{block}", f"output_blocks.{2 * block + layer}"
            pairs += _below(f"{up}.resnets.{layer}", f"{here}.0", _RESIDUAL)
            pairs.append((f"{up}.attentions.{layer}", f"{here}.1"))
        pairs.append((f"up_blocks.{block}.upsamplers.0", f"output_blocks.{2 * block + 1}.2"))
    for layer in range(2):
        pairs += _below(f"mid_block.resnets.{layer}", f"middle_block.{2 * layer}", _RESIDUAL)
    return [*pairs, ("mid_block.attentions.0", "middle_block.1")]


def _autoencoder(blocks: int) -> Pairs:
    """Of an autoencoder of one layer a block."""
    pairs: Pairs = [("quant_conv", "quant_conv"), ("post_quant_conv", "post_quant_conv")]
    for coder in ("encoder", "decoder"):
        pairs += _below(coder, coder, [("conv_in", "conv_in"), ("conv_out", "conv_out")])
        pairs.append((f"{coder}.conv_norm_out", f"{coder}.norm_out"))
        for layer in range(2):
            here = f"{coder}.mid.block_{layer + 1}"
            pairs += _below(f"{coder}.mid_block.resnets.{layer}", here, _PLAIN_RESIDUAL)
        pairs += _below(f"{coder}.mid_block.attentions.0", f"{coder}.mid.attn_1", _ATTENTION)
    for block in range(blocks):
        down, up = f"encoder.down_blocks.{block}", f"decoder.up_blocks.{block}"
        there = f"decoder.up.{blocks - 1 - block}"  # counted from the picture
        pairs += _below(f"{down}.resnets.0", f"encoder.down.{block}.block.0", _PLAIN_RESIDUAL)
        pairs.append((f"{down}.downsamplers.0.conv", f"encoder.down.{block}.downsample.conv"))
        for layer in range(2):
            pairs += _below(f"{up}.resnets.{layer}", f"{there}.block.{layer}", _PLAIN_RESIDUAL)
        pairs.append((f"{up}.upsamplers.0.conv", f"{there}.upsample.conv"))
    return pairs


def save_lora(folder: Path, kind: str, part: str, out: Path, seed: int = 0) -> Path:
    """Write a LoRA of rank 2 for the attention of a tiny checkpoint's U-Net or transformer.

    Args:
        folder: of the checkpoint.
        kind: the pipeline's class.
        part: "unet" or "transformer".
        out: the .safetensors file.
        seed: of its random weights.
    """
    library, torch, peft = diffusers(), require("torch"), require("peft")
    pipe = getattr(library, kind).from_pretrained(folder)
    network = getattr(pipe, part)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        config = peft.LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights=False)
        network.add_adapter(config, "made")
    layers = peft.get_peft_model_state_dict(network, adapter_name="made")
    pipe.save_lora_weights(out.parent, weight_name=out.name, **{f"{part}_lora_layers": layers})
    return out
