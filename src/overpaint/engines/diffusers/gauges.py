"""How a GPU is used, as far as its driver tells."""

from __future__ import annotations

from contextlib import suppress

import torch


def gpu_figures(device: str) -> dict[str, float]:
    """Memory and use of "cuda:N", bytes and 0 to 1; nothing of any other device.

    Its use is told where the package nvidia-ml-py is installed (AMD: amdsmi).
    """
    if torch.device(device).type != "cuda":
        return {}
    found: dict[str, float] = {}
    with suppress(RuntimeError):  # the driver has gone
        free, total = torch.cuda.mem_get_info(device)
        found = {"gpu_memory_used_bytes": total - free, "gpu_memory_bytes": total}
    with suppress(Exception):  # no package, no rights, no counter: each has an error of its own
        found["gpu_use"] = torch.cuda.utilization(torch.device(device)) / 100
    return found
