"""Traces by OpenTelemetry's SDK. Imported only where traces are asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from overpaint._version import __version__
from overpaint.tracing import Kind, Span, Value

logger = logging.getLogger("overpaint.tracing")

PREFIX = "overpaint."
_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
}
_W3C = TraceContextTextMapPropagator()
_CUT_OFF = "ProcessEnded"


class Tracing:
    """What this process traces with.

    Args:
        exporters: "console", "otlp"; where the latter sends to is in the environment, as are the
            sampler, the limits and what the resource is called.
        node: the machine's name among those of a cluster.
    """

    def __init__(self, exporters: Sequence[str], *, node: str) -> None:
        about = {"service.name": "overpaint", "service.version": __version__}
        if node:
            about |= {"host.name": node, f"{PREFIX}node": node}
        resource = Resource(about).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for name in exporters:
            exporter = _Heard(_otlp()) if name == "otlp" else ConsoleSpanExporter()
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        # It would write a line for each batch while the collector is away; `_Heard` says it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._tracer = self._provider.get_tracer("overpaint", __version__)
        self._open: set[_Live] = set()

    def span(self, name: str, *, parent: str, kind: Kind, about: Mapping[str, Value]) -> Span:
        """See `tracing.span`."""
        found = self._tracer.start_span(
            name, context=_context(parent), kind=_KINDS[kind], attributes=_named(about)
        )
        return _Live(found, self._open)

    def past(
        self, name: str, *, parent: str, start_ms: int, end_ms: int, about: Mapping[str, Value]
    ) -> None:
        """See `tracing.past`."""
        context, start = _context(parent), start_ms * 1_000_000
        found = self._tracer.start_span(
            name, context=context, start_time=start, attributes=_named(about)
        )
        found.end(end_time=max(start_ms, end_ms) * 1_000_000)

    def here(self) -> Span:
        """See `tracing.here`."""
        return _Live(trace.get_current_span(), self._open)

    def current(self) -> str:
        """See `tracing.current`."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """See `tracing.close`."""
        for one in list(self._open):
            one.fail(_CUT_OFF)
            one.end()
        self._provider.shutdown()


class _Live(Span):
    """A span of OpenTelemetry's."""

    traced = True

    def __init__(self, found: trace.Span, siblings: set[_Live]) -> None:
        self._span, self._open = found, siblings

    def set(self, about: Mapping[str, Value]) -> None:
        self._span.set_attributes(about)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def event(self, name: str, **about: Value) -> None:
        self._span.add_event(name, _named(about))

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, kind))

    def end(self) -> None:
        """End it; a second time does nothing."""
        if self in self._open:
            self._open.discard(self)
            self._span.end()

    def __enter__(self) -> Span:
        self._open.add(self)
        self._current = trace.use_span(
            self._span, record_exception=False, set_status_on_exception=False
        )
        self._current.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._span.add_event("exception", {"exception.type": kind.__name__})
            self.fail(kind.__name__)
        self._current.__exit__(None, None, None)
        self.end()


class _Heard(SpanExporter):
    """An exporter whose failures the log is told of once, until it is heard again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._heard = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        heard = result is SpanExportResult.SUCCESS
        if self._heard and not heard:
            logger.warning("traces are lost", extra={"reason": "the collector takes none"})
        elif heard and not self._heard:
            logger.warning("traces are taken again")
        self._heard = heard
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _otlp() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _context(parent: str) -> Context | None:
    """Where a span goes: below a traceparent that is one, else below the current span."""
    return _W3C.extract({"traceparent": parent}) if parent else None


def _named(about: Mapping[str, Value]) -> dict[str, Value]:
    return {PREFIX + name: value for name, value in about.items()}
