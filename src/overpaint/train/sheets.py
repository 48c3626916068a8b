"""Held-out pictures painted by the real sampler, to look at.

python -m overpaint.train.sheets build/cpu/painter.safetensors sheet.png --bank build/bank.zip
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from overpaint.composer.checkpoint import load_checkpoint
from overpaint.composer.conditions import CONDITIONS, PLANES, Floats
from overpaint.composer.network import Painter
from overpaint.diffusion.schedule import SIDES
from overpaint.engines.painting import Sheet, paint
from overpaint.errors import OverpaintError
from overpaint.train.compose import Batch
from overpaint.train.share import part_of
from overpaint.train.source import BankSource, Source
from overpaint.train.validation import SEED
from overpaint.values import Rgb8

#: What hides the masked part of the context.
GREY = 128
#: Between pictures, and over them for the names of the columns; px.
GAP, HEAD = 4, 16


@dataclass(frozen=True, kw_only=True)
class Column:
    """A way of painting."""

    name: str
    sheet: Callable[[Sheet, Sheet], Sheet]  # of what is always given, and of everything
    dropped: str = ""  # a condition that is left out


#: What a prompt gives: text, exemplar, silhouette and context.
PLAIN = Column(name="painted", sheet=lambda given, _: given)
#: Each other condition on, and each of the usual ones off.
WAYS = (
    PLAIN,
    Column(name="other seed", sheet=lambda given, _: replace(given, seed=given.seed + 1)),
    Column(name="+ palette", sheet=lambda given, all_: replace(given, palette=all_.palette)),
    Column(name="+ sketch", sheet=lambda given, all_: replace(given, sketch=all_.sketch)),
    Column(name="half kept", sheet=lambda given, _: replace(given, keeps_light=True, start=0.5)),
    Column(name="guidance 2", sheet=lambda given, _: replace(given, guidance=2.0)),
    Column(name="- text", sheet=lambda given, _: replace(given, words=0 * given.words)),
    Column(name="- silhouette", sheet=lambda given, _: given, dropped="silhouette"),
    Column(name="- exemplar", sheet=lambda given, _: greyed(given), dropped="exemplar"),
)


def sample_sheet(
    painter: Painter,
    source: Source,
    *,
    count: int,
    side: int,
    levels: Sequence[int],
    ways: Sequence[Column] = (PLAIN,),
) -> Rgb8:
    """Paint `count` held-out pictures of `side` px, the same ones every time.

    Args:
        painter: on any device.
        source: of the pictures.
        count: rows of the sheet.
        side: px; one of `SIDES`.
        levels: those the painter was trained at, indices into `SIDES`.
        ways: columns between the recomposed picture and the truth.

    Returns:
        A row a picture: the context, the recomposed picture, each way, the truth.
    """
    batch = source.batch(count, side, SEED, held_out=True)
    rows = []
    for number in range(count):
        one = part_of(batch, slice(number, number + 1))
        truth = rgb_of(one.picture)
        everything = sheet_of(one, seed=number)
        given = replace(everything, palette=None, sketch=None)
        painted = []
        for way in ways:
            sheet = way.sheet(given, everything)
            network = network_of(painter, without=way.dropped)
            change = paint(network, sheet, levels)
            levels255 = sheet.recomposed.astype(np.float32) + change
            painted.append(np.rint(np.clip(levels255, 0, 255)).astype(np.uint8))
        context = np.where(given.mask[..., None], np.uint8(GREY), truth)
        rows.append([context, given.recomposed, *painted, truth])
    return laid_out(rows, ["context", "recomposed", *(way.name for way in ways), "truth"])


def sheet_of(batch: Batch, seed: int) -> Sheet:
    """All that a batch of one picture tells."""
    return Sheet(
        recomposed=rgb_of(batch.exemplar),
        mask=batch.mask[0, 0].cpu().numpy() > 0,
        silhouette=batch.silhouette[0, 0].cpu().numpy(),
        words=batch.words[0].cpu().numpy(),
        palette=batch.palette[0].cpu().numpy(),
        sketch=batch.sketch[0, 0].cpu().numpy(),
        seed=seed,
    )


def greyed(sheet: Sheet) -> Sheet:
    """The same without what was recomposed, from whose detail sampling would start."""
    grey = np.where(sheet.mask[..., None], np.uint8(GREY), sheet.recomposed)
    return replace(sheet, recomposed=grey)


def network_of(painter: Painter, *, without: str = "") -> Callable[[Mapping[str, Floats]], Floats]:
    """The painter as the engine calls it; `without` is a condition to leave out."""
    device = next(painter.parameters()).device
    start = 0
    places = {}
    for name, channels in PLANES:
        places[name] = slice(start, start + channels)
        start += channels

    @torch.no_grad()
    def network(inputs: Mapping[str, Floats]) -> Floats:
        planes, present = inputs["planes"].copy(), inputs["present"].copy()
        if without:
            planes[:, places[without]] = 0
            present[:, CONDITIONS.index(without)] = 0
        arrays = (planes, inputs["words"], inputs["palette"], present, inputs["time"])
        tensors = [torch.from_numpy(np.asarray(array, np.float32)).to(device) for array in arrays]
        picture: Floats = painter(*tensors).float().cpu().numpy()
        return picture

    return network


def rgb_of(planes: torch.Tensor) -> Rgb8:
    """1 x 3 x h x w, -1..1, as h x w x 3 uint8."""
    rgb: Rgb8 = (
        ((planes[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy()
    )
    return rgb


def laid_out(rows: Sequence[Sequence[Rgb8]], names: Sequence[str]) -> Rgb8:
    """Pictures of one size in rows, their columns' names above."""
    height, width = rows[0][0].shape[:2]
    canvas = Image.new(
        "RGB", (len(names) * (width + GAP), HEAD + len(rows) * (height + GAP)), "white"
    )
    draw = ImageDraw.Draw(canvas)
    for column, name in enumerate(names):
        draw.text((column * (width + GAP) + 2, 2), name, fill="black")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            place = (column * (width + GAP), HEAD + row * (height + GAP))
            canvas.paste(Image.fromarray(picture), place)
    return np.asarray(canvas)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m overpaint.train.sheets", description=__doc__)
    parser.add_argument("weights", type=Path, help="painter.safetensors of a run")
    parser.add_argument("target", type=Path, help="the .png file to write")
    parser.add_argument("--bank", type=Path, default=Path("build/bank.zip"))
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--side", type=int, default=256, choices=SIDES)
    given = parser.parse_args(arguments)
    try:
        painter, _, metadata = load_checkpoint(given.weights)
        trained = metadata["training"]["settings"]["levels"]
        sheet = sample_sheet(
            painter.eval(),
            BankSource(given.bank, torch.device("cpu")),
            count=given.count,
            side=given.side,
            levels=[SIDES.index(level["side"]) for level in trained if level["share"] > 0],
            ways=WAYS,
        )
    except OverpaintError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    Image.fromarray(sheet).save(given.target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
