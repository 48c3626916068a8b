"""What makes a loaded pipeline faster: memory layout, attention, compiled networks, warm-up.

Nothing here changes pixels beyond rounding; what does is in `lossy`, and only where an option asks.
Nothing is set process-wide either: no TF32, no cuDNN benchmarking (it may choose another algorithm
for the same shape, and the same job would give other pixels), no attention backend of other models.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from overpaint.engines.diffusers import lossy
from overpaint.engines.diffusers.family import Family
from overpaint.engines.diffusers.options import Options
from overpaint.errors import EngineUnusable
from overpaint.values import OnStep, Step

#: Attention backends of diffusers that are torch's own, by what torch calls them: a U-Net asks
#: torch alone. `native` and `auto` are torch's choice.
_OF_TORCH = {
    "_native_cudnn": "CUDNN_ATTENTION",
    "_native_efficient": "EFFICIENT_ATTENTION",
    "_native_flash": "FLASH_ATTENTION",
    "_native_math": "MATH",
}
#: The parts of a picture encoder that are networks, each with one picture or state as input.
_CODERS = ("encoder", "decoder")


def apply(
    pipe: Any, family: Family, options: Options, device: Any, on_step: OnStep | None = None
) -> tuple[str, ...]:
    """Make a pipeline that lies on its device fast, in place.

    Args:
        pipe: a pipeline of diffusers, its LoRAs fused, before anything of it is offloaded.
        family: what it is.
        options: `attention`, `compile` and those that change pixels are read.
        device: a torch.device or its name.
        on_step: told "speed" steps.

    Returns:
        Notes for who asked for something that this checkpoint cannot do.

    Raises:
        EngineUnusable: the attention backend is unknown, or not installed.
    """
    tell = on_step or (lambda step: None)
    notes: list[str] = []
    tell(Step(stage="speed", done=0, total=3))
    lay_out(pipe)
    tell(Step(stage="speed", done=1, total=3))
    loop, network = looping(pipe), denoiser(pipe)
    notes += lossy.before_compiling(loop, network, coder(pipe), options)
    if options.compile and lossy.can_compile(options):
        compile_networks(pipe)
    tell(Step(stage="speed", done=2, total=3))
    notes += attend(pipe, options.attention)
    notes += lossy.after_compiling(loop, network, family, options)
    tell(Step(stage="speed", done=3, total=3))
    return tuple(notes)


def looping(pipe: Any) -> Any:
    """The pipeline that asks the denoiser: of Kandinsky's two, the one after the prior."""
    return getattr(pipe, "decoder_pipe", pipe)


def denoiser(pipe: Any) -> Any:
    """The network that takes most of the time: the U-Net or the transformer of a pipeline."""
    inner = looping(pipe)
    for name in ("unet", "transformer"):
        if getattr(inner, name, None) is not None:
            return getattr(inner, name)
    raise EngineUnusable(f"{type(pipe).__name__} has neither a U-Net nor a transformer")


def coder(pipe: Any) -> Any:
    """The picture encoder and decoder of a pipeline."""
    inner = looping(pipe)
    return getattr(inner, "vae", None) or getattr(inner, "movq", None)


def lay_out(pipe: Any) -> None:
    """Lay the weights of convolutions out channels last, as their fastest kernels read them.

    On a CPU in float32 that gains some 7 % (docs/benchmarks.md); pixels change by rounding.
    """
    for network in (denoiser(pipe), coder(pipe)):
        if network is not None and _convolves(network):
            network.to(memory_format=torch.channels_last)


def _convolves(network: Any) -> bool:
    kinds = [type(module) for module in network.modules()]
    return any(issubclass(kind, torch.nn.Conv2d) for kind in kinds) and not any(
        issubclass(kind, torch.nn.Conv3d) for kind in kinds
    )


def attend(pipe: Any, name: str) -> list[str]:
    """Choose what computes the attention of the denoiser, for this pipeline alone.

    Args:
        pipe: a pipeline of diffusers.
        name: "auto", "native", or a value of diffusers' `AttentionBackendName`.

    Raises:
        EngineUnusable: there is no such backend, it is not installed, or a U-Net cannot use it.
    """
    if name in ("auto", "native"):
        return []
    network = denoiser(pipe)
    if any(getattr(m.processor, "_attention_backend", name) is None for m in _attentions(network)):
        _attend_by_diffusers(network, name)
        return []
    if name == "xformers":
        try:
            network.enable_xformers_memory_efficient_attention()
        except (ImportError, ValueError, NotImplementedError) as error:
            raise _cannot_attend(name, error) from error
        return []
    if name not in _OF_TORCH:
        allowed = ", ".join(("auto", "native", *_OF_TORCH, "xformers"))
        raise EngineUnusable(f"attention={name}: a U-Net takes one of {allowed}")
    backend = getattr(torch.nn.attention.SDPBackend, _OF_TORCH[name])
    wrap(network, within(functools.partial(torch.nn.attention.sdpa_kernel, backend)))
    return []


def _attentions(network: Any) -> list[Any]:
    return [m for m in network.modules() if getattr(m, "processor", None) is not None]


def _attend_by_diffusers(network: Any, name: str) -> None:
    """`set_attention_backend`, without its effect on every other model of the process."""
    dispatch = importlib.import_module("diffusers.models.attention_dispatch")
    registry = dispatch._AttentionBackendRegistry
    before = registry._active_backend
    try:
        network.set_attention_backend(name)
    except (RuntimeError, ValueError, ImportError) as error:
        raise _cannot_attend(name, error) from error
    finally:
        registry._active_backend = before


