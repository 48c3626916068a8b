"""The pictures, the page and the arithmetic of the scaling bench, on figures that are made up."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from bench._curves import Axis, curves, marks_to
from bench._paper import parts
from bench._shown import pictures, tables
from bench.scaling import filled

CALLS = ("submit", "look", "list", "place in the queue", "claim", "finish")
COST = {"p50": 2.0, "p99": 3.0, "cpu": 4.0, "database_cpu": 1.0}
STORED = [
    {"database": kind, "tasks": tasks, "keys": 20, "mb": 9.0, "calls": dict.fromkeys(CALLS, COST)}
    for kind in ("PostgreSQL", "SQLite")
    for tasks in (0, 1000)
]
WORKERS: list[dict[str, Any]] = [
    {
        "model": model,
        "cost_ms": 500,
        "workers": workers,
        "per_s": 2.0 * sum(workers) * share,
        "api_cpu_ms": 20,
        "worker_cpu_ms": 560,
        "database_cpu_ms": 9,
        "connections": 4 + 3 * sum(workers),
    }
    for model in ("paced", "burning")
    for workers, share in (([1], 1.0), ([8], 0.75), ([4, 4], 0.5))
]
FIGURES: dict[str, Any] = {
    "workers": WORKERS,
    "workers_load": 0.1,
    "stored": STORED,
    "waiting": STORED[:1],
    "statements": {"submit": 7, "claim": 11, "finish": 9},
    "task": {
        "wal_bytes": 8000,
        "commits": 12,
        "database_cpu_ms": 5,
        "beat_cpu_ms": 0.5,
        "beat_wal_bytes": 1500,
        "vain_cpu_ms": 0.2,
    },
    "listeners": [{"listeners": 1, "told_per_s": 1000, "heard": 1, "cpu_us": 60}],
    "metrics": {"workers": 1000, "lines": 37_000, "p50": 500, "cpu": 400},
    "rows": [
        {"slow_ms": 20, "keys": 64, "shards": 16, "processes": n, "per_s": n, "p50": {"claim": 1}}
        for n in (1, 4)
    ],
    "machine": {
        "cores": 2,
        "processor": "AMD EPYC",
        "python": "3.11",
        "postgresql": "15",
        "day": "2026-11-23",
    },
}


def test_every_figure_has_its_table_and_its_picture() -> None:
    shown, drawn = tables(FIGURES), pictures(FIGURES)
    assert {"machine", "workers", "stored", "waiting", "rows", "paper"} <= set(shown)
    assert "| waits 0.5 s | 4 + 4 | 8.00 | 50% |" in shown["workers"]
    assert set(drawn) == {"workers", "cores", "stored-postgresql", "stored-sqlite", "rows"}
    for picture in drawn.values():
        assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_on_paper_what_ends_first_comes_first() -> None:
    found = {one.name: one.gpus for one in parts(FIGURES)}
    assert list(found.values()) == sorted(found.values())
    assert found["sessions of PostgreSQL"] == pytest.approx(500 / 3)
    assert found["sixteen rows of totals"] == 16 * found["one row of totals, as it was"]


def test_a_page_is_filled_between_its_marks_again_and_again() -> None:
    page = "before\n<!-- rows -->\nold\n<!-- /rows -->\nafter <!-- task -->\n"
    once = filled(page, {"rows": "new", "task": "x"})
    expected = "before\n<!-- rows -->\n\nnew\n\n<!-- /rows -->\nafter <!-- task -->\n"
    assert once == expected
    assert filled(once, {"rows": "new"}) == once


@pytest.mark.parametrize("highest", [0.3, 1, 7.6, 24, 150, 999])
def test_an_axis_reaches_just_above_what_it_shows(highest: float) -> None:
    marks = marks_to(highest)
    assert marks[0] == 0
    assert marks[-2] <= highest < marks[-1]
    assert 4 <= len(marks) <= 8


def test_marks_may_stand_evenly_whatever_is_between_them() -> None:
    axis = Axis(name="tasks", marks=[0, 10, 1000], even=True)
    assert [axis.at(value) for value in (0, 5, 10, 505, 1000)] == [0, 0.25, 0.5, 0.75, 1]


def test_names_that_would_lie_on_each_other_are_moved_apart() -> None:
    axis = Axis(name="n", marks=[0, 1])
    lines = {name: [(0.0, 0.0), (1.0, 0.5)] for name in ("one", "two")}
    root = ElementTree.fromstring(curves("<&>", axis, axis, lines, {}))
    beside = [text for text in root.iter() if text.text in lines]
    places = [float(text.attrib["y"]) for text in beside]
    assert places[1] - places[0] >= 15
