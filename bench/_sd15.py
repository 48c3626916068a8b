"""What a user would run otherwise: Stable Diffusion 1.5 inpainting of the diffusers package.

    python bench/_sd15.py [--steps 20] [--side 512] [--precision float32|bfloat16]

The networks are built from the configurations published with that model, with random weights:
time and memory do not depend on what the weights say, and nothing has to be downloaded. The text
encoder gets two sequences of 77 numbers, since a tokenizer comes with the weights only; the
safety checker is left out. Prints one line of JSON; bench/builtin.py puts it into its table.

Needs: pip install torch diffusers transformers
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

GUIDANCE = 7.5
TOKENS = 77
BEGIN, END = 49406, 49407

UNET: dict[str, Any] = {
    "sample_size": 64,
    "in_channels": 9,  # state 4, mask 1, masked picture 4
    "out_channels": 4,
    "down_block_types": (*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *["CrossAttnUpBlock2D"] * 3),
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
}
VAE: dict[str, Any] = {
    "sample_size": 512,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}
TEXT: dict[str, Any] = {  # CLIP ViT-L/14
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": TOKENS,
    "hidden_act": "quick_gelu",
    "projection_dim": 768,
    "bos_token_id": BEGIN,
    "eos_token_id": END,
}
SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The configurations of the three networks; the defaults are the published ones."""

    unet: dict[str, Any] = field(default_factory=lambda: UNET)
    vae: dict[str, Any] = field(default_factory=lambda: VAE)
    text: dict[str, Any] = field(default_factory=lambda: TEXT)


#: The same networks with hardly any channels, to try the script.
TINY = Sizes(
    unet={**UNET, "block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 32},
    vae={**VAE, "block_out_channels": (32, 32, 64, 64)},
    text={**TEXT, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2},
)


def build(sizes: Sizes) -> dict[str, Any]:
    """Text encoder, picture encoder and denoiser, with random weights."""
    diffusers = importlib.import_module("diffusers")
    transformers = importlib.import_module("transformers")
    heads = min(sizes.text["num_attention_heads"], sizes.text["hidden_size"] // 8)
    return {
        "text_encoder": transformers.CLIPTextModel(
            transformers.CLIPTextConfig(**{**sizes.text, "num_attention_heads": heads})
        ).eval(),
        "vae": diffusers.AutoencoderKL(**sizes.vae).eval(),
        "unet": diffusers.UNet2DConditionModel(**sizes.unet).eval(),
    }


def weights_bytes(networks: dict[str, Any]) -> int:
    return sum(
        parameter.numel() * parameter.element_size()
        for network in networks.values()
        for parameter in network.parameters()
    )


def measure(*, side: int, steps: int, precision: str, tiny: bool) -> dict[str, Any]:
    """One picture, square, of `side` px: seconds, the share of each step, memory, weights."""
    diffusers = importlib.import_module("diffusers")
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, precision))  # so that building takes no more memory
    start = time.perf_counter()
    networks = build(TINY if tiny else Sizes())
    built = time.perf_counter() - start
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        **networks,
        tokenizer=None,
        scheduler=diffusers.DDIMScheduler(**SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)

    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
    drawn = np.zeros((side, side), np.uint8)
    drawn[side // 4 : side - side // 4, side // 4 : side - side // 4] = 255
    ends: list[float] = []

    def ended(_pipeline: Any, _step: int, _t: Any, kept: dict[str, Any]) -> dict[str, Any]:
        ends.append(time.perf_counter())
        return kept

    start = time.perf_counter()
    with torch.inference_mode():
        said = torch.full((2, TOKENS), END)
        said[:, 0] = BEGIN
        said[0, 1:8] = torch.arange(320, 327)  # the prompt; the other line is the empty one
        prompt, empty = networks["text_encoder"](said)[0].chunk(2)
        painted = pipeline(
            prompt_embeds=prompt,
            negative_prompt_embeds=empty,
            image=picture,
            mask_image=Image.fromarray(drawn),
            height=side,
            width=side,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(0),
            callback_on_step_end=ended,
            output_type="pil",
        ).images[0]
    seconds = time.perf_counter() - start
    if painted.size != (side, side):
        raise SystemExit(f"the pipeline painted {painted.size}, not {side} px")
    return {
        "side": side,
        "steps": len(ends),
        "precision": precision,
        "seconds": seconds,
        "step_seconds": (ends[-1] - ends[0]) / max(1, len(ends) - 1),
        "build_seconds": built,
        "peak_bytes": peak_bytes(),
        "weights_bytes": weights_bytes(networks),
        "threads": torch.get_num_threads(),
        "versions": f"torch {torch.__version__}, diffusers {diffusers.__version__}",
    }


def peak_bytes() -> int:
    """The largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=512, help="px, a multiple of 8")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--tiny", action="store_true", help="hardly any channels: tries the script")
    chosen = parser.parse_args()
    here = Path(__file__).resolve().parent  # where `import diffusers` would find a bench
    sys.path[:] = [one for one in sys.path if Path(one).resolve() != here]
    warnings.simplefilter("ignore")  # theirs, about what this script leaves out
    print(json.dumps(measure(**vars(chosen))))


if __name__ == "__main__":
    main()
