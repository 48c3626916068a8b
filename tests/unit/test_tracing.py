from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.heavy import require
from tests.otlp_receiver import EXTRA, Receiver, receiving

from overpaint import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HERE = "http://127.0.0.1:4318"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """This process traces, to a collector; `tracing.close()` has it get everything."""
    require("opentelemetry.exporter.otlp.proto.http", EXTRA)
    level = logging.getLogger("opentelemetry").level
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        tracing.configure(os.environ, node="n1")
        assert tracing.active()
        yield receiver
        tracing.close()
    logging.getLogger("opentelemetry").setLevel(level)


@pytest.mark.parametrize(
    ("environment", "exporters"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "x"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console"}, ("console",)),
        ({"OTEL_TRACES_EXPORTER": "OTLP, console"}, ("otlp", "console")),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, ()),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, ()),
        ({"OTEL_TRACES_EXPORTER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ()),
    ],
)
def test_the_usual_variables_ask_for_traces(
    environment: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert tracing.asked(environment) == exporters


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER: must be of ('console', 'otlp'), got ['zipkin']",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, got 'grpc'",
        ),
    ],
)
def test_what_cannot_be_traced_with_is_said_and_ends_nothing(
    environment: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    tracing.configure(environment)
    assert not tracing.active()
    (record,) = caplog.records
    assert (record.getMessage(), vars(record)["reason"]) == ("no traces are sent", reason)


def test_without_the_extra_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "overpaint.tracing.live", raising=False)
    monkeypatch.delattr(tracing, "live", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    tracing.configure({"OTEL_TRACES_EXPORTER": "otlp"})
    assert not tracing.active()
    (record,) = caplog.records
    assert vars(record)["reason"] == (
        'opentelemetry is not installed: pip install "overpaint[cluster]"'
    )


def test_without_the_variables_nothing_is_imported_and_every_call_does_nothing() -> None:
    code = """
import json, sys
from overpaint import tracing
import overpaint.cli.app, overpaint.server.process, overpaint.dispatch.worker
tracing.configure({"OTEL_SERVICE_NAME": "x"})
with tracing.span("a", n=1) as span:
    span.set({"x": 1}); span.event("e"); span.fail("E"); span.rename("b")
    said = [tracing.current(), tracing.here() is span, span is tracing.NOTHING, span.traced]
tracing.past("p", parent="", start_ms=0, end_ms=1)
tracing.close()
ours = ("opentelemetry.sdk", "opentelemetry.exporter", "overpaint.tracing.live", "requests")
there = [name for name in sys.modules if name.startswith(ours)]  # FastAPI may import the API
print(json.dumps([said, there]))
"""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout) == [["", True, True, False], []]


def test_a_span_is_below_the_one_around_it_or_continues_a_caller_s(collector: Receiver) -> None:
    with tracing.span("outer", parent=PARENT, kind="server", n=2) as outer:
        outer.rename("renamed")
        outer.set({"http.route": "/x"})
        said = tracing.current()
        with tracing.span("inner"):
            tracing.here().event("met", kind="K")
    with tracing.span("elsewhere"):
        pass
    tracing.past("queue", parent=said, start_ms=1000, end_ms=3000, task_id="t")
    tracing.close()
    spans = {span.name: span for span in collector.spans()}
    outer_span, inner = spans["renamed"], spans["inner"]
    assert (outer_span.trace, outer_span.parent) == (PARENT[3:35], PARENT[36:52])
    assert tracing.trace_id(said) == outer_span.trace
    assert said.split("-")[2] == outer_span.id == inner.parent == spans["queue"].parent
    assert outer_span.about == {"overpaint.n": 2, "http.route": "/x"}
    assert outer_span.kind == 2  # SERVER
    assert inner.events == [("met", {"overpaint.kind": "K"})]
    assert (spans["queue"].start, spans["queue"].end) == (1_000_000_000, 3_000_000_000)
    assert spans["elsewhere"].parent == ""
    assert spans["elsewhere"].trace != outer_span.trace
    assert outer_span.resource["service.name"] == "overpaint"
    assert outer_span.resource["host.name"] == "n1"


def test_an_error_is_told_by_its_class_and_never_by_its_words(collector: Receiver) -> None:
    with pytest.raises(KeyError), tracing.span("a"):
        raise KeyError("a secret prompt")
    tracing.close()
    (span,) = collector.spans()
    assert span.error == span.about["error.type"] == "KeyError"
    assert span.events == [("exception", {"exception.type": "KeyError"})]
    assert not any(b"secret" in body for body in collector.bodies)


def test_the_resource_is_called_as_the_variables_say(
    monkeypatch: pytest.MonkeyPatch, collector: Receiver
) -> None:
    tracing.close()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "painters")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment=blue")
    tracing.configure(os.environ)
    with tracing.span("a"):
        pass
    tracing.close()
    (span,) = collector.spans()
    assert (span.resource["service.name"], span.resource["deployment"]) == ("painters", "blue")


def test_a_caller_that_does_not_sample_is_followed(collector: Receiver) -> None:
    with tracing.span("a", parent=PARENT[:-2] + "00"):
        said = tracing.current()
        with tracing.span("b", parent=said):
            pass
    tracing.close()
    assert tracing.trace_id(said) == PARENT[3:35]
    assert said.endswith("-00")
    assert collector.spans() == []


@pytest.mark.parametrize("junk", ["", "x", "00-0-0-01", PARENT + "\r\nx", "zz" + PARENT[2:]])
def test_a_parent_that_is_none_begins_a_trace(collector: Receiver, junk: str) -> None:
    assert tracing.trace_id(junk) == ""
    with tracing.span("a", parent=junk):
        pass
    tracing.close()
    (span,) = collector.spans()
    assert span.parent == ""


def test_what_is_open_when_the_process_ends_is_told_as_cut_off(collector: Receiver) -> None:
    with tracing.span("a"), tracing.span("b"):
        tracing.close()
    assert {(span.name, span.error) for span in collector.spans()} == {
        ("a", "ProcessEnded"),
        ("b", "ProcessEnded"),
    }


def test_a_collector_that_is_away_holds_nobody_up_and_is_said_once(tmp_path: Path) -> None:
    require("opentelemetry.exporter.otlp.proto.http", EXTRA)
    with socket.socket() as taken:  # bound, and never listened on
        taken.bind(("127.0.0.1", 0))
        code = """
import logging, sys, os, time
from overpaint import tracing
logging.basicConfig(level="WARNING")
tracing.configure(os.environ)
slowest = 0
for _ in range(3000):
    start = time.perf_counter()
    with tracing.span("a"):
        pass
    slowest = max(slowest, time.perf_counter() - start)
time.sleep(1.5)
tracing.close()
print(slowest)
"""
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.3",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environ,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
    assert done.stderr.splitlines() == ["WARNING:overpaint.tracing:traces are lost"]


def test_a_collector_that_comes_back_is_said(caplog: pytest.LogCaptureFixture) -> None:
    require("opentelemetry.sdk", EXTRA)
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from overpaint.tracing.live import _Heard

    answers = [SpanExportResult.SUCCESS, *[SpanExportResult.FAILURE] * 3, SpanExportResult.SUCCESS]

    class Flaky(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return answers.pop(0)

    heard = _Heard(Flaky())
    while answers:
        heard.export([])
    assert [one.message for one in caplog.records] == ["traces are lost", "traces are taken again"]
