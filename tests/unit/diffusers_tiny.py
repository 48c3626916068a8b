"""Tiny pipelines of real classes with random weights, saved as a user's folder is.

Nothing comes from a hub: the tokenizers know single bytes or letters alone. Two-block autoencoders
make a latent pixel of 2 x 2, so 64 x 64 is a size that every family takes. The fixture `tiny` of
tests/conftest.py builds each family once a session.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.heavy import require

EXTRA = 'pip install "overpaint[diffusers]"'
#: The side that they paint at, px; U-Nets of SD and SDXL say it themselves.
SIDE = 64


@cache
def diffusers() -> Any:
    """The package, on one core and without bars; skips, or fails in CI, where it is not."""
    for module in ("torch", "transformers", "accelerate", "peft", "safetensors"):
        require(module, EXTRA)
    package = require("diffusers", EXTRA)
    require("torch").set_num_threads(1)
    for logging in (package.utils.logging, require("transformers").utils.logging):
        logging.disable_progress_bar()
        logging.set_verbosity_error()
    return package


def save_tiny(family: str, folder: Path) -> Path:
    """Build the pipeline of a name in `TINY` and save it, 2 to 8 MB; the same weights each time."""
    library, torch = diffusers(), require("torch")
    with torch.random.fork_rng(devices=()), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the library, to itself
        torch.manual_seed(0)
        TINY[family](library, require("transformers")).save_pretrained(folder)
    return folder


def _byte_letters() -> list[str]:
    """256 printable stand-ins for bytes."""
    return sorted(require("tokenizers.pre_tokenizers").ByteLevel.alphabet())


def _clip_tokenizer(t: Any) -> tuple[Any, int]:
    letters = _byte_letters()
    pieces = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>"]
    vocab = {piece: i for i, piece in enumerate([*pieces, "<|endoftext|>"])}
    return t.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77), len(vocab)


def _qwen_tokenizer(t: Any) -> Any:
    tokenizer = t.Qwen2Tokenizer(vocab={c: i for i, c in enumerate(_byte_letters())}, merges=[])
    marks = ["im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad"]
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{mark}|>" for mark in marks]})
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def _t5(t: Any, dim: int = 32) -> tuple[Any, Any]:
    """A T5 that knows ASCII, as the real one does not know Chinese, and its tokenizer."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *map(chr, range(33, 127))]
    scores = [(piece, 0.0 if i < 3 else -3.0) for i, piece in enumerate(pieces)]
    tokenizer = t.T5Tokenizer(vocab=scores, extra_ids=0)
    config = t.T5Config(
        vocab_size=len(tokenizer), d_model=dim, d_kv=8, d_ff=37, num_layers=2, num_heads=4
    )
    return t.T5EncoderModel(config).eval(), tokenizer


def _clip(t: Any, *, projection: int = 0, act: str = "quick_gelu") -> tuple[Any, Any]:
    """A CLIP text encoder of 32 channels, with a projection when asked for; its tokenizer."""
    tokenizer, n = _clip_tokenizer(t)
    config = t.CLIPTextConfig(
        vocab_size=n,
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        projection_dim=projection or 32,
        bos_token_id=n - 2,
        eos_token_id=n - 1,
        pad_token_id=n - 1,
        hidden_act=act,
    )
    model = t.CLIPTextModelWithProjection if projection else t.CLIPTextModel
    return model(config).eval(), tokenizer


def _qwen3(t: Any, kind: str, *, layers: int) -> tuple[Any, Any]:
    tokenizer = _qwen_tokenizer(t)
    config = t.Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=1024,
        head_dim=8,
        pad_token_id=tokenizer.pad_token_id,
    )
    return getattr(t, kind)(config).eval(), tokenizer


def _vae(kind: Any, latent: int = 4, **more: Any) -> Any:
    return kind(
        block_out_channels=[32, 64],
        in_channels=3,
        out_channels=3,
        latent_channels=latent,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        norm_num_groups=32,
        layers_per_block=1,
        sample_size=SIDE // 2,
        **more,
    ).eval()


