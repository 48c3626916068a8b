"""Reads the body of DashScope's image synthesis: what is asked for, before anything is fetched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from overpaint import options
from overpaint.errors import InvalidOption, InvalidPrompt, InvalidURL
from overpaint.imaging.source import PICTURE_LIMITS
from overpaint.server.errors import Declined

DEFAULT_SIZE = "1024*1024"
_SIZE = re.compile(r"(\d{1,5})\*(\d{1,5})", re.ASCII)
ORIGINAL = "original"  # the base picture's own size

#: The model that is told by a function what to do, and the one function that is repainting.
EDIT_MODEL = "wanx2.1-imageedit"
EDIT_FUNCTION = "description_edit_with_mask"

MAX_COLORS = 256  # of mask_color

#: What the wire calls the pictures.
URLS: Mapping[str, str] = {
    "base": "base_image_url",
    "mask": "mask_image_url",
    "reference": "reference_image_url",
    "sketch": "sketch_image_url",
}
_REQUIRED = ("base", "mask")
#: SDKs have it for other models: taken as the reference where it is a picture, else passed over.
REFERENCE_OF_SDKS = "ref_img"

# Parameters that are the service's options; checked here, too, before anything is fetched.
_PLAIN: Mapping[str, Callable[[object], object]] = {
    "strength": options.check_strength,
    "guidance": options.check_guidance,
    "steps": options.check_steps,
    "grow": options.check_grow,
    "feather": options.check_feather,
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a caller asks for."""

    model: str
    prompt: str
    urls: Mapping[str, str]  # keys as in `URLS`
    options: Mapping[str, object]  # as `Submission.options`
    notes: tuple[str, ...] = ()  # what was done to the request
    optional: frozenset[str] = frozenset()  # of `urls`: what cannot be had is passed over


def read_model(body: Mapping[str, object]) -> str:
    """The model's name.

    Raises:
        Declined: there is none.
    """
    model = body.get("model")
    if model is None or model == "":
        message = (
            "Required parameter(model) missing or invalid, please check the request parameters."
        )
        raise Declined(400, "BadRequest.EmptyModel", message)
    if not isinstance(model, str):
        raise Declined(400, "InvalidParameter", "model: must be text")
    return model


def read_order(model: str, body: Mapping[str, object]) -> Order:
    """Read `input` and `parameters`; keys that are not known are passed over.

    Raises:
        InvalidInput: one of them is not allowed; names field, limit and value.
        Declined: likewise, in the contract's words.
    """
    given = body.get("input")
    if given is None or given in ({}, "", []):
        message = "Required input parameter missing from request."
        raise Declined(400, "BadRequest.EmptyInput", message)
    if not isinstance(given, dict):
        raise Declined(400, "InvalidParameter", "input: must be an object")
    parameters = body.get("parameters")
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, dict):
        raise Declined(400, "InvalidParameter", "parameters: must be an object")
    if model == EDIT_MODEL and given.get("function") != EDIT_FUNCTION:
        raise InvalidOption("function", f"must be {EDIT_FUNCTION}", _quoted(given.get("function")))

    notes: list[str] = []
    prompt = _text("prompt", given.get("prompt"), notes)
    if not prompt:
        raise InvalidPrompt("prompt", "must say what to paint")
    unwanted = given.get("negative_prompt") or parameters.get("negative_prompt")
    chosen: dict[str, object] = {
        "n": _count(parameters.get("n")),
        "seed": _seed(parameters.get("seed")),
        "size": _size(parameters.get("size"), model),
        "style": _style(parameters.get("style")),
        "negative_prompt": None if unwanted is None else _text("negative_prompt", unwanted, notes),
        "mask_color": _colors(parameters.get("mask_color")),
        "invert_mask": _flag("invert_mask", parameters.get("invert_mask")),
        "soft_mask": _flag("soft_mask", parameters.get("soft_mask")),
        "watermark": _flag("watermark", parameters.get("watermark")),
        "palette": parameters.get("palette"),
        "format": _format(parameters.get("output_format")),
    }
    for name, check in _PLAIN.items():
        if parameters.get(name) is not None:
            chosen[name] = check(parameters[name])
    urls, optional = _urls(given), frozenset[str]()
    reference = given.get(REFERENCE_OF_SDKS)
    if "reference" not in urls and isinstance(reference, str) and reference:
        urls["reference"], optional = reference, frozenset({"reference"})
    return Order(
        model=model,
        prompt=prompt,
        urls=urls,
        optional=optional,
        options={name: value for name, value in chosen.items() if value is not None},
        notes=tuple(notes),
    )


def _text(field: str, value: object, notes: list[str]) -> str:
    """A prompt; one that is too long is cut, as the reference says."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidPrompt(field, "must be text", _quoted(value))
    value = value.strip()
    if len(value) > options.MAX_PROMPT:
        value = value[: options.MAX_PROMPT]
        notes.append(f"the {field} was cut to {options.MAX_PROMPT} characters")
    return value


def _count(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= options.MAX_N:
        raise Declined(400, "InvalidParameter", f"Range of n should be [1, {options.MAX_N}]")
    return value


def _seed(value: object) -> int | None:
    return None if value is None else options.check_seeds(value, 1)[0]


def _size(value: object, model: str) -> str | None:
    if value is None:
        value = ORIGINAL if model == EDIT_MODEL else DEFAULT_SIZE
    if value == ORIGINAL:
        return None
    sides = _SIZE.fullmatch(value) if isinstance(value, str) else None
    low, high = PICTURE_LIMITS.smallest, PICTURE_LIMITS.largest
    if sides is None or not all(low <= int(side) <= high for side in sides.groups()):
        limit = f'must be "WIDTH*HEIGHT", each {low} to {high} px, or "{ORIGINAL}"'
        raise InvalidOption("size", limit, _quoted(value))
    return str(value)


def _style(value: object) -> str | None:
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        value = value[1:-1]
    return None if value is None else options.check_style(value)


def _colors(value: object) -> list[tuple[int, int, int]] | None:
    if value is None:
        return None
    colors = value if isinstance(value, list) and len(value) <= MAX_COLORS else [None]
    if all(isinstance(color, list) and len(color) == 3 for color in colors):
        return list(options.check_colors(colors))
    limit = f"must be a list of at most {MAX_COLORS} colours, [[r, g, b], ...]"
    raise InvalidOption("mask_color", limit, _quoted(value))


def _flag(field: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidOption(field, "must be true or false", _quoted(value))
    return value


def _format(value: object) -> str | None:
    if value is not None and value not in ("png", "jpeg", "jpg", "webp"):
        raise InvalidOption("output_format", "must be png, jpeg or webp", _quoted(value))
    return value


def _urls(given: Mapping[str, object]) -> dict[str, str]:
    urls = {}
    for name, field in URLS.items():
        url = given.get(field)
        if url is None or url == "":
            if name in _REQUIRED:
                raise InvalidURL(field, "is missing")
            continue
        if not isinstance(url, str):
            raise InvalidURL(field, "must be a URL in text", _quoted(url))
        urls[name] = url
    return urls


def _quoted(value: object) -> str:
    return repr(value)[:80]
