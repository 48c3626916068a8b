"""The pipeline's own call, once for a batch.

It takes a list of pictures, masks, embeddings and generators, and each row draws from its own
generator. It is never asked for several pictures of one prompt: it would then sample the picture's
latents once for all of them, and picture i would not be what seed i gives alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from PIL import Image

from overpaint.engines.diffusers import kandinsky
from overpaint.engines.diffusers.asking import Asked
from overpaint.engines.diffusers.family import Family
from overpaint.engines.diffusers.prompts import PromptCache
from overpaint.values import Mask, PaintJob, Rgb8, Rgba8

#: Called after each step with its number, from 0 on, the scheduler's time and the latents.
After: TypeAlias = Callable[[int, Any, torch.Tensor], None]


class Caller:
    """Calls one pipeline.

    Args:
        pipe: the pipeline.
        family: what it is, with this checkpoint's side and multiple.
        prompts: what its texts are encoded by.
    """

    def __init__(self, pipe: Any, family: Family, prompts: PromptCache) -> None:
        self._pipe, self._family, self._prompts = pipe, family, prompts
        self._takes = frozenset(inspect.signature(pipe.__call__).parameters)

    def call(
        self,
        jobs: Sequence[PaintJob],
        asked: Sequence[Asked],
        pictures: Sequence[Rgb8],
        masks: Sequence[Mask],
        after: After,
    ) -> torch.Tensor:
        """Paint rows.

        Args:
            jobs: their seeds and references are read.
            asked: how each is asked; alike but for words.
            pictures: height x width x 3, at the size that is asked.
            masks: height x width, True = repaint.
            after: called after each step; what it raises goes up, and the pipeline stays whole.

        Returns:
            Rows x 3 x height x width, 0 to 1, not a number where the checkpoint's were none.
        """
        generators = [torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
        if self._family.embedding == "kandinsky":
            return kandinsky.paint(
                self._pipe,
                [one.prompt for one in asked],
                [one.negative for one in asked],
                pictures,
                masks,
                generators,
                steps=asked[0].steps,
                guidance=asked[0].guidance,
                after=after,
            )
        given: dict[str, Any] = {
            **self._scene(pictures, masks),
            "generator": generators,
            **self._words(asked),
        }
        references = [job.reference for job in jobs if job.reference is not None]
        if self._family.takes_reference and references:
            given["image_reference"] = [self._reference(one) for one in references]
        if not self._family.batches:  # each of these is a list of one
            given = {name: one[0] if isinstance(one, list) else one for name, one in given.items()}
        return self._painted({**given, **self._manner(asked[0], after)})

    def _scene(self, pictures: Sequence[Rgb8], masks: Sequence[Mask]) -> dict[str, Any]:
        """Pictures and masks, as what the library itself makes of them."""
        if not self._family.batches:  # Qwen-Image-Edit's own processor reads nothing else
            return {
                "image": [Image.fromarray(picture) for picture in pictures],
                "mask_image": [Image.fromarray(mask.astype(np.uint8) * 255) for mask in masks],
            }
        # As bytes to the device, and floats there: the library does it on the CPU, picture by
        # picture, which at 1024 x 1024 px takes 60 ms a row while a GPU waits.
        device = self._pipe._execution_device
        levels = torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2)
        marked = torch.from_numpy(np.stack(masks)).to(device)[:, None]
        most = torch.full((), 255.0, device=device)  # by a plain number CUDA divides less exactly
        return {"image": levels.float() / most, "mask_image": marked.float()}

    def _words(self, asked: Sequence[Asked]) -> dict[str, Any]:
        negatives = None
        if asked[0].guided:
            negatives = [one.negative or self._family.blank_negative for one in asked]
        return self._prompts.arguments([one.prompt for one in asked], negatives)

    def _manner(self, asked: Asked, after: After) -> dict[str, Any]:
        """What is the same for all rows."""

        def on_step_end(_: Any, step: int, at: Any, kept: dict[str, Any]) -> dict[str, Any]:
            after(step, at, kept["latents"])
            return {}

        kind = self._family.guidance_kind
        given = {"true_cfg_scale" if kind == "true_cfg" else "guidance_scale": asked.guidance}
        if kind == "distilled" and asked.guided:
            given["true_cfg_scale"] = self._family.negative_scale
        return given | {
            "height": asked.height,
            "width": asked.width,
            "num_inference_steps": asked.steps,
            "strength": asked.strength,
            "max_area": asked.height * asked.width,  # Kontext would choose a size of its own
            "_auto_resize": False,
            "output_type": "pt",
            "return_dict": False,
            "callback_on_step_end": on_step_end,
        }

    def _painted(self, given: dict[str, Any]) -> torch.Tensor:
        known = {name: value for name, value in given.items() if name in self._takes}
        painted = torch.as_tensor(self._pipe(**known)[0])
        size = (given["height"], given["width"])
        if painted.shape[-2:] != size:  # Qwen-Image-Edit chooses its own
            painted = torch.nn.functional.interpolate(
                painted.float(), size, mode="bicubic", antialias=True
            )
        return painted.clamp(0, 1)

    def _reference(self, reference: Rgba8) -> Image.Image:
        """A picture of the thing to put in, on white, no larger than what is painted."""
        opacity = reference[..., 3:].astype(np.float32) / 255  # h x w x 1
        laid = np.rint(reference[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
        scale = min(1.0, self._family.side / max(laid.shape[:2]))
        multiple = self._family.multiple
        height, width = (
            max(1, round(length * scale / multiple)) * multiple for length in laid.shape[:2]
        )
        return Image.fromarray(cv2.resize(laid, (width, height), interpolation=cv2.INTER_AREA))