def _flow_vae(d: Any, latent: int = 4) -> Any:
    """The autoencoder of the flow families: shifted latents, no quantising convolutions."""
    return _vae(d.AutoencoderKL, latent, shift_factor=0.1, scaling_factor=0.36, **PLAIN)


def _unet(d: Any, channels: int, cross: int, **more: Any) -> Any:
    return d.UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=SIDE // 2,
        in_channels=channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross,
        **more,
    ).eval()


PLAIN = {"use_quant_conv": False, "use_post_quant_conv": False}
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _sd(d: Any, t: Any, channels: int) -> Any:
    encoder, tokenizer = _clip(t)
    kind = d.StableDiffusionInpaintPipeline if channels == 9 else d.StableDiffusionPipeline
    return kind(
        vae=_vae(d.AutoencoderKL),
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=_unet(d, channels, 32),
        scheduler=d.PNDMScheduler(**NOISE, skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(d: Any, t: Any, channels: int) -> Any:
    encoder, tokenizer = _clip(t)
    second, second_tokenizer = _clip(t, projection=32, act="gelu")
    kind = d.StableDiffusionXLInpaintPipeline if channels == 9 else d.StableDiffusionXLPipeline
    return kind(
        vae=_vae(d.AutoencoderKL, force_upcast=True),
        text_encoder=encoder,
        tokenizer=tokenizer,
        text_encoder_2=second,
        tokenizer_2=second_tokenizer,
        unet=_unet(
            d,
            channels,
            64,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=6 * 8 + 32,
        ),
        scheduler=d.EulerDiscreteScheduler(**NOISE, steps_offset=1, timestep_spacing="leading"),
    )


def _sd3(d: Any, t: Any) -> Any:
    encoder, tokenizer = _clip(t, projection=32)
    second, second_tokenizer = _clip(t, projection=32)
    third, third_tokenizer = _t5(t, 64)
    transformer = d.SD3Transformer2DModel(
        sample_size=SIDE // 2,
        patch_size=2,
        in_channels=16,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=64,
        caption_projection_dim=32,
        pooled_projection_dim=64,
        out_channels=16,
        pos_embed_max_size=96,
    ).eval()
    return d.StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=d.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_flow_vae(d, 16),
        text_encoder=encoder,
        tokenizer=tokenizer,
        text_encoder_2=second,
        tokenizer_2=second_tokenizer,
        text_encoder_3=third,
        tokenizer_3=third_tokenizer,
    )


def _flux(d: Any, t: Any, kind: str) -> Any:
    """FLUX.1; Fill takes the masked picture and the 2 x 2 pixels of mask that a latent covers."""
    encoder, tokenizer = _clip(t)
    second, second_tokenizer = _t5(t)
    latent = 4
    packed = latent * 4  # of 2 x 2 latents
    transformer = d.FluxTransformer2DModel(
        patch_size=1,
        in_channels=packed * 2 + 2 * 2 * 4 if kind == "FluxFillPipeline" else packed,
        out_channels=packed,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=True,
    ).eval()
    return getattr(d, kind)(
        scheduler=d.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=_flow_vae(d, latent),
        text_encoder=encoder,
        tokenizer=tokenizer,
        text_encoder_2=second,
        tokenizer_2=second_tokenizer,
        transformer=transformer,
    )


def _chroma(d: Any, t: Any) -> Any:
    encoder, tokenizer = _t5(t)
    transformer = d.ChromaTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    ).eval()
    return d.ChromaPipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_flow_vae(d),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _klein(d: Any, t: Any) -> Any:
    """FLUX.2 Klein reads the text at the encoder's layers 9, 18 and 27."""
    encoder, tokenizer = _qwen3(t, "Qwen3ForCausalLM", layers=28)
    transformer = d.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * 16,
        timestep_guidance_channels=256,
        axes_dims_rope=[4, 4, 4, 4],
        guidance_embeds=False,
    ).eval()
    return d.Flux2KleinPipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(d.AutoencoderKLFlux2, **PLAIN),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _qwen(d: Any, t: Any) -> Any:
    tokenizer = _qwen_tokenizer(t)
    ids = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]}
    text = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 4096,
        "rope_parameters": rope,
        "bos_token_id": ids("<|im_start|>"),
        "eos_token_id": ids("<|im_end|>"),
        "pad_token_id": ids("<|im_end|>"),
    }
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "patch_size": 14,
        "fullatt_block_indexes": [1],
    }
    config = t.Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    return d.QwenImagePipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=d.AutoencoderKLQwenImage(
            base_dim=12,
            z_dim=4,
            dim_mult=[1, 2],
            num_res_blocks=1,
            temperal_downsample=[False],
            latents_mean=[0.1] * 4,
            latents_std=[1.1] * 4,
        ).eval(),
        text_encoder=t.Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=tokenizer,
        transformer=d.QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ).eval(),
    )


