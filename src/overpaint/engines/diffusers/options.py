"""How a checkpoint is loaded and run: every option, in one table.

They are written as a query, `steps=8&scheduler=LCM`, after a checkpoint's name
(`diffusers:/models/sdxl?steps=8`) and, for every checkpoint, in the setting OVERPAINT_DIFFUSERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import unquote

from overpaint import settings
from overpaint.engines.diffusers.option_values import (
    SCHEDULER_FLAVOURS,
    Lora,
    Scheduler,
    Wrong,
    choice,
    flag,
    flag_or_auto,
    lora,
    number,
    pattern,
    plain,
    scheduler,
)
from overpaint.errors import InvalidOption

__all__ = ["SCHEDULER_FLAVOURS", "Lora", "Scheduler"]  # beside what is made here

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Offload = Literal["auto", "none", "model", "group", "sequential"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one checkpoint, checked; the table `OPTIONS` says what each is."""

    device: str = "auto"  # auto, cpu, cuda, cuda:N, mps
    dtype: Dtype = "auto"
    offload: Offload = "auto"
    attention: str = "auto"  # auto, native, or one of diffusers' backends
    compile: bool | None = None  # None = auto
    batch: int | None = None  # None = auto
    wait_ms: float = 5.0
    steps: int | None = None  # None = the checkpoint's own, here and below
    guidance: float | None = None  # on the family's own scale
    scheduler: Scheduler | None = None
    loras: tuple[Lora, ...] = ()
    side: int | None = None  # px
    variant: str = ""  # "" = the full one
    config: str = ""  # a folder or an id of the hub; "" = the hub's for this kind of file
    prompt_cache: int = 256  # entries
    exact: bool = False
    download: bool = False
    pickle: bool = False
    remote_code: bool = False
    guidance_until: float = 1.0  # share of the steps
    block_cache: float = 0.0  # threshold; 0 = off
    fp8: bool = False
    tiling: bool = False

    @property
    def lossy(self) -> tuple[str, ...]:
        """The options that are on and change pixels, as "name=value", to be told with a result."""
        told = []
        if self.guidance_until < 1:
            told.append(f"guidance_until={self.guidance_until:g}")
        if self.block_cache > 0:
            told.append(f"block_cache={self.block_cache:g}")
        told += [f"{name}=1" for name in ("fp8", "tiling") if getattr(self, name)]
        if self.attention.startswith("sage"):  # multiplies in 8 bits
            told.append(f"attention={self.attention}")
        return tuple(told)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option, for reading it and for telling about it."""

    name: str
    default: str  # in words, where it depends on something
    unit: str  # what may be said
    help: str
    read: Callable[[str], object]  # raises Wrong
    limits: tuple[float, float] | None = None  # of a number
    changes_pixels: bool = False  # beyond rounding

    @property
    def field(self) -> str:
        """Its name in `Options`."""
        return "loras" if self.name == "lora" else self.name


def _numeric(
    name: str,
    default: str,
    unit: str,
    help: str,
    limits: tuple[float, float],
    *,
    whole: bool = True,
    changes_pixels: bool = False,
) -> Option:
    unset = default.startswith(("auto", "the "))
    read = number(*limits, whole=whole, unset=unset)
    return Option(
        name=name,
        default=default,
        unit=unit,
        help=help,
        read=read,
        limits=limits,
        changes_pixels=changes_pixels,
    )


def _switch(name: str, help: str, *, changes_pixels: bool = False) -> Option:
    return Option(
        name=name,
        default="0",
        unit="0 or 1",
        help=help,
        read=flag,
        limits=(0, 1),
        changes_pixels=changes_pixels,
    )


OPTIONS: tuple[Option, ...] = (
    Option(
        name="device",
        default="auto",
        unit="auto, cpu, cuda, cuda:N or mps",
        help="what it runs on; auto: the first GPU there is, else the CPU",
        read=pattern(r"auto|cpu|cuda(:\d{1,3})?|mps", "auto, cpu, cuda, cuda:N or mps"),
    ),
    Option(
        name="dtype",
        default="auto",
        unit="auto, float32, bfloat16 or float16",
        help="what numbers it computes with; auto: what suits the device, float32 on a CPU",
        read=choice("auto", "float32", "bfloat16", "float16"),
    ),
    Option(
        name="offload",
        default="auto",
        unit="auto, none, model, group or sequential",
        help="what part of the weights waits in main memory; auto: none if all fit on the GPU",
        read=choice("auto", "none", "model", "group", "sequential"),
    ),
    Option(
        name="attention",
        default="auto",
        unit="auto, native or a backend of diffusers",
        help="what computes attention; a backend named *_hub is downloaded code: remote_code=1",
        read=pattern(r"[a-z_][a-z0-9_]*", "auto, native or the name of a backend of diffusers"),
    ),
    Option(
        name="compile",
        default="auto",
        unit="auto, 0 or 1",
        help="compile the network before the first picture; auto: 1 on a GPU in the service",
        read=flag_or_auto,
    ),
    _numeric("batch", "auto", "pictures", "how many are painted at once at most", (1, 64)),
    _numeric(
        "wait_ms",
        "5",
        "ms",
        "how long a picture waits for others to be painted with",
        (0, 1000),
        whole=False,
    ),
    _numeric(
        "steps", "the checkpoint's own", "steps", "denoising steps where none are said", (1, 150)
    ),
    _numeric(
        "guidance",
        "the checkpoint's own",
        "the family's own scale",
        "guidance where none is said",
        (0, 100),
        whole=False,
    ),
    Option(
        name="scheduler",
        default="the checkpoint's own",
        unit="NAME[:FLAVOUR...]",
        help="a scheduler of diffusers by its class, like LCM or DPMSolverMultistep:karras; "
        f"flavours: {', '.join(SCHEDULER_FLAVOURS)}",
        read=scheduler,
    ),
    Option(
        name="lora",
        default="none",
        unit="FILE_OR_ID[:WEIGHT]",
        help="a LoRA to add, with its weight, 1 if none is said; may be said several times",
        read=lora,
        limits=(-10, 10),
    ),
    _numeric(
        "side",
        "the checkpoint's own",
        "px",
        "the side of the square that is painted; a multiple of the family's",
        (64, 2048),
    ),
    Option(
        name="variant",
        default="none",
        unit="name, like fp16",
        help="which variant of the weight files is taken",
        read=pattern(r"[A-Za-z0-9_.-]*", "a name of letters, digits, dots, - and _"),
    ),
    Option(
        name="config",
        default="the hub's for this kind of file",
        unit="folder or id",
        help="where the configuration and tokenizers of a single file are",
        read=plain,
    ),
    _numeric(
        "prompt_cache", "256", "prompts", "how many encoded prompts are remembered", (0, 100_000)
    ),
    _switch("exact", "paint batches of one size only: pixels equal to the last bit in any company"),
    _switch("download", "download a checkpoint that is missing; else `checkpoints fetch` does"),
    _switch("pickle", "load pickled weights, which can run any code"),
    _switch("remote_code", "run code that comes with a checkpoint, or that the hub has"),
    _numeric(
        "guidance_until",
        "1",
        "share of the steps",
        "guide the first steps alone",
        (0, 1),
        whole=False,
        changes_pixels=True,
    ),
    _numeric(
        "block_cache",
        "0",
        "threshold",
        "skip blocks of a transformer whose result hardly changes; 0 is off",
        (0, 1),
        whole=False,
        changes_pixels=True,
    ),
    _switch("fp8", "keep the weights of the network in 8 bits", changes_pixels=True),
    _switch("tiling", "decode a picture in tiles, in less memory", changes_pixels=True),
)

_BY_NAME = {option.name: option for option in OPTIONS}


def read_query(text: str, *, field: str = "engine") -> list[tuple[str, str]]:
    """Take "name=value&name=value" apart and decode percent-escapes; "+" stays as it is.

    Raises:
        InvalidOption: a name has no "="; a value may be empty, which is none.
    """
    pairs = []
    for part in filter(str.strip, text.split("&")):
        name, equals, value = part.partition("=")
        if not equals:
            raise InvalidOption(field, "an option must be written NAME=VALUE", repr(part))
        pairs.append((unquote(name).strip(), unquote(value).strip()))
    return pairs


def read_options(
    pairs: Iterable[tuple[str, str]], defaults: Options | None = None, *, field: str = "engine"
) -> Options:
    """Read options, each a name and a value in text.

    Args:
        pairs: as `read_query` gives them; `lora` may come several times, the others once.
        defaults: what holds for the options that are not named; None: `Options()`.
        field: what an error names.

    Raises:
        InvalidOption: an option is unknown, comes twice, or has a value that is not allowed.
    """
    read: dict[str, Any] = {}
    for name, text in pairs:
        option = _BY_NAME.get(name)
        if option is None:
            raise InvalidOption(field, f"an option must be one of {', '.join(_BY_NAME)}", name)
        if name != "lora" and name in read:
            raise InvalidOption(field, f"{name} may be said only once", text)
        try:
            value = option.read(text)
        except Wrong as wrong:
            raise InvalidOption(field, f"{name} {wrong}", repr(text)) from None
        if name == "lora":  # an empty one clears those of the setting
            value = (*read.get("loras", ()), *((value,) if value is not None else ()))
        read[option.field] = value
    options = replace(defaults or Options(), **read)
    if options.attention.endswith("_hub") and not options.remote_code:
        limit = "attention must not be downloaded code (*_hub) unless remote_code=1 is said"
        raise InvalidOption(field, limit, repr(options.attention))
    return options


def defaults() -> Options:
    """The options of every checkpoint: what the setting OVERPAINT_DIFFUSERS says.

    Raises:
        InvalidOption: the setting has an option that is unknown or not allowed.
    """
    return read_options(read_query(settings.diffusers(), field="diffusers"), field="diffusers")
