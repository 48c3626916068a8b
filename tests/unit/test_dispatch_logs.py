"""What a log line looks like, and what never gets into one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from overpaint.dispatch.logs import configure
from overpaint.settings import Settings


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    everyone, own = logging.getLogger(), logging.getLogger("overpaint")
    before = (list(everyone.handlers), everyone.level, own.level)
    yield
    everyone.handlers[:] = before[0]
    everyone.setLevel(before[1])
    own.setLevel(before[2])


def logged(tmp_path: Path, *, log_format: str = "", log_level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(
        Settings(data_dir=tmp_path, log_format=log_format, log_level=log_level), stream=stream
    )
    return stream


def test_a_json_line_has_the_message_and_its_particulars(tmp_path: Path) -> None:
    stream = logged(tmp_path)  # not a terminal
    logging.getLogger("overpaint.worker").info(
        "painted", extra={"task_id": "t1", "seconds": 1.5, "engine": "抹除"}
    )
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "painted",
        "level": "info",
        "logger": "overpaint.worker",
        "task_id": "t1",
        "seconds": 1.5,
        "engine": "抹除",
    }


def test_what_a_library_adds_to_every_record_for_itself_is_left_out(tmp_path: Path) -> None:
    stream = logged(tmp_path)
    logging.getLogger("overpaint.worker").info("painted", extra={"_ray_timestamp_ns": 1})
    assert set(json.loads(stream.getvalue())) == {"event", "level", "logger", "timestamp"}


def test_a_text_line_has_them_too(tmp_path: Path) -> None:
    stream = logged(tmp_path, log_format="text")
    logging.getLogger("overpaint.worker").warning("task lost", extra={"task_id": "t1"})
    line = stream.getvalue()
    assert "[warning" in line
    assert "task lost" in line
    assert "task_id=t1" in line
    assert "\x1b" not in line  # no colours in a file


def test_what_was_bound_to_the_request_is_in_each_line(tmp_path: Path) -> None:
    stream = logged(tmp_path, log_format="json")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("overpaint.api").info("answered")
    assert json.loads(stream.getvalue())["request_id"] == "r1"


def test_the_level_is_the_settings_and_libraries_only_warn(tmp_path: Path) -> None:
    stream = logged(tmp_path, log_level="debug")
    logging.getLogger("overpaint.worker").debug("idle")
    logging.getLogger("httpx").info("GET https://example.com/secret")
    logging.getLogger("httpx").warning("odd")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["idle", "odd"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_keys_are_covered_wherever_they_slip_in(tmp_path: Path, log_format: str) -> None:
    stream = logged(tmp_path, log_format=log_format)
    logger = logging.getLogger("overpaint.worker")
    try:
        raise ValueError("Bearer sk-0123456789abcdef")
    except ValueError:
        logger.exception("failed with sk-0123456789abcdef", extra={"header": "sk-0123456789abcdef"})
    assert "0123456789" not in stream.getvalue()
    assert stream.getvalue().count("sk-***") >= 3
    assert "Traceback" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_line_ends_in_a_value_make_no_second_line(tmp_path: Path, log_format: str) -> None:
    stream = logged(tmp_path, log_format=log_format)
    value = "x\n2026-01-01 [info] forged\x1b[2J"
    logging.getLogger("overpaint.api").info("a\rb", extra={"path": value})
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_does_not_show_the_values_of_variables(tmp_path: Path, log_format: str) -> None:
    stream = logged(tmp_path, log_format=log_format)
    prompt = "a secret wish"
    try:
        raise RuntimeError(f"{len(prompt)} characters")
    except RuntimeError:
        logging.getLogger("overpaint.worker").exception("failed")
    assert "RuntimeError: 13 characters" in stream.getvalue()
    assert stream.getvalue().count("a secret wish") <= 1  # the line of source, if that


def test_configuring_again_does_not_say_things_twice(tmp_path: Path) -> None:
    logged(tmp_path)
    stream = logged(tmp_path)
    logging.getLogger("overpaint.api").info("once")
    assert len(stream.getvalue().splitlines()) == 1
