"""The diffusers engine beside the plain pipeline, on a mix of requests from several callers.

    python bench/diffusers.py --device cuda [--models sd15 sdxl] [--out FOLDER]
    python bench/diffusers.py --device cpu
    python bench/diffusers.py --quick                  # tries every row, with hardly any channels

Checkpoints of the published inpainting architectures of Stable Diffusion 1.5 and XL with random
weights (bench/_random_checkpoints.py) are saved to a folder and loaded by both, with the same
scheduler, steps, guidance, dtype and device. On a CPU they are narrower and paint a smaller side.
The mix and why it is what it is: bench/_requests.py. Three ways take the same requests in turn:

    plain       the pipeline, called once a request on the whole picture, n as num_images_per_prompt
    plain, crop the same with padding_mask_crop=32: it paints round the mask alone, as we do
    ours        overpaint.repaint with the engine, from as many threads as there are callers

All three paint at the side the checkpoint was made for, so a picture costs them the same work in
the network: what "ours" gains on "plain, crop" is not the region but batches over callers, what is
remembered (prompts, encoded pictures), memory layout, and compiled networks. Then one of these at
a time is taken away, and options that change pixels are put in. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import _matrix
from bench._arms import Memory, Ours, Plain, Run, run, weights_bytes
from bench._findings import tables
from bench._plot import bars
from bench._random_checkpoints import Name, Scale, save
from bench._requests import Request, described, draw_requests

MODELS: tuple[Name, ...] = ("sd15", "sdxl")
FULL_SIDE = 512  # px, from which on pictures are as they are
CHECKED = 4  # jobs whose pixels are compared
NEEDED = ("torch", "diffusers", "transformers", "accelerate")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How large everything is."""

    scales: dict[Name, Scale]
    more: str = ""  # options of ours
    dtype: str
    steps: int
    requests: int
    short: int  # requests of the rows that take something away or put something in
    callers: int
    rounds: int  # how often the three ways take turns
    matrix: int  # side of the matrices


