"""`overpaint batch`: many pictures from a manifest, going on where it was stopped."""

from __future__ import annotations

import glob
import json
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overpaint._version import __version__
from overpaint.cli import console
from overpaint.cli.journal import Journal
from overpaint.cli.manifest import Line, read_manifest
from overpaint.cli.targets import make_folder
from overpaint.errors import EngineUnusable, InvalidInput, InvalidOption, OverpaintError

if TYPE_CHECKING:
    from overpaint.values import OnStep

FAILURES = "failures.jsonl"
#: Most lines of one kind on stderr.
MOST_TOLD = 20


@dataclass(kw_only=True)
class _Report:
    """What became of the lines."""

    files: list[str] = field(default_factory=list)
    painted: int = 0
    skipped: int = 0  # finished by an earlier run
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all done, 2 when only the caller's lines are at fault, 1 when anything else is."""
        if not self.failures:
            return 0
        return 2 if all(failure["fault"] == "yours" for failure in self.failures) else 1


def batch(
    manifest: Annotated[
        Path,
        typer.Argument(
            help="JSON Lines; a line has base, mask, prompt, and what else `repaint` takes."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the results; made if missing.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the file names.")
    ] = False,
) -> None:
    """Repaint every line of MANIFEST. Run it again after a stop: finished lines are kept."""
    started = time.perf_counter()
    lines, mistakes = read_manifest(manifest, output)
    if mistakes:
        _say_some([f"{manifest.name} {mistake}" for mistake in mistakes])
        many = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        raise InvalidOption("manifest", "must have no mistakes", f"{many}; nothing was painted")
    make_folder(output)

    report = _Report()
    with Journal(output) as journal, console.progress(len(lines)) as progress:
        try:
            _paint_all(lines, output, journal, progress, report)
        except KeyboardInterrupt:
            count = report.painted + report.skipped
            console.say(f"{count} of {len(lines)} lines are done; the same command goes on")
            raise

    if as_json:
        console.print_json(
            {
                "lines": len(lines),
                "painted": report.painted,
                "skipped": report.skipped,
                "failed": len(report.failures),
                "files": report.files,
                "failures": report.failures,
                "seconds": round(time.perf_counter() - started, 4),
            }
        )
    else:
        for file in report.files:
            print(file)
    _say_end(report, output)
    if report.failures:
        raise typer.Exit(report.exit_code)


def _paint_all(
    lines: Sequence[Line],
    folder: Path,
    journal: Journal,
    progress: console.Progress,
    report: _Report,
) -> None:
    failures = folder / FAILURES
    failures.unlink(missing_ok=True)
    for done, line in enumerate(lines):
        progress.finished(done)
        if journal.find(line.key) is not None:
            report.skipped += 1
        else:
            try:
                details = _paint(line, progress.on_step)
            except Exception as error:
                report.failures.append(_failure(line, error))
                with failures.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(report.failures[-1], ensure_ascii=False) + "\n")
                continue
            journal.add(line.key, line.files, details)
            report.painted += 1
        report.files += map(str, line.files)
    progress.finished(len(lines))


def _paint(line: Line, on_step: OnStep | None) -> dict[str, Any]:
    """Paint a line, put its files in place and return what the journal keeps of it."""
    from overpaint.imaging.encode import format_of, losses
    from overpaint.repaint import repaint

    started = time.perf_counter()
    result = repaint(
        line.base,
        line.mask,
        line.prompt,
        on_step=on_step,
        **line.options,
    )
    for index, file in enumerate(line.files):
        file.parent.mkdir(parents=True, exist_ok=True)
        for unfinished in file.parent.glob(f".{glob.escape(file.name)}.*.part"):
            unfinished.unlink()  # a killed run left it
        result.save(file, index)
    return {
        "line": line.number,
        "seeds": list(result.seeds),
        "engine": result.engine,
        "seconds": round(time.perf_counter() - started, 4),
        "notes": [*result.notes, *losses(result.pictures[0], format_of(line.files[0]))],
        "version": __version__,
    }


def _failure(line: Line, error: Exception) -> dict[str, Any]:
    if console.traces_shown():
        traceback.print_exception(error, file=sys.stderr)
    told = isinstance(error, OverpaintError)
    return {
        "line": line.number,
        "output": line.files[0].name,
        "fault": "yours" if isinstance(error, (EngineUnusable, InvalidInput)) else "ours",
        "error": str(error) if told else f"{type(error).__name__}: {error}",
    }


def _say_end(report: _Report, folder: Path) -> None:
    _say_some(
        [
            f"error: line {failure['line']} ({failure['output']}): {failure['error']}"
            for failure in report.failures
        ]
    )
    told = f"{report.painted} painted, {report.skipped} done before, {len(report.failures)} failed"
    if report.failures:
        console.say(f"{told}; see {folder / FAILURES}")
    else:
        console.say_on_terminal(told)


def _say_some(told: Sequence[str]) -> None:
    for line in told[:MOST_TOLD]:
        console.say(line)
    if len(told) > MOST_TOLD:
        console.say(f"... and {len(told) - MOST_TOLD} more")
