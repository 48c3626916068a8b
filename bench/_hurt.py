"""The faults of a fault campaign: each method hurts, waits for recovery, and times it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench._callers import Load
from bench._ledger import Caller, Ledger
from bench._server import Server
from bench._wire import Wire, WireError

LONGEST_S = 40.0  # a recovery that takes longer is a violation


class Hurt:
    """Does harm to a server.

    Args:
        probe: the caller whose submissions show that the service is back.
        workers: how many there should be.
        lease_s: of a worker's task.
    """

    def __init__(
        self,
        server: Server,
        ledger: Ledger,
        load: Load,
        probe: Caller,
        *,
        workers: int,
        lease_s: float,
        rng: random.Random,
    ) -> None:
        self.server, self.ledger, self.load, self.probe = server, ledger, load, probe
        self._workers, self._lease_s, self._rng = workers, lease_s, rng
        self._wire = Wire(server.port, probe.secret, timeout_s=20)
        self.seconds: dict[str, list[float]] = defaultdict(list)  # what -> recovery times
        self.stopped_writing = 0  # workers that held the database when they were stopped

    # --- processes ---------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """kill -9 of a worker, with a task in hand where there is one."""
        pid = self._busy("worker")
        held = self._held_by(pid)
        os.kill(pid, signal.SIGKILL)
        begin = time.monotonic()
        if held:
            self._until("kill_worker: its task is in other hands", lambda: self._freed(held), begin)
        self._until("kill_worker: replaced", self._all_workers, begin)

    def kill_engine(self) -> None:
        """kill -9 of the process of an engine, with a batch in hand where there is one."""
        pid = self._busy("engine")
        held = self._held_by(pid)
        os.kill(pid, signal.SIGKILL)
        begin = time.monotonic()
        if held:
            what = "kill_engine: its tasks are in other hands"
            self._until(what, lambda: self._freed(held), begin)
        self._until("kill_engine: replaced", self._has_engine, begin)

    def stop_worker(self) -> None:
        """A worker that sleeps past its lease and comes back from the dead.

        One that sleeps while it writes keeps everybody else from writing, as SQLite is made; the
        supervisor kills it after three minutes. That is no part of this campaign.
        """
        while True:
            pid = self._busy("worker")
            held = self._held_by(pid)
            os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            if self._can_write():
                break
            os.kill(pid, signal.SIGCONT)
            self.stopped_writing += 1
        try:
            if held:
                what = "stop_worker: its task is in other hands"
                self._until(what, lambda: self._freed(held), begin)
            time.sleep(max(0.0, begin + self._lease_s + 1 - time.monotonic()))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def kill_api(self) -> None:
        """kill -9 of the API: its port stays, and who connects waits."""
        os.kill(self._one("api"), signal.SIGKILL)
        self._until("kill_api: answers again", self._healthy)

    def kill_inspection(self) -> None:
        """kill -9 of the process that looks at strangers' pictures: nobody notices."""
        self._until("", lambda: bool(self.server.pids("inspection")) or self._submitted())
        os.kill(self._one("inspection"), signal.SIGKILL)
        self._until("kill_inspection: a submission is taken", self._submitted)

    def kill_supervisor(self) -> None:
        """kill -9 of the parent: the children go with it; then it is started anew."""
        everybody = self.server.pids("any")
        self.server.kill()
        begin = time.monotonic()
        if self._rng.random() < 0.5:  # else it is started at once, beside what is left
            what = "kill_supervisor: children gone"
            self._until(what, lambda: not self._alive(everybody), begin)
        self._start_again("kill_supervisor: ready after the restart")
        self._until("", lambda: not self._alive(everybody), begin)

    def kill_all(self) -> None:
        """kill -9 of everything at once, and again while it starts, as a power cut and another."""
        for again in (True, False):
            self.server.kill_everything()
            if again:
                self.server.start()
                time.sleep(self._rng.uniform(0.2, 2.0))
        self._start_again("kill_all: ready after the restart")

    def _start_again(self, what: str) -> None:
        begin = time.monotonic()
        self.server.restart()
        self.server.wait_ready()
        self.seconds[what].append(time.monotonic() - begin)

    # --- pictures ----------------------------------------------------------------------------

    def corrupt_input(self) -> None:
        """A bit flips in the stored base of a task that waits: the task fails, and says so."""
        workers = self.server.pids("worker")
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            promise = self.load.submit(self._wire, self.probe, self._rng, "paced")
            if promise is None:
                return
            self._flip(self.server.data / "blobs" / "tasks" / promise.id / "base")
            promise.may_end = {"FAILED"}
        finally:
            for pid in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self._until("corrupt_input: failed", lambda: promise.state == "FAILED")

    def corrupt_result(self) -> None:
        """A result's file is damaged, cut or gone: 500 in JSON; put back, it is served again."""
        promise = self.ledger.some_done(self._rng)
        if promise is None:
            return
        with promise.lock:
            index = self._rng.choice(sorted(promise.shas))
            ((stored,),) = self.sql("SELECT pictures FROM tasks WHERE id = ?", promise.id)
            path = self.server.data / "blobs" / json.loads(stored)[index]["blob"]["name"]
            whole = path.read_bytes()
            how = self._rng.choice(("flipped", "cut", "gone"))
            if how == "flipped":
                self._flip(path)
            elif how == "cut":
                path.write_bytes(whole[: len(whole) // 2])
            else:
                path.unlink()
            try:
                url = "/" + promise.results[index]["url"].split("/", 3)[3]
                with Wire(self.server.port) as stranger:
                    answer = stranger.get(url)
            finally:
                path.write_bytes(whole)
            self.ledger.note(f"{how} result", answer, allowed=(500,))
            if answer.status != 500:
                self.ledger.violate(f"{promise.id}: a {how} result: {answer.status}")
        with Wire(self.server.port, promise.caller.secret) as wire:
            self.ledger.look(wire, promise)

    def deadly(self) -> None:
        """A task that takes down every worker that touches it: it fails after three of them."""
        promise = self.load.submit(self._wire, self.probe, self._rng, "deadly")
        if promise is not None:
            self._until("deadly: failed", lambda: promise.state == "FAILED")
            self._until("deadly: all workers back", self._all_workers)

    # --- disk and clock ----------------------------------------------------------------------

    def disk_full(self) -> None:
        """Nothing can be written for some seconds; then there is space again."""
        filler = self.server.data / "filler"
        with self.ledger.excused("disk_full"):
            try:
                self._fill(filler)
                begin = time.monotonic()
                while time.monotonic() - begin < 3:
                    self._submitted()
                    time.sleep(0.2)
                    self._fill(filler)  # what was deleted meanwhile
            finally:
                filler.unlink(missing_ok=True)
            self._until("disk_full: a submission is taken", self._submitted)
            self._until("disk_full: ready", self._ready)

    def clock_jump(self) -> None:
        """An hour forwards or back, and then right again."""
        for offset in (self._rng.choice(("3600", "-3600")), "0"):
            self.server.clock.write_text(offset)
            time.sleep(0.2)  # the processes look at it ten times a second
            promise = self.load.submit(self._wire, self.probe, self._rng, "paced")
            if promise is not None:
                what = f"clock_jump: a task is done at {int(offset):+} s"
                self._until(what, lambda one=promise: bool(one.ended))  # type: ignore[misc]

    # --- how it is seen ----------------------------------------------------------------------

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database, past the service."""
        path = self.server.data / "overpaint.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(statement, values).fetchall()

    def _can_write(self) -> bool:
        """Whether nobody holds the database for as much as a second."""
        path = self.server.data / "overpaint.db"
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            database.execute("ROLLBACK")
        return True

    def _until(self, what: str, done: Callable[[], bool], begin: float | None = None) -> None:
        begin = time.monotonic() if begin is None else begin
        while not done():
            if time.monotonic() - begin > LONGEST_S:
                self.ledger.violate(f"not within {LONGEST_S:.0f} s: {what}")
                return
            time.sleep(0.01)
        if what:
            self.seconds[what].append(time.monotonic() - begin)

    def _one(self, role: str) -> int:
        self._until("", lambda: bool(self.server.pids(role)))
        return self._rng.choice(self.server.pids(role))

    def _busy(self, role: str) -> int:
        """A process of a role that holds a task; any, where none does for two seconds."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            busy = [pid for pid in self.server.pids(role) if self._held_by(pid)]
            if busy:
                return self._rng.choice(busy)
        return self._one(role)

    def _held_by(self, pid: int) -> list[tuple[Any, ...]]:
        return self.sql(
            "SELECT id, fence FROM tasks WHERE state = 'RUNNING'"
            " AND EXISTS (SELECT 1 FROM workers WHERE pid = ?"
            "  AND (id = worker OR substr(worker, 1, length(id) + 1) = id || '.'))",
            pid,
        )

    def _freed(self, held: list[tuple[Any, ...]]) -> bool:
        """Whether these tasks have ended, or are in hands newer than those that held them."""
        return all(
            self.sql(
                "SELECT 1 FROM tasks WHERE id = ?"
                " AND (ended_ms IS NOT NULL OR (state = 'RUNNING' AND fence > ?))",
                *one,
            )
            for one in held
        )

    def _all_workers(self) -> bool:
        on_roll = {pid for (pid,) in self.sql("SELECT pid FROM workers")}
        return len(on_roll & set(self.server.pids("worker"))) >= self._workers

    def _has_engine(self) -> bool:
        on_roll = {pid for (pid,) in self.sql("SELECT pid FROM workers WHERE state = 'ready'")}
        return bool(on_roll & set(self.server.pids("engine")))

    def _alive(self, pids: list[int]) -> bool:
        return bool(set(pids) & set(self.server.pids("any")))

    def _healthy(self) -> bool:
        return self._says_yes("/healthz")

    def _ready(self) -> bool:
        return self._says_yes("/readyz")

    def _says_yes(self, path: str) -> bool:
        with contextlib.suppress(WireError):
            return self._wire.get(path).status == 200
        return False

    def _submitted(self) -> bool:
        return self.load.submit(self._wire, self.probe, self._rng, "paced") is not None

    @staticmethod
    def _flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    @staticmethod
    def _fill(path: Path) -> None:
        """Take all space that is left."""
        with path.open("ab", buffering=0) as file:
            for size in (1 << 24, 1 << 16, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
