"""What a fault campaign prints."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench._ledger import Ledger
from bench._verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was done to the service, and how long it took."""

    faults: Mapping[str, int]  # how often each
    skipped: Mapping[str, str]  # why
    recovery: Mapping[str, Sequence[float]]  # "fault: what was waited for" -> s
    slowest_refusal: float  # of a picture on a host that fails, s
    seconds: float  # in all
    stopped: float  # from SIGTERM to the end, s
    stopped_writing: int = 0  # workers that held the database when stopped, and went on at once


def print_tables(run: Run, ledger: Ledger, verdict: Verdict) -> None:
    """Faults, tasks, answers."""
    print("\n| fault | times | until | median | longest |\n|---|---|---|---|---|")
    for fault, times in run.faults.items():
        found = {what: took for what, took in run.recovery.items() if what.startswith(f"{fault}: ")}
        if fault in run.skipped:
            print(f"| {fault} | {times} | skipped: {run.skipped[fault]} | | |")
        elif not found:
            print(f"| {fault} | {times} | | | |")
        for number, (what, took) in enumerate(sorted(found.items())):
            first = f"{fault} | {times}" if number == 0 else " | "
            middle = statistics.median(took)
            until = what.partition(": ")[2]
            print(f"| {first} | {until} | {middle:.2f} s | {max(took):.2f} s |")
    failing = sum(times for what, times in ledger.answers.items() if " host " in what)
    print(f"| failing input hosts | {failing} | refused | | {run.slowest_refusal:.2f} s |")

    rows: dict[str, int] = {"accepted": len(ledger.promises)}
    rows |= {f"ended {state}": count for state, count in sorted(verdict.ends.items())}
    rows |= {
        "of these FAILED after three tries, each ended by a fault": verdict.gave_up,
        "stored though nobody read the 200": verdict.unread,
        "claims": verdict.claims,
        "of these beyond a task's first": verdict.retries,
        "pictures": verdict.pictures,
        "downloads, each compared": ledger.downloads,
        "files of results that no task names": verdict.strays,
    }
    if run.stopped_writing:
        rows["stops that met a worker holding the database, undone"] = run.stopped_writing
    rows |= {f"pictures that {name} used": used for name, used in verdict.used.items() if used}
    print("\n| tasks | |\n|---|---|")
    for name, count in rows.items():
        print(f"| {name} | {count} |")
    print("\n| answer | times |\n|---|---|")
    for name, count in sorted(ledger.answers.items()):
        print(f"| {name} | {count} |")
    rate = len(ledger.promises) / run.seconds
    print(
        f"\n{run.seconds:.0f} s, {rate:.1f} tasks a second, load {os.getloadavg()[1]:.1f};"
        f" from SIGTERM to the end {run.stopped:.1f} s"
    )
