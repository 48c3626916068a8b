"""What the doors call: submit, get, cancel, list, files, uploads, keys; and the sweep."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from overpaint import tracing
from overpaint.engines.diffusers.options import defaults as checkpoint_defaults
from overpaint.engines.registry import engine_names, get_engine, is_family, known_names
from overpaint.errors import (
    InvalidKey,
    InvalidOption,
    OverpaintError,
    StoreFailed,
    UnknownModel,
    UnknownTask,
)
from overpaint.inspection import Inspection
from overpaint.policy import open_policy
from overpaint.service.catalog import Catalog
from overpaint.service.cluster import Cluster
from overpaint.service.pools import Pools
from overpaint.service.results import Results
from overpaint.service.signing import Signer
from overpaint.service.submission import Submission, checked_options, inputs_of
from overpaint.service.sweeping import Sweeper, Swept, discard
from overpaint.service.uploading import Uploads
from overpaint.settings import Settings
from overpaint.storage.measured import MeasuredBlobs
from overpaint.storage.opening import open_blobs
from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.nodes import NodeRoll
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Key, Listing, Query, Task
from overpaint.tasks.timing import time_transactions
from overpaint.tasks.uploads import UploadStore
from overpaint.tasks.watching import Seen
from overpaint.values import BlobRef

SESSION_DAYS = 30
LEAST_FREE_BYTES = 100 * 1024**2
_DAY_MS = 86_400_000


class Service:
    """One data folder's service. Every method may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        migrate: bool = False,
        clock: Callable[[], int] | None = None,
    ) -> None:
        _check_models(settings)
        folder = settings.data_dir
        self.settings = settings
        self._database = open_database(settings.database_url, migrate=migrate)
        #: Milliseconds since 1970, by the clock of all who use the database.
        self.clock = self._clock = clock = clock or self._database.now_ms
        self._signer = Signer.open(self._database, folder / "secret")
        self.tasks = TaskStore(self._database, clock=clock, node=settings.node)
        nodes = NodeRoll(self._database, clock)
        self.cluster = Cluster(settings, self._database, self.tasks, nodes, self._signer, clock)
        self.pools = Pools(settings, self.tasks, clock)
        self.keys = KeyStore(self._database, clock=clock)
        self.blobs = MeasuredBlobs(open_blobs(settings.blobs_at))
        self.results = Results(self.tasks, self.blobs, self._signer, clock)
        uploads = UploadStore(self._database, clock=clock)
        self.uploads = Uploads(uploads, self.blobs, self._signer, settings, clock)
        self._sweeper = Sweeper(self.tasks, self.uploads, self.blobs, settings, clock)
        self.policy = open_policy(settings.policy)
        self.inspection = Inspection()
        self.conversion = Inspection()  # apart, so that no order waits for downloads
        self.catalog = Catalog(settings.models)

    @classmethod
    def open(cls, settings: Settings, *, migrate: bool = False) -> Service:
        """Open the data folder; `migrate` makes it, or brings it to this version, first.

        Raises `StoreFailed` where the database cannot be used, `InvalidOption` for a setting.
        """
        return cls(settings, migrate=migrate)

    def warm(self) -> None:
        """Begin what the first requests would wait for."""
        self.inspection.warm()
        self.catalog.warm()

    def close(self) -> None:
        """End the inspection's processes and the connections."""
        self.inspection.close()
        self.conversion.close()
        self._database.dispose()

    def on_store(self, heard: Callable[[str, str, float, bool], None]) -> None:
        """Tell how the stores do by which this process is served.

        Args:
            heard: called with "database" or "blobs", what was asked of it, how many seconds it
                took, and whether it failed; by any thread.
        """
        self.blobs.listeners.append(partial(heard, "blobs"))
        time_transactions(self._database, partial(heard, "database", "transaction"))

    def authenticate(self, secret: str) -> Key:
        """The key of a secret; raises `InvalidKey`."""
        key = self.keys.find(secret)
        if key is None:
            raise InvalidKey
        return key

    def engine_of(self, model: str) -> str:
        """The engine that paints for a model's name; raises `UnknownModel`."""
        engine = self.settings.models.get(model)
        if engine is None:
            raise UnknownModel("model", "must be a model of this server", repr(model))
        return engine

    def admit(self, key: Key) -> None:
        """Let one more submission in, before its inputs are fetched.

        Raises `RateLimited` or `QuotaExhausted`.
        """
        self.keys.admit(key)

    def submit(self, key: Key, submission: Submission) -> Task:
        """Check an order, store its inputs, put it into the queue.

        Raises:
            InvalidInput: something the caller can mend; names field, limit and value.
            Refused: the key, its quota, its queue or the policy does not allow it.
            OperationFailed: it could not be stored; nothing of it is kept, unless the database was
                lost in the midst of it: then the task may be there, once and with its inputs.
        """
        with tracing.span("submit", key_id=key.id, model=submission.model):
            return self._submit(key, submission)

    def _submit(self, key: Key, submission: Submission) -> Task:
        engine = self.engine_of(submission.model)
        with tracing.span("check"):
            n, options = checked_options(submission)
            for text in (options["prompt"], options["negative_prompt"]):
                self.policy.check_prompt(text)
        with tracing.span("inspect"):
            seen = self.inspection.inspect(inputs_of(submission, options))
        pictures = {
            "base": submission.base,
            "mask": seen.mask or submission.mask,
            "reference": submission.reference,
            "sketch": submission.sketch,
        }
        task_id = str(uuid.uuid4())
        folder = f"tasks/{task_id}"
        try:
            with tracing.span("put", task_id=task_id):
                inputs: dict[str, BlobRef] = {
                    name: self.blobs.put(f"{folder}/{name}", data)
                    for name, data in pictures.items()
                    if data is not None
                }
            task = Task(
                id=task_id,
                key_id=key.id,
                request_id=submission.request_id,
                model=submission.model,
                engine=engine,
                pool=self.pools.of(engine),
                n=n,
                options=options,
                inputs=inputs,
                notes=submission.notes,
                created_ms=self._clock(),
                trace=tracing.current(),
            )
        except BaseException:
            discard(self.blobs, folder)
            raise
        with tracing.span("insert", task_id=task_id):
            return self._insert(task, folder)

    def _insert(self, task: Task, folder: str) -> Task:
        try:
            return self.tasks.insert(task, max_pending=self.settings.max_pending)
        except StoreFailed:
            # It may be there, or come to be there: the connection can be lost after the database
            # was told to. Then it needs its inputs; if not, a later sweep removes them.
            with suppress(StoreFailed):
                if (stored := self.tasks.get(task.id)) is not None:
                    return stored
            raise
        except BaseException:
            discard(self.blobs, folder)
            raise

    def get(self, key: Key, task_id: str) -> Task | None:
        """A task of this key; None where it is unknown, another key's or expired."""
        task = self.tasks.get(task_id)
        return task if task is not None and self._shows(key, task) else None

    def look(self, key: Key, ids: Iterable[str]) -> Mapping[str, Seen]:
        """Those of the ids that `get` knows, with their places in the queue and previews."""
        found = self.tasks.look(ids)
        return {one: seen for one, seen in found.items() if self._shows(key, seen.task)}

    def cancel(self, key: Key, task_id: str, *, running: bool = False) -> Task:
        """Take a pending task out of the queue, or with `running` away from its worker.

        Raises `UnknownTask` or `NotPending`.
        """
        if self.get(key, task_id) is None:
            raise UnknownTask
        return self.tasks.cancel(task_id, key.id, running=running)

    def list(self, key: Key, query: Query) -> Listing:
        """One page of a key's tasks, newest first."""
        kept_from = (
            self._clock() - self.settings.retention_ms
        )  # what has expired may not be swept yet
        return self.tasks.list(key.id, replace(query, ended_from_ms=kept_from))

    def sign_file(self, task: Task, index: int) -> str:
        """Path of a result below /api/v1, which needs no key while the task is kept."""
        return self.results.sign(task, index, expires_ms=self._expires_ms(task))

    def direct_url(self, task: Task, index: int) -> str | None:
        """URL of a result in the bucket itself; None where pictures are in a folder."""
        return self.results.direct_url(task, index, expires_ms=self._expires_ms(task))

    def open_file(self, task_id: str, expires: str, signature: str, name: str) -> tuple[bytes, str]:
        """The bytes of a signed path and their media type; raises as `Results.open` does."""
        return self.results.open(task_id, expires, signature, name)

    def new_session(self, key: Key) -> str:
        """A cookie's value that stands for a key, for `SESSION_DAYS`."""
        said = f"{key.id}.{self._clock() + SESSION_DAYS * _DAY_MS}"
        return f"{said}.{self._signer.sign('session', said)}"

    def session(self, cookie: str) -> Key | None:
        """The key that a cookie's value stands for, unless it expired or was revoked."""
        said, _, signature = cookie.rpartition(".")
        if not self._signer.holds("session", said, signature):
            return None
        key_id, _, expires_ms = said.rpartition(".")
        key = self.keys.get(key_id) if int(expires_ms) >= self._clock() else None
        return None if key is None or key.revoked_ms is not None else key

    def ready(self) -> dict[str, str]:
        """What is wrong, by name; empty when tasks are taken and painted."""
        try:
            problem = self.pools.problem()
        except OverpaintError as error:
            return {"database": str(error)}
        problems = {"workers": problem} if problem else {}
        try:
            free = shutil.disk_usage(self.settings.data_dir).free
        except OSError as error:
            problems["storage"] = f"the data folder: {error.strerror or error}"
        else:
            if free < LEAST_FREE_BYTES:
                least = LEAST_FREE_BYTES // 1024**2
                problems["storage"] = f"less than {least} MB are free for pictures and tasks"
        return problems

    def sweep(self) -> Swept:
        """Remove tasks and uploads whose time is over, and blobs that no row names."""
        return self._sweeper.sweep()

    def _shows(self, key: Key, task: Task) -> bool:
        """Whether a key is told of a task: its own ones, until they expire."""
        return task.key_id == key.id and self._expires_ms(task) >= self._clock()

    def _expires_ms(self, task: Task) -> int:
        """When a task is forgotten; one that has not ended never is."""
        ended = self._clock() if task.ended_ms is None else task.ended_ms
        return ended + self.settings.retention_ms


def _check_models(settings: Settings) -> None:
    checkpoint_defaults()  # raises for a setting that no checkpoint could be opened with
    known = {"auto", *engine_names()}
    for model, engine in settings.models.items():
        if is_family(engine):
            _check_family(model, engine)
        elif engine not in known:
            limit = f"must map {model} to one of {known_names()}"
            raise InvalidOption("models", limit, repr(engine))


def _check_family(model: str, engine: str) -> None:
    """Let the family look at what it is to paint with; that loads nothing large."""
    try:
        get_engine(engine)
    except OverpaintError as error:
        limit = f"must map {model} to an engine that can be used ({error})"
        raise InvalidOption("models", limit, repr(engine)) from error
