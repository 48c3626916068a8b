"""`overpaint checkpoints ...`: what a checkpoint is, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from overpaint.cli import console
from overpaint.errors import InvalidOption, OverpaintError

if TYPE_CHECKING:
    from overpaint.engines.diffusers.checkpoint import Checkpoint
    from overpaint.engines.diffusers.options import Options

checkpoints = typer.Typer(help="Large checkpoints, for engines named diffusers:ID_OR_PATH.")

_LANGUAGES = {"zh": "Chinese", "en": "English"}
_DTYPES = ("float32", "bfloat16", "float16")

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


@checkpoints.callback()
def _checkpoints() -> None:
    """Large checkpoints, for engines named diffusers:ID_OR_PATH."""


@checkpoints.command()
def show(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An id of the hub, a folder or a .safetensors file; ?OPTION=VALUE may follow.",
        ),
    ],
    as_json: _Json = False,
) -> None:
    """Say what a checkpoint is, what it needs and what of it is missing; nothing is loaded."""
    from overpaint.engines.diffusers.checkpoint import Checkpoint
    from overpaint.engines.diffusers.source import PREFIX, read_engine_name

    found, options = read_engine_name(source.removeprefix(f"{PREFIX}:"))
    checkpoint = Checkpoint.read(found, options)
    told = _describe(checkpoint, options)
    if as_json:
        console.print_json(told)
    else:
        _print(told)


@checkpoints.command()
def fetch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ID[@REVISION]",
            help="An id of the hub: org/name, or org/name/FILE.safetensors for that file alone.",
        ),
    ],
    *,
    variant: Annotated[
        str, typer.Option(help="Which variant of the weights: fp16 is half as large.")
    ] = "",
    weights: Annotated[
        bool,
        typer.Option(
            "--weights/--no-weights",
            help="Without them: the configuration that a single file needs beside it.",
        ),
    ] = True,
    pickle: Annotated[
        bool, typer.Option("--pickle", help="Take pickled weights too; they can run any code.")
    ] = False,
    remote_code: Annotated[
        bool, typer.Option("--remote-code", help="Take the checkpoint's own code too.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Download a checkpoint and print where it is; one that was cut off goes on where it ended."""
    from overpaint.engines.diffusers import fetch as hub
    from overpaint.engines.diffusers.card import read_card
    from overpaint.engines.diffusers.options import read_options
    from overpaint.engines.diffusers.source import PREFIX, read_source

    found = read_source(source.removeprefix(f"{PREFIX}:"), field="source")
    if found.path is not None:
        limit = "must be an id of the hub, org/name or org/name@revision; this is here already"
        raise InvalidOption("source", limit, source)
    said = {"variant": variant, "pickle": str(int(pickle)), "remote_code": str(int(remote_code))}
    options = read_options(said.items(), field="source")
    with console.progress() as shown:
        path = hub.fetch(found, options, weights=weights, on_step=shown.on_step)
    licence = read_card(path.parent if found.file else path).licence
    engine = f"{PREFIX}:{path if found.file else found}"
    if options.variant and not found.file:
        engine += f"?variant={options.variant}"
    if as_json:
        told = {"path": str(path), "engine": engine, "licence": licence, "weights": weights}
        console.print_json(told)
        return
    print(path)
    console.say_on_terminal(f"licence: {licence or 'none is told; see its page on the hub'}")
    if weights:
        console.say_on_terminal(f"paint with it: overpaint repaint ... --engine {engine}")


def _describe(checkpoint: Checkpoint, options: Options) -> dict[str, Any]:
    family, info = checkpoint.family, checkpoint.info(options)
    try:
        checkpoint.check(options)
    except OverpaintError as error:
        fault = str(error)
    else:
        fault = ""
    return {
        "engine": info.name,
        "path": str(checkpoint.path),
        "family": family.title,
        "pipeline": family.pipeline,
        "channels": checkpoint.channels,
        "licence": checkpoint.card.licence,
        "licence_link": checkpoint.card.link,
        "languages": list(family.languages),
        "side": family.side,
        "multiple": family.multiple,
        "steps": family.steps,
        "guidance": None if family.guidance_kind == "none" else family.guidance,
        "guidance_kind": family.guidance_kind,
        "takes": [
            name
            for name in ("negative", "strength", "guidance", "reference", "style", "steps")
            if getattr(info, f"takes_{name}")
        ],
        "batch": info.batch,
        "bytes": checkpoint.bytes,
        "parameters": checkpoint.parameters,
        "memory_bytes": {dtype: checkpoint.memory(dtype) for dtype in _DTYPES},
        "options": list(checkpoint.applicable),
        "pickled": list(checkpoint.pickled),
        "custom_code": list(checkpoint.custom_code),
        "missing": list(checkpoint.missing),
        "fault": fault,
    }


def _print(told: dict[str, Any]) -> None:
    licence = " ".join(filter(None, (told["licence"] or "none is told", told["licence_link"])))
    guidance = "no guidance" if told["guidance"] is None else f"guidance {told['guidance']:g}"
    memory = (f"{dtype} {_size(size)}" for dtype, size in told["memory_bytes"].items())
    made_for = {9: ", made for inpainting", 4: ", made for whole pictures"}.get(told["channels"])
    rows = [
        ("engine", told["engine"]),
        ("path", told["path"]),
        ("family", f"{told['family']} ({told['pipeline']}){made_for or ''}"),
        ("licence", licence),
        ("languages", ", ".join(_LANGUAGES[language] for language in told["languages"])),
        ("paints", f"{told['side']} x {told['side']} px, multiples of {told['multiple']} px"),
        ("unless said", f"{told['steps']} steps, {guidance}"),
        ("takes", ", ".join(told["takes"])),
        (
            "weights",
            f"{_size(told['bytes'])}, {told['parameters'] / 1e6:,.0f} million numbers",
        ),
        ("memory", f"about {', '.join(memory)} for one picture"),
        ("options", ", ".join(told["options"])),
        *(("missing", what) for what in told["missing"]),
    ]
    for name, value in rows:
        print(f"{name + ':':<14}{value}")
    print(f"{'verdict:':<14}{told['fault'] or 'can be loaded'}")


def _size(count: int) -> str:
    """Bytes for a person."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
