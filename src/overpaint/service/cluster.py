"""What the nodes of one database tell each other: their settings, their pools, who is gone."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from overpaint._version import __version__
from overpaint.errors import OverpaintError
from overpaint.service.signing import Signer
from overpaint.settings import Settings, own_concepts
from overpaint.storage.blobs import Blobs
from overpaint.tasks.database import Database
from overpaint.tasks.nodes import NodeRoll
from overpaint.tasks.store import TaskStore

#: What callers would notice where it is not the same on all nodes.
ALIKE = (
    "public_url",
    "models",
    "diffusers",
    "blobs_public_url",
    "result_urls",
    "retention_hours",
    "upload_hours",
    "upload_capacity_mb",
    "max_body_mb",
    "max_pending",
    "lease_seconds",
    "task_seconds",
    "fetch_allow_private",
    "policy",
    "time_zone",
)
WORKERS_GONE_MS = 10 * 60_000  # without a sign of life: struck off by whoever sweeps
_PAUSE_MS = 20_000  # between two times that nodes tidy up, whichever they are
_LEFT_FOR_MS = 24 * 3_600_000
NODES_GONE_MS = 60 * 60_000  # so long a node that was ended may take to be there again


class Cluster:
    """One node's view of all.

    Args:
        settings: of this node.
        database: of all of them.
        tasks: the store.
        nodes: the roll of nodes.
        signer: signs for all nodes alike.
        clock: milliseconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        tasks: TaskStore,
        nodes: NodeRoll,
        signer: Signer,
        clock: Callable[[], int],
    ) -> None:
        self.nodes = nodes
        self._settings, self._tasks, self._signer = settings, tasks, signer
        self._clock, self._database = clock, database
        self._left: dict[str, Any] = {}
        self._swept_ms = self._left_ms = 0
        self._word = ""

    def tell(self, pools: tuple[str, ...]) -> Mapping[str, Any]:
        """What this node tells: no passwords, but what the engines are called in full.

        Args:
            pools: those that its settings have.
        """
        return {
            "version": __version__,
            "workers": self._settings.workers if self._settings.dispatch == "local" else 0,
            "dispatch": self._settings.dispatch,
            "drain_seconds": self._settings.drain_seconds,
            "pools": list(pools),
            "settings": shared_settings(self._settings),
            "signs": self._signer.sign("node", "")[:16],
            "swept_ms": self._swept_ms,
            **self._left,
        }

    def leave(self, blobs: Blobs, word: str = "") -> None:
        """Store something that other nodes can look for, to see whether pictures are shared.

        A bucket may have everything expire that is old: called again, without the word, it does so
        once a day.

        Raises `OperationFailed` where nothing can be stored.
        """
        now, word = self._clock(), word or self._word
        if not word or (word == self._word and 0 <= now - self._left_ms < _LEFT_FOR_MS):
            return
        self._word, self._left_ms = word, now
        ref = blobs.put(f"nodes/{self._settings.node}", word.encode("ascii"))
        self._left = {"probe": asdict(ref)}

    def pools_of_others(self) -> frozenset[str]:
        """The pools that another node has, or had lately, or that a worker takes tasks of."""
        now = self._clock()
        found = {
            pool
            for node in self.nodes.all()
            if node.name != self._settings.node and abs(now - node.seen_ms) <= NODES_GONE_MS
            for pool in node.told.get("pools", ())
        }
        own = self._settings.node
        for worker in self._tasks.workers():
            alive = abs(now - worker.seen_ms) <= self._settings.alive_ms
            if alive and worker.node not in ("", own):
                found.add(worker.pool)
        return frozenset(found)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Tidy up for all nodes; False where another does so at this moment, or has just done."""
        with self._database.alone("tidy up") as ours:
            now = self._clock()
            swept = (one.told.get("swept_ms", 0) for one in self.nodes.all())
            if not ours or any(0 <= now - ms < _PAUSE_MS for ms in swept):
                yield False
                return
            yield True
            self._swept_ms = self._clock()

    def strike_off(self) -> int:
        """Forget what was gone for long: workers of other nodes, and the nodes; how many rows."""
        now, own = self._clock(), self._settings.node
        struck = 0
        for worker in self._tasks.workers():
            if worker.node != own and now - worker.seen_ms > WORKERS_GONE_MS:
                self._tasks.release_worker(worker.id)
                self._tasks.forget_worker(worker.id)
                struck += 1
        for node in self.nodes.all():
            if node.name != own and now - node.seen_ms > NODES_GONE_MS:
                self.nodes.strike(node.name)
                struck += 1
        return struck


def shared_settings(settings: Settings) -> dict[str, str]:
    """The settings that have to be alike on all nodes, as text, without passwords."""
    said = {name: _shown(getattr(settings, name)) for name in ALIKE}
    said["blobs"] = _shown(settings.blobs_at)
    said["policy words"] = _digest_of(settings.policy)
    said["own concepts"] = _concepts()
    if not settings.time_zone:
        said["time_zone"] = f"the system's, {time.strftime('%z')}"
    return said


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{model}={engine}" for model, engine in sorted(value.items()))
    return re.sub(r"//[^/@]*@", "//", str(value))


def _digest_of(policy: str) -> str:
    """What tells the list of a policy's words from another; "" where there is none."""
    kind, _, file = policy.partition(":")
    if kind != "words" or not file:
        return ""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
    except OSError:
        return "cannot be read"


def _concepts() -> str:
    """What tells the concepts that were added on this node from those of another.

    Names and sizes of files: contents are not read each time that a node gives a sign of life.
    """
    try:
        files = [(path.name, path.stat().st_size) for path in own_concepts().glob("*.zip")]
    except (OSError, OverpaintError):
        return "cannot be read"
    told = hashlib.sha256(repr(sorted(files)).encode()).hexdigest()
    return f"{len(files)}, {told[:16]}" if files else "none"
