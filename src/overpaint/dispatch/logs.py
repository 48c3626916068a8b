"""How the processes of the service log: the standard `logging`, one line an event, to stderr.

Say what happened as a short fixed message and the particulars as `extra`, which become keys:
`logger.info("painted", extra={"task_id": ..., "seconds": ...})`. Never a prompt, key or URL.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from overpaint.settings import Settings

#: Everything of Overpaint's own logs below this name.
ROOT = "overpaint"
_SECRET = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")


def configure(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send what this process logs to `stream` (stderr), as text or a JSON object a line.

    Overpaint's own loggers speak from the settings' level on, all others from "warning" on:
    what libraries say below that has URLs and headers in it. May be called again.
    """
    target = sys.stderr if stream is None else stream
    kind = settings.log_format or ("text" if target.isatty() else "json")
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter(kind, colors=kind == "text" and target.isatty()))
    everyone = logging.getLogger()
    for old in list(everyone.handlers):
        everyone.removeHandler(old)
    everyone.addHandler(handler)
    everyone.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(settings.log_level.upper())


def formatter(kind: str, *, colors: bool = False) -> logging.Formatter:
    """The formatter of "text" or "json" lines, for handlers of one's own."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _leave_out_hidden,
        structlog.processors.format_exc_info,  # the plain traceback: no values of variables
        _hide_keys,
    ]
    if kind == "text":
        plain = structlog.dev.plain_traceback
        last += [
            _one_line,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, pad_event_to=0),
        ]
    else:
        last.append(structlog.processors.JSONRenderer(ensure_ascii=False, default=str))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)


def _leave_out_hidden(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave out what a library adds to every record for itself, as Ray does."""
    return {name: value for name, value in event.items() if not name.startswith("_")}


def _hide_keys(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cover what looks like an API key, wherever it slipped in."""
    for name, value in event.items():
        if isinstance(value, str) and "sk-" in value:
            event[name] = _SECRET.sub("sk-***", value)
    return event


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape line ends and control characters: a caller's text must not look like our lines."""
    for name, value in event.items():
        if name != "exception" and isinstance(value, str) and not value.isprintable():
            event[name] = "".join(
                char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
                for char in value
            )
    return event
