"""`overpaint demo`: repaint a photograph that comes with the package, and show it."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from overpaint.cli import console
from overpaint.cli.targets import make_folder

PROMPT = "一只猫戴着红色眼镜"  # a cat wearing red glasses
SEED = 7


def demo_picture() -> bytes:
    """Chelsea the cat, 451 x 300 px, a PNG file. By Stéfan van der Walt, CC0."""
    return (files("overpaint") / "demo" / "chelsea.png").read_bytes()


def demo_mask() -> bytes:
    """A brush stroke over her eyes, white, a PNG file of the same resolution."""
    return (files("overpaint") / "demo" / "chelsea-mask.png").read_bytes()


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the pictures; made if missing.")
    ] = Path("demo-out"),
) -> None:
    """Put red glasses on a cat, as 一只猫戴着红色眼镜 asks, and write a sheet that shows it."""
    import numpy as np

    from overpaint.cli.sheet import draw_sheet
    from overpaint.imaging.decode import decode_picture
    from overpaint.imaging.mask import decode_mask
    from overpaint.repaint import repaint

    make_folder(output)

    started = time.perf_counter()
    with console.progress() as progress:
        result = repaint(demo_picture(), demo_mask(), PROMPT, seed=SEED, on_step=progress.on_step)
    painted_s = time.perf_counter() - started
    file = result.save(output / "cat-with-red-glasses.png")

    before, after = (decode_picture(one).pixels.astype(np.uint8) for one in (demo_picture(), file))
    mask = decode_mask(demo_mask(), size=before.shape[:2])
    kept = int((before == after).all(axis=2)[~mask].sum())  # read back from the file
    sheet = output / "before-mask-after.png"
    sheet.write_bytes(draw_sheet(before, mask, after, caption=PROMPT))

    outside = int((~mask).sum())
    print(f"{PROMPT}  ({result.engine}, {painted_s:.2f} s)")
    print(f"outside the mask {kept:,} of {outside:,} pixels are as they were")
    print(f"result: {file}")
    print(f"before, mask, after: {sheet}")
    console.say_notes(result.notes)
