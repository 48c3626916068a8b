"""The recipe: decode -> mask -> plan region -> paint -> fit back -> blend. Read this file first.

Command line, server and library all come through `repaint`: there is one way to pixels.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from overpaint import options, tracing
from overpaint._version import __version__
from overpaint.engines.protocol import Engine
from overpaint.engines.registry import choose_engine
from overpaint.errors import EngineFailed
from overpaint.imaging.area import fit_gray, fit_levels, read_area
from overpaint.imaging.blend import blend, match_tone
from overpaint.imaging.color import from_srgb8, to_srgb8
from overpaint.imaging.decode import decode_picture, decode_reference
from overpaint.imaging.encode import encode, format_of
from overpaint.imaging.linework import decode_sketch, take_lines
from overpaint.imaging.provenance import Provenance
from overpaint.imaging.region import (
    fit_back,
    fit_to_size,
    mask_box,
    placed,
    plan_region,
    take_mask,
    take_pixels,
)
from overpaint.imaging.source import Source
from overpaint.imaging.watermark import watermark as mark
from overpaint.values import (
    EngineInfo,
    Levels,
    Mask,
    OnStep,
    PaintedRegion,
    PaintJob,
    Picture,
    Pixels,
    Region,
    Rgb8,
    Step,
    Style,
)

if TYPE_CHECKING:
    from overpaint.concepts.palette import Palette


@dataclass(frozen=True, kw_only=True)
class RepaintResult:
    """What came out; the first three have one entry a picture."""

    pictures: tuple[Picture, ...]
    seeds: tuple[int, ...]  # the same call with n=1 and seed=seeds[i] gives picture i again
    provenance: tuple[Provenance, ...]  # what is written into each file
    engine: str  # who painted
    notes: tuple[str, ...] = ()  # what the caller should know, in plain words
    seconds: dict[str, float] = field(default_factory=dict)  # stage -> wall time

    def encode(self, format: str = "PNG", index: int = 0) -> bytes:
        """The file of one picture. Formats: PNG, JPEG, WEBP, TIFF, BMP."""
        return encode(self.pictures[index], format=format, provenance=self.provenance[index])

    def save(self, path: str | Path, index: int = 0) -> Path:
        """Write one picture, its format by the extension; it appears whole or not at all."""
        path = Path(path)
        data = self.encode(format_of(path), index)
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            unfinished.write_bytes(data)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path


def repaint(
    base: Source,
    mask: Source,
    prompt: str,
    *,
    n: int = 1,
    seed: int | None = None,
    size: str | tuple[int, int] | None = None,
    style: Style = "auto",
    negative_prompt: str = "",
    engine: str | Engine = "auto",
    reference: Source | None = None,
    sketch: Source | None = None,
    palette: str | Sequence[str | tuple[int, int, int]] | Source | None = None,
    strength: float = 0.0,
    guidance: float = 1.0,
    steps: int | None = None,
    mask_color: Sequence[str | tuple[int, int, int]] = (),
    invert_mask: bool = False,
    grow: int = 0,
    feather: float | None = None,
    soft_mask: bool = False,
    watermark: bool = False,
    on_step: OnStep | None = None,
) -> RepaintResult:
    """Repaint the masked part of a picture as the prompt says; keep every other pixel.

    At the output's size every channel of every pixel outside the mask equals the upright
    (and, if `size` asks so, resized) input's.

    Args:
        base: the picture: a path, the bytes of a file, a PIL image, or an array of
            height x width (x 1, 3 or 4), uint8 or uint16. JPEG, PNG, BMP, TIFF or WEBP, at
            most 10 MB, each side over 256 and under 4096 px.
        mask: a picture of the same resolution; white repaints.
        prompt: what to paint, in Chinese or English; empty continues the background.
        n: how many pictures, 1 to 4.
        seed: 0 to 2**63 - 1; picture i has seed + i. None draws one.
        size: (width, height) or "WxH", px; the base is scaled and cropped to cover it. None
            keeps the base's own.
        style: one of `STYLES`.
        negative_prompt: what not to paint.
        engine: "auto", the name of an engine, or an engine.
        reference: a picture of the thing to put in, with alpha or to be cut out.
        sketch: lines that what is put in follows, dark on light, light on dark or on a clear
            canvas; of the shape of the base, or of the masked part's box.
        palette: colours to paint with: "red,#ffcc00", at most 8 names (Chinese or English) or
            codes, or a picture that has them.
        strength: how much of what is under the mask is kept, 0 to 1: first its light and folds,
            from 0.5 on its colours too.
        guidance: how strongly prompt, palette and sketch are pressed, 1 to 10.
        steps: in how many steps an engine that samples does so, 1 to 150; None is its own number.
        mask_color: colours, "RRGGBB" or (r, g, b), that repaint instead of white.
        invert_mask: repaint what the mask does not mark.
        grow: px by which the mask is widened (negative: narrowed), -512 to 512.
        feather: px of inward ramp at the mask's edge, 0 to 256; None chooses by its size,
            and is 0 with a soft mask.
        soft_mask: take the mask's levels as opacities: 0 keeps a pixel exactly, 255 repaints it
            in full, what is between mixes both. Without it a mask is cut in the middle.
        watermark: add a small visible mark inside the repainted part.
        on_step: called with a `Step` as the work goes on.

    Raises:
        InvalidInput: something the caller can mend; names field, limit and value.
        OperationFailed: something else went wrong.
    """
    prompt = options.check_prompt(prompt)
    negative_prompt = options.check_prompt(negative_prompt, field="negative_prompt")
    seeds = options.check_seeds(secrets.randbelow(2**31) if seed is None else seed, n)
    style = options.check_style(style)
    target_size = options.check_size(size)
    colors = options.check_colors(mask_color)
    grow = options.check_grow(grow)
    feather = options.check_feather(feather)
    soft_mask = options.check_flag(soft_mask, field="soft_mask")
    strength = options.check_strength(strength)
    guidance = options.check_guidance(guidance)
    steps = options.check_steps(steps)
    puts_in = reference is not None or (palette is not None and not prompt)
    painter = choose_engine(engine, prompt, has_reference=puts_in)
    clock = _Clock(on_step)

    with clock.stage("decode"):
        picture = decode_picture(base)
        upright = (picture.height, picture.width)
        area, levels = read_area(
            mask, size=upright, colors=colors, invert=invert_mask, grow=grow, soft=soft_mask
        )
        own = None if reference is None else decode_reference(reference)
        colours = None if palette is None else _palette(palette)
        lines = None
        if sketch is not None:
            lines = decode_sketch(sketch, size=upright, box=mask_box(area))

    with clock.stage("plan"):
        if target_size is not None:
            width, height = target_size
            if lines is not None:
                lines = fit_gray(lines, area, width=width, height=height)
            marked = area
            picture, area = fit_to_size(picture, marked, width=width, height=height)
            if levels is not None:
                area, levels = fit_levels(levels, marked, width=width, height=height)
        region = plan_region(area, painter.info)
        around = to_srgb8(picture.pixels[region.box.slices], picture.icc_profile)
        common = PaintJob(
            pixels=take_pixels(around, region),
            mask=take_mask(area, region),
            prompt=prompt,
            negative_prompt=negative_prompt,
            style=style,
            reference=own,
            sketch=None if lines is None else take_lines(lines, region),
            palette=() if colours is None else colours.colors,
            palette_weights=() if colours is None else colours.weights,
            strength=strength,
            guidance=guidance,
            steps=steps,
        )
        jobs = [replace(common, seed=seed) for seed in seeds]

    with clock.stage("paint"):
        painted = painter.paint(jobs, placed(on_step, region))
        if len(painted) != len(jobs):
            raise EngineFailed(f"the engine must return {len(jobs)} regions, got {len(painted)}")

    with clock.stage("blend"):
        layers = [fit_back(one, region) for one in painted]
        pixels = [_blend(picture, area, levels, region, layer, around, feather) for layer in layers]
        notes = [*picture.notes, *_ignored(painter.info, common)]
        notes += [note for layer in layers for note in layer.notes]
        if watermark:
            pairs = [mark(one, area) for one in pixels]
            pixels = [one for one, _ in pairs]
            notes += [note for _, said in pairs for note in said]

    name = painter.info.name
    whole = bool(area.all())
    return RepaintResult(
        pictures=tuple(replace(picture, pixels=one, notes=()) for one in pixels),
        seeds=seeds,
        provenance=tuple(
            Provenance(engine=name, prompt=prompt, seed=seed, whole=whole, version=__version__)
            for seed in seeds
        ),
        engine=name,
        notes=tuple(dict.fromkeys(notes)),  # each once, in order
        seconds=clock.seconds,
    )


def _palette(palette: object) -> Palette:
    from overpaint.concepts.palette import read_palette  # here, so that importing stays quick

    return read_palette(palette)


def _blend(
    picture: Picture,
    area: Mask,
    levels: Levels | None,
    region: Region,
    layer: PaintedRegion,
    around: Rgb8,
    feather: float | None,
) -> Pixels:
    """Meet the tone of the surroundings, go to the picture's own colours, lay it in."""
    toned = layer.pixels
    if layer.coverage is None:  # else it is transparent where the tone would be compared
        toned = match_tone(toned, around, area[region.box.slices])
    own = from_srgb8(toned, picture.icc_profile, picture.pixels.dtype)
    coverage = layer.coverage
    return blend(picture.pixels, area, region.box, own, coverage, feather=feather, levels=levels)


