"""Kandinsky 2.2 in a batch: the library's own loop, but each row with its own picture and mask.

Equal to `KandinskyV22InpaintCombinedPipeline.__call__` row by row, to rounding. That one takes
picture 0 and mask 0 for every row when it lays the kept part back, and its prior mixes up a list of
generators when there is a negative prompt (diffusers 0.42,
pipelines/kandinsky2_2/pipeline_kandinsky2_2_inpainting.py and ..._prior.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from overpaint.values import Mask, Rgb8

#: What the library's combined pipeline gives its prior.
PRIOR_STEPS, PRIOR_GUIDANCE = 25, 4.0


def paint(
    pipe: Any,
    prompts: Sequence[str],
    negatives: Sequence[str],
    pictures: Sequence[Rgb8],
    masks: Sequence[Mask],
    generators: Sequence[torch.Generator],
    *,
    steps: int,
    guidance: float,
    after: Callable[[int, Any, torch.Tensor], object],
) -> torch.Tensor:
    """Paint rows.

    Args:
        pipe: the combined pipeline; a part is used as the library's call does.
        prompts: one a row, and so on; "" as a negative prompt is none.
        negatives: likewise.
        pictures: height x width x 3, sides multiples of 64 px, all alike.
        masks: height x width, True = repaint.
        generators: each row's own, drawn from in the library's order.
        steps: of the decoder's denoising.
        guidance: 1 and below is off.
        after: called after each step with its number, its time, and the latents.

    Returns:
        Rows x 3 x height x width, 0 to 1.
    """
    decoder = pipe.decoder_pipe
    device, guided = pipe._execution_device, guidance > 1
    with torch.no_grad():
        asked = [
            pipe.prior_pipe(
                prompt=prompt,
                negative_prompt=negative or None,
                num_inference_steps=PRIOR_STEPS,
                guidance_scale=PRIOR_GUIDANCE,
                generator=generator,
                output_type="pt",
                return_dict=False,
            )
            for prompt, negative, generator in zip(prompts, negatives, generators, strict=True)
        ]
        words = torch.cat([wanted for wanted, _ in asked])
        if guided:
            words = torch.cat([*(unwanted for _, unwanted in asked), words])
        words = words.to(device, decoder.unet.dtype)  # (2 x) rows x embedding
        decoder.scheduler.set_timesteps(steps, device=device)

        levels = torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2)
        shown = (levels.float() / 127.5 - 1).to(words.dtype)
        kept = decoder.movq.encode(shown)["latents"]  # rows x channels x h x w
        marked = torch.from_numpy(np.stack(masks)[:, None]).to(device, words.dtype)
        mask = _widened(1 - F.interpolate(marked, kept.shape[-2:], mode="nearest"))
        still = torch.cat([kept * mask, mask], 1)  # what the network sees beside the latents

        latents = decoder.prepare_latents(
            tuple(kept.shape), words.dtype, device, list(generators), None, decoder.scheduler
        )
        noise = latents.clone()
        times = decoder.scheduler.timesteps
        for i, time in enumerate(times):
            seen = torch.cat([latents, still], 1)
            said = decoder.unet(
                sample=torch.cat([seen, seen]) if guided else seen,
                timestep=time,
                encoder_hidden_states=None,
                added_cond_kwargs={"image_embeds": words},
                return_dict=False,
            )[0]
            said = _guided(said, guidance, latents.shape[1], decoder.scheduler)
            latents = decoder.scheduler.step(said, time, latents, generator=list(generators))[0]
            again = kept
            if i + 1 < len(times):
                again = decoder.scheduler.add_noise(kept, noise, times[i + 1 : i + 2])
            latents = mask * again + (1 - mask) * latents
            after(i, time, latents)
        latents = mask * kept + (1 - mask) * latents
        pixels = decoder.movq.decode(latents, force_not_quantize=True)["sample"]
    pipe.maybe_free_model_hooks()
    return torch.as_tensor((pixels * 0.5 + 0.5).clamp(0, 1))


def _guided(said: torch.Tensor, guidance: float, channels: int, scheduler: Any) -> torch.Tensor:
    """The network's noise of (2 x) rows x (noise, variance) as the scheduler takes it."""
    noise, variance = said[:, :channels], said[:, channels:]
    if guidance > 1:
        without, with_words = noise.chunk(2)
        noise = without + guidance * (with_words - without)
        variance = variance.chunk(2)[1]
    if getattr(scheduler.config, "variance_type", None) in ("learned", "learned_range"):
        return torch.cat([noise, variance], 1)
    return noise


def _widened(kept: torch.Tensor) -> torch.Tensor:
    """Repaint what touches a repainted latent pixel, as the library's `prepare_mask` does.

    Args:
        kept: rows x 1 x h x w, 1 = kept, 0 = repainted. Four sides touch, and the upper left and
            lower right corner.
    """
    height, width = kept.shape[-2:]
    holes = F.pad(1 - kept, (1, 1, 1, 1))
    offsets = ((1, 1), (2, 1), (1, 2), (2, 2), (0, 1), (1, 0), (0, 0))
    near = [holes[..., y : y + height, x : x + width] for y, x in offsets]
    return 1 - torch.stack(near).amax(0)
