"""`overpaint engines` and `overpaint concepts search`: what there is to paint with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.errors import InvalidOption, OverpaintError, UnknownConcept

concepts = typer.Typer(help="The concepts that prompts may name.")

#: A match below this is only a near spelling (see `concepts.search`).
MEANT = 0.6
#: Most matches that may be asked for.
MOST = 1000


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


@concepts.command()
def search(
    word: Annotated[str, typer.Argument(help="A word, or a part of one, in Chinese or English.")],
    limit: Annotated[int, typer.Option(metavar="N", parser=number, help="How many at most.")] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Find the concepts that WORD names, best first."""
    from overpaint.concepts.library import ConceptLibrary

    _check_limit(limit)
    matches = ConceptLibrary.open().search(word, limit=limit)
    meant = [match for match in matches if match.score >= MEANT]
    if not meant:
        near = [f"{one.concept.name_zh} {one.concept.name_en}" for one in matches[:3]]
        raise UnknownConcept("word", repr(word), near)
    if as_json:
        console.print_json(
            {
                "word": word,
                "concepts": [
                    {
                        "id": match.concept.id,
                        "zh": match.concept.name_zh,
                        "en": match.concept.name_en,
                        "group": match.concept.group,
                        "drawings": _drawings(match.concept.exemplars),
                        "score": round(match.score, 4),
                    }
                    for match in meant
                ],
            }
        )
        return
    console.print_table(
        ["concept", "中文", "English", "drawn as"],
        [
            [
                match.concept.id,
                match.concept.name_zh,
                match.concept.name_en,
                ", ".join(_drawings(match.concept.exemplars)),
            ]
            for match in meant
        ],
    )


def _check_limit(limit: object) -> None:
    if not isinstance(limit, int) or not 1 <= limit <= MOST:
        limits = f"must be a whole number between 1 and {MOST}"
        raise InvalidOption("limit", limits, repr(limit))


def _drawings(exemplars: tuple[tuple[str, str], ...]) -> list[str]:
    """The kinds of drawing, each once, in their order."""
    return list(dict.fromkeys(drawing for drawing, _ in exemplars))


@concepts.callback()
def _concepts() -> None:
    """The concepts that prompts may name."""
