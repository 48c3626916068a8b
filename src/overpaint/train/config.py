"""The settings of a training run: a TOML file read into frozen values, each one checked.

A key that nobody reads, a value of another type and a value out of range are errors that name the
field, what it may be and what came. The defaults suit two processor cores.
"""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from overpaint.diffusion.schedule import SIDES
from overpaint.errors import InvalidOption

T = TypeVar("T")

Precision = Literal["auto", "float32", "bfloat16"]
Decay = Literal["linear", "cosine"]


def _within(low: float, high: float, default: Any = MISSING) -> Any:
    """A field whose number (or numbers) lie in low..high."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class Level:
    """How often a level is trained, and on how many pictures at a time."""

    side: int = _within(64, 512)  # pixels: one of SIDES
    batch: int = _within(1, 4096)  # pictures in a step
    share: float = _within(0, 1e6)  # steps at this level, relative to the other levels


@dataclass(frozen=True, kw_only=True)
class Model:
    """The size of the network."""

    channels: tuple[int, ...] = _within(8, 2048, (96, 160, 256))  # at each grid, finest first
    blocks: tuple[int, ...] = _within(1, 32, (2, 2, 3))  # at each grid
    vector: int = _within(8, 4096, 256)  # width of what steers the blocks


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """AdamW, its learning rate over the run, and the average of the weights."""

    rate: float = _within(1e-7, 1e-1, 4e-4)  # highest learning rate
    warmup: int = _within(0, 1_000_000, 150)  # steps from 0 to the highest rate
    decay: Decay = "linear"  # shape of the way down
    hold: float = _within(0, 0.99, 0.5)  # part of the budget before the rate goes down
    floor: float = _within(0, 1, 0.01)  # last rate, relative to the highest
    weight_decay: float = _within(0, 1, 0.01)
    beta1: float = _within(0, 0.9999, 0.9)
    beta2: float = _within(0, 0.9999, 0.99)
    clip: float = _within(1e-3, 1e6, 1.0)  # longest gradient
    half_life: int = _within(1, 100_000_000, 3_000)  # pictures after which a weight counts half


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """How often each condition is left out, on its own (Composer, arXiv 2302.09778)."""

    text: float = _within(0, 1, 0.1)
    exemplar: float = _within(0, 1, 0.15)
    palette: float = _within(0, 1, 0.5)
    sketch: float = _within(0, 1, 0.6)
    intensity: float = _within(0, 1, 0.7)
    silhouette: float = _within(0, 1, 0.3)
    context: float = _within(0, 1, 0.05)
    without_exemplar: float = _within(0, 1, 0.6)  # times these, where there is no exemplar


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The parts of the loss, all inside the mask."""

    charbonnier: float = _within(1e-6, 1, 0.02)  # errors under this count by their square
    gradient: float = _within(0, 100, 0.5)  # weight of differences between neighbours
    coarse: float = _within(0, 100, 0.5)  # weight of errors of tone: means of 8 x 8 pixels
    boundary: float = _within(0, 100, 0.1)  # weight of the pixels along the border of the mask
    low_noise: float = _within(0.01, 1, 0.25)  # below this t the weight 1/t grows no more
    margin: float = _within(0, 0.5, 0.05)  # t is drawn this far above the level's noisiest


@dataclass(frozen=True, kw_only=True)
class Run:
    """Length, pace and place of the run."""

    minutes: float = _within(0.01, 1e6, 90.0)  # the learning rate comes down in this time
    steps: int = _within(0, 1_000_000_000, 0)  # if not 0: this many steps instead of minutes
    checkpoint_minutes: float = _within(0.01, 1e4, 5.0)  # at most this much is lost
    log_seconds: float = _within(0, 1e5, 20.0)
    validation: int = _within(0, 4096, 16)  # held-out pictures scored at each level
    sheet: int = _within(0, 64, 6)  # held-out pictures on the sample sheet
    seed: int = _within(0, 2**31 - 1, 0)
    workers: int = _within(1, 64, 2)  # on a CPU: threads that share the pictures of a step
    threads: int = _within(0, 1024, 1)  # of each operation; 0: as many as there are cores
    prefetch: int = _within(0, 64, 0)  # batches made ahead in a thread; 0: made in the loop
    precision: Precision = "auto"  # of the convolutions; auto: what the device does faster
    compile: bool = False  # torch.compile, on CUDA only
    bank: str = "build/bank.zip"  # what scripts/build_bank.py makes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything about a run."""

    levels: tuple[Level, ...] = (
        Level(side=64, batch=32, share=1.0),
        Level(side=128, batch=8, share=1.0),
        Level(side=256, batch=2, share=1.0),
    )
    model: Model = Model()
    optimiser: Optimiser = Optimiser()
    dropout: Dropout = Dropout()
    loss: Loss = Loss()
    run: Run = Run()

    def __post_init__(self) -> None:
        """Check what one field alone cannot tell."""
        sides = [level.side for level in self.levels]
        if not sides:
            raise InvalidOption("levels", "names at least one level", sides)
        for number, side in enumerate(sides):
            if side not in SIDES:
                raise InvalidOption(f"levels[{number}].side", f"one of {SIDES}", side)
        if sides != sorted(set(sides)):
            raise InvalidOption("levels", "each side once, the smallest first", sides)
        if sum(level.share for level in self.levels) <= 0:
            raise InvalidOption("levels", "at least one share above 0", 0)
        if len(self.model.channels) != len(self.model.blocks):
            raise InvalidOption(
                "model.blocks", "as many numbers as model.channels", list(self.model.blocks)
            )


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file; what it leaves out has its default.

    Errors: InvalidOption with the field's path, such as `levels[1].side`.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidOption("config", f"a readable TOML file ({error})", path) from error
    return settings_of(table)


def settings_of(table: Mapping[str, Any]) -> Settings:
    """The settings in a mapping of plain values, as TOML and checkpoints have them."""
    return _table(Settings, table, "")


def table_of(settings: Settings) -> dict[str, Any]:
    """The settings as plain values, the inverse of `settings_of`."""
    plain: dict[str, Any] = asdict(settings)
    return plain


def _table(kind: type[T], table: object, path: str) -> T:
    """A dataclass from a mapping, its fields checked by their type hints and ranges."""
    if not isinstance(table, Mapping):
        raise InvalidOption(path, "a table", table)
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    known = {spec.name: spec for spec in fields(kind)}
    for key in table:
        if key not in known:
            raise InvalidOption(_join(path, key), f"one of {', '.join(known)}", "an unknown key")
    values = {}
    for name, spec in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], _join(path, name), spec.metadata)
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise InvalidOption(_join(path, name), "must be given")
    return kind(**values)


def _value(kind: Any, value: object, path: str, limits: Mapping[str, float]) -> Any:
    """One value of the wanted type, in its range."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _table(kind, value, path)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if not isinstance(value, list | tuple):
            raise InvalidOption(path, "a list", value)
        return tuple(
            _value(inner, item, f"{path}[{place}]", limits) for place, item in enumerate(value)
        )
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InvalidOption(path, f"one of {', '.join(get_args(kind))}", value)
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise InvalidOption(path, _NAMES[kind], repr(value))
    low, high = limits.get("low"), limits.get("high")
    if low is not None and high is not None:
        assert isinstance(value, int | float)
        if not low <= value <= high:
            raise InvalidOption(path, f"{low:g} to {high:g}", value)
    return value


_NAMES = types.MappingProxyType(
    {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
