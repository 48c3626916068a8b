"""A recomposed picture in its parts: what `collage` hands back and what `builtin` starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overpaint.concepts.prompt import Reading
from overpaint.imaging import canvas as layers
from overpaint.imaging.canvas import Canvas, over
from overpaint.imaging.relight import carry_shading
from overpaint.values import Mask, PaintedRegion, Rgb8, Style

#: Up to this strength the shading of what was there is carried over; beyond, its colours too.
SHADES = 0.5


@dataclass(frozen=True, kw_only=True)
class Composition:
    """The parts of a recomposed picture, all of the job's height and width."""

    pixels: Rgb8  # the picture as it was
    mask: Mask
    reading: Reading  # what the prompt asks for
    style: Style  # how it is drawn
    objects: Canvas  # what is put in, or what is there in its new colour; premultiplied
    shadow: Canvas  # what lies under the objects
    letters: Canvas | None  # text that lies over them
    background: Rgb8 | None  # what they lie on where what was there gives way; None: the picture
    strength: float  # how much of what was there is kept, 0 to 1
    notes: tuple[str, ...] = ()  # what the caller should know

    @property
    def opaque(self) -> bool:
        """Whether what was under the mask gives way everywhere."""
        return self.background is not None and self.strength <= SHADES

    def layer(self) -> Canvas:
        """All parts over each other, shaded as strong as asked."""
        layer = over(self.objects, self.shadow)
        if self.background is not None:
            layer = over(layer, layers.of_rgb(self.background))
        if self.letters is not None:
            layer = over(self.letters, layer)
        if self.strength > 0 and self.reading.action != "recolor":
            share = min(1.0, self.strength / SHADES)
            layer = carry_shading(layer, self.pixels, self.mask, share=share)
        return layer * np.float32(1 - self._colors_kept())

    def painted(self) -> PaintedRegion:
        """The layer as an engine hands it back."""
        layer = self.layer()
        inside = self.mask[..., None]  # what falls outside is cut off here, or it would be taken
        return PaintedRegion(  # for the engine's idea of the surroundings
            pixels=np.where(inside, layers.straight(layer), self.pixels),
            coverage=None if self.opaque else np.ascontiguousarray(layer[..., 3]),
            notes=self.notes,
        )

    def flatten(self) -> Rgb8:
        """The recomposed picture: as it was outside the mask."""
        flat = layers.flatten(self.layer(), self.pixels)
        return np.where(self.mask[..., None], flat, self.pixels)

    def _colors_kept(self) -> float:
        """How much of the picture shows through: what is recoloured keeps its folds anyway."""
        if self.reading.action == "recolor":
            return self.strength
        return max(0.0, (self.strength - SHADES) / (1 - SHADES))
