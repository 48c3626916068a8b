"""How much of a device's matrix multiplication a network reaches."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from bench._arms import Ours, Plain

from overpaint.values import PaintJob


def peak(device: str, dtype: str, *, side: int, rounds: int) -> float:
    """The fastest of some products of two square matrices of random numbers, FLOP/s."""
    torch = importlib.import_module("torch")
    one, two = (torch.randn(side, side, device=device).to(getattr(torch, dtype)) for _ in "ab")
    return 2 * side**3 / _fastest(lambda: one @ two, device, rounds)


def network_share(ours: Ours, plain: Plain, job: PaintJob, *, device: str, rounds: int) -> Any:
    """The denoiser at full batch: rows, FLOP a row, FLOP/s of ours and of the plain one.

    FLOP are those that torch counts in the plain network with attention written out, two for each
    product and sum. The plain network is asked as for one picture with guidance: two rows.
    """
    from overpaint.engines.diffusers import speed

    torch = importlib.import_module("torch")
    network, batch = speed.denoiser(ours.pipe), ours.info.batch
    args, kwargs = _asked(network, lambda: ours.paint([job] * batch))
    rows = len(args[0])

    def call() -> None:
        with torch.no_grad():
            network(*args, **kwargs)

    def picture() -> None:
        plain.alone(job)

    theirs, theirs_named = _asked(plain.pipe.unet, picture)
    counter = importlib.import_module("torch.utils.flop_counter").FlopCounterMode(display=False)
    written_out = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with torch.no_grad(), written_out, counter:
        plain.pipe.unet(*theirs, **theirs_named)
    flop = counter.get_total_flops() / len(theirs[0])

    def call_theirs() -> None:
        with torch.no_grad():
            plain.pipe.unet(*theirs, **theirs_named)

    return {
        "rows": rows,
        "flop_a_row": flop,
        "flop_per_s": rows * flop / _fastest(call, device, rounds),
        "plain_rows": len(theirs[0]),
        "plain_flop_per_s": len(theirs[0]) * flop / _fastest(call_theirs, device, rounds),
    }


def _asked(network: Any, ask: Callable[[], object]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a network is asked for at most while something is painted."""
    plain = network.forward
    most: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((), {})]

    def forward(*args: Any, **kwargs: Any) -> Any:
        if not most[0][0] or len(args[0]) > len(most[0][0][0]):
            most[0] = (tuple(map(_kept, args)), {name: _kept(one) for name, one in kwargs.items()})
        return plain(*args, **kwargs)

    network.forward = forward
    try:
        ask()
    finally:
        network.forward = plain
    return most[0]


def _kept(value: Any) -> Any:
    return value.clone() if hasattr(value, "clone") else value


def _fastest(call: Callable[[], object], device: str, rounds: int) -> float:
    torch = importlib.import_module("torch")
    times = []
    for _ in range(rounds + 1):  # the first one warms up
        start = time.perf_counter()
        call()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def levels(one: Any, two: Any) -> dict[str, float]:
    """How far two pictures of 8 bits are apart: at most, in the mean, and in how many values."""
    apart = np.abs(np.asarray(one, np.int16) - np.asarray(two, np.int16))
    share = float((apart > 0).mean())
    return {"most": float(apart.max()), "mean": float(apart.mean()), "share": share}


def worst(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """The largest difference, the mean of means and of shares."""
    return {
        "most": max(one["most"] for one in found),
        "mean": float(np.mean([one["mean"] for one in found])),
        "share": float(np.mean([one["share"] for one in found])),
    }


def in_float32(plain: Plain, jobs: Sequence[PaintJob], drawn: str) -> list[Any]:
    """The same regions painted in float32 from the noise that another precision draws.

    The pipeline is float32 from then on.
    """
    torch = importlib.import_module("torch")
    original = importlib.import_module("diffusers.utils.torch_utils").randn_tensor
    plain.pipe.to(torch.float32)

    def rounded(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **{**kwargs, "dtype": getattr(torch, drawn)}).to(torch.float32)

    users = [
        name
        for name, module in [*sys.modules.items()]
        if name.startswith("diffusers.") and vars(module).get("randn_tensor") is original
    ]
    patches = [patch(f"{name}.randn_tensor", rounded) for name in users]
    for one in patches:
        one.start()
    try:
        return [plain.alone(job) for job in jobs]
    finally:
        for one in patches:
            one.stop()
