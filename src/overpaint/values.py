"""The data that travels between the layers: frozen, keyword-only, without behaviour of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

#: height x width x 3 (RGB) or 4 (RGB + straight alpha), uint8 or uint16, full range.
Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
#: height x width x 3, uint8, sRGB: what engines see and paint.
Rgb8: TypeAlias = npt.NDArray[np.uint8]
#: height x width x 4, uint8, sRGB with straight (not premultiplied) alpha.
Rgba8: TypeAlias = npt.NDArray[np.uint8]
#: height x width, bool, True = repaint.
Mask: TypeAlias = npt.NDArray[np.bool_]
#: height x width, uint8, how strongly it is repainted: 0 = kept as it is, 255 = in full.
Levels: TypeAlias = npt.NDArray[np.uint8]
#: height x width, float32, 0 to 1.
Weight: TypeAlias = npt.NDArray[np.float32]

Style = Literal[
    "auto",
    "3d cartoon",
    "anime",
    "oil painting",
    "watercolor",
    "sketch",
    "chinese painting",
    "flat illustration",
]
STYLES: tuple[Style, ...] = Style.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle of pixels: rows top to top + height, columns left to left + width."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index a height x width array with it."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture, upright."""

    pixels: Pixels
    icc_profile: bytes | None = None  # None means sRGB
    format: str = "PNG"  # what it came as, or is to become: JPEG, PNG, BMP, TIFF, WEBP
    notes: tuple[str, ...] = ()  # what the caller should know ("first of 12 frames")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def has_alpha(self) -> bool:
        """Whether there is a fourth channel."""
        return bool(self.pixels.shape[2] == 4)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where long work stands; what `on_step` is called with."""

    stage: str  # "decode", "paint", "blend", or a name of the engine's own
    done: int  # steps done, 0 to total
    total: int  # steps in all, at least 1
    preview: Rgb8 | None = None  # the region as it stands, at whatever size it is painted
    box: Box | None = None  # where the preview lies in the result, px; `repaint` fills it in


OnStep: TypeAlias = Callable[[Step], None]


@dataclass(frozen=True, kw_only=True)
class PaintJob:
    """One region for an engine to paint once."""

    pixels: Rgb8  # the region with context around the mask, sRGB
    mask: Mask  # same height and width; True = repaint
    prompt: str
    negative_prompt: str = ""
    style: Style = "auto"
    seed: int = 0  # the same job gives the same pixels
    reference: Rgba8 | None = None  # the caller's own picture to put in
    sketch: Weight | None = None  # height x width, 1 = a line to follow, 0 = none
    palette: tuple[tuple[int, int, int], ...] = ()  # sRGB colours to paint with, most first
    palette_weights: tuple[float, ...] = ()  # how much of each; one a colour, sum 1
    strength: float = 0.0  # how much of what is under the mask is kept, 0 to 1
    guidance: float = 1.0  # how strongly what was asked for is pressed, 1 to 10
    steps: int | None = None  # of sampling, 1 to 150; None = the engine's own number


@dataclass(frozen=True, kw_only=True)
class PaintedRegion:
    """What an engine made of one job: a layer to lay over the region, inside the mask."""

    pixels: Rgb8  # same height and width as the job's; colour is straight, not premultiplied
    coverage: Weight | None = None  # opacity of the layer; None = opaque everywhere
    notes: tuple[str, ...] = ()  # what the caller should know ("no one knew 'flurb'")


@dataclass(frozen=True, kw_only=True)
class EngineInfo:
    """What an engine is and takes."""

    name: str
    summary: str  # one line for `overpaint engines`
    native_sizes: tuple[int, ...] = ()  # square sides it was made for, px; () = any size
    max_side: int = 1024  # a longer region is scaled down to this, px
    needs_prompt: bool = True
    takes_reference: bool = False
    takes_style: bool = False
    takes_sketch: bool = False
    takes_palette: bool = False
    takes_strength: bool = False
    takes_guidance: bool = False
    takes_negative: bool = False  # it heeds `negative_prompt`
    takes_steps: bool = False
    batch: int = 1  # how many jobs it paints at once; over 1, several threads may call `paint`
    licence: str = ""  # of its weights, and where to read it; "" = Overpaint's own
    languages: tuple[str, ...] = ("zh", "en")  # that it reads prompts in
    options: dict[str, Any] = field(default_factory=dict)  # name -> default, engine's own


@dataclass(frozen=True, kw_only=True)
class Region:
    """The part of a picture that an engine is given, and at which size."""

    box: Box  # where it lies in the picture
    height: int  # rows the box is scaled to
    width: int  # columns the box is scaled to
    pad_bottom: int = 0  # rows of reflection added below, to reach the engine's native size
    pad_right: int = 0  # likewise columns at the right


@dataclass(frozen=True, kw_only=True)
class BlobRef:
    """Where stored bytes are, and what they must be."""

    name: str  # a path of ASCII names with "/" between them
    bytes: int
    sha256: str  # hexadecimal