FULL = Setup(
    scales={"sd15": Scale(), "sdxl": Scale()},
    dtype="bfloat16",
    steps=20,
    requests=32,
    short=12,
    callers=16,  # as many hands as the service gives a checkpoint on a GPU
    rounds=1,
    matrix=8192,
)
SMALLER = Setup(
    scales={
        "sd15": Scale(side=128, unet=0.5, vae=0.25, text=0.25),
        "sdxl": Scale(side=128, unet=0.3, vae=0.25, text=0.25, text_layers=0.5),
    },
    more="&batch=8",  # 4 is what the engine takes on a CPU by itself, for the sake of latency
    dtype="float32",
    steps=6,
    requests=16,
    short=4,
    callers=8,
    rounds=1,
    matrix=2048,
)
_TINY = Scale(side=64, unet=0.1, vae=0.25, text=0.1, text_layers=0.1)
QUICK = Setup(
    scales={"sd15": _TINY, "sdxl": _TINY},
    dtype="float32",
    steps=2,
    requests=4,
    short=2,
    callers=2,
    rounds=1,
    matrix=512,
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing taken away from ours, or put in."""

    what: str
    options: str = ""  # of the checkpoint, as a query
    during_load: Callable[[], AbstractContextManager[object]] = nullcontext
    then: Callable[[Ours], object] = lambda ours: None
    only_on: str = ""


def _as_it_is() -> AbstractContextManager[object]:
    return patch("overpaint.engines.diffusers.speed.lay_out", lambda pipe: None)


ALL = Change(what="all of it")
TAKEN: tuple[Change, ...] = (
    Change(what="one picture at a time", options="&batch=1"),
    Change(what="prompts encoded each time", options="&prompt_cache=0"),
    Change(what="pictures encoded for each row", then=Ours.forget_each_picture),
    Change(what="convolutions channels first", during_load=_as_it_is),
    Change(what="nothing compiled", options="&compile=0", only_on="cuda"),
    Change(what="batches of one size alone (exact=1)", options="&exact=1"),
)
#: Takes minutes on a CPU: last, and only where the time reaches.
COMPILED = Change(what="compiled (compile=1)", options="&compile=1", only_on="cpu")
PUT_IN: tuple[Change, ...] = (
    Change(what="guidance_until=0.5", options="&guidance_until=0.5"),
    Change(what="fp8=1", options="&fp8=1"),
    Change(what="tiling=1", options="&tiling=1"),
)


class Bench:
    """One checkpoint, measured in every way; rows that the time does not reach are named."""

    def __init__(self, name: Name, folder: Path, device: str, setup: Setup, until: float) -> None:
        self.name, self.folder, self.device, self.setup, self.until = (
            name,
            folder,
            device,
            setup,
            until,
        )
        side = setup.scales[name].side or FULL_SIDE
        self.requests = draw_requests(setup.requests, side=side)
        self.memory = Memory(device)
        self.found: dict[str, Any] = {"model": name, "left_out": []}

    def measure(self) -> dict[str, Any]:
        setup, found = self.setup, self.found
        scale = setup.scales[self.name]
        begin = time.perf_counter()
        save(self.name, self.folder, scale=scale, device=self.device, dtype=setup.dtype)
        found["build_s"] = time.perf_counter() - begin
        how: dict[str, Any] = {
            "device": self.device,
            "dtype": setup.dtype,
            "steps": setup.steps,
        }
        plain = Plain(self.folder, **how)
        ours = Ours(self.folder, **how, more=setup.more)
        found |= {"warming_s": ours.warming_s, "batch": ours.info.batch}
        found["side"] = ours.info.native_sizes[0]
        found["weights_bytes"] = weights_bytes(plain.pipe)
        self.memory.others = found["weights_bytes"]  # each way's peak has the other's weights in it
        self._take_turns(plain, ours)
        self._peak()
        job, _ = ours.painted[0]
        self._say("the network alone")
        share = _matrix.network_share(
            ours, plain, job, device=self.device, rounds=3 if self.device == "cpu" else 10
        )
        found["network"] = share
        ours.close()
        self._differ(plain, ours.painted)
        del plain
        self.memory.others = 0
        self._vary(how)
        self._peak()
        found["peak_flop_per_s"] = max(found["peaks"])
        return found

    def _say(self, what: str) -> None:
        print(f"{self.name}: {what} ...", file=sys.stderr, flush=True)

    def _peak(self) -> None:
        side, rounds = self.setup.matrix, 20 if self.device != "cpu" else 8
        found = _matrix.peak(self.device, self.setup.dtype, side=side, rounds=rounds)
        self.found.setdefault("peaks", []).append(found)

    def _take_turns(self, plain: Plain, ours: Ours) -> None:
        """The three ways, round after round; the best round of each counts."""
        ways: dict[str, Callable[[Request], object]] = {
            "plain": plain.paint,
            "plain, crop": lambda request: plain.paint(request, crop=True),
            "ours": ours.repaint,
        }
        sizes = {one.n: one for one in self.requests}
        # Each size once: kernels are chosen and memory is taken. A CPU has nothing to choose.
        for n in sorted(sizes) if self.device != "cpu" else [min(sizes)]:
            plain.paint(sizes[n])
            ours.repaint(sizes[n])
        ours.keep = CHECKED
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for _ in range(self.setup.rounds):
            for name, paint in ways.items():
                self._say(name)
                runs[name].append(run(paint, self.requests, self.setup.callers, self.memory))
        best = {name: min(one, key=lambda run: run.seconds) for name, one in runs.items()}
        self.found["runs"] = {name: told(one) for name, one in best.items()}
        self.found["times_plain"] = best["ours"].rate / best["plain"].rate
        self.found["times_crop"] = best["ours"].rate / best["plain, crop"].rate

    def _differ(self, plain: Plain, painted: Sequence[Any]) -> None:
        """Our pixels in the mix beside those of one plain call for each job alone."""
        jobs = [job for job, _ in painted]
        ours = [made.pixels for _, made in painted]
        alone = [plain.alone(job) for job in jobs]
        self.found["pixels"] = _matrix.worst(
            [_matrix.levels(*pair) for pair in zip(ours, alone, strict=True)]
        )
        if self.setup.dtype == "float32":
            return
        exact = _matrix.in_float32(plain, jobs, self.setup.dtype)
        self.found["pixels_from_float32"] = {
            name: _matrix.worst([_matrix.levels(*pair) for pair in zip(made, exact, strict=True)])
            for name, made in (("ours", ours), ("plain", alone))
        }

    def _vary(self, how: dict[str, Any]) -> None:
        """Ours with one thing taken away or put in, on the first requests of the mix."""
        few = self.requests[: self.setup.short]
        rows: list[dict[str, Any]] = []
        first: list[Any] = []
        for change in (ALL, *TAKEN, *PUT_IN, COMPILED):
            slow = change is COMPILED and self.setup.scales == QUICK.scales
            if slow or not self.device.startswith(change.only_on):
                continue
            if time.monotonic() > self.until:
                self.found["left_out"].append(change.what)
                continue
            self._say(change.what)
            with change.during_load():
                ours = Ours(self.folder, **how, more=with_option(self.setup.more, change.options))
            change.then(ours)
            ours.repaint(few[0])
            ours.keep = CHECKED
            ran = run(ours.repaint, few, self.setup.callers, self.memory)
            made = {(job.seed, job.prompt): one.pixels for job, one in ours.painted}
            ours.close()
            first = first or [made]
            shared = [key for key in made if key in first[0]]
            apart = [_matrix.levels(made[key], first[0][key]) for key in shared]
            rows.append(
                {
                    "what": change.what,
                    "changes_pixels": change in PUT_IN,
                    "rate": ran.rate,
                    "times_all": ran.rate / rows[0]["rate"] if rows else 1.0,
                    "peak_bytes": ran.peak_bytes,
                    "warming_s": ours.warming_s,
                    "levels": _matrix.worst(apart) if apart else None,
                }
            )
        self.found["changes"] = rows


def with_option(options: str, more: str) -> str:
    """Options with one more, which may be there with another value."""
    name = more.partition("=")[0]
    kept = [one for one in options.split("&") if one and f"&{one.partition('=')[0]}" != name]
    return "".join(f"&{one}" for one in kept) + more


def told(one: Run) -> dict[str, Any]:
    return {**asdict(one), "rate": one.rate, "p50": one.p50, "p95": one.p95}


def machine(device: str) -> dict[str, Any]:
    import torch

    import diffusers

    on_gpu = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name() if on_gpu else platform.processor() or "CPU",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "python": platform.python_version(),
    }


def forget_this_folder() -> None:
    """Let `import diffusers` find the package, and not this file beside the script that runs."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [one for one in sys.path if Path(one).resolve() != here]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="", help="cpu or cuda; the GPU if there is one")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--quick", action="store_true", help="hardly any channels: tries the rows")
    parser.add_argument("--requests", type=int, help="how many are in the mix")
    parser.add_argument("--rounds", type=int, help="how often the ways take turns")
    parser.add_argument(
        "--budget-s",
        type=float,
        default=480,
        help="after so long, rows that change something are left out (480)",
    )
    parser.add_argument("--out", type=Path, help="a folder for result.json and result.svg")
    chosen = parser.parse_args()
    forget_this_folder()
    if not all(map(find_spec, NEEDED)):
        print('not installed: pip install "overpaint[diffusers]"')
        return
    warnings.simplefilter("ignore")  # theirs, about what random weights lack

    import torch

    import diffusers

    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    device = chosen.device or ("cuda" if torch.cuda.is_available() else "cpu")
    setup = FULL if device.startswith("cuda") else SMALLER
    if chosen.quick:
        setup = QUICK
    given = {"requests": chosen.requests, "rounds": chosen.rounds}
    setup = Setup(**{**vars(setup), **{name: one for name, one in given.items() if one}})
    mix = described(draw_requests(setup.requests))
    about = {"machine": machine(device), "mix": mix, "setup": asdict(setup)}
    print(json.dumps(about), flush=True)
    begin = time.monotonic()
    results = []
    for number, name in enumerate(chosen.models, 1):
        until = begin + chosen.budget_s * number / len(chosen.models)
        with tempfile.TemporaryDirectory() as folder:
            found = Bench(name, Path(folder) / name, device, setup, until).measure()
        results.append(found)
        print(tables(found, device), flush=True)
    print(f"\n{time.monotonic() - begin:.0f} s, load at the end {os.getloadavg()[0]:.1f}")
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**about, "load_at_end": os.getloadavg(), "results": results}, indent=1)
        (chosen.out / "result.json").write_text(text)
        (chosen.out / "result.svg").write_text(bars(results))


if __name__ == "__main__":
    main()
