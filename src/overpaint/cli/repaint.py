"""`overpaint repaint`: one picture, one mask, one prompt."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.cli.targets import check_targets

if TYPE_CHECKING:
    from overpaint.values import Style

# What other commands ask for in the same words.
Palette = Annotated[
    str | None,
    typer.Option(
        metavar="COLOURS|IMAGE", help='Colours to paint with: "red,#ffcc00", or a picture.'
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="1..150",
        parser=number,
        help="In how many steps is sampled, by engines that do; default: the engine's own.",
    ),
]
MaskColor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RRGGBB", help="A colour of the mask that repaints, instead of white; repeat."
    ),
]
InvertMask = Annotated[
    bool, typer.Option("--invert-mask", help="Repaint what the mask leaves out.")
]
SoftMask = Annotated[
    bool, typer.Option("--soft-mask", help="Gray in the mask repaints partly; black stays exact.")
]
Watermark = Annotated[
    bool, typer.Option("--watermark", help="A small visible mark in the repainted part.")
]


def repaint(
    base: Annotated[Path, typer.Argument(help="The picture: JPEG, PNG, BMP, TIFF or WEBP.")],
    mask: Annotated[
        Path, typer.Argument(help="Where to repaint: white, in a picture of the same resolution.")
    ],
    prompt: Annotated[
        str,
        typer.Argument(
            help="What is to be seen, in Chinese or English; left out, the masked part is removed."
        ),
    ] = "",
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="The file to write; PNG, JPEG, WEBP, TIFF by name."),
    ],
    n: Annotated[
        int,
        typer.Option(
            "-n", metavar="N", parser=number, help="How many different results: OUT-1, OUT-2, ..."
        ),
    ] = 1,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=number,
            help="The same seed gives the same picture; default: a new one.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of the result; default: the base's.")
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            help="auto, 3d cartoon, anime, oil painting, watercolor, sketch, chinese painting"
            " or flat illustration."
        ),
    ] = "auto",
    negative: Annotated[str, typer.Option(help="What is not to be seen.")] = "",
    engine: Annotated[
        str, typer.Option(help="Which engine paints: auto, or a name that `engines` lists.")
    ] = "auto",
    reference: Annotated[
        Path | None, typer.Option(help="A picture of your own to put into the masked part.")
    ] = None,
    sketch: Annotated[
        Path | None, typer.Option(help="Lines that what is put in follows: a picture of them.")
    ] = None,
    palette: Palette = None,
    strength: Annotated[
        float,
        typer.Option(
            metavar="0..1",
            parser=number,
            help="How much is kept of what is under the mask: its folds, then its colours.",
        ),
    ] = 0.0,
    guidance: Annotated[
        float,
        typer.Option(
            metavar="1..10",
            parser=number,
            help="How strongly prompt, palette and sketch are pressed.",
        ),
    ] = 1.0,
    steps: Steps = None,
    mask_color: MaskColor = None,
    invert_mask: InvertMask = False,
    grow: Annotated[
        int,
        typer.Option(
            metavar="PX", parser=number, help="Widen the masked part; negative narrows it."
        ),
    ] = 0,
    feather: Annotated[
        float | None,
        typer.Option(
            metavar="PX", parser=number, help="Width of the soft edge, inside the masked part."
        ),
    ] = None,
    soft_mask: SoftMask = False,
    watermark: Watermark = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the file names.")
    ] = False,
) -> None:
    """Repaint the masked part of BASE as PROMPT says; every other pixel stays as it was."""
    from overpaint.concepts.palette import names_a_file
    from overpaint.imaging.encode import format_of, losses
    from overpaint.options import check_seeds
    from overpaint.repaint import repaint as paint

    started = time.perf_counter()
    inputs = [base, mask, *filter(None, (reference, sketch))]
    if names_a_file(palette):
        inputs.append(Path(str(palette)))
    check_seeds(seed or 0, n)
    files = check_targets(output, n=n, inputs=inputs)
    with console.progress() as progress:
        result = paint(
            base,
            mask,
            prompt,
            n=n,
            seed=seed,
            size=size,
            style=cast("Style", style),
            negative_prompt=negative,
            engine=engine,
            reference=reference,
            sketch=sketch,
            palette=palette,
            strength=strength,
            guidance=guidance,
            steps=steps,
            mask_color=tuple(mask_color or ()),
            invert_mask=invert_mask,
            grow=grow,
            feather=feather,
            soft_mask=soft_mask,
            watermark=watermark,
            on_step=progress.on_step,
        )
    for index, file in enumerate(files):
        result.save(file, index)

    picture = result.pictures[0]
    notes = (*result.notes, *losses(picture, format_of(output)))
    seconds = {**result.seconds, "total": time.perf_counter() - started}
    if as_json:
        console.print_json(
            {
                "files": [str(file) for file in files],
                "seeds": list(result.seeds),
                "size": f"{picture.width}x{picture.height}",
                "engine": result.engine,
                "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
                "notes": list(notes),
            }
        )
    else:
        for file in files:
            print(file)
        seeds = ", ".join(map(str, result.seeds))
        console.say_on_terminal(
            f"{picture.width}x{picture.height}, {result.engine}, seed {seeds},"
            f" {seconds['total']:.2f} s"
        )
    console.say_notes(notes)
