"""Traces: one line a span, which does nothing unless OpenTelemetry's usual variables ask for it.

    tracing.configure(environment, node=...)      once a process; imports OpenTelemetry or nothing
    with tracing.span("inspect"): ...             a span below the current one
    tracing.current()                             what other processes continue the trace with
    tracing.close()                               hands over what is left

What is told: names, counts, ids and times. Never a prompt, a key's secret, a URL, a path or a
picture; of an error only its class, since its message may have a prompt in it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from overpaint.tracing.live import Tracing

logger = logging.getLogger(__name__)

#: How long the end of a process waits for a collector that does not answer, s.
FLUSH_S = 3.0
#: What says where traces go; either of them asks for traces, too.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
#: The first that says something counts.
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
EXPORTERS = ("console", "otlp")

Kind: TypeAlias = Literal["internal", "server", "consumer"]
Value: TypeAlias = str | int | float | bool

_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_tracing: Tracing | None = None


class Span:
    """A span; this one is none. A context manager, current within its block."""

    traced = False  # whether it is one at all

    def set(self, about: Mapping[str, Value]) -> None:
        """Say more of it: attributes by their whole names."""

    def rename(self, name: str) -> None:
        """Call it otherwise."""

    def event(self, name: str, **about: Value) -> None:
        """Note that something happened now; attributes go below "overpaint."."""

    def fail(self, kind: str) -> None:
        """Mark it as failed; `kind` is the class of the error."""

    def __enter__(self) -> Span:
        """Make it the current one."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, as failed where an error comes out."""


#: What is no span.
NOTHING = Span()


def configure(environment: Mapping[str, str], *, node: str = "") -> None:
    """Trace from now on, where the environment asks for it; never fails.

    Where traces are asked for and cannot be had, one line of the log says why.

    Args:
        environment: the process's, with OpenTelemetry's variables.
        node: the machine's name among those of a cluster.
    """
    global _tracing
    exporters = asked(environment)
    if not exporters:
        return
    protocol = next(filter(None, (environment.get(name, "").strip() for name in PROTOCOLS)), "")
    try:
        if unknown := [one for one in exporters if one not in EXPORTERS]:
            raise ValueError(f"OTEL_TRACES_EXPORTER: must be of {EXPORTERS}, got {unknown}")
        if "otlp" in exporters and protocol not in ("", PROTOCOL):
            raise ValueError(f"{PROTOCOLS[1]}: must be {PROTOCOL}, got {protocol!r}")
        from overpaint.tracing.live import Tracing

        _tracing = Tracing(exporters, node=node)
    except ModuleNotFoundError as error:
        reason = f'{error.name} is not installed: pip install "overpaint[cluster]"'
        logger.warning("no traces are sent", extra={"reason": reason})
    except ValueError as error:
        logger.warning("no traces are sent", extra={"reason": str(error)})


def active() -> bool:
    """Whether this process traces."""
    return _tracing is not None


def asked(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters that OpenTelemetry's variables ask for; empty: no traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    said = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not said:
        return ("otlp",) if any(environment.get(name, "").strip() for name in ENDPOINTS) else ()
    names = tuple(filter(None, map(str.strip, said.split(","))))
    return () if "none" in names else names


def span(name: str, *, parent: str = "", kind: Kind = "internal", **about: Value) -> Span:
    """A span for a `with` block.

    Args:
        name: as traces show it.
        parent: the traceparent that it continues; "": it is below the current span, if any.
        kind: its part in what goes from process to process.
        about: attributes, below "overpaint.".
    """
    if _tracing is None:
        return NOTHING
    return _tracing.span(name, parent=parent, kind=kind, about=about)


def past(name: str, *, parent: str, start_ms: int, end_ms: int, **about: Value) -> None:
    """A span of what is over; times are milliseconds since 1970."""
    if _tracing is not None:
        _tracing.past(name, parent=parent, start_ms=start_ms, end_ms=end_ms, about=about)


def here() -> Span:
    """The current span, to say more of it; do not enter it."""
    return NOTHING if _tracing is None else _tracing.here()


def current() -> str:
    """The W3C traceparent of the current span; "" where there is none."""
    return "" if _tracing is None else _tracing.current()


def trace_id(traceparent: str) -> str:
    """The id of the trace that a traceparent is of; "" where it is none."""
    found = _PARENT.fullmatch(traceparent)
    return "" if found is None else found[1]


def close() -> None:
    """End the open spans as cut off, and hand over what is left, within `FLUSH_S`.

    Any thread may call it, also just before `os._exit`; nothing is traced afterwards.
    """
    global _tracing
    tracing, _tracing = _tracing, None
    if tracing is None:
        return
    closing = threading.Thread(target=tracing.close, name="traces", daemon=True)
    closing.start()
    closing.join(FLUSH_S)
