"""One try of a task: stored inputs -> repaint -> files. Knows nothing of states and leases."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from overpaint import errors, options, tracing
from overpaint.engines.protocol import Engine
from overpaint.engines.registry import get_engine
from overpaint.errors import (
    BlobDamaged,
    BlobMissing,
    ContentRefused,
    EngineFailed,
    FontMissing,
    InvalidInput,
    OverpaintError,
    Refused,
    UnknownConcept,
)
from overpaint.imaging.color import to_srgb8
from overpaint.imaging.encode import losses
from overpaint.policy import Permissive, Policy
from overpaint.repaint import RepaintResult, repaint
from overpaint.tasks.task import Failure, Task
from overpaint.values import OnStep, Step

logger = logging.getLogger("overpaint.worker")

#: Another try would end the same.
FINAL = (InvalidInput, Refused, FontMissing, BlobDamaged, BlobMissing)
#: The engine that needs no prompt to be understood.
CONTINUING = "erase"
#: What an engine may let out: one that calls sys.exit is no reason for the worker to end.
UNFORESEEN = (Exception, SystemExit)
#: Formats, and what the names of such files end in.
SUFFIXES = {"png": "png", "jpeg": "jpg", "jpg": "jpg", "webp": "webp"}


class LeaseLost(BaseException):
    """The task is another worker's now. No `Exception`: an engine must not take it for its own."""


@dataclass(frozen=True, kw_only=True)
class Painted:
    """What came of a try."""

    files: Mapping[int, bytes | Failure]  # seed -> encoded picture, or why there is none
    notes: tuple[str, ...] = ()
    painter: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def failure(self) -> Failure | None:
        """Why there is no picture of the first seed that has none."""
        return next((file for file in self.files.values() if isinstance(file, Failure)), None)


def paint(task: Task, inputs: Mapping[str, bytes], policy: Policy, *, on_step: OnStep) -> Painted:
    """Paint the task's n pictures: together or, where that fails, each by itself.

    A prompt that names nothing that is known has the background continued, and a note says so:
    callers of this interface expect a picture for every prompt.

    Args:
        task: whose options are keyword arguments of `repaint`, and "format".
        inputs: the bytes of "base", "mask", and "reference", "sketch" where given.
        policy: looks at each result.
        on_step: called as the work goes on.

    Raises:
        InvalidInput, Refused, FontMissing: there is no picture, and no other try would make one.
        Exception: there is no picture, for a reason that may be gone at the next try.
    """
    wanted = dict(task.options)
    format = str(wanted.pop("format", "png"))
    seeds = options.check_seeds(wanted.pop("seed", None), task.n)

    engine = _open(task.engine)

    def attempt(seed: int, n: int, **instead: str) -> Painted:
        given: dict[str, Any] = {**wanted, **inputs, "engine": engine, **instead}
        result = repaint(**given, n=n, seed=seed, on_step=on_step)
        return _encoded(result, format, policy, str(wanted.get("prompt", "")), on_step)

    try:
        return attempt(seeds[0], task.n)
    except UnknownConcept as error:
        done = attempt(seeds[0], task.n, engine=CONTINUING, prompt="")
        note = f"{error}; the background was continued instead"
        return replace(done, notes=(note, *done.notes))
    except (InvalidInput, FontMissing):
        raise
    except UNFORESEEN as error:
        if task.n == 1:
            raise
        report("painting one by one", error, task)

    parts: list[Painted] = []
    failures: dict[int, BaseException] = {}
    for seed in seeds:
        try:
            parts.append(attempt(seed, 1))
        except UNFORESEEN as error:
            report("a picture failed", error, task)
            failures[seed] = error
    if not parts:
        raise next(
            (one for one in failures.values() if not isinstance(one, FINAL)), failures[seeds[0]]
        )
    failed = {seed: failure_of(error) for seed, error in failures.items()}
    return _together(parts, failed, seeds)


def _open(name: str) -> str | Engine:
    """An engine whose name says more, opened: what is wrong with that is not the caller's fault.

    Raises `EngineFailed`.
    """
    if ":" not in name:
        return name
    try:
        return get_engine(name)
    except InvalidInput as error:  # a caller would be told its message, and so the path in it
        raise EngineFailed(f"engine {name} cannot be opened: {error}") from error


def failure_of(error: BaseException) -> Failure:
    """What the caller is told: nothing of our insides, those are in the log."""
    if isinstance(error, InvalidInput | Refused | FontMissing):
        return Failure(kind=_kind(error), message=str(error))
    if isinstance(error, OverpaintError):
        known = getattr(errors, _kind(error))
        return Failure(kind=_kind(error), message=str(known()))
    return Failure(kind="InternalError", message="Something unforeseen ended the painting.")


def report(what: str, error: BaseException, task: Task) -> None:
    """Log an error with its traceback, without the prompt that may be in its message."""
    lines = "".join(traceback.format_exception(error)).rstrip()
    for name in ("prompt", "negative_prompt"):
        text = str(task.options.get(name, ""))
        if len(text) > 1:
            lines = lines.replace(text, f"[{name}]").replace(repr(text)[1:-1], f"[{name}]")
    extra = {**about(task), "error": type(error).__name__, "exception": lines}
    logger.error(what, extra=extra)


def about(task: Task) -> dict[str, object]:
    """What a log line says of a task."""
    said: dict[str, object] = {
        "task_id": task.id,
        "request_id": task.request_id,
        "key_id": task.key_id,
        "worker": task.worker,
        "try": task.tries,
    }
    if trace_id := tracing.trace_id(task.trace):
        said["trace_id"] = trace_id
    return said


def _kind(error: BaseException) -> str:
    """The name of the nearest class of `overpaint.errors`: a plugin may have its own below it."""
    return next(one.__name__ for one in type(error).__mro__ if one.__module__ == errors.__name__)


def _encoded(
    result: RepaintResult, format: str, policy: Policy, prompt: str, on_step: OnStep
) -> Painted:
    """The files; large pictures take seconds each, so each is a step."""
    files: dict[int, bytes | Failure] = {}
    notes = [*result.notes]
    for index, (seed, picture) in enumerate(zip(result.seeds, result.pictures, strict=True)):
        notes += losses(picture, format)
        on_step(Step(stage="encode", done=index, total=len(result.pictures)))
        try:
            if type(policy) is not Permissive:  # the conversion is for its sake alone
                policy.check_picture(to_srgb8(picture.pixels, picture.icc_profile), prompt)
            with tracing.span("encode", format=format):
                files[seed] = result.encode(format, index)
        except ContentRefused as error:
            files[seed] = failure_of(error)
    return Painted(
        files=files,
        notes=tuple(dict.fromkeys(notes)),
        painter=result.engine,
        seconds=result.seconds,
    )


def _together(
    parts: Sequence[Painted], failed: Mapping[int, Failure], seeds: Sequence[int]
) -> Painted:
    """One outcome of several, in the order of the seeds."""
    files = {**failed, **{seed: file for part in parts for seed, file in part.files.items()}}
    stages = dict.fromkeys(stage for part in parts for stage in part.seconds)
    return Painted(
        files={seed: files[seed] for seed in seeds},
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        painter=parts[0].painter,
        seconds={stage: sum(part.seconds.get(stage, 0.0) for part in parts) for stage in stages},
    )
