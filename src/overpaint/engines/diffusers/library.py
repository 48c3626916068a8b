"""The packages diffusers and transformers: the one place where they are imported.

They have no types; what they make is `Any` from here on.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from overpaint.engines.diffusers.family import FAMILIES, Family
from overpaint.engines.diffusers.hub import INSTALL
from overpaint.errors import EngineUnusable

#: The oldest diffusers that imports nothing a checkpoint merely names.
OLDEST = (0, 42)


def import_library() -> Any:
    """The package diffusers.

    Raises:
        EngineUnusable: it, or what it needs, is not installed, is too old, or cannot be imported.
    """
    try:
        for name in ("transformers", "accelerate", "diffusers"):
            importlib.import_module(name)
        library: Any = importlib.import_module("diffusers")
        version = library.__version__
        if tuple(map(int, version.split(".")[:2])) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise EngineUnusable(f"diffusers {version} is older than {oldest}: {INSTALL} --upgrade")
        library.DiffusionPipeline  # noqa: B018  its modules are imported when they are first named
    except ModuleNotFoundError as error:
        raise EngineUnusable(f"checkpoints need {error.name}: {INSTALL}") from error
    except (ImportError, RuntimeError) as error:
        said = _first_line(error)
        if "torchvision" in str(error):
            said = (
                "torchvision is made for another torch; install the one that goes with torch "
                f"{torch.__version__}, or uninstall it ({said})"
            )
        raise EngineUnusable(f"diffusers cannot be imported: {said}") from error
    return library


def _first_line(error: BaseException) -> str:
    """What an import failed of: diffusers wraps it, and points to a traceback that is not seen."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().partition("\n")[0] or type(error).__name__


def pipeline_class(library: Any, family: Family, class_name: str) -> Any:
    """The class that inpaints with a checkpoint.

    That of our table; for a family that is not in it the checkpoint's own class, if it takes a
    mask, and else what the library's AutoPipelineForInpainting would take.

    Args:
        library: the package diffusers.
        family: as `Checkpoint` has it.
        class_name: of model_index.json.

    Raises:
        EngineUnusable: nothing inpaints with it.
    """
    if family.name in FAMILIES:
        return getattr(importlib.import_module(family.module), family.pipeline)
    own = getattr(library, class_name, None)
    if own is not None and "mask_image" in inspect.signature(own.__call__).parameters:
        return own
    auto = importlib.import_module("diffusers.pipelines.auto_pipeline")
    found = auto._get_task_class(
        auto.AUTO_INPAINT_PIPELINES_MAPPING, class_name, throw_error_if_not_exist=False
    )
    if found is None:
        raise EngineUnusable(f"diffusers {library.__version__} has no {class_name} that inpaints")
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """As `hushed`, and without what the libraries deprecate; warnings are the whole process's."""
    with warnings.catch_warnings(), hushed():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def hushed() -> Iterator[None]:
    """Without the libraries' bars and advice to their own programmers; ours is said in notes."""
    names = ("diffusers", "transformers")
    logs = [importlib.import_module(name).utils.logging for name in names]
    before = [(log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    for log in logs:
        log.set_verbosity(log.CRITICAL)
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, (verbosity, bars) in zip(logs, before, strict=True):
            log.set_verbosity(verbosity)
            if bars:
                log.enable_progress_bar()
