"""Time repaints in a warm process, and the machine's matrix multiplication; prints JSON.

    python bench/_repainting.py files FOLDER
    python bench/_repainting.py time FOLDER ENGINE REPEAT N:SIDE ...
    python bench/_repainting.py multiply ROUNDS

`files` writes the photograph and, for each side, a round mask whose region is a square of that
side; `time` repaints, and says what the whole call, the engine, its sampler and its network took,
and at which sizes the network was asked; `multiply` reaches for the processor's
peak, in float32.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

import overpaint
from overpaint.composer.conditions import PLANE_CHANNELS, Floats
from overpaint.diffusion.resample import State
from overpaint.diffusion.sampler import sample
from overpaint.engines.protocol import Engine
from overpaint.engines.registry import choose_engine
from overpaint.engines.runtime import Graph
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob

PROMPT = "A cat wearing red glasses"
SIDES = (256, 512)
SAMPLER = "overpaint.engines.painting.sample"  # as the engine calls it
SCALE = 2  # of the photograph, so that a region of 512 px fits in
EYES = (135, 225)  # row and column in the photograph
MULTIPLIED = 3072  # rows and columns of the matrices


def make_files(folder: Path) -> None:
    demo = resources.files("overpaint") / "demo" / "chelsea.png"
    small = cv2.imdecode(np.frombuffer(demo.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if small is None:
        raise SystemExit("the photograph of the demo is damaged")
    photograph = cv2.resize(small, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "base.png"), photograph)
    for side in SIDES:
        mask = np.zeros(photograph.shape[:2], np.uint8)
        half = side // 4  # the mask is half as wide as its region
        row, column = (SCALE * place for place in EYES)
        square = np.s_[row - half : row + half, column - half : column + half]
        cv2.circle(mask[square], (half, half), half, 255, -1)
        mask[square][[half, half], [0, -1]] = 255
        mask[square][[0, -1], [half, half]] = 255
        cv2.imwrite(str(folder / f"mask-{side}.png"), mask)


class Watched:
    """An engine with a stop-watch on itself, its sampler and its network."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.forget()

    def forget(self) -> None:
        self.seconds = {"engine": 0.0, "sampler": 0.0, "network": 0.0}
        self.asked: list[tuple[int, int, int]] = []  # pictures, height, width of each state
        self.flop = 0.0  # of the convolutions in all of them
        self.region: tuple[int, ...] = ()

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        self.region = jobs[0].pixels.shape[:2]
        with self._clock("engine"), self._listening():
            return self._engine.paint(jobs, on_step)

    def close(self) -> None:
        self._engine.close()

    @contextmanager
    def _clock(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Let what the sampler and the network are asked go through here."""
        ask = Graph.__call__

        def asked(graph: Graph, inputs: Mapping[str, Floats]) -> Floats:
            n, _, height, width = inputs["planes"].shape
            self.asked.append((n, height, width))
            self.flop += convolution_flop(graph.metadata["config"], n, height, width)
            with self._clock("network"):
                return ask(graph, inputs)

        def drawn(*arguments: Any, **options: Any) -> State:
            with self._clock("sampler"):
                return sample(*arguments, **options)

        with patch.object(Graph, "__call__", asked), patch(SAMPLER, drawn):
            yield


def convolution_flop(config: Mapping[str, Any], n: int, height: int, width: int) -> float:
    """What the convolutions of a painter take in one pass, two for each product and sum.

    Counted as written, padding too; what steers them is less than 0.1 % of it.

    Args:
        config: fields of `composer.network.PainterConfig`.
        n: pictures.
        height: of a picture, px.
        width: of a picture, px.
    """
    channels, blocks = config["channels"], config["blocks"]
    cells = n * height * width / 16  # of the finest grid; 8 x 8 filters go in and out
    flop = 2 * 64 * channels[0] * (PLANE_CHANNELS + 9) * cells
    for grid, (width_of, count) in enumerate(zip(channels, blocks, strict=True)):
        here = cells / 4**grid
        flop += 2 * count * 2 * (2 * 9 * width_of**2) * here  # down and up, two in a block
        if grid:
            finer = channels[grid - 1]
            flop += 2 * 9 * finer * width_of * here  # 3 x 3, down to here
            flop += 2 * 4 * finer * width_of * here  # 2 x 2, up from here
    return float(flop)


def time_case(folder: Path, engine: Watched, n: int, side: int, repeat: int) -> dict[str, Any]:
    """The first call, then the median of the others."""
    runs = []
    for _ in range(repeat + 1):
        engine.forget()
        start, busy = time.perf_counter(), time.process_time()
        files = folder / "base.png", folder / f"mask-{side}.png"
        overpaint.repaint(*files, PROMPT, n=n, seed=1, engine=engine)
        seconds = time.perf_counter() - start
        cores = (time.process_time() - busy) / seconds
        runs.append({"call": seconds, "cores": cores, **engine.seconds})
    first, *others = runs
    middle = {name: statistics.median(run[name] for run in others) for name in first}
    return {
        "n": n,
        "side": side,
        "region": engine.region,
        "first": first["call"],
        "asked": engine.asked,
        "flop": engine.flop,
        **middle,
    }


def multiply(rounds: int) -> dict[str, float]:
    """The fastest of some products of two square float32 matrices, FLOP/s."""
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, MULTIPLIED, MULTIPLIED), np.float32)
    out = np.empty_like(one)
    np.matmul(one, two, out=out)
    start, busy = time.perf_counter(), time.process_time()
    seconds = min(timed(lambda: np.matmul(one, two, out=out)) for _ in range(rounds))
    cores = (time.process_time() - busy) / (time.perf_counter() - start)
    return {"flop_per_s": 2 * MULTIPLIED**3 / seconds, "cores": cores}


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(what: str, *rest: str) -> None:
    if what == "files":
        make_files(Path(rest[0]))
    elif what == "multiply":
        print(json.dumps(multiply(int(rest[0]))))
    else:
        folder, name, repeat, *cases = rest
        engine = Watched(choose_engine(name, PROMPT))
        asked = [tuple(map(int, case.split(":"))) for case in cases]
        found = [time_case(Path(folder), engine, n, side, int(repeat)) for n, side in asked]
        print(json.dumps({"engine": engine.info.name, "cases": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