def _cannot_attend(name: str, error: Exception) -> EngineUnusable:
    return EngineUnusable(
        f"attention={name} cannot be used: {error} Install what it needs, or take attention=auto"
    )


Forward = Callable[..., Any]


def wrap(network: Any, around: Callable[[Forward], Forward]) -> None:
    """Put something around a network's forward pass."""
    plain = network.forward
    network.forward = functools.update_wrapper(around(plain), plain)


def within(
    context: Callable[[], AbstractContextManager[object]],
) -> Callable[[Forward], Forward]:
    """What runs a forward pass within a context."""

    def around(plain: Forward) -> Forward:
        def forward(*args: Any, **kwargs: Any) -> Any:
            with context():
                return plain(*args, **kwargs)

        return forward

    return around


class Compiled:
    """A forward pass that is compiled when it is first asked, and plain for good if that fails."""

    def __init__(self, plain: Forward, fellows: list[Compiled]) -> None:
        self._plain = plain
        # One shape is compiled for itself; a second one for any number of rows from then on.
        self._fast: Forward = torch.compile(plain)
        self._fellows = fellows  # compiled alike: where one fails, so would the others
        self.failed = ""  # why

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the plain forward pass gives, to rounding."""
        if self.failed:
            return self._plain(*args, **kwargs)
        try:
            return self._fast(*args, **kwargs)
        except torch._dynamo.exc.TorchDynamoException as error:
            inner = getattr(error, "inner_exception", None)
            if isinstance(inner, (torch.OutOfMemoryError, MemoryError)):
                raise inner from None
            lines = [line.strip() for line in str(inner or error).splitlines() if line.strip()]
            why = f"{type(inner or error).__name__}: {lines[0] if lines else ''}"[:200]
            for one in (self, *self._fellows):
                one.failed = why
        return self._plain(*args, **kwargs)


def compile_networks(pipe: Any) -> None:
    """Let the denoiser and the picture coder be compiled when they are first asked.

    A transformer's repeated blocks are compiled one for all, which takes far less time than the
    whole (`_repeated_blocks` of diffusers); a U-Net whole, since its convolutions are most of it.
    """
    network = denoiser(pipe)
    if compiled(pipe):
        return
    repeated = getattr(network, "_repeated_blocks", None) or ()
    blocks = [m for m in network.modules() if type(m).__name__ in repeated]
    if not blocks or _convolves(network):
        blocks = [network]
    parts = [getattr(coder(pipe), name, None) for name in _CODERS]
    for group in (blocks, [part for part in parts if part is not None]):
        fellows: list[Compiled] = []
        for module in group:
            fellows.append(Compiled(module.forward, fellows))
            module.forward = functools.update_wrapper(fellows[-1], module.forward)


def compiled(pipe: Any) -> list[Compiled]:
    """The compiled forward passes of a pipeline; empty where nothing was to be compiled."""
    networks = [network for network in (denoiser(pipe), coder(pipe)) if network is not None]
    forwards = [module.forward for network in networks for module in network.modules()]
    return [one for one in map(_innermost, forwards) if one is not None]


def _innermost(forward: Any) -> Compiled | None:
    while forward is not None and not isinstance(forward, Compiled):
        forward = getattr(forward, "__wrapped__", None)
    return forward


def batch_sizes(batch: int) -> tuple[int, ...]:
    """How many rows to warm up for: 1, 2, 4, ... and `batch`, at most which are painted at once."""
    sizes = {1 << power for power in range(batch.bit_length()) if 1 << power < batch}
    return (*sorted(sizes), batch)


def warm_up(
    pipe: Any,
    options: Options,
    device: Any,
    paint: Callable[[int], object],
    batch: int,
    on_step: OnStep | None = None,
) -> tuple[str, ...]:
    """Compile, choose kernels and take memory before the first caller waits for it.

    With compile=auto a pipeline on a CUDA device is compiled here, and only here: who paints one
    picture and ends would wait longer for the compiler than for the picture.

    Args:
        pipe: what `apply` was given.
        options: of the checkpoint.
        device: a torch.device or its name.
        paint: paints so many rows, of whatever; called in this thread.
        batch: how many rows are painted at once at most.
        on_step: told "warm up" steps, one a size.

    Returns:
        A note where compiling failed; the pipeline then runs as it is.
    """
    on_gpu = torch.device(device).type == "cuda"
    if options.compile is None and on_gpu and lossy.can_compile(options):
        compile_networks(pipe)
    sizes: Sequence[int] = batch_sizes(batch) if compiled(pipe) else sorted({1, batch})
    for done, rows in enumerate(sizes):
        if on_step is not None:
            on_step(Step(stage="warm up", done=done, total=len(sizes)))
        paint(rows)
    if on_step is not None:
        on_step(Step(stage="warm up", done=len(sizes), total=len(sizes)))
    return compiling_failed(pipe)


def compiling_failed(pipe: Any) -> tuple[str, ...]:
    """A note for each way in which compiling failed."""
    reasons = dict.fromkeys(one.failed for one in compiled(pipe) if one.failed)
    return tuple(
        f"compiling failed, and the network runs uncompiled ({reason}); say compile=0 to leave it"
        for reason in reasons
    )
