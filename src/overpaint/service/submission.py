"""An order as a door hands it in, and everything that is checked before it is taken."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from overpaint import options
from overpaint.concepts.palette import read_palette
from overpaint.errors import InvalidOption
from overpaint.inspection import Inputs

#: What a result may be encoded as, by the names that callers have for it.
FORMATS: Mapping[str, str] = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}

#: What `Submission.options` may hold.
OPTIONS = frozenset(
    {
        "n",
        "seed",
        "size",
        "style",
        "negative_prompt",
        "mask_color",
        "invert_mask",
        "grow",
        "feather",
        "soft_mask",
        "strength",
        "guidance",
        "steps",
        "palette",
        "watermark",
        "format",
    }
)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One order: pictures as the bytes of files, options by `repaint`'s names."""

    model: str
    prompt: str
    base: bytes
    mask: bytes | None  # None only with mask_by_alpha: the base's alpha marks
    reference: bytes | None = None
    sketch: bytes | None = None
    mask_by_alpha: bool = False  # OpenAI's dialect: transparent repaints
    options: Mapping[str, object] = field(default_factory=dict)  # see OPTIONS; None is absent
    notes: tuple[str, ...] = ()  # what the door did to the request and the caller should know
    request_id: str = ""


def checked_options(submission: Submission) -> tuple[int, dict[str, Any]]:
    """Return n, and all options with their defaults as JSON values, the seed drawn.

    Raises:
        InvalidInput: one of them is not allowed; names field, limit and value.
    """
    given = {name: value for name, value in submission.options.items() if value is not None}
    unknown = sorted(set(given) - OPTIONS)
    if unknown:
        raise InvalidOption(unknown[0], f"must be one of {', '.join(sorted(OPTIONS))}")
    n = given.get("n", 1)
    seed = given.get("seed")
    seeds = options.check_seeds(secrets.randbelow(2**31) if seed is None else seed, n)
    size = options.check_size(given.get("size"))
    chosen: dict[str, Any] = {
        "prompt": options.check_prompt(submission.prompt),
        "negative_prompt": options.check_prompt(
            given.get("negative_prompt", ""), field="negative_prompt"
        ),
        "seed": seeds[0],
        "size": None if size is None else f"{size[0]}x{size[1]}",
        "style": options.check_style(given.get("style", "auto")),
        "mask_color": [list(color) for color in options.check_colors(given.get("mask_color", ()))],
        "invert_mask": options.check_flag(given.get("invert_mask", False), field="invert_mask"),
        "grow": options.check_grow(given.get("grow", 0)),
        "feather": options.check_feather(given.get("feather")),
        "soft_mask": options.check_flag(given.get("soft_mask", False), field="soft_mask"),
        "strength": options.check_strength(given.get("strength", 0.0)),
        "guidance": options.check_guidance(given.get("guidance", 1.0)),
        "steps": options.check_steps(given.get("steps")),
        "palette": _palette(given.get("palette")),
        "watermark": options.check_flag(given.get("watermark", False), field="watermark"),
        "format": _format(given.get("format", "png")),
    }
    return len(seeds), chosen


def inputs_of(submission: Submission, chosen: Mapping[str, Any]) -> Inputs:
    """What the inspection looks at."""
    return Inputs(
        base=submission.base,
        mask=submission.mask,
        reference=submission.reference,
        sketch=submission.sketch,
        mask_color=tuple((red, green, blue) for red, green, blue in chosen["mask_color"]),
        invert_mask=chosen["invert_mask"],
        grow=chosen["grow"],
        soft_mask=chosen["soft_mask"],
        mask_by_alpha=submission.mask_by_alpha,
    )


def _palette(value: object) -> list[list[int]] | None:
    """Colours as numbers. A picture's name is refused: no caller names files of the server."""
    if value is None or value in ("", []):
        return None
    return [list(color) for color in read_palette(value, pictures=False).colors]


def _format(value: object) -> str:
    known = FORMATS.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise InvalidOption("format", "must be png, jpeg or webp", repr(value))
    return known
