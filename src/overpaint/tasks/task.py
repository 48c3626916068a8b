"""What is stored: tasks with their states, keys with their plans, uploads.

    PENDING ──claim──> RUNNING ──finish──> SUCCEEDED   at least one picture
       │  ^               │  └───finish──> FAILED      none, or three tries ended early
       │  └──lapse, retry─┘  │
       ├──cancel──> CANCELED <──cancel, where that is asked for
       └──dismiss─> FAILED                             the engine that it waits for is not there

A claim raises the task's `fence`; whoever writes with an older one is refused, so a worker that
comes back from the dead cannot overwrite. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from overpaint.values import BlobRef, Box

MAX_TRIES = 3


class State(StrEnum):
    """Where a task stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED})


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a task or one of its pictures failed."""

    kind: str  # name of the class in overpaint.errors, "InternalError" for the unforeseen
    message: str  # for the caller, in words


@dataclass(frozen=True, kw_only=True)
class PictureOutcome:
    """What became of one of the n pictures: a blob, or a failure."""

    seed: int
    blob: BlobRef | None = None
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a running task stands."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """How a running task looks."""

    jpeg: bytes  # of the part that is painted, as it stands; a small picture
    box: Box  # where that lies in the result, px
    serial: int  # grows with each that a claim writes
    fence: int = 0  # of the claim


@dataclass(frozen=True, kw_only=True)
class Task:
    """One order: n pictures from one base, mask and prompt."""

    id: str  # a UUID
    key_id: str  # whose it is
    request_id: str  # of the request that made it
    model: str  # as the caller named it
    engine: str  # as `repaint` takes it, with its options; it may have a local path in it
    n: int  # pictures asked for
    options: Mapping[str, object]  # keyword arguments of `repaint`, JSON values; with the seed
    inputs: Mapping[str, BlobRef]  # "base", "mask", and "reference", "sketch" where given
    created_ms: int
    state: State = State.PENDING
    number: int = 0  # grows with each task that is stored
    started_ms: int | None = None  # of the latest try
    ended_ms: int | None = None
    tries: int = 0
    fence: int = 0
    worker: str = ""
    lease_until_ms: int | None = None
    progress: Progress | None = None
    pictures: tuple[PictureOutcome, ...] = ()
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    painter: str = ""  # the engine that painted ("auto" resolved)
    seconds: Mapping[str, float] = field(default_factory=dict)  # stage -> wall time
    pool: str = ""  # whose workers take it: the engine's that has some of its own, or ordinary ones
    trace: str = ""  # of the submission, as W3C's header traceparent has it


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a key may do. None means without limit."""

    name: str
    images: int | None = None  # successes in all
    days: int | None = None  # from the key's making
    submissions_per_s: int | None = None
    running: int | None = None  # tasks at a time; more wait as PENDING


PLANS: Mapping[str, Plan] = {
    "unlimited": Plan(name="unlimited"),
    "free": Plan(name="free", images=500, days=180, submissions_per_s=2, running=1),
}


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key, without its secret."""

    id: str  # "k" and digits or letters
    name: str
    plan: Plan
    hint: str  # the secret's first and last characters: "sk-ab…yz"
    created_ms: int
    revoked_ms: int | None = None
    used: int = 0  # pictures that succeeded
    reserved: int = 0  # pictures of tasks not yet ended


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which tasks a listing shows; None does not filter."""

    page_no: int = 1
    page_size: int = 10
    from_ms: int | None = None  # created at or after
    until_ms: int | None = None  # created at or before
    model: str | None = None
    state: State | None = None
    task_id: str | None = None
    ended_from_ms: int | None = None  # of those that ended: at or after


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of tasks, newest first."""

    tasks: tuple[Task, ...]
    total: int  # on all pages


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that a caller sent ahead of its task."""

    name: str  # the object's key: "{upload_dir}/{file name}"
    key_id: str
    blob: BlobRef
    created_ms: int
    expires_ms: int


def file_name(task_id: str, index: int, blob_name: str) -> str:
    """What the file of a task's picture is called for who downloads it."""
    return f"{task_id}-{index}.{blob_name.rpartition('.')[2]}"
