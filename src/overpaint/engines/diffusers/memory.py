"""Memory of a device: what is free and needed, what to do when it ran out, giving it back."""

from __future__ import annotations

import ctypes
import gc
import importlib
import time
import traceback
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import torch

from overpaint.engines.diffusers.options import Offload
from overpaint.errors import EngineFailed, EngineUnusable

#: What PyTorch and the libraries below it say when memory ran out, where they have no class for it.
_SAYINGS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "defaultcpuallocator",
    "alloc_failed",
    "bad_alloc",
)
#: After so long a batch that once was too large is tried again, s.
RETRY_S = 600.0
#: Bytes that the widest layers of an autoencoder hold at once, a pixel and byte of a number: about
#: six activations of 128 channels.
_WORK = 6 * 128
GB = 1e9

T = TypeVar("T")
R = TypeVar("R")


def free_bytes(device: str) -> int:
    """How many bytes may still be taken on "cpu", "cuda:N" or "mps"; unused caches count as free.

    On the CPU it is what the machine or, where it is less, the container (cgroup 2) has left.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    if kind == "mps":
        taken = torch.mps.driver_allocated_memory()
        return max(0, int(torch.mps.recommended_max_memory() - taken))
    psutil: Any = importlib.import_module("psutil")  # which comes with accelerate
    available = int(psutil.virtual_memory().available)
    left = _left_of_container(Path("/sys/fs/cgroup"))
    return available if left is None else min(available, left)


def work_bytes(side: int, itemsize: int, rows: int = 1) -> int:
    """About what painting takes beside the weights: the autoencoder's widest layers.

    Args:
        side: of the square that is painted, px.
        itemsize: bytes of a number.
        rows: how many pictures at once.
    """
    return side * side * _WORK * itemsize * rows


def choose_offload(
    wanted: Offload, parts: Mapping[str, int], work: int, device: str, free: int | None = None
) -> Offload:
    """Say which part of the weights is to wait in main memory.

    Args:
        wanted: "auto" takes the fastest that fits; everything else is checked and kept.
        parts: bytes of weights of each part, as they will be computed with.
        work: bytes for painting, beside the weights.
        device: "cpu", "cuda:N" or "mps".
        free: bytes there; None asks the device.

    Raises:
        EngineFailed: it cannot fit, or the CPU was told to offload.
    """
    on_cpu = torch.device(device).type == "cpu"
    if on_cpu and wanted not in ("auto", "none"):
        raise EngineUnusable(
            f"offload={wanted} needs a GPU to move the weights to; on {device} leave it out"
        )
    free = free_bytes(device) if free is None else free
    total, largest = sum(parts.values()), max(parts.values(), default=0)
    chosen: Offload = wanted
    if on_cpu:
        chosen = "none"
    elif wanted == "auto":
        chosen = "sequential"
        if total + work <= free:
            chosen = "none"
        elif largest + work <= free:
            chosen = "model"
    needed = {"none": total, "model": largest}.get(chosen, 0)
    if needed > free:
        raise EngineUnusable(_too_little(needed, free, device, chosen))
    if chosen != "none":
        main = free_bytes("cpu")
        if total > main:
            raise EngineUnusable(
                f"with offload={chosen} the weights wait in main memory: they need "
                f"{total / GB:.1f} GB, and {main / GB:.1f} GB are free; "
                "close other programs or take a smaller checkpoint"
            )
    return chosen


def place(pipe: Any, device: str, offload: Offload) -> None:
    """Move a pipeline's weights to the device, or have them come and go.

    The pixels stay the same: only where the weights wait changes.

    Raises:
        EngineFailed: this pipeline cannot be offloaded so.
    """
    try:
        if offload == "model":
            pipe.enable_model_cpu_offload(device=device)
        elif offload == "sequential":
            pipe.remove_all_hooks()  # else Kandinsky's pipeline goes back to "model" after a call
            pipe.enable_sequential_cpu_offload(device=device)
        elif offload == "group":
            streams = torch.device(device).type == "cuda"
            pipe.enable_group_offload(
                onload_device=torch.device(device), offload_type="leaf_level", use_stream=streams
            )
        else:
            pipe.to(device)
    except (ValueError, NotImplementedError, ImportError, AttributeError) as error:
        kind = type(pipe).__name__
        raise EngineUnusable(f"{kind} does not go with offload={offload}: {error}") from error


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that memory ran out, on whatever device."""
    if error is None:
        return False
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    if isinstance(error, RuntimeError):
        said = str(error).lower()
        if any(saying in said for saying in _SAYINGS):
            return True
    return is_out_of_memory(error.__cause__)


