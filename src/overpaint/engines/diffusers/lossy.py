"""What makes a pipeline faster or smaller and changes pixels: only where an option asks for it.

`Options.lossy` names what is on, so that it is told with each result.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import torch

from overpaint.engines.diffusers.family import Family
from overpaint.engines.diffusers.options import Options

#: Families whose pipelines ask the network for both halves of guidance at once, by their embedding;
#: the first of them put the words' half second, Z-Image puts it first. The others ask twice.
_WORDS_LAST = ("clip", "sdxl", "sd3", "kandinsky")
_WORDS_FIRST = ("zimage",)


def before_compiling(pipe: Any, network: Any, vae: Any, options: Options) -> list[str]:
    """Apply `tiling`, `fp8` and `block_cache`; returns notes on what has no effect.

    Args:
        pipe: the pipeline whose loop asks the network.
        network: its U-Net or transformer.
        vae: its picture coder.
        options: of the checkpoint.
    """
    notes: list[str] = []
    if options.tiling:
        notes += tile(vae)
    if options.fp8:
        store_in_8_bits(network)
    if options.block_cache > 0:
        notes += cache_blocks(pipe, network, options)
    if options.compile and not can_compile(options):
        notes.append("nothing is compiled with fp8 or block_cache, which work between the layers")
    return notes


def can_compile(options: Options) -> bool:
    """Whether networks can be compiled as wholes: some options change what is between layers."""
    return not options.fp8 and options.block_cache <= 0


def after_compiling(pipe: Any, network: Any, family: Family, options: Options) -> list[str]:
    """Apply `guidance_until`, which is around the network whatever that is made of."""
    if options.guidance_until >= 1:
        return []
    if family.guidance_kind in ("distilled", "none"):
        return [f"guidance_until has no effect: {family.title} is not guided by a second pass"]
    if family.name == "other":
        return [f"guidance_until has no effect: nobody knows how {family.title} is guided"]
    guide_until(pipe, network, family.embedding, options.guidance_until)
    return []


def tile(vae: Any) -> list[str]:
    """Encode and decode in tiles, whose seams are blended: less memory for large pictures."""
    try:
        vae.enable_tiling()
    except (AttributeError, NotImplementedError):
        return [f"tiling has no effect: {type(vae).__name__} knows none"]
    return []


def store_in_8_bits(network: Any) -> None:
    """Keep the weights in float8 (e4m3), and widen each layer's when it is asked.

    Half the memory of bfloat16; no faster, since the multiplications stay what they were.
    """
    network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype)


def cache_blocks(pipe: Any, network: Any, options: Options) -> list[str]:
    """Skip a transformer's blocks after the first while that one's result hardly changes.

    First Block Cache, as in ParaAttention. Whether it changed is asked of the whole batch, so a
    job's pixels depend on what is painted with it.
    """
    if not hasattr(network, "enable_cache"):
        return [f"block_cache has no effect: diffusers caches none of {type(network).__name__}"]
    hooks = importlib.import_module("diffusers.hooks")
    network.enable_cache(hooks.FirstBlockCacheConfig(threshold=options.block_cache))
    plain = network.forward
    count = _Count(pipe)

    def forward(*args: Any, **kwargs: Any) -> Any:
        new, _, ask = count.next()
        if new:
            network._reset_stateful_cache()
        with network.cache_context(f"pass {ask}"):  # the pass without words has its own
            return plain(*args, **kwargs)

    network.forward = functools.update_wrapper(forward, plain)
    return []


class _Count:
    """Where a pipeline's own loop stands, seen from its network.

    A new run is known by the scheduler's list of times, which each run makes anew; a new step by
    the time that the pipeline keeps for it, where it does, and else each call is one.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._times: object = None
        self._time: object = None
        self.step = self.ask = 0

    def next(self) -> tuple[bool, int, int]:
        """Whether this call is a run's first; its step, 0 on; which pass of that step, 0 on."""
        times = self._pipe.scheduler.timesteps
        time = getattr(self._pipe, "_current_timestep", None)
        new = times is not self._times
        if new:
            self.step = self.ask = 0
        elif time is not None and time is self._time:
            self.ask += 1
        else:
            self.step, self.ask = self.step + 1, 0
        self._times, self._time = times, time
        return new, self.step, self.ask

    @property
    def steps(self) -> int:
        """How many steps this run has."""
        own = getattr(self._pipe, "_num_timesteps", None)
        return int(own or len(self._pipe.scheduler.timesteps))


def guide_until(pipe: Any, network: Any, embedding: str, share: float) -> None:
    """Ask the network for the pass without words in the first `share` of the steps alone.

    After that both halves are given what the pass with words says, so that guidance, whatever its
    formula and strength, gives just this. Half the work of those steps is saved. (Limited
    guidance: Kynkaanniemi et al. 2024, arXiv:2404.07724.)
    """
    plain = network.forward
    count = _Count(pipe)
    together = embedding in _WORDS_LAST or embedding in _WORDS_FIRST
    said: list[Any] = []

    def forward(*args: Any, **kwargs: Any) -> Any:
        _, step, ask = count.next()
        if step < math.ceil(share * count.steps) or not _guided(pipe):
            said.clear()
            return plain(*args, **kwargs)
        if together:
            half = _last_half if embedding in _WORDS_LAST else _first_half
            states: Any = args[0] if args else kwargs.get("sample", kwargs.get("hidden_states"))
            rows = len(states)
            args, kwargs = _cut((args, kwargs), rows, half)
            return _twice(plain(*args, **kwargs))
        if ask == 0 or not said:
            said[:] = [plain(*args, **kwargs)]
        return said[0]

    network.forward = functools.update_wrapper(forward, plain)


def _guided(pipe: Any) -> bool:
    return bool(getattr(pipe, "do_classifier_free_guidance", True))


Half = Callable[[Any], Any]


def _last_half(rows: Any) -> Any:
    return rows[len(rows) // 2 :]


def _first_half(rows: Any) -> Any:
    return rows[: len(rows) // 2]


def _cut(value: Any, rows: int, half: Half) -> Any:
    """Everything in it that has so many rows, with half of them."""
    if isinstance(value, torch.Tensor):
        return half(value) if value.ndim and len(value) == rows else value
    if isinstance(value, dict):
        return {name: _cut(one, rows, half) for name, one in value.items()}
    if isinstance(value, tuple):  # of arguments
        return tuple(_cut(one, rows, half) for one in value)
    if isinstance(value, list) and len(value) == rows:  # Z-Image's rows, which differ in length
        return half(value)
    return value


def _twice(result: Any) -> Any:
    """A network's result with each row given twice, as both halves."""
    if isinstance(result, tuple):  # what networks of diffusers give without return_dict
        return (_doubled(result[0]), *result[1:])
    result.sample = _doubled(result.sample)
    return result


def _doubled(rows: Any) -> Any:
    return [*rows, *rows] if isinstance(rows, list) else torch.cat([rows, rows])
