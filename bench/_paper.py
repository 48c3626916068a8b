"""How many GPUs each part of a service can serve, from what was measured and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

#: Of the machines: a commit on an NVMe disk, a way through a data centre and back, ms.
COMMIT_MS, TRIP_MS = 1.0, 0.25
CORES = 16  # of the database's machine that are kept busy, so that half of 32 are left
SESSIONS = 500  # that PostgreSQL is comfortable with
LOG_MB_S, NETWORK_MB_S = 200.0, 1250.0
SCRAPE_S = 15.0
#: Of the traffic: quick pictures, so that limits come early.
PICTURE_S, PICTURES = 1.0, 2  # seconds of a GPU, and of a task
TASK_S = PICTURE_S * PICTURES
LOOKS = 5  # of a caller, until a task has ended
IDLE = 0.2  # of the workers, while queues are empty
BEATS = TASK_S / 1.0 + TASK_S / 3.75  # signs of life of a task and, meanwhile, of its worker
IN_MB, OUT_MB = 1.0, 1.5  # a task's inputs, and a picture of 1024 x 1024 px as PNG


@dataclass(frozen=True)
class Part:
    """A part that comes to its end: what, where, and how many GPUs it serves till then."""

    name: str
    end: str
    gpus: float


def parts(figures: Mapping[str, Any]) -> list[Part]:
    """Every part, the first to end first."""
    task, statements, metrics = figures["task"], figures["statements"], figures["metrics"]
    cpu = next(
        one["calls"]
        for one in figures["stored"]
        if one["database"] == "PostgreSQL" and one["tasks"] == 0
    )
    sessions = _sessions_of_a_worker(figures["workers"])
    trips = statements["submit"] + statements["claim"] - 2 + statements["finish"]
    key_ms = trips * TRIP_MS + 3 * COMMIT_MS  # its row is held for all of that
    base_ms = task["database_cpu_ms"] + BEATS * task["beat_cpu_ms"]
    base_ms += LOOKS * cpu["look"]["database_cpu"]
    log_mb = (task["wal_bytes"] + BEATS * task["beat_wal_bytes"]) / 1e6
    api_ms = cpu["submit"]["cpu"] + LOOKS * cpu["look"]["cpu"]
    heard_us = max(figures["listeners"], key=lambda one: one["listeners"])["cpu_us"]
    heard = CORES * 1e6 / heard_us  # a second
    in_vain = CORES * 1000 / task["vain_cpu_ms"]
    moved_mb = IN_MB + PICTURES * OUT_MB
    found = [
        ("sessions of PostgreSQL", f"{SESSIONS}, {sessions:.1f} a worker", SESSIONS / sessions),
        (
            "`/metrics` of an API process, which tells of every worker",
            f"a tenth of its core; {metrics['cpu']:.0f} ms for {metrics['workers']:,} workers",
            0.1 * SCRAPE_S * 1000 / metrics["cpu"] * metrics["workers"],
        ),
        (
            "idle workers, who all look when a task comes into an empty queue",
            f"{in_vain:,.0f} looks in vain a second",
            sqrt(in_vain * TASK_S / IDLE),
        ),
        (
            "notifications of work, which reach every worker",
            f"{heard:,.0f} a second",
            sqrt(heard * TASK_S),
        ),
        (
            "the row of one key",
            f"{1000 / key_ms:.0f} tasks a second of that key",
            1000 / key_ms * TASK_S,
        ),
        (
            "one row of totals, as it was",
            f"{1000 / COMMIT_MS:,.0f} tasks a second",
            1000 / COMMIT_MS * TASK_S,
        ),
        (
            "sixteen rows of totals",
            f"{16_000 / COMMIT_MS:,.0f} tasks a second",
            16_000 / COMMIT_MS * TASK_S,
        ),
        (
            "processors of PostgreSQL",
            f"{CORES * 1000 / base_ms:,.0f} tasks a second, {base_ms:.1f} ms each",
            CORES * 1000 / base_ms * TASK_S,
        ),
        (
            "the disk of its log",
            f"{LOG_MB_S / log_mb:,.0f} tasks a second, {1000 * log_mb:.0f} kB each",
            LOG_MB_S / log_mb * TASK_S,
        ),
        (
            "one API process",
            f"{1000 / api_ms:.0f} tasks a second, {api_ms:.0f} ms each",
            1000 / api_ms * TASK_S,
        ),
        (
            "one API machine's network, with pictures that pass through it twice",
            f"{NETWORK_MB_S / moved_mb / 2:.0f} tasks a second, {moved_mb:.0f} MB each",
            NETWORK_MB_S / moved_mb / 2 * TASK_S,
        ),
    ]
    return sorted((Part(*one) for one in found), key=lambda one: one.gpus)


def _sessions_of_a_worker(measured: list[dict[str, Any]]) -> float:
    """What one worker more adds."""
    alone = [one for one in measured if one["model"] == "paced" and len(one["workers"]) == 1]
    more = alone[-1]["workers"][0] - alone[0]["workers"][0]
    return float((alone[-1]["connections"] - alone[0]["connections"]) / more)
