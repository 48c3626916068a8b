"""`overpaint engines`: what there is to paint with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from overpaint.cli import console
from overpaint.errors import OverpaintError

#: What an engine may take beside the prompt: the field of `EngineInfo` -> the word in the table.
_TAKES = {
    "takes_style": "style",
    "takes_reference": "reference",
    "takes_sketch": "sketch",
    "takes_palette": "palette",
    "takes_strength": "strength",
    "takes_guidance": "guidance",
    "takes_negative": "negative",
    "takes_steps": "steps",
}
_FAMILY = "paints with a checkpoint of yours; `overpaint engines {}` says what that one takes"


def engines(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="These alone; also diffusers:ID_OR_PATH, which is looked at and not loaded.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """List the engines that are installed, plugins included."""
    from overpaint.engines.registry import REST, engine_names, family_names

    if names:
        found = [_describe(name) for name in names]
    else:
        found = [_described_or_why_not(name) for name in engine_names()]
        shown = [f"{family}:{REST}" for family in family_names()]
        found += [{"name": name, "family": True, "summary": _FAMILY.format(name)} for name in shown]
    if as_json:
        console.print_json({"engines": found})
    else:
        _print(found)


def _print(found: list[dict[str, Any]]) -> None:
    """The table; a licence has a column where there is one to be read."""
    columns = ["engine", "what it does", "px", "takes"]
    rows = [[one["name"], *_cells(one)] for one in found]
    if any(one.get("licence") for one in found):
        columns.append("licence")
        for row, one in zip(rows, found, strict=True):
            row.append(one.get("licence", ""))
    console.print_table(columns, rows)


def _cells(one: dict[str, Any]) -> tuple[str, str, str]:
    if "error" in one:
        return one["error"], "", ""
    if "family" in one:
        return one["summary"], "by the checkpoint", "by the checkpoint"
    return one["summary"], _sizes(one), _takes(one)


def _described_or_why_not(name: str) -> dict[str, Any]:
    try:
        return _describe(name)
    except OverpaintError as error:
        return {"name": name, "error": str(error)}


def _describe(name: str) -> dict[str, Any]:
    from overpaint.engines.registry import get_engine

    info = get_engine(name).info
    return {
        "name": name,
        "summary": info.summary,
        "native_sizes": list(info.native_sizes),
        "max_side": info.max_side,
        "needs_prompt": info.needs_prompt,
        **{field: getattr(info, field) for field in _TAKES},
        "batch": info.batch,
        "languages": list(info.languages),
        "licence": info.licence,
        "options": info.options,
    }


def _sizes(one: dict[str, Any]) -> str:
    if one["native_sizes"]:
        return ", ".join(map(str, one["native_sizes"]))
    return f"any, to {one['max_side']}"


def _takes(one: dict[str, Any]) -> str:
    if not one["needs_prompt"]:
        prompt = "mask alone"
    elif {"zh", "en"} <= set(one["languages"]):
        prompt = "prompt"
    else:
        prompt = f"prompt ({', '.join(one['languages'])})"
    return ", ".join([prompt, *(word for field, word in _TAKES.items() if one[field])])
