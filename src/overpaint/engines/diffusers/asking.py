"""What a job asks of a checkpoint: our options turned into its family's own. No torch.

Jobs that are asked alike (`Asked.bucket`) can be painted in one batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from overpaint.concepts.removal import is_removal
from overpaint.engines.diffusers.family import Family
from overpaint.imaging.region import fit_back, take_mask, take_pixels
from overpaint.values import Box, Mask, PaintedRegion, PaintJob, Region, Rgb8, Style

#: Guidance that is called ordinary, on our scale of 1 to 10.
ORDINARY = 7.5

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")

#: A style in words that a checkpoint was trained on: English, Chinese.
_STYLES: Mapping[Style, tuple[str, str]] = {
    "3d cartoon": ("3D cartoon render", "3D卡通风格"),
    "anime": ("anime style illustration", "动漫风格"),
    "oil painting": ("oil painting", "油画风格"),
    "watercolor": ("watercolor painting", "水彩画风格"),
    "sketch": ("pencil sketch", "铅笔素描风格"),
    "chinese painting": ("traditional Chinese ink wash painting", "中国水墨画风格"),
    "flat illustration": ("flat vector illustration", "扁平插画风格"),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One job as its checkpoint is asked."""

    prompt: str
    negative: str
    height: int  # that it is painted at, px
    width: int
    steps: int
    strength: float  # the library's: how much is repainted, over 0, at most 1
    guidance: float  # on the family's own scale
    guided: bool  # with a second pass that the negative words go into
    notes: tuple[str, ...] = ()  # what the caller should know

    @property
    def bucket(self) -> Hashable:
        """Equal for jobs that one batch can hold."""
        return (self.height, self.width, self.steps, self.strength, self.guidance, self.guided)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How one checkpoint is asked."""

    name: str  # the checkpoint's, for notes
    family: Family  # with the side, multiple, steps and guidance of this checkpoint
    few_steps: bool = False  # made for few steps and one guidance
    unread: Callable[[str], str] | None = None  # the end of a text that it does not read

    def ask(self, job: PaintJob) -> Asked:
        """Turn a job into what the checkpoint is asked."""
        prompt, notes = self._words(job)
        steps = self.family.steps if job.steps is None else job.steps
        guidance = self._guidance(job.guidance)
        if job.guidance != 1 and self._is_fixed:
            notes.append(f"{self.name} was made for one guidance: {job.guidance:g} is ignored")
        guided = self._is_guided(guidance, job.negative_prompt)
        if job.negative_prompt and self.family.takes_negative and not guided:
            notes.append(f"{self.name} is not guided, so the negative prompt has no effect")
        region = self.region(job)
        return Asked(
            prompt=prompt,
            negative=job.negative_prompt if guided else "",
            height=region.height + region.pad_bottom,
            width=region.width + region.pad_right,
            steps=steps,
            strength=self._strength(job.strength, steps),
            guidance=guidance,
            guided=guided,
            notes=tuple(notes),
        )

    def region(self, job: PaintJob) -> Region:
        """At which size a job is painted: its long side at the checkpoint's, then padded."""
        height, width = job.mask.shape
        scale = self.family.side / max(height, width)
        scaled = [max(1, round(length * scale)) for length in (height, width)]
        multiple = self.family.multiple
        padding = [math.ceil(length / multiple) * multiple - length for length in scaled]
        return Region(
            box=Box(top=0, left=0, height=height, width=width),
            height=scaled[0],
            width=scaled[1],
            pad_bottom=padding[0],
            pad_right=padding[1],
        )

    def fit(self, job: PaintJob) -> tuple[Rgb8, Mask]:
        """Pixels (height x width x 3) and mask at the size that they are painted at."""
        region = self.region(job)
        return take_pixels(job.pixels, region), take_mask(job.mask, region)

    def fit_back(self, job: PaintJob, painted: Rgb8) -> Rgb8:
        """Bring what was painted to the job's own size."""
        return fit_back(PaintedRegion(pixels=painted), self.region(job)).pixels

    @property
    def _is_fixed(self) -> bool:
        kind, own = self.family.guidance_kind, self.family.guidance
        unguided = kind != "distilled" and own <= self.family.unguided
        return self.few_steps or kind == "none" or unguided

    def _guidance(self, ours: float) -> float:
        own, kind = self.family.guidance, self.family.guidance_kind
        if ours == 1 or self._is_fixed:
            return own
        if kind == "distilled":
            return own * ours / ORDINARY
        return ours - 1 if kind == "offset" else ours

    def _is_guided(self, guidance: float, negative: str) -> bool:
        kind = self.family.guidance_kind
        if kind == "distilled":
            return bool(negative) and self.family.negative_scale > 1
        return kind != "none" and guidance > self.family.unguided

    def _strength(self, kept: float, steps: int) -> float:
        # SDXL's pipeline loses a step of those asked at its own strength: few cannot do without.
        full = 1.0 if self.few_steps else self.family.strength
        if kept == 0 or not self.family.takes_strength:
            wanted = full
        else:
            wanted = min(full, round(1 - kept, 6))
        # A U-Net's pipeline rounds steps x strength down, and is to have one left.
        least = 1.0001 / steps if self.family.network == "unet" else 1 / steps
        return min(1.0, max(wanted, least))

    def _words(self, job: PaintJob) -> tuple[str, list[str]]:
        """What the checkpoint is told, and notes."""
        if is_removal(job.prompt):
            if not job.prompt.strip():
                return _styled("", job.style, chinese=False), []
            said = f'"{job.prompt}" only asks to take something away: {self.name} painted'
            return "", [f"{said} without words; the engine erase is made for it"]
        reads = "zh" in self.family.languages
        found = _CHINESE.findall(job.prompt)
        notes = []
        if found and not reads:
            words = " ".join(found)
            notes.append(f"{self.name} reads English only: {words} was passed as it is")
        prompt = _styled(job.prompt, job.style, chinese=bool(found) and reads)
        unread = self.unread(prompt) if self.unread else ""
        if unread:
            notes.append(f'{self.name} reads the beginning only: "{unread}" was left out')
        return prompt, notes


def _styled(prompt: str, style: Style, *, chinese: bool) -> str:
    """Append a style's words, in the prompt's language."""
    if style not in _STYLES:
        return prompt
    words = _STYLES[style][chinese]
    if not prompt.strip():
        return words
    return prompt.rstrip(" ,.;，。；") + ("，" if chinese else ", ") + words
