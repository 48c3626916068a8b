"""Loads a checkpoint: its pipeline, ready on a device; every failure says what to do."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from overpaint.engines.diffusers import memory, speed
from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.devices import choose_device, choose_dtype
from overpaint.engines.diffusers.family import Family
from overpaint.engines.diffusers.library import import_library, pipeline_class, quiet
from overpaint.engines.diffusers.lora import fuse_loras
from overpaint.engines.diffusers.options import OPTIONS, Offload, Options, defaults
from overpaint.engines.diffusers.parts import (
    LEFT_OUT,
    lacking_parts,
    load_part,
    own_parts,
    part_bytes,
)
from overpaint.engines.diffusers.schedulers import set_scheduler
from overpaint.errors import EngineUnusable, OverpaintError
from overpaint.values import OnStep, Step

#: Arguments of a pipeline that is loaded without them.
_WITHOUT = {"requires_safety_checker": False, "add_watermarker": False}
_MB = 1 << 20

# Loading changes what the libraries log and warn about, which is the process's.
_loading = threading.Lock()


@dataclass(kw_only=True)
class Loaded:
    """A checkpoint that is ready to paint."""

    pipe: Any  # the pipeline of diffusers
    family: Family
    device: str  # "cpu", "cuda:N", "mps": where it computes
    dtype: torch.dtype
    offload: Offload  # what was chosen
    options: Options
    notes: tuple[str, ...] = ()  # the licence, and what was asked for without effect
    seconds: float = 0.0  # that loading took

    def close(self) -> None:
        """Give its memory back; it cannot paint afterwards."""
        pipe, self.pipe = self.pipe, None
        if pipe is not None:
            memory.release(pipe)


def load(checkpoint: Checkpoint, options: Options, on_step: OnStep | None = None) -> Loaded:
    """Load a checkpoint; the network is asked only for what is missing, with download=1.

    Args:
        checkpoint: as `Checkpoint.open` gives it.
        options: where and how it is to run; LoRAs are added and the scheduler is set.
        on_step: told the steps of a download, "load" steps in MB, then those of `speed.apply`.
            What it raises ends the load and goes up.

    Raises:
        CheckpointMissing: something of it is not there.
        EngineUnusable: it cannot be loaded as the options say, with what to do.
    """
    began = time.monotonic()
    library = import_library()
    checkpoint = checkpoint.whole(options, on_step)
    family = checkpoint.family
    device = choose_device(options.device)
    dtype = choose_dtype(options.dtype, device, family)
    sizes = part_bytes(checkpoint, dtype.itemsize)
    work = memory.work_bytes(family.side, dtype.itemsize)
    offload = memory.choose_offload(options.offload, sizes, work, device)
    failures: list[Exception] = []  # of `on_step`, which pass as they are

    def tell(step: Step) -> None:
        if on_step is not None:
            try:
                on_step(step)
            except Exception as error:
                failures.append(error)
                raise

    with _loading, quiet():
        try:
            pipe, notes = _ready(library, checkpoint, options, dtype, device, offload, tell)
        except Exception as error:
            memory.forget(error)
            memory.free_caches()
            if isinstance(error, OverpaintError) or error in failures:
                raise
            raise EngineUnusable(_explain(error, checkpoint, device)) from error
    return Loaded(
        pipe=pipe,
        family=family,
        device=device,
        dtype=dtype,
        offload=offload,
        options=options,
        notes=(*_told(checkpoint, options), *notes),
        seconds=time.monotonic() - began,
    )


def _ready(
    library: Any,
    checkpoint: Checkpoint,
    options: Options,
    dtype: torch.dtype,
    device: str,
    offload: Offload,
    tell: OnStep,
) -> tuple[Any, tuple[str, ...]]:
    """The pipeline as it is to run, and notes."""
    pipe = _pipeline(library, checkpoint, options, dtype, device, offload, tell)
    fuse_loras(pipe, options.loras, options)
    if options.scheduler is not None:
        set_scheduler(library, pipe, options.scheduler)
    if offload == "none":
        memory.place(pipe, device, offload)
    notes = speed.apply(pipe, checkpoint.family, options, device, tell)
    if offload != "none":  # what comes and goes is hooked last
        memory.place(pipe, device, offload)
    return pipe, notes


def _told(checkpoint: Checkpoint, options: Options) -> Iterator[str]:
    """Notes on a checkpoint: its licence; what was said of it that changes nothing."""
    card, name = checkpoint.card, checkpoint.source.name
    if card.licence:
        yield f"licence of {name}: {card.licence}{f' ({card.link})' if card.link else ''}"
    shared, applicable = defaults(), checkpoint.applicable
    variants = {part.weights.variant for part in checkpoint.parts}
    if "variant" in applicable and options.variant and options.variant not in variants:
        yield f"{name} has no variant {options.variant}; its weights were loaded as they are"
    for option in OPTIONS:
        said = getattr(options, option.field) != getattr(shared, option.field)
        if said and option.name not in applicable and not option.changes_pixels:  # see `lossy`
            yield f"the option {option.name} has no effect on {name}"


def _pipeline(
    library: Any,
    checkpoint: Checkpoint,
    options: Options,
    dtype: torch.dtype,
    device: str,
    offload: Offload,
    tell: OnStep,
) -> Any:
    """The pipeline with all weights; parts that are to stay on the device go there one by one."""
    is_file = checkpoint.path.is_file()
    folder = checkpoint.config if is_file else checkpoint.path
    assert folder is not None
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    kind = library.DiffusionPipeline
    if not isinstance(index["_class_name"], list):  # else its class comes with it: remote_code
        kind = pipeline_class(library, checkpoint.family, checkpoint.class_name)
    given: dict[str, Any] = {
        "torch_dtype": dtype,
        "local_files_only": True,
        **_left_out(kind),
    }
    wanted = lacking_parts(checkpoint, folder) if is_file else own_parts(checkpoint, folder)
    total = sum(weights.bytes for weights in wanted.values())
    total += checkpoint.path.stat().st_size if is_file else 0
    done = 0

    def step() -> None:
        tell(Step(stage="load", done=min(done, total) // _MB, total=max(1, total // _MB)))

    step()
    for name, weights in wanted.items():
        part = load_part(library, index[name], folder / name, weights, options, dtype)
        if part is not None:
            given[name] = part.to(device) if offload == "none" else part
        done += weights.bytes
        step()
    if is_file:
        pipe = kind.from_single_file(str(checkpoint.path), config=str(folder), **given)
    else:
        pipe = kind.from_pretrained(
            str(folder),
            use_safetensors=None if options.pickle else True,
            trust_remote_code=options.remote_code,
            **given,
        )
    done = total
    step()
    _check_whole(pipe, index, checkpoint)
    _mend(pipe, checkpoint.family)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _left_out(kind: Any) -> dict[str, Any]:
    """Arguments that leave out what is not used."""
    known = inspect.signature(kind.__init__).parameters
    optional = getattr(kind, "_optional_components", ())
    parts: dict[str, Any] = {name: None for name in LEFT_OUT if name in optional and name in known}
    return parts | {name: value for name, value in _WITHOUT.items() if name in known}


def _check_whole(pipe: Any, index: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    """The library loads a checkpoint of another family too, without the parts it lacks."""
    lost = [
        name
        for name, part in pipe.components.items()
        if part is None and name not in index and name not in LEFT_OUT
    ]
    if lost:
        raise EngineUnusable(
            f"checkpoint {checkpoint.source.name} has no {', '.join(lost)}, which "
            f"{type(pipe).__name__} needs: it is of another family than it says"
        )


def _mend(pipe: Any, family: Family) -> None:
    """Where the library is at fault, in version 0.42."""
    if family.name == "chroma" and "guidance_embeds" not in pipe.transformer.config:
        pipe.transformer.register_to_config(guidance_embeds=False)  # its __call__ asks for it


def _explain(error: Exception, checkpoint: Checkpoint, device: str) -> str:
    """What the libraries say, without paths of this machine, and what to do."""
    name = checkpoint.source.name
    if memory.is_out_of_memory(error):
        free = memory.free_bytes(device) / memory.GB
        return (
            f"{device} ran out of memory while {name} was loaded, {free:.1f} GB are free: take "
            "offload=auto, dtype=bfloat16 or a smaller checkpoint, or close other programs"
        )
    said = str(error).replace(str(checkpoint.path), name)
    if checkpoint.config is not None:
        said = said.replace(str(checkpoint.config), checkpoint.config.name)
    said = " ".join(said.split())[:400]
    if isinstance(error, ImportError):
        return f"checkpoint {name} needs another package: {said}"
    advice = next((advice for sign, advice in _ADVICE.items() if sign in said), "")
    if advice == _MISFIT and checkpoint.config_source is not None:  # of a single file
        advice = f"does not go with config={checkpoint.config_source.name}; name another"
    if advice:
        return f"checkpoint {name}: {advice} ({said})"
    return f"checkpoint {name} cannot be loaded: {type(error).__name__}: {said}"


_MISFIT = "its weights do not fit its configuration; download it again"
#: What to do, by a part of what the libraries say.
_ADVICE: Mapping[str, str] = {
    "custom code": "it runs code of its own; if you trust it, say ?remote_code=1",
    "Unable to load weights": "a weight file is damaged; download it again",
    "size mismatch": _MISFIT,
    "Cannot load": _MISFIT,
    "no file named": "a file is not there; download it again",
}
