"""A collector of traces on loopback: takes what OTLP exporters post, and decodes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.heavy import require

EXTRA = 'pip install "overpaint[cluster]"'


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A span, as it came."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: int  # ns
    end: int
    error: str  # "" where it did not fail
    about: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    resource: dict[str, Any]


@dataclass
class Receiver:
    """What came."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Seen]:
        kind = require("opentelemetry.proto.collector.trace.v1.trace_service_pb2", EXTRA)
        found = []
        for body in list(self.bodies):
            for resource in kind.ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    about = _dict(resource.resource.attributes)
                    found += [_seen(span, about) for span in scope.spans]
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _seen(span: Any, resource: dict[str, Any]) -> Seen:
    return Seen(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        error=span.status.message if span.status.code == 2 else "",
        about=_dict(span.attributes),
        events=[(event.name, _dict(event.attributes)) for event in span.events],
        resource=resource,
    )


def _dict(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