def forget(error: BaseException | None) -> None:
    """Let go of the tensors in the frames that an error and its causes passed through."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def free_caches() -> None:
    """Collect what nobody holds; give what PyTorch and the C library keep for later back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def release(pipe: Any) -> None:
    """Take a pipeline apart, so that its weights are freed whoever still holds the pipeline.

    It cannot be used afterwards.
    """
    parts = _parts(pipe)
    if hasattr(pipe, "remove_all_hooks"):
        pipe.remove_all_hooks()
    for name in list(vars(pipe)):
        delattr(pipe, name)
    for part in parts:
        part.to("meta")  # who still holds a part holds no weights
    parts.clear()
    free_caches()


class Ladder:
    """What a batch falls back to when memory runs out, one rung after the other.

    1. The autoencoder takes the pictures one by one (`enable_slicing`): rounding alone changes.
    2. Half as many pictures at once, down to one: rounding alone changes. The number is kept a
       bucket, and tried higher again after `RETRY_S`.
    3. Weights wait in main memory, if it holds them (offload: model, then sequential): the pixels
       stay the same.
    4. `EngineFailed`.

    Decoding in tiles would change pixels and is no rung; the option `tiling` is for that.
    """

    def __init__(
        self,
        pipe: Any,
        device: str,
        offload: Offload = "none",
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipe, self._device, self._now = pipe, device, now
        self.offload = offload
        self.taken: list[str] = []  # the rungs, in words
        self._caps: dict[Hashable, tuple[int, float]] = {}  # bucket -> rows at most, since when
        self._sliced = False

    def limit(self, bucket: Hashable, wanted: int) -> int:
        """How many rows of this bucket may be painted at once, at most `wanted`."""
        cap, since = self._caps.get(bucket, (wanted, 0.0))
        if cap < wanted and self._now() - since >= RETRY_S:
            del self._caps[bucket]
            return wanted
        return min(cap, wanted)

    def run(
        self, bucket: Hashable, rows: Sequence[T], paint: Callable[[Sequence[T]], Sequence[R]]
    ) -> list[R]:
        """Paint rows, as many at once as memory allows.

        Args:
            bucket: what the rows have in common; how many fit is kept for it.
            rows: what is to be painted, at least one.
            paint: paints some of them, one result a row in order; called again for rows at which
                it ran out of memory, so it must begin anew each time.

        Returns:
            One result a row, in order.

        Raises:
            EngineFailed: not even one row fits. Other errors of `paint` pass through.
        """
        painted: list[R] = []
        while len(painted) < len(rows):
            size = self.limit(bucket, len(rows) - len(painted))
            try:
                painted += paint(rows[len(painted) : len(painted) + size])
                continue
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                forget(error)
                said = str(error).partition("\n")[0]
            free_caches()  # outside the handler, which holds the error and its frames
            self._fall(bucket, size, said)
        return painted

    def _fall(self, bucket: Hashable, size: int, said: str) -> None:
        vae: Any = getattr(self._pipe, "vae", None)
        if size > 1 and not self._sliced and hasattr(vae, "enable_slicing"):
            vae.enable_slicing()
            self._sliced = True
            self.taken.append("the autoencoder takes one picture at a time")
        elif size > 1:
            self._caps[bucket] = (size // 2, self._now())
            self.taken.append(f"{size // 2} at once")
        elif self._device != "cpu" and self._can_wait():
            self.offload = "model" if self.offload == "none" else "sequential"
            place(self._pipe, self._device, self.offload)
            free_caches()
            self.taken.append(f"offload={self.offload}")
        else:
            raise EngineFailed(
                f"{self._device} ran out of memory over one picture, and nothing is left to move "
                f"out of it; {free_bytes(self._device) / GB:.1f} GB are free. Choose a smaller "
                f"side, tiling=1 or a smaller checkpoint, or close other programs ({said})"
            )

    def _can_wait(self) -> bool:
        """Whether more of the weights can wait in main memory: what takes too much is killed."""
        if self.offload != "none":
            return self.offload == "model"
        weights = sum(weight.nbytes for part in _parts(self._pipe) for weight in part.parameters())
        return weights <= free_bytes("cpu")


def _parts(pipe: Any) -> list[torch.nn.Module]:
    return [part for part in vars(pipe).values() if isinstance(part, torch.nn.Module)]


def _too_little(needed: int, free: int, device: str, offload: Offload) -> str:
    advice = {"none": "offload=auto, ", "model": "offload=sequential, "}.get(offload, "")
    if torch.device(device).type == "cpu":
        advice = "dtype=bfloat16, "
    return (
        f"the weights need {needed / GB:.1f} GB of memory on {device}, and {free / GB:.1f} GB are "
        f"free: take {advice}a smaller checkpoint, or close other programs"
    )


def _left_of_container(folder: Path) -> int | None:
    """What the container may still take, bytes; None where nothing limits it.

    See the memory controller in the kernel's Documentation/admin-guide/cgroup-v2.rst.
    """
    try:
        limit = int((folder / "memory.max").read_text())  # "max" is no limit
        taken = int((folder / "memory.current").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, limit - taken + int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None
