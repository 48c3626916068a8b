"""The network: a convolutional U-Net without attention or normalisation, sized for two CPU cores.

What two cores do well decided its shape (docs/decisions): wide 3 x 3 convolutions on small grids.
A strided convolution takes 4 x 4 pixels to one cell, so that 256 px is a grid of 64 x 64. Each
block begins as the identity, its second convolution being 0, which makes normalisation
unnecessary (Fixup, arXiv 1901.09321). Text, palette, noise and level steer the blocks by scale
and shift (FiLM, arXiv 1709.07871).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from overpaint.composer.conditions import (
    CONDITIONS,
    PALETTE_BINS,
    PLANE_CHANNELS,
    TIME_FEATURES,
)

#: Pixels to a side of a cell of the finest grid.
CELL = 4
_SLOPE = 0.1  # of the leaky rectifier


@dataclass(frozen=True, kw_only=True)
class PainterConfig:
    """Size of a network."""

    words: int  # tokens in the vocabulary
    channels: tuple[int, ...] = (96, 160, 256)  # at each grid, finest first
    blocks: tuple[int, ...] = (2, 2, 3)  # at each grid, on the way down and up; twice at the last
    vector: int = 256  # width of what steers the blocks

    @property
    def multiple(self) -> int:
        """Height and width of a picture are multiples of this, px."""
        return int(CELL * 2 ** (len(self.channels) - 1))


class Block(nn.Module):
    """x + conv(lrelu(steer(conv(lrelu(x)))))."""

    def __init__(self, channels: int, vector: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.steer = nn.Linear(vector, 2 * channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, a=_SLOPE)
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """Feature maps n x c x h x w, vector n x v."""
        scale, shift = self.steer(vector)[:, :, None, None].chunk(2, dim=1)  # n x c x 1 x 1 each
        inner = self.first(functional.leaky_relu(x, _SLOPE))
        inner = inner * (1 + scale) + shift
        return x + self.second(functional.leaky_relu(inner, _SLOPE))  # type: ignore[no-any-return]


class Painter(nn.Module):
    """Predicts the picture from a noisy state and what is known of it."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__()
        self.config = config
        width = config.vector
        self.words = nn.Linear(config.words, width, bias=False)
        self.palette = nn.Linear(PALETTE_BINS, width, bias=False)
        self.present = nn.Linear(len(CONDITIONS), width, bias=False)
        self.time = nn.Linear(TIME_FEATURES, width)
        self.mix = nn.Linear(width, width)

        first, *_ = config.channels
        self.enter = nn.Conv2d(PLANE_CHANNELS, first, 2 * CELL, stride=CELL, padding=CELL // 2)
        self.down = nn.ModuleList()
        self.into = nn.ModuleList()
        self.up = nn.ModuleList()
        self.out_of = nn.ModuleList()
        for i, (channels, count) in enumerate(zip(config.channels, config.blocks, strict=True)):
            self.down.append(nn.ModuleList(Block(channels, width) for _ in range(count)))
            self.up.append(nn.ModuleList(Block(channels, width) for _ in range(count)))
            if i + 1 < len(config.channels):
                below = config.channels[i + 1]
                self.into.append(nn.Conv2d(channels, below, 3, stride=2, padding=1))
                self.out_of.append(nn.ConvTranspose2d(below, channels, 2, stride=2))
        self.overall = nn.Linear(config.channels[-1], width)
        self.leave = nn.ConvTranspose2d(first, 9, 2 * CELL, stride=CELL, padding=CELL // 2)
        nn.init.zeros_(self.words.weight)  # a word that training never says says nothing
        for layer in (self.overall, self.leave):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(
        self, planes: Tensor, words: Tensor, palette: Tensor, present: Tensor, time: Tensor
    ) -> Tensor:
        """Predict the picture.

        Args:
            planes: n x 13 x h x w, as `conditions.PLANES` lists them; h and w are multiples of
                `config.multiple`.
            words: n x tokens, how often each is said.
            palette: n x 64, sums to 1.
            present: n x 7, 1 for each of `conditions.CONDITIONS` that is given.
            time: n x TIME_FEATURES.

        Returns:
            n x 3 x h x w, about -1 to 1.
        """
        told = self.words(words) + 8 * self.palette(palette)
        vector = told + self.present(present) + self.time(time)
        vector = functional.leaky_relu(vector, _SLOPE)
        vector = functional.leaky_relu(self.mix(vector), _SLOPE)

        x = self.enter(planes)  # n x c0 x h/4 x w/4
        skips = []
        for i, blocks in enumerate(self.down):
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, vector)
            if i < len(self.into):
                skips.append(x)
                x = self.into[i](x)  # half as high and wide
        # tone is a property of the whole picture: what its mean says goes to every cell
        vector = vector + self.overall(functional.adaptive_avg_pool2d(x, 1).flatten(1))
        for i in reversed(range(len(self.up))):
            if i < len(self.out_of):
                x = self.out_of[i](x) + skips[i]
            for block in self.up[i]:  # type: ignore[attr-defined]
                x = block(x, vector)
        # smooth maps that change the exemplar keep its detail, and so does one that keeps the state
        gain, bias, trust = self.leave(x).chunk(3, dim=1)  # n x 3 x h x w each
        state, exemplar = planes[:, :3], planes[:, 7:10]
        return exemplar * (1 + gain) + bias + trust * (state - exemplar)  # type: ignore[no-any-return]