def _zimage(d: Any, t: Any) -> Any:
    encoder, tokenizer = _qwen3(t, "Qwen3Model", layers=2)
    transformer = d.ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        qk_norm=True,
        cap_feat_dim=16,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    ).eval()
    for token in (transformer.x_pad_token, transformer.cap_pad_token):
        token.data.zero_()  # the class leaves them as memory was, which may be NaN
    return d.ZImagePipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_flow_vae(d, 16),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _kandinsky(d: Any, t: Any) -> Any:
    """Kandinsky 2.2 with the prior that turns words into an image embedding."""
    encoder, tokenizer = _clip(t, projection=32)
    unet = d.UNet2DConditionModel(
        in_channels=9,
        out_channels=8,
        addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        block_out_channels=(32, 64),
        layers_per_block=1,
        encoder_hid_dim=32,
        encoder_hid_dim_type="image_proj",
        cross_attention_dim=32,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
    ).eval()
    movq = d.VQModel(
        block_out_channels=[32, 64],
        down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
        in_channels=3,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=8,
        norm_type="spatial",
        num_vq_embeddings=12,
        out_channels=3,
        up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"],
        vq_embed_dim=4,
    ).eval()
    prior = d.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1
    ).eval()
    prior.clip_std.data.fill_(1)
    vision = t.CLIPVisionConfig(
        hidden_size=32,
        image_size=224,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_channels=3,
        num_hidden_layers=2,
        patch_size=14,
    )
    return d.KandinskyV22InpaintCombinedPipeline(
        unet=unet,
        movq=movq,
        scheduler=d.DDIMScheduler(
            beta_schedule="linear",
            beta_start=0.00085,
            beta_end=0.012,
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        prior_prior=prior,
        prior_image_encoder=t.CLIPVisionModelWithProjection(vision).eval(),
        prior_text_encoder=encoder,
        prior_tokenizer=tokenizer,
        prior_scheduler=d.UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            num_train_timesteps=1000,
            clip_sample=True,
            clip_sample_range=5.0,
        ),
        prior_image_processor=t.CLIPImageProcessor(crop_size=224, size=224),
    )


#: What makes each, from the packages diffusers and transformers.
TINY: dict[str, Callable[[Any, Any], Any]] = {
    "sd9": lambda d, t: _sd(d, t, 9),
    "sd4": lambda d, t: _sd(d, t, 4),
    "sdxl9": lambda d, t: _sdxl(d, t, 9),
    "sdxl4": lambda d, t: _sdxl(d, t, 4),
    "sd3": _sd3,
    "fluxfill": lambda d, t: _flux(d, t, "FluxFillPipeline"),
    "flux": lambda d, t: _flux(d, t, "FluxPipeline"),
    "kontext": lambda d, t: _flux(d, t, "FluxKontextPipeline"),
    "klein": _klein,
    "qwen": _qwen,
    "zimage": _zimage,
    "kandinsky": _kandinsky,
    "chroma": _chroma,
}
