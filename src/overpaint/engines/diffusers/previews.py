"""How a batch looks while it is painted, without the decoder.

Latents look like a small picture whose colours are mixed up; the mix is nearly linear, so the
pictures that the encoder has just seen tell how to undo it, for whatever autoencoder there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch

from overpaint.engines.diffusers.encoding import PictureCoder
from overpaint.values import Mask, Rgb8

#: The longer side of a preview, px.
SIDE = 256


class Previews:
    """Shows the rows of one batch.

    Latents of two steps lie on one line from the picture to the noise, so that the picture can be
    told before the noise is gone: x = a x0 + s n with the scheduler's own a and s of each step.

    Args:
        pipe: the pipeline, or what has its autoencoder, scheduler and packing.
        coder: what encodes its pictures; None shows nothing.
        pictures: rows of height x width x 3, as they are given to the pipeline.
        masks: rows of height x width.
    """

    def __init__(
        self,
        pipe: Any,
        coder: PictureCoder | None,
        pictures: Sequence[Rgb8],
        masks: Sequence[Mask],
    ) -> None:
        self._pipe, self._coder = pipe, coder
        self._pictures, self._masks = pictures, masks
        self._before: torch.Tensor | None = None
        self._map: torch.Tensor | None = None

    def after(self, time: Any, latents: torch.Tensor, *, show: bool) -> list[Rgb8] | None:
        """Take a step's latents in, and show them.

        Args:
            time: the scheduler's time at which the step began.
            latents: as the pipeline keeps them, after the step.
            show: whether they are to be shown; else None is returned.

        Returns:
            One preview a row, of at most `SIDE` px; outside its mask it is as the picture. None
            where there is none to show.
        """
        shown = self._show(self._clean(time, latents)) if show else None
        self._before = latents
        return shown

    def _clean(self, time: Any, latents: torch.Tensor) -> torch.Tensor:
        """What is left of the latents without their noise, as far as that can be told."""
        here = self._level(time, after=True)
        there = self._level(time, after=False)
        if self._before is None or here is None or there is None:
            return latents
        (a, s), (b, r) = here, there  # after the step and before it
        scale = r * a - s * b
        if abs(scale) < 1e-6:
            return latents
        return (r * latents.float() - s * self._before.float()) / scale

    def _level(self, time: Any, *, after: bool) -> tuple[float, float] | None:
        """How much of the picture and of noise there is, before or after the step of a time."""
        scheduler = self._pipe.scheduler
        times = scheduler.timesteps
        at = int((times == time).nonzero()[-1]) + after if bool((times == time).any()) else None
        if at is None:
            return None
        sigmas = getattr(scheduler, "sigmas", None)
        flows = "FlowMatch" in type(scheduler).__name__ or scheduler.config.get("use_flow_sigmas")
        if sigmas is not None and (flows or float(scheduler.init_noise_sigma) > 1.5):
            sigma = float(sigmas[min(at, len(sigmas) - 1)])
            return (1 - sigma, sigma) if flows else (1.0, sigma)
        shares = getattr(scheduler, "alphas_cumprod", None)
        if shares is None:
            return None
        kept = float(shares[int(times[at])]) if at < len(times) else 1.0
        return kept**0.5, (1 - kept) ** 0.5

    def _show(self, latents: torch.Tensor) -> list[Rgb8] | None:
        height, width = self._pictures[0].shape[:2]
        if self._map is None and self._coder is not None:
            self._map = self._coder.colours()
        packed = unpacked(self._pipe, latents, height, width)
        if self._map is None or packed is None or packed.shape[1] != len(self._map) - 1:
            return None
        plain = packed.float().cpu()
        colours = torch.einsum("nchw,cd->nhwd", plain, self._map[:-1]) + self._map[-1]
        levels = ((colours / 2 + 0.5).clamp(0, 1) * 255).nan_to_num().numpy()
        scale = min(1.0, SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return [_laid(*one, size) for one in zip(levels, self._pictures, self._masks, strict=False)]


def unpacked(pipe: Any, latents: torch.Tensor, height: int, width: int) -> torch.Tensor | None:
    """Rows x channels x h x w as the encoder gives them, of what a pipeline works on.

    None where they are of another size: Qwen-Image-Edit chooses its own.
    """
    vae = getattr(pipe, "vae", None)
    if latents.ndim == 3 and latents.shape[1] * (2 * pipe.vae_scale_factor) ** 2 != height * width:
        return None
    if vae is not None and hasattr(vae, "bn"):  # FLUX.2: patches of 2 x 2, each normalised
        norm = vae.bn
        side = pipe.vae_scale_factor * 2
        rows = latents.transpose(1, 2)  # rows x channels x places
        rows = rows.reshape(*rows.shape[:2], height // side, width // side)
        spread = torch.sqrt(norm.running_var + vae.config.batch_norm_eps).view(1, -1, 1, 1)
        rows = rows * spread.to(rows) + norm.running_mean.view(1, -1, 1, 1).to(rows)
        return torch.as_tensor(pipe._unpatchify_latents(rows))
    if latents.ndim == 3:  # packed into patches of 2 x 2
        plain = pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)
        latents = torch.as_tensor(plain)
    if latents.ndim == 5:
        latents = latents[:, :, 0]
    config = {} if vae is None else vae.config
    scale, shift = config.get("scaling_factor", 1.0), config.get("shift_factor") or 0.0
    mean, deviation = config.get("latents_mean"), config.get("latents_std")
    if mean is None or deviation is None:
        return latents / float(scale) + float(shift)
    columns = torch.tensor([deviation, mean]).view(2, 1, -1, 1, 1).to(latents)
    return latents * columns[0] / float(scale) + columns[1]


def _laid(levels: np.ndarray, picture: Rgb8, mask: Mask, size: tuple[int, int]) -> Rgb8:
    """Lay what is painted into the picture, all at the preview's size (width, height)."""
    inside = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    around = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    painted = cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.rint(painted * inside + around * (1 - inside)), 0, 255), np.uint8)
