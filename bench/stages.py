"""What the recipe costs beside the engine: time and memory of each stage, by picture size.

    python bench/stages.py [--sizes 512 1024 2048 4095] [--repeat 5]

The engine hands back what it was given, so everything measured is ours: decode, mask, region,
blend, encode. Beside it, in the same run, stands what Pillow takes to decode and encode the
same file at the same quality, and no more: no mask, no provenance, no second picture.

Pillow and Overpaint run in processes of their own, by turns. Times are the fastest of several
runs in a warm process; memory is the peak of the resident set above what the process held
before its first run, divided by the raw size of the picture.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

MASK = 300  # px
FORMATS = {"JPEG": ".jpg", "PNG": ".png"}


def make_files(folder: Path, side: int, format: str) -> tuple[Path, Path]:
    """A picture with soft shapes and fine texture that keeps under 10 MB, and a round mask."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 12, 3)).astype(np.uint8)
    soft = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    if format == "JPEG":
        grain = rng.normal(0, 4, (side, side, 1))
        soft = np.clip(soft + grain, 0, 255).astype(np.uint8)
    base = folder / f"base-{side}{FORMATS[format]}"
    options: dict[str, Any] = {"quality": 90} if format == "JPEG" else {}
    Image.fromarray(np.asarray(soft, np.uint8)).save(base, format, **options)
    drawn = np.zeros((side, side), np.uint8)
    cv2.circle(drawn, (side // 2, side // 2), MASK // 2, 255, -1)
    mask = folder / f"mask-{side}.png"
    Image.fromarray(drawn).save(mask)
    return base, mask


def peak_above_start() -> tuple[int, Any]:
    """Forget the peak so far; returns what is resident now and a function for the peak since."""
    Path("/proc/self/clear_refs").write_text("5")

    def field(name: str) -> int:
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    return field("VmRSS"), lambda: field("VmHWM")


def measure_pillow(base: str, mask: str, format: str, repeat: str) -> dict[str, float]:
    options = {"quality": 95, "subsampling": 0} if format == "JPEG" else {}

    def once() -> dict[str, float]:
        start = time.perf_counter()
        with Image.open(base) as image:
            image.load()
            decoded = time.perf_counter()
            image.save(io.BytesIO(), format, **options)
        done = time.perf_counter()
        return {"decode": decoded - start, "encode": done - decoded, "all": done - start}

    Image.new("RGB", (300, 300)).save(out := io.BytesIO(), format)  # loads the plugins
    Image.open(io.BytesIO(out.getvalue())).load()
    return fastest(once, int(repeat))


def measure_overpaint(base: str, mask: str, format: str, repeat: str) -> dict[str, float]:
    import overpaint
    from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob

    class Idle:
        info = EngineInfo(name="idle", summary="hands back what it was given", max_side=1536)

        def paint(
            self, jobs: Sequence[PaintJob], on_step: OnStep | None = None
        ) -> list[PaintedRegion]:
            return [PaintedRegion(pixels=job.pixels) for job in jobs]

        def close(self) -> None:
            pass

    def once() -> dict[str, float]:
        start = time.perf_counter()
        result = overpaint.repaint(base, mask, "", engine=Idle(), seed=1)
        painted = time.perf_counter()
        result.encode(format)
        done = time.perf_counter()
        return {
            **result.seconds,
            "encode": done - painted,
            "all": done - start - result.seconds["paint"],
        }

    small = np.full((300, 300, 3), 128, np.uint8)
    drawn = np.zeros((300, 300), np.uint8)
    drawn[100:200, 100:200] = 255
    overpaint.repaint(small, drawn, "", engine=Idle(), seed=1).encode(format)  # imports, tables
    return fastest(once, int(repeat))


def fastest(once: Callable[[], dict[str, float]], repeat: int) -> dict[str, float]:
    """The run that took least, and the memory of the first."""
    held, peak = peak_above_start()
    runs = [once()]
    memory = peak() - held
    runs += [once() for _ in range(repeat)]
    return {**min(runs, key=lambda run: run["all"]), "memory": memory}


def in_process(which: str, base: Path, mask: Path, format: str, repeat: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", which, str(base), str(mask), format]
    done = subprocess.run([*command, str(repeat)], check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def side_by_side(
    base: Path, mask: Path, format: str, repeat: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Pillow's and our figures, the better of two processes each, run by turns."""
    turns = [
        (
            in_process("pillow", base, mask, format, repeat),
            in_process("overpaint", base, mask, format, repeat),
        )
        for _ in range(2)
    ]
    theirs, ours = zip(*turns, strict=True)
    return min(theirs, key=lambda run: run["all"]), min(ours, key=lambda run: run["all"])


def import_seconds(module: str, repeat: int) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeat)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048, 4095])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        which, *rest = arguments.measure
        print(json.dumps({"pillow": measure_pillow, "overpaint": measure_overpaint}[which](*rest)))
        return

    console = Console(width=118)
    bare = import_seconds("numpy, cv2, PIL.Image", arguments.repeat + 2)
    ours = import_seconds("overpaint", arguments.repeat + 2)
    console.print(f"import overpaint: {ours:.3f} s (numpy, OpenCV and Pillow alone: {bare:.3f} s)")
    table = Table(title=f"Everything but the engine, mask of {MASK} px; ms, fastest of runs")
    for heading in (
        "format",
        "side",
        "decode",
        "plan",
        "blend",
        "encode",
        "all",
        "Pillow",
        "times Pillow",
        "memory / raw",
        "Pillow's",
    ):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as name:
        for format in FORMATS:
            for side in arguments.sizes:
                files = make_files(Path(name), side, format)
                theirs, mine = side_by_side(*files, format, arguments.repeat)
                raw = side * side * 3
                table.add_row(
                    format,
                    str(side),
                    *(f"{mine[stage] * 1000:.1f}" for stage in ("decode", "plan", "blend")),
                    f"{mine['encode'] * 1000:.1f}",
                    f"{mine['all'] * 1000:.1f}",
                    f"{theirs['all'] * 1000:.1f}",
                    f"{mine['all'] / theirs['all']:.2f}",
                    f"{mine['memory'] / raw:.2f}",
                    f"{theirs['memory'] / raw:.2f}",
                )
    console.print(table)


if __name__ == "__main__":
    main()
