"""What runs the painter's graph best on a processor: time, memory, size, agreement with torch.

    pip install torch onnx onnxruntime openvino
    python bench/runtime.py [--rounds 3] [--threads 1]

One graph of a painter with random weights is run by every runtime in a process of its own, by
turns, and the fastest of all rounds counts. Times are processor time, which on one thread is what
the wall clock shows on a quiet machine, and changes little on a busy one. Times on two threads
are wall time and need a quiet machine.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from overpaint.composer.conditions import CONDITIONS, PALETTE_BINS, PLANE_CHANNELS, TIME_FEATURES

WORDS = 1300
INPUTS = ["planes", "words", "palette", "present", "time"]
SIZES = ((1, 64), (1, 128), (1, 256), (4, 256), (1, 512))  # pictures, side in px
#: What is compared: name -> runtime, graph, package, settings.
RUNTIMES = {
    "OpenCV": ("opencv", "float32", "opencv-python-headless", ""),
    "OpenCV, weights kept in float16": ("opencv", "float16", "opencv-python-headless", ""),
    "OpenCV, weights kept in int8": ("opencv", "weights8", "opencv-python-headless", ""),
    "ONNX Runtime": ("onnxruntime", "float32", "onnxruntime", ""),
    "ONNX Runtime, int8 dynamic": ("onnxruntime", "dynamic8", "onnxruntime", ""),
    "ONNX Runtime, int8 QDQ": ("onnxruntime", "static8", "onnxruntime", ""),
    "OpenVINO": ("openvino", "float32", "openvino", "f32"),
    "OpenVINO, bf16": ("openvino", "float32", "openvino", "bf16"),
    "OpenVINO, weights kept in int8": ("openvino", "weights8", "openvino", "f32"),
}

Feed = dict[str, np.ndarray[Any, np.dtype[np.float32]]]


def feed(n: int, side: int) -> Feed:
    rng = np.random.default_rng(n * side)
    shapes = {
        "planes": (n, PLANE_CHANNELS, side, side),
        "words": (n, WORDS),
        "palette": (n, PALETTE_BINS),
        "present": (n, len(CONDITIONS)),
        "time": (n, TIME_FEATURES),
    }
    drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    drawn["words"] = (drawn["words"] > 3).astype(np.float32)
    drawn["palette"] = np.full_like(drawn["palette"], 1 / PALETTE_BINS)
    return drawn


def make_graphs(folder: Path) -> None:
    """The graph in each form, and what torch makes of the inputs."""
    import onnx
    import torch

    from overpaint.composer.network import Painter, PainterConfig
    from overpaint.train.export import graph_of, halved

    quantization = importlib.import_module("onnxruntime.quantization")
    torch.manual_seed(0)
    painter = Painter(PainterConfig(words=WORDS)).eval()
    with torch.no_grad():
        for parameter in painter.parameters():
            if not parameter.any():  # else half of the network would do nothing
                parameter.normal_(std=0.02)
    model = graph_of(painter)
    path = folder / "float32.onnx"
    onnx.save(model, str(path))
    onnx.save(halved(model), str(folder / "float16.onnx"))
    onnx.save(in_bytes(model), str(folder / "weights8.onnx"))
    with torch.inference_mode():
        made = {
            f"{n}x{side}": painter(*map(torch.from_numpy, feed(n, side).values())).numpy()
            for n, side in SIZES
        }
    np.savez(folder / "torch.npz", **made)

    class Examples:
        def __init__(self) -> None:
            self._feeds = iter([feed(1, 64), feed(1, 128), feed(1, 256)])

        def get_next(self) -> Any:
            return next(self._feeds, None)

    kind = quantization.QuantType.QInt8
    quantization.quantize_dynamic(path, folder / "dynamic8.onnx", weight_type=kind)
    quantization.CalibrationDataReader.register(Examples)
    quantization.quantize_static(path, folder / "static8.onnx", Examples(), per_channel=True)


def in_bytes(model: Any) -> Any:
    """The same graph, its weights stored in int8, each row with its own scale."""
    import onnx
    from onnx import helper, numpy_helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.ndim < 2:
            kept.append(tensor)
            continue
        scale = np.abs(value).max(axis=tuple(range(1, value.ndim)), keepdims=True) / 127
        whole = np.round(value / np.maximum(scale, 1e-12)).astype(np.int8)
        parts = (whole, scale.astype(np.float32).reshape(-1), np.zeros(len(value), np.int8))
        names = [f"{tensor.name}.{part}" for part in ("whole", "scale", "zero")]
        kept += [numpy_helper.from_array(*pair) for pair in zip(parts, names, strict=True)]
        nodes.append(helper.make_node("DequantizeLinear", names, [tensor.name], axis=0))
    del result.graph.initializer[:], result.graph.node[:]
    result.graph.initializer.extend(kept)
    result.graph.node.extend([*nodes, *model.graph.node])
    return result


def load(runtime: str, graph: str, setting: str, threads: int) -> Callable[[Feed], Any]:
    if runtime == "opencv":
        import cv2

        cv2.setNumThreads(threads)
        net = cv2.dnn.readNetFromONNX(graph)

        def run(given: Feed) -> Any:
            for name, value in given.items():
                net.setInput(value, name)
            return net.forward()

        return run
    if runtime == "onnxruntime":
        onnxruntime = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return lambda given: session.run(None, given)[0]
    openvino = importlib.import_module("openvino")
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": setting}
    compiled = openvino.Core().compile_model(graph, "CPU", settings)
    request = compiled.create_infer_request()
    return lambda given: request.infer(given)[compiled.output(0)]


def child(folder: Path, name: str, threads: int) -> dict[str, Any]:
    runtime, graph, _, setting = RUNTIMES[name]
    clock = time.process_time if threads == 1 else time.perf_counter
    start = time.perf_counter()
    importlib.import_module({"opencv": "cv2"}.get(runtime, runtime))
    run = load(runtime, str(folder / f"{graph}.onnx"), setting, threads)
    found: dict[str, Any] = {"load": time.perf_counter() - start}
    with np.load(folder / "torch.npz") as wanted:
        worst = 0.0
        for n, side in SIZES:
            given = feed(n, side)
            made, times = run(given), []
            want = wanted[f"{n}x{side}"]
            worst = max(worst, float(np.abs(made - want).max() / np.abs(want).max()))
            for _ in range(3):
                start = clock()
                run(given)
                times.append(clock() - start)
            found[f"{n}x{side}"] = min(times)
    status = Path("/proc/self/status").read_text()
    found["peak"] = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return {**found, "error": worst}


def installed(package: str) -> float:
    """Megabytes of a package's files."""
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        listed = []
    paths = (Path(str(file.locate())) for file in listed)
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, name = options.child
        print(json.dumps(child(Path(folder), name, options.threads)))
        return
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in RUNTIMES}
    with tempfile.TemporaryDirectory() as folder:
        make_graphs(Path(folder))
        for _ in range(options.rounds):
            for name, rounds in found.items():
                command = [sys.executable, __file__, "--threads", str(options.threads)]
                command += ["--child", folder, name]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode == 0:
                    rounds.append(json.loads(done.stdout.splitlines()[-1]))
                else:
                    print(name, "failed:", done.stderr.strip().splitlines()[-1:])
    sizes = [f"{n}x{side}" for n, side in SIZES]
    table = Table(title=f"ms a forward pass, {options.threads} threads; load {os.getloadavg()}")
    for title in ("runtime", *sizes, "load, s", "peak, MB", "error", "installed, MB"):
        table.add_column(title)
    for name, rounds in found.items():
        if rounds:
            best = {key: min(one[key] for one in rounds) for key in rounds[0]}
            cells = [f"{1000 * best[size]:.0f}" for size in sizes]
            cells += [f"{best['load']:.2f}", f"{best['peak']:.0f}", f"{best['error']:.1e}"]
            table.add_row(name, *cells, f"{installed(RUNTIMES[name][2]):.0f}")
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