def _ignored(info: EngineInfo, job: PaintJob) -> list[str]:
    """What was asked for and the engine does not take."""
    from overpaint.concepts.removal import is_removal  # here, so that importing stays quick

    asked = {
        "a prompt": not info.needs_prompt and job.prompt and not is_removal(job.prompt),
        "a negative prompt": not info.takes_negative and bool(job.negative_prompt),
        "a style": not info.takes_style and job.style != "auto",
        "a reference": not info.takes_reference and job.reference is not None,
        "a sketch": not info.takes_sketch and job.sketch is not None,
        "a palette": not info.takes_palette and bool(job.palette),
        "a strength": not info.takes_strength and job.strength > 0,
        "guidance": not info.takes_guidance and job.guidance != 1,
        "steps": not info.takes_steps and job.steps is not None,
    }
    notes = [
        f"the engine {info.name} does not take {what}" for what, given in asked.items() if given
    ]
    if info.takes_sketch and job.sketch is not None and not (job.sketch[job.mask] > 0).any():
        notes.append("the sketch has no line inside the mask")
    return notes


class _Clock:
    """Times the stages of a repaint and reports them."""

    STAGES = ("decode", "plan", "paint", "blend")

    def __init__(self, on_step: OnStep | None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_step = on_step

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        with tracing.span(name):
            yield
        self.seconds[name] = time.perf_counter() - start
        if self._on_step is not None:
            done = self.STAGES.index(name) + 1
            self._on_step(Step(stage=name, done=done, total=len(self.STAGES)))
