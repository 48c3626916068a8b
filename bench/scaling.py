"""How the service scales: workers, stored tasks, waiting tasks, and the rows that all write.

    python bench/scaling.py                               # all of it, a quarter of an hour
    python bench/scaling.py --out docs/scaling            # the same, into the page
    python bench/scaling.py --out /tmp/scaling --quick    # small numbers, to see that it runs
    python bench/scaling.py --out docs/scaling --only workers rows

A PostgreSQL server of its own, whose commits wait for the disk, and real `overpaint serve`s on it.
Each part writes its figures into figures.json of the folder as soon as it has them. From all that
is there the pictures are drawn, and the tables printed and, where a page is called as the folder
(docs/scaling.md), written between its marks. Needs `make heavy`; Linux alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import _growth, _limits, _workers
from bench._fleet import postgresql
from bench._shown import BUSY, pictures, tables


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="a folder for figures and pictures")
    parser.add_argument("--only", nargs="+", metavar="PART", default=[], help="some parts of it")
    parser.add_argument("--quick", action="store_true", help="few calls, few tasks")
    parser.add_argument("--redraw", action="store_true", help="from figures.json, nothing measured")
    args = parser.parse_args()
    if sys.platform != "linux":
        print("skipped: it reads /proc, which is Linux's")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the servers are ended
    out = args.out or Path(tempfile.mkdtemp(prefix="overpaint-scaling-"))
    out.mkdir(parents=True, exist_ok=True)
    file = out / "figures.json"
    figures: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    if not args.redraw:
        for name, found in measure(args.only, quick=args.quick):
            figures[name] = found
            file.write_text(json.dumps(figures, indent=1) + "\n")
    shown = tables(figures)
    page = out.with_suffix(".md")
    if page.exists():
        page.write_text(filled(page.read_text(encoding="utf-8"), shown), encoding="utf-8")
    print("\n".join(f"\n## {name}\n\n{table}" for name, table in shown.items()))
    for name, drawn in pictures(figures).items():
        (out / f"{name}.svg").write_text(drawn)
    print(f"\nwritten to {out}")


def filled(page: str, shown: Mapping[str, str]) -> str:
    """A page whose marks, <!-- name --> to <!-- /name -->, have the tables of these names."""
    for name, table in shown.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if begin and end:
            page = f"{before}{begin}\n{table}\n\n{end}{after}"
    return page


def measure(only: list[str], *, quick: bool) -> Any:
    """The parts, each with its name, as they are measured."""
    calls = 20 if quick else 200
    seconds = 2.0 if quick else 5.0
    sizes = (0, 10_000) if quick else _growth.SIZES
    waiting = 10_000 if quick else _growth.WAITING
    processes = (1, 4) if quick else (1, 2, 4, 8, 16)
    tasks_each = 5 if quick else 20
    load = os.getloadavg()[0]
    busy = f"; more than {BUSY}: do not quote the times" if load > BUSY else ""
    print(f"load at the start {load:.1f}{busy}", flush=True)
    with (
        postgresql() as server,
        tempfile.TemporaryDirectory(prefix="overpaint-bench-") as name,
    ):
        folder = Path(name)
        parts: dict[str, Callable[[], Any]] = {
            "workers": partial(_workers.measure, server, tasks_each=tasks_each),
            "stored": partial(_growth.measure_stored, server, folder, sizes=sizes, calls=calls),
            "waiting": partial(
                _growth.measure_waiting, server, folder, waiting=waiting, calls=calls
            ),
            "statements": partial(_limits.measure_statements, server),
            "task": partial(_limits.measure_task, server, seconds=seconds),
            "listeners": partial(_limits.measure_listeners, server, seconds=seconds / 2),
            "metrics": partial(_limits.measure_metrics, server),
            "rows": partial(_limits.measure_rows, server, seconds=seconds, processes=processes),
        }
        if unknown := set(only) - set(parts):
            raise SystemExit(f"no parts: {', '.join(unknown)}; there are {', '.join(parts)}")
        for part, run in parts.items():
            if only and part not in only:
                continue
            load, begin = os.getloadavg()[0], time.monotonic()
            yield part, run()
            took = time.monotonic() - begin
            print(f"{part}: {took:.0f} s, load before {load:.1f}", flush=True)
            yield f"{part}_load", round(load, 1)
        version = server.sql("SHOW server_version")[0][0].split()[0]
    yield (
        "machine",
        {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "python": platform.python_version(),
            "postgresql": version,
            "day": time.strftime("%Y-%m-%d"),
        },
    )


def _processor() -> str:
    said = Path("/proc/cpuinfo").read_text()
    names = [line.partition(": ")[2] for line in said.splitlines() if "model name" in line]
    return " ".join(names[0].split()[:2]) if names else platform.machine()


if __name__ == "__main__":
    main()
