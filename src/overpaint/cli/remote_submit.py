"""`overpaint submit`: a task for a server, by its API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.cli.remote import BaseUrl, InJson, KeyOption, connect, finish
from overpaint.cli.repaint import InvertMask, MaskColor, Palette, SoftMask, Steps, Watermark
from overpaint.cli.targets import check_targets

MODEL = "wanx-x-painting"


def submit(
    base: Annotated[str, typer.Argument(help="The picture: a file, which is uploaded, or a URL.")],
    mask: Annotated[str, typer.Argument(help="Where to repaint: white; a file or a URL.")],
    prompt: Annotated[
        str, typer.Argument(help="What is to be seen, in Chinese or English; 去掉它 removes.")
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Wait, and write the result to this file."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end, and print the results' URLs.")
    ] = False,
    n: Annotated[
        int | None,
        typer.Option("-n", metavar="N", parser=number, help="How many different results, 1 to 4."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", parser=number, help="The same seed gives the same picture."),
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            metavar="WxH",
            help="Size of the result; DashScope's own wants 1024x1024, 720x1280 or 1280x720.",
        ),
    ] = "original",
    style: Annotated[
        str | None, typer.Option(help="A style that `overpaint repaint --help` lists.")
    ] = None,
    negative: Annotated[
        str, typer.Option("--negative", "--negative-prompt", help="What is not to be seen.")
    ] = "",
    model: Annotated[str, typer.Option(help="The model's name on the server.")] = MODEL,
    reference: Annotated[
        str | None, typer.Option(help="A picture of your own to put in: a file or a URL.")
    ] = None,
    sketch: Annotated[
        str | None, typer.Option(help="Lines that what is put in follows: a file or a URL.")
    ] = None,
    palette: Palette = None,
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="0..1", parser=number, help="How much is kept of what is under the mask."
        ),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            metavar="1..10",
            parser=number,
            help="How strongly prompt, palette and sketch are pressed.",
        ),
    ] = None,
    steps: Steps = None,
    mask_color: MaskColor = None,
    invert_mask: InvertMask = False,
    grow: Annotated[
        int | None, typer.Option(metavar="PX", parser=number, help="Widen the masked part.")
    ] = None,
    feather: Annotated[
        float | None, typer.Option(metavar="PX", parser=number, help="Width of the soft edge.")
    ] = None,
    soft_mask: SoftMask = False,
    watermark: Watermark = False,
    base_url: BaseUrl = None,
    key: KeyOption = None,
    as_json: InJson = False,
) -> None:
    """Give a server a picture to repaint; print the task's id, or wait for the result."""
    from overpaint import options
    from overpaint.cli import remote_request as ask
    from overpaint.concepts.palette import names_a_file

    pictures = {"base": base, "mask": mask, "reference": reference, "sketch": sketch}
    given = {name: source for name, source in pictures.items() if source is not None}
    options.check_seeds(seed or 0, 1 if n is None else n)
    parameters = {
        "n": n,
        "seed": seed,
        "size": ask.size_parameter(size),
        "style": ask.style_parameter(style),
        "palette": ask.palette_parameter(palette),
        "strength": None if strength is None else options.check_strength(strength),
        "guidance": None if guidance is None else options.check_guidance(guidance),
        "steps": options.check_steps(steps),
        "mask_color": ask.color_parameter(mask_color or ()),
        "invert_mask": invert_mask or None,
        "grow": None if grow is None else options.check_grow(grow),
        "feather": options.check_feather(feather),
        "soft_mask": soft_mask or None,
        "watermark": watermark or None,
        "output_format": ask.format_parameter(output),
    }
    ask.check_files(given)
    if output is not None:
        files = [Path(source) for source in given.values() if not ask.is_address(source)]
        if names_a_file(palette):
            files.append(Path(str(palette)))
        check_targets(output, n=n or 1, inputs=files)
    order = ask.Order(
        model=model,
        prompt=prompt,
        pictures=given,
        negative_prompt=negative,
        parameters={name: value for name, value in parameters.items() if value is not None},
    )
    with connect(base_url, key) as server:
        answer = order.send(server)
        task = answer["output"]
        if wait or output is not None:
            if not as_json:
                console.say_on_terminal(f"task {task['task_id']}")
            finish(server, str(task["task_id"]), output, as_json=as_json)
        elif as_json:
            console.print_json({**task, "request_id": answer.get("request_id")})
        else:
            print(task["task_id"])
