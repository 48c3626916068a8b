"""The engine beside its goals, and beside what a user would run otherwise.

    python bench/builtin.py [--engine auto] [--repeat 5] [--rival float32 bfloat16] [--quick]

Prints one table: time to the first picture of a fresh process, n = 1 and 4 at a region of 256 px,
memory, size on disk, and how much of the processor's matrix multiplication the network reaches.
In the same run Stable Diffusion 1.5 inpainting (diffusers; random weights, which cost what trained
ones do) paints one picture of 512 px in 20 steps. That takes minutes and 5 GB of memory; --quick
makes 2 of its steps and reckons the rest. Without torch and diffusers that row says what to
install; --rival-python takes them from another interpreter.

Everything runs in processes of its own, so that each has its own memory and its own start. Times
are medians and need a quiet machine: the load is printed. Needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROMPT = "A cat wearing red glasses"
CASES = ("1:256", "4:256", "1:512")
STEPS = 20
MB = 1e6  # bytes
BUSY = 0.5  # load from which on times are not worth much
#: Seconds for one and four pictures at 256 px: in float32, and where there are bf16 matrix units.
GOALS = {False: {1: 2.0, 4: 5.0}, True: {1: 0.6, 4: 1.5}}
FIRST_PICTURE = 3.0  # s
MEMORY, INSTALL, ON_DISK = 700, 300, 64  # MB
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
RIVAL_NEEDS = ("torch", "diffusers", "transformers")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    value: float | None = None
    unit: str = ""
    goal: float | None = None  # at most this, in the same unit
    beside: str = ""  # a ratio to something else, or what is to be known

    def __str__(self) -> str:
        value = "" if self.value is None else f"{self.value:.{digits(self.value)}f} {self.unit}"
        goal = ratio = ""
        if self.goal is not None and self.value is not None:
            goal = f"{self.goal:g} {self.unit}"
            ratio = f"{self.value / self.goal:.2f}"
        return f"| {self.what} | {value.strip()} | {goal.strip()} | {ratio} | {self.beside} |"


def digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


def run_json(*command: str) -> dict[str, Any]:
    done = subprocess.run([*command], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_script(name: str, *arguments: str) -> dict[str, Any]:
    return run_json(sys.executable, str(HERE / name), *arguments)


def command_line(folder: Path, engine: str, n: int) -> tuple[float, float]:
    """`overpaint repaint` from its start to its end: seconds, and the peak of its memory in MB."""
    out = folder / "out.png"
    command = [sys.executable, "-m", "overpaint", "repaint"]
    command += [str(folder / "base.png"), str(folder / "mask-256.png"), PROMPT]
    command += ["-o", str(out), "-n", str(n), "--seed", "1", "--engine", engine]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = b"" if process.stderr is None else process.stderr.read()
        raise SystemExit(f"{' '.join(command)}\n{said.decode()}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MB


# --- rows ------------------------------------------------------------------------------------


def command_rows(folder: Path, engine: str, repeat: int) -> list[Row]:
    once = [command_line(folder, engine, 1) for _ in range(repeat + 1)]
    first, *others = (seconds for seconds, _ in once)
    _, four = command_line(folder, engine, 4)
    memory = max(peak for _, peak in once)
    return [
        Row(
            what="first picture saved, fresh process",
            value=statistics.median(others),
            unit="s",
            goal=FIRST_PICTURE,
            beside=f"the very first {first:.2f} s",
        ),
        Row(what="peak memory of that process, n = 1", value=memory, unit="MB", goal=MEMORY),
        Row(what="the same, n = 4", value=four, unit="MB", goal=MEMORY),
    ]


def time_rows(cases: list[dict[str, Any]], bf16: bool) -> list[Row]:
    rows = []
    for case in cases:
        height, width = case["region"]
        name = f"{height} x {width} px, n = {case['n']}"
        of_goal = case["side"] == 256
        rows.append(
            Row(
                what=f"{name}: `overpaint.repaint`",
                value=case["call"],
                unit="s",
                goal=GOALS[bf16][case["n"]] if of_goal else None,
                beside=f"first call {case['first']:.2f} s; {case['cores']:.1f} cores busy",
            )
        )
        if case["asked"]:
            asked = ", ".join(dict.fromkeys(f"{h} x {w}" for _, h, w in case["asked"]))
            for part in ("engine", "sampler", "network"):
                beside = f"{case[part] / case['call']:.0%} of the call"
                if part == "network":
                    beside += f"; {len(case['asked'])} steps at {asked} px"
                rows.append(
                    Row(what=f"{name}: {part} alone", value=case[part], unit="s", beside=beside)
                )
    return rows


def peak_rows(
    cases: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any]
) -> list[Row]:
    """How much of what the processor can multiply the network's convolutions do."""
    best = max((before, after), key=lambda found: float(found["flop_per_s"]))
    peak = best["flop_per_s"]
    rows = [
        Row(
            what="float32 matrix multiplication (NumPy), fastest before or after",
            value=peak / 1e9,
            unit="GFLOP/s",
            beside=f"{best['cores']:.1f} cores busy",
        )
    ]
    for case in cases:
        if case.get("flop"):
            rate = case["flop"] / case["network"]
            rows.append(
                Row(
                    what=f"the network, {case['side']} px, n = {case['n']}",
                    value=rate / 1e9,
                    unit="GFLOP/s",
                    beside=f"{rate / peak:.0%} of the peak; {case['flop'] / 1e9:.0f} GFLOP a run",
                )
            )
    return rows


