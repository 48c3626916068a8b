"""The commands put together, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from overpaint._version import __version__
from overpaint.cli import console
from overpaint.cli.batch import batch
from overpaint.cli.catalog import engines
from overpaint.cli.checkpoints import checkpoints
from overpaint.cli.concepts import concepts
from overpaint.cli.demo import demo
from overpaint.cli.doctor import doctor
from overpaint.cli.keys import keys
from overpaint.cli.remote import cancel, status, tasks, wait
from overpaint.cli.remote_submit import submit
from overpaint.cli.repaint import repaint
from overpaint.cli.serve import serve
from overpaint.errors import EngineUnusable, InvalidInput, OverpaintError, Refused

#: What the process ends with.
DONE, OURS, CALLERS, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141

app = typer.Typer(
    name="overpaint",
    help="Repaint the masked part of a picture as a prompt says; keep every other pixel.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"overpaint {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="On an error, print where it happened as well.")
    ] = False,
) -> None:
    console.show_traces(debug)
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command()(repaint)
app.command()(batch)
app.command()(engines)
app.add_typer(concepts, name="concepts")
app.add_typer(checkpoints, name="checkpoints")
app.command()(demo)
app.command()(doctor)
app.command()(serve)
app.add_typer(keys, name="keys")
app.command()(submit)
app.command()(status)
app.command()(wait)
app.command()(cancel)
app.command()(tasks)


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line (default: the process's own) and return its exit code."""
    console.show_traces(False)
    command = typer.main.get_command(app)
    try:
        result = command.main(arguments, prog_name="overpaint", standalone_mode=False)
    except typer.TyperException as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        context = getattr(error, "ctx", None)
        command_path = context.command_path if context else "overpaint"
        message = message[:1].lower() + message[1:]
        console.say(f"error: {message} (see {command_path} --help)")
        return CALLERS
    except (EngineUnusable, InvalidInput, Refused) as error:
        return _report(error, f"error: {error}", CALLERS)
    except OverpaintError as error:
        return _report(error, f"error: {error}{_hint()}", OURS)
    except (typer.Abort, KeyboardInterrupt):
        result = INTERRUPTED
    except BrokenPipeError:  # the reader of stdout left: `overpaint concepts search 车 | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _report(error, f"error: {error.strerror or error}{where}{_hint()}", OURS)
    except Exception as error:
        what = f"{type(error).__name__}: {error}".split("\n", 1)[0]
        return _report(error, f"error: this is a fault of Overpaint: {what}{_hint()}", OURS)
    code = result if isinstance(result, int) else DONE
    if code == INTERRUPTED:
        console.say("stopped")
    return code


def _hint() -> str:
    return "" if console.traces_shown() else " (where: overpaint --debug ...)"


def _report(error: BaseException, line: str, code: int) -> int:
    if console.traces_shown():
        traceback.print_exception(error, file=sys.stderr)
    console.say(" ".join(line.split()))
    return code


def main() -> NoReturn:
    """Run the process's command line and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that no encoding holds still prints
            stream.reconfigure(errors="backslashreplace")
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PIPE_CLOSED
    sys.exit(code)
