"""Which device a checkpoint runs on, and what numbers it computes with there."""

from __future__ import annotations

import torch

from overpaint.engines.diffusers.family import Family
from overpaint.engines.diffusers.options import Dtype
from overpaint.errors import EngineUnusable

#: Compute capability from which on a CUDA GPU multiplies bfloat16 itself: that of Ampere.
_BFLOAT16_SINCE = (8, 0)


def choose_device(wanted: str) -> str:
    """A device that is there: "cpu", "cuda:N" or "mps".

    Args:
        wanted: the option `device`; "auto" takes the first GPU, else the CPU.

    Raises:
        EngineUnusable: the device is not there.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda:0" if gpus else "mps" if mps else "cpu"
    if wanted == "mps" and not mps:
        raise EngineUnusable(
            f"device=mps: torch {torch.__version__} sees no Metal GPU here; take device=auto"
        )
    if wanted.startswith("cuda"):
        number = int(wanted.partition(":")[2] or 0)
        if not gpus:
            raise EngineUnusable(
                f"device={wanted}: torch {torch.__version__} sees no CUDA GPU; install the driver "
                "and a torch that is built for it (pytorch.org), or take device=cpu"
            )
        if number >= gpus:
            seen = ", ".join(f"cuda:{i}" for i in range(gpus))
            raise EngineUnusable(f"device={wanted}: this machine has only {seen}")
        return f"cuda:{number}"
    return wanted


def choose_dtype(wanted: Dtype, device: str, family: Family) -> torch.dtype:
    """What numbers to compute with.

    "auto" is float32 on a CPU, and on a GPU bfloat16; only U-Nets, which were trained so, take
    float16 where bfloat16 is slow (CUDA before Ampere, Metal). Transformers overflow in float16.

    Raises:
        EngineUnusable: the device does not compute with them.
    """
    kind = torch.device(device).type
    if wanted == "float16" and kind == "cpu":
        raise EngineUnusable(
            "dtype=float16 is not for a CPU: take dtype=float32, or bfloat16 in half the memory"
        )
    if wanted != "auto":
        return {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "float16": torch.float16,
        }[wanted]
    if kind == "cpu":
        return torch.float32
    slow = kind == "mps" or torch.cuda.get_device_capability(device) < _BFLOAT16_SINCE
    return torch.float16 if slow and family.network == "unet" else torch.bfloat16