def disk_rows() -> list[Row]:
    found = run_script("_disk.py")
    own, packages, missing = found["overpaint"], found["packages"], found["missing"]
    kept = {name: own[name] / MB for name in ("weights", "library", "lexicon")}
    largest = sorted(packages, key=packages.__getitem__, reverse=True)[:4]
    beside = ", ".join(f"{name} {packages[name] / MB:.0f}" for name in largest)
    beside += f", overpaint {sum(own.values()) / MB:.0f}"
    if missing:
        beside = f"**not installed here and not counted: {', '.join(missing)}**; {beside}"
    return [
        Row(
            what="installed, without torch",
            value=(sum(packages.values()) + sum(own.values())) / MB,
            unit="MB",
            goal=None if missing else INSTALL,
            beside=beside,
        ),
        Row(
            what="weights, library and lexicon",
            value=sum(kept.values()),
            unit="MB",
            goal=ON_DISK,
            beside=", ".join(f"{name} {size:.1f}" for name, size in kept.items()),
        ),
    ]


def rival_rows(
    python: str, precision: str, steps: int, extra: list[str], ours: dict[str, Any], memory: float
) -> list[Row]:
    """Stable Diffusion 1.5 at 512 px, beside one picture of ours at 512 px."""
    name = f"Stable Diffusion 1.5 inpainting, {precision}"
    code = f"from importlib.util import find_spec; print(all(map(find_spec, {RIVAL_NEEDS!r})))"
    there = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    if there.stdout.strip() != "True":
        return [Row(what=name, beside=f"not installed: pip install {' '.join(RIVAL_NEEDS)}")]
    options = ["--precision", precision, "--steps", str(steps), *extra]
    found = run_json(python, str(HERE / "_sd15.py"), *options)
    seconds = found["seconds"] + (STEPS - found["steps"]) * found["step_seconds"]
    reckoned = f"{found['steps']} steps made, the rest reckoned; " if steps < STEPS else ""
    side = f"{found['side']} px, {STEPS} steps"
    return [
        Row(
            what=f"{name}: {side}",
            value=seconds,
            unit="s",
            beside=f"{reckoned}{seconds / ours['call']:.0f} times ours at {ours['side']} px; "
            f"{found['step_seconds']:.2f} s a step; {found['threads']} threads; "
            f"{found['versions']}",
        ),
        Row(
            what=f"{name}: peak memory",
            value=found["peak_bytes"] / MB,
            unit="MB",
            beside=f"{found['peak_bytes'] / MB / memory:.1f} times ours",
        ),
        Row(what=f"{name}: weights", value=found["weights_bytes"] / MB, unit="MB"),
    ]


# --- the machine -----------------------------------------------------------------------------


def processor() -> tuple[str, bool]:
    """Its name, and whether it has bf16 matrix units."""
    told = Path("/proc/cpuinfo")
    text = told.read_text("utf-8") if told.exists() else ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine(), "amx_bf16" in text


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def too_busy(before: float) -> str:
    """A warning where something else was running when the times were taken."""
    return "**Something else was running: do not quote these times.**" if before > BUSY else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--engine", default="auto", help="a name that `overpaint engines` lists")
    parser.add_argument("--repeat", type=int, default=5, help="of each time")
    parser.add_argument(
        "--rival", nargs="*", default=["float32"], choices=("float32", "bfloat16"), metavar="TYPE"
    )
    parser.add_argument("--rival-python", default=sys.executable, help="has torch and diffusers")
    parser.add_argument("--quick", action="store_true", help="each once; 2 steps of the rival")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # rival of no size
    chosen = parser.parse_args()
    repeat = 1 if chosen.quick else chosen.repeat
    steps = 2 if chosen.quick else STEPS
    extra = ["--tiny", "--side", "64"] if chosen.tiny else []
    for variable in THREADS:  # else NumPy, OpenCV and torch would not have the same cores
        os.environ.pop(variable, None)
    name, bf16 = processor()
    start, before, others = time.perf_counter(), load(), os.getloadavg()[0]

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run([sys.executable, str(HERE / "_repainting.py"), "files", place], check=True)
        multiplied = run_script("_repainting.py", "multiply", str(3 * repeat))
        commands = command_rows(folder, chosen.engine, repeat)
        timed = run_script("_repainting.py", "time", place, chosen.engine, str(repeat), *CASES)
        again = run_script("_repainting.py", "multiply", str(3 * repeat))
    cases = timed["cases"]
    rows = [*commands[:1], *time_rows(cases, bf16), *commands[1:], *disk_rows()]
    rows += peak_rows(cases, multiplied, again)
    for precision in chosen.rival:
        memory = commands[1].value or 1.0
        rows += rival_rows(chosen.rival_python, precision, steps, extra, cases[-1], memory)

    print(f"Engine `{timed['engine']}`; {name}; Python {platform.python_version()}.", end=" ")
    print(f"Goals are those {'with' if bf16 else 'without'} bf16 matrix units; 1 MB = 10^6 bytes.")
    if chosen.quick:
        print(f"--quick: each time taken once, {steps} of {STEPS} steps of the rival.")
    print(f"Before: {before}; after: {load()}; took {time.perf_counter() - start:.0f} s;", end=" ")
    print(f"niceness {os.nice(0)}. {too_busy(others)}\n")
    print("| what | measured | goal, at most | measured / goal | |\n|---|---|---|---|---|")
    print("\n".join(map(str, rows)))


if __name__ == "__main__":
    main()
