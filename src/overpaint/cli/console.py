"""What the commands print, and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overpaint.values import OnStep, Step

_traces: ContextVar[bool] = ContextVar("_traces", default=False)


def show_traces(shown: bool) -> None:
    """Set whether an error prints its traceback (`--debug`)."""
    _traces.set(shown)


def traces_shown() -> bool:
    """Whether `--debug` was given."""
    return _traces.get()


def say(line: str) -> None:
    """Print a line for a person, on stderr."""
    print(line, file=sys.stderr, flush=True)


def say_on_terminal(line: str) -> None:
    """Print a line on stderr when that is a terminal; a pipe stays quiet."""
    if sys.stderr.isatty():
        say(line)


def say_notes(notes: Sequence[str]) -> None:
    """Print what the caller should know, on stderr, a line each."""
    for note in notes:
        say(f"note: {note}")


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON object or array on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows on stdout: a drawn table on a terminal, tab-separated values in a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


class Progress:
    """Where the work stands. In a pipe it shows nothing and `on_step` is None."""

    def __init__(self, draw: Callable[[str, int, int], None] | None, total: int) -> None:
        self._draw = draw
        self._total = total
        self._finished = 0

    def finished(self, count: int) -> None:
        """Say that `count` of the paintings are done."""
        self._finished = count
        if self._draw:
            self._draw("paint", count, self._total)

    @property
    def on_step(self) -> OnStep | None:
        """What `repaint` and engines call: one painting shows its steps, many how many are done."""
        draw = self._draw
        if draw is None:
            return None

        def on_step(step: Step) -> None:
            if self._total == 1:
                draw(step.stage, step.done, step.total)
            else:
                draw(step.stage, self._finished, self._total)

        return on_step


@contextmanager
def progress(total: int = 1) -> Iterator[Progress]:
    """Show how `total` paintings come along, on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield Progress(None, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("start", total=total)

        def draw(description: str, done: int, of: int) -> None:
            bars.update(task, description=description, completed=done, total=of)

        yield Progress(draw, total)


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Show in one line what is being waited for, on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda line: bars.update(task, description=line)
