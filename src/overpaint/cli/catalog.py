"""`overpaint engines`: what there is to paint with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from overpaint.cli import console
from overpaint.errors import OverpaintError


def engines(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """List the engines that are installed, plugins included."""
    from overpaint.engines.registry import engine_names

    found = [_describe(name) for name in engine_names()]
    if as_json:
        console.print_json({"engines": found})
        return
    console.print_table(
        ["engine", "what it does", "px", "takes"],
        [
            [one["name"], one["error"], "", ""]
            if "error" in one
            else [one["name"], one["summary"], _sizes(one), _takes(one)]
            for one in found
        ],
    )


def _describe(name: str) -> dict[str, Any]:
    from overpaint.engines.registry import get_engine

    try:
        info = get_engine(name).info
    except OverpaintError as error:
        return {"name": name, "error": str(error)}
    return {
        "name": name,
        "summary": info.summary,
        "native_sizes": list(info.native_sizes),
        "max_side": info.max_side,
        "needs_prompt": info.needs_prompt,
        "takes_reference": info.takes_reference,
        "takes_style": info.takes_style,
        "options": info.options,
    }


def _sizes(one: dict[str, Any]) -> str:
    if one["native_sizes"]:
        return ", ".join(map(str, one["native_sizes"]))
    return f"any, to {one['max_side']}"


def _takes(one: dict[str, Any]) -> str:
    takes = ["prompt" if one["needs_prompt"] else "mask alone"]
    takes += [word for word in ("style", "reference") if one[f"takes_{word}"]]
    return ", ".join(takes)
