"""The tables and pictures of `scaling.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench._curves import Axis, curves, marks_to
from bench._limits import SLOW_MS
from bench._paper import parts

Figures = Mapping[str, Any]
BUSY = 0.5  # load from which on times are not worth much
OTHERS = 8  # load, of the last minute, that what ended just before does not leave behind
#: What figures are called in tables.
_NAMES = {
    "wal_bytes": "log (WAL), bytes",
    "database_cpu_ms": "processor time of PostgreSQL, ms",
    "beat_wal_bytes": "beat: log, bytes",
    "beat_cpu_ms": "beat: processor time of PostgreSQL, ms",
    "vain_wal_bytes": "vain: log, bytes",
    "vain_cpu_ms": "vain: processor time of PostgreSQL, ms",
    "p50": "answered in (median), ms",
    "cpu": "processor time of the API process, ms",
}
_CALLS = ("submit", "look", "list", "place in the queue", "claim", "finish")
_NEEDS = ("workers", "stored", "task", "statements", "metrics", "listeners")  # of `parts`


def tables(figures: Figures) -> dict[str, str]:
    """Each table, in Markdown, by name."""
    made: dict[str, Callable[[], list[str]]] = {
        "machine": lambda: [_machine(figures)],
        "workers": lambda: _workers(figures["workers"]),
        "stored": lambda: _stored(figures["stored"]),
        "waiting": lambda: _waiting(figures["waiting"]),
        "rows": lambda: _rows(figures["rows"]),
        "statements": lambda: _pairs("what", "statements", figures["statements"]),
        "task": lambda: _pairs("of a task", "", figures["task"]),
        "listeners": lambda: _listeners(figures["listeners"]),
        "metrics": lambda: _pairs("of /metrics", "", figures["metrics"]),
    }
    shown = {name: "\n".join(make()) for name, make in made.items() if name in figures}
    if all(name in figures for name in _NEEDS):
        rows = [f"| {one.name} | {one.end} | {_about(one.gpus)} |" for one in parts(figures)]
        shown["paper"] = "\n".join(["| what ends | at | GPUs |", "|---|---|---|", *rows])
    return shown


def pictures(figures: Figures) -> dict[str, str]:
    """The curves of what was measured, as SVG by name."""
    drawn = {}
    if "workers" in figures:
        drawn["workers"] = _workers_drawn(figures["workers"], "paced")
        cores = figures.get("machine", {}).get("cores", 1)
        drawn["cores"] = _workers_drawn(figures["workers"], "burning", cores)
    if "stored" in figures:
        for kind in ("PostgreSQL", "SQLite"):
            drawn[f"stored-{kind.lower()}"] = _stored_drawn(figures["stored"], kind)
    if "rows" in figures:
        drawn["rows"] = _rows_drawn(figures["rows"])
    return drawn


def _machine(figures: Figures) -> str:
    on = figures["machine"]
    loads = {
        name.removesuffix("_load"): value for name, value in figures.items() if name[-5:] == "_load"
    }
    loads.pop("first", None)
    told = ", ".join(f"{part} {load:.1f}" for part, load in loads.items())
    busy = f" **With more than {OTHERS:g} others loaded the machine: not to be quoted.**"
    return (
        f"{on['cores']} cores of an {on['processor']}, PostgreSQL {on['postgresql']}, Python "
        f"{on['python']}, {on['day']}. Load before each part: {told}."
        + (busy if max(loads.values()) > OTHERS else "")
    )


def _about(count: float) -> str:
    """Two digits of it, as it is on paper."""
    return f"{float(f'{count:.2g}'):,.0f}"


def _pairs(what: str, said: str, found: Mapping[str, float]) -> list[str]:
    rows = [f"| {_NAMES.get(name, name)} | {_number(value)} |" for name, value in found.items()]
    return [f"| {what} | {said} |", "|---|---|", *rows]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _share(one: Mapping[str, Any], measured: list[dict[str, Any]]) -> float:
    """Of as many times what one worker does."""
    alone = next(r for r in measured if r["model"] == one["model"] and r["workers"] == [1])
    return float(one["per_s"] / alone["per_s"] / sum(one["workers"]))


def _workers(measured: list[dict[str, Any]]) -> list[str]:
    rows = [
        "| engine | workers | tasks a second | of linear | processor time a task: API, worker "
        "(beside the engine), PostgreSQL | sessions |",
        "|---|---|---|---|---|---|",
    ]
    for one in measured:
        engine = {"paced": "waits", "burning": "burns"}[one["model"]]
        own = one["cost_ms"] if one["model"] == "burning" else 0
        nodes = " + ".join(map(str, one["workers"]))
        cost = [one["api_cpu_ms"], one["worker_cpu_ms"] - own, one["database_cpu_ms"]]
        rows.append(
            f"| {engine} {one['cost_ms'] / 1000:g} s | {nodes} | {one['per_s']:.2f} "
            f"| {_share(one, measured):.0%} | {', '.join(f'{ms:.0f}' for ms in cost)} ms "
            f"| {one['connections']} |"
        )
    return rows


def _workers_drawn(measured: list[dict[str, Any]], model: str, cores: int = 0) -> str:
    here = [one for one in measured if one["model"] == model]
    alone = [one for one in here if len(one["workers"]) == 1]
    apart = [one for one in here if len(one["workers"]) > 1]
    most = max(sum(one["workers"]) for one in here)
    rate = alone[0]["per_s"]
    lines = {"one node": [(one["workers"][0], one["per_s"]) for one in alone]}
    if apart:
        lines["two nodes"] = [(sum(one["workers"]), one["per_s"]) for one in apart]
    limits = {"linear": [(0.0, 0.0), (float(most), rate * most)]}
    highest = rate * most
    title = f"Tasks a second, engine that waits {here[0]['cost_ms'] / 1000:g} s"
    if cores:
        title = f"Tasks a second, engine that keeps a core busy for {here[0]['cost_ms']} ms"
        highest = rate * cores * 1.3
        turn = (float(cores), rate * cores)
        limits = {f"linear to {cores} cores": [(0.0, 0.0), turn, (float(most), turn[1])]}
    across = Axis(name="workers", marks=[0, 1, 2, 4, 6, 8] if most == 8 else marks_to(most))
    up = Axis(name="tasks a second", marks=marks_to(highest))
    return curves(title, across, up, lines, limits)


def _stored(measured: list[dict[str, Any]]) -> list[str]:
    rows = []
    for kind in ("PostgreSQL", "SQLite"):
        here = [one for one in measured if one["database"] == kind]
        titles = " | ".join(f"{one['tasks']:,} stored" for one in here)
        rows += [f"| {kind} | {titles} | most / fewest |", "|---" * (len(here) + 2) + "|"]
        for what in _CALLS:
            times = [one["calls"][what]["p50"] for one in here]
            shown = " | ".join(f"{ms:.2f} ms" for ms in times)
            rows.append(f"| {what} | {shown} | {times[-1] / times[0]:.2f} |")
        for what, name in (("cpu", "the service"), ("database_cpu", "PostgreSQL")):
            if what == "cpu" or kind == "PostgreSQL":
                times = [one["calls"]["submit"][what] for one in here]
                shown = " | ".join(f"{ms:.1f} ms" for ms in times)
                ratio = times[-1] / times[0] if times[0] else 1
                rows.append(f"| submit, processor time of {name} | {shown} | {ratio:.2f} |")
        size = " | ".join(f"{one['mb']:,.0f} MB" for one in here)
        rows += [f"| on the disk | {size} | |", ""]
    return rows[:-1]


def _stored_drawn(measured: list[dict[str, Any]], kind: str) -> str:
    here = [one for one in measured if one["database"] == kind]
    lines = {
        what: [(float(one["tasks"]), one["calls"][what]["p50"]) for one in here] for what in _CALLS
    }
    highest = max(y for points in lines.values() for _, y in points)
    across = Axis(name="tasks stored", marks=[one["tasks"] for one in here], even=True)
    up = Axis(name="ms, median", marks=marks_to(highest))
    return curves(f"What a call takes, {kind}", across, up, lines, {})


def _waiting(measured: list[dict[str, Any]]) -> list[str]:
    titles = [
        f"{one['database']}, {one['keys']:,} key{'s' * (one['keys'] > 1)}" for one in measured
    ]
    rows = [f"| {measured[0]['tasks']:,} waiting | {' | '.join(titles)} |"]
    rows.append("|---" * (len(measured) + 1) + "|")
    for what in _CALLS:
        shown = " | ".join(f"{one['calls'][what]['p50']:.2f} ms" for one in measured)
        rows.append(f"| {what} | {shown} |")
    return rows


def _arm(one: Mapping[str, Any]) -> str:
    keys = f"{one['keys']} key{'s' * (one['keys'] > 1)}"
    shards = f"{one['shards']} row{'s' * (one['shards'] > 1)} of totals"
    return keys if one["keys"] == 1 else f"{keys}, {shards}"


def _rows(measured: list[dict[str, Any]]) -> list[str]:
    counts = sorted({one["processes"] for one in measured})
    rows = [
        f"| a commit | keys, totals | {' | '.join(f'{n} at once' for n in counts)} "
        "| submit, claim, finish with most |",
        "|---" * (len(counts) + 3) + "|",
    ]
    for slow_ms in sorted({one["slow_ms"] for one in measured}):
        arms = list(dict.fromkeys(_arm(one) for one in measured if one["slow_ms"] == slow_ms))
        for arm in arms:
            here = [one for one in measured if one["slow_ms"] == slow_ms and _arm(one) == arm]
            shown = " | ".join(f"{one['per_s']:.0f}" for one in here)
            disk = f"{slow_ms} ms more" if slow_ms else "this disk's"
            p50 = ", ".join(f"{ms:.0f}" for ms in here[-1]["p50"].values())
            rows.append(f"| {disk} | {arm} | {shown} | {p50} ms |")
    return rows


def _rows_drawn(measured: list[dict[str, Any]]) -> str:
    here = [one for one in measured if one["slow_ms"] == SLOW_MS]
    lines: dict[str, list[tuple[float, float]]] = {}
    for one in here:
        lines.setdefault(_arm(one), []).append((one["processes"], one["per_s"]))
    most = float(max(one["processes"] for one in here))
    highest = max(max(y for points in lines.values() for _, y in points), 1000 / SLOW_MS)
    limits = {f"a commit each {SLOW_MS} ms": [(0.0, 1000 / SLOW_MS), (most, 1000 / SLOW_MS)]}
    counts = sorted({one["processes"] for one in here})
    across = Axis(name="workers whose painting costs nothing", marks=[0, *counts])
    up = Axis(name="tasks a second", marks=marks_to(highest))
    title = f"Rows that all write, with commits that take {SLOW_MS} ms"
    return curves(title, across, up, lines, limits)


def _listeners(measured: list[dict[str, Any]]) -> list[str]:
    rows = ["| listeners | notifications a second | PostgreSQL's time, each |", "|---|---|---|"]
    for one in measured:
        told = f"{one['told_per_s']:.0f} | {one['cpu_us']:.1f} µs"
        rows.append(f"| {one['listeners']} | {told} |")
    return rows
