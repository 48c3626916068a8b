"""The faults of a campaign over several nodes; each gives the time when it ended, if not now."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench._callers import Load
from bench._cluster import Cluster, Node
from bench._ledger import Caller, Ledger
from bench._watch import Watch
from bench._wire import Wire

#: After a fault of the stores, for what it caught: how long the service may take to answer.
ANSWERS_S = 50.0


class Harm(Watch):
    """Does harm to a cluster.

    Args:
        probe: the caller whose submissions are aimed at.
        quick: hurt for as short as it makes sense.
    """

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        load: Load,
        probe: Caller,
        *,
        workers: int,
        lease_s: float,
        rng: random.Random,
        quick: bool,
    ) -> None:
        super().__init__(cluster, ledger, workers=workers, rng=rng)
        self.load, self.probe = load, probe
        self._lease_s, self._quick = lease_s, quick
        self._wire = Wire(ledger.port, probe.secret, timeout_s=60)
        self.broken = 0  # requests that a rolling restart cut off

    def do(self, fault: str) -> None:
        """Hurt, wait until all is as before, and time it."""
        stores = fault.startswith(("postgresql", "bucket", "commit", "cut", "pause", "ray"))
        grace_s = ANSWERS_S if stores else 0.0
        told = self.ledger.excused(fault, grace_s) if stores else contextlib.nullcontext()
        with told:
            over = getattr(self, fault)() or time.time()
            if fault not in ("kill_node", "ray_kill_machine"):  # which have waited for that
                self.until(f"{fault}: the next task is done", lambda: self.done_since(over), over)
            self.until(f"{fault}: all nodes are ready", self.all_ready, over)

    # --- processes ---------------------------------------------------------------------------

    def kill_worker(self) -> float:
        """kill -9 of a worker, with a task in hand where there is one."""
        return self._kill_busy("kill_worker", "worker")

    def kill_engine(self) -> float:
        """kill -9 of the process of an engine, with a batch in hand where there is one."""
        return self._kill_busy("kill_engine", "engine")

    def kill_api(self) -> float:
        """kill -9 of a node's API: its port stays, and who connects waits."""
        os.kill(self.pid(self.some_node(), "api"), signal.SIGKILL)
        return time.time()

    def kill_node(self) -> float:
        """kill -9 of everything of a node; it is started again when others have its tasks.

        But not where all is to be quick: a start costs more than all else.
        """
        node = self.some_node()
        held = self.held("w.node = %s", node.name)
        node.server.kill_everything()
        begin = time.time()
        self.in_other_hands("kill_node", held, begin)
        self.until("kill_node: the next task is done", lambda: self.done_since(begin), begin)
        if self._quick:
            self.cluster.nodes.remove(node)
        else:
            node.server.restart()
        return time.time()

    def pause_worker(self) -> None:
        """A worker that sleeps past its lease, and comes back from the dead."""
        node = self.some_node()
        pid = self.busy(node, "worker")
        held = self.held("w.pid = %s AND w.node = %s", pid, node.name)
        with self._stopped([pid]):
            self.in_other_hands("pause_worker", held, time.time())
            time.sleep(self._lease_s / 4)

    def pause_node(self) -> None:
        """A machine that stands still for longer than its leases, as one that swaps or migrates."""
        node = self.some_node()
        held = self.held("w.node = %s", node.name)
        with self._stopped(node.server.pids("any")):
            self.in_other_hands("pause_node", held, time.time())
            time.sleep(self._lease_s / 4)

    def rolling_restart(self) -> None:
        """One node after the other is told to end and started anew; no caller may notice."""
        time.sleep(5)  # what the fault before had the balancer leave out is back
        before = self.unanswered()
        for node in self.cluster.nodes:
            node.server.stop()
            node.server.start()
            self.until("rolling_restart: a node is ready again", node.server.is_ready)
            time.sleep(2.5)  # as an operator would: the balancer has seen it, too
        broken = self.unanswered() - before
        self.broken += broken
        if broken:
            self.ledger.violate(f"a rolling restart cut {broken} requests off")

    def clock_jump(self) -> None:
        """A node whose clock is an hour off: leases go by the database's."""
        node = self.some_node()
        node.server.clock.write_text(self.rng.choice(("3600", "-3600")))
        time.sleep(1.0)
        node.server.clock.write_text("0")

    # --- network -----------------------------------------------------------------------------

    def cut_node_short(self) -> None:
        """A node's cable is pulled for half a lease."""
        self._cut(self._lease_s / 2)

    def cut_node_long(self) -> None:
        """A node's cable is pulled for longer than its leases."""
        self._cut(self._lease_s * 1.5)

    def cut_database(self) -> None:
        """A node's way to the database is cut for longer than its leases, and no other."""
        node = self.some_node()
        self._in_mode([node], "database", "hang", self._lease_s * 1.5)

    # --- database ----------------------------------------------------------------------------

    def postgresql_restart(self) -> None:
        """PostgreSQL is restarted, as for an upgrade: sessions are ended."""
        self.cluster.database.stop(signal.SIGINT)
        self._wait(0.2, 2.0)
        self.cluster.start_database()

    def postgresql_kill(self) -> None:
        """kill -9 of PostgreSQL with all its sessions."""
        self.cluster.database.stop(signal.SIGKILL)
        self._wait(0.2, 2.0)
        self.cluster.start_database()

    def postgresql_pause_short(self) -> None:
        """PostgreSQL stands still for half a lease."""
        self._pause_database(self._lease_s / 2)

    def postgresql_pause_long(self) -> None:
        """PostgreSQL stands still for longer than the leases, as during a failover."""
        self._pause_database(self._lease_s * 1.5)

    def commit_lost_submit(self) -> None:
        """The answer to a submission's COMMIT is lost: it is there once, and is painted."""
        self._lose_submission("drop")

    def commit_late_submit(self) -> None:
        """A submission's COMMIT is carried out after the connection was lost."""
        self._lose_submission("late")

    def commit_lost_finish(self) -> None:
        """The answer to the COMMIT of a task's end is lost: it has its pictures."""
        self._trap("SUCCEEDED", "drop")

    def commit_late_finish(self) -> None:
        """The COMMIT of a task's end is carried out after the connection was lost."""
        self._trap("SUCCEEDED", "late")

    def commit_lost(self) -> None:
        """The answers to COMMITs of any kind are lost: of claims, signs of life, counters."""
        for _ in range(1 if self._quick else 4):
            self._trap("", "drop")

    # --- bucket ------------------------------------------------------------------------------

    def bucket_503(self) -> None:
        """The bucket answers 503 to everything."""
        self._hurt_bucket("503")

    def bucket_reset(self) -> None:
        """Connections to the bucket are broken off."""
        self._hurt_bucket("reset")

    def bucket_cut(self) -> None:
        """The bucket's answers end in their middle."""
        self._hurt_bucket("cut")

    def bucket_slow(self) -> None:
        """Each answer of the bucket comes half a second later."""
        self._hurt_bucket("slow", 0.5)

    def bucket_hang(self) -> None:
        """The bucket says nothing."""
        self._hurt_bucket("hang")

    def bucket_kill(self) -> None:
        """kill -9 of the bucket's server; its objects stay."""
        self.cluster.bucket.kill()
        self._wait(0.5, 4.0)
        self.cluster.bucket.start()

    # --- how -----------------------------------------------------------------------------------

    def _kill_busy(self, fault: str, role: str) -> float:
        node = self.some_node()
        pid = self.busy(node, role)
        held = self.held("w.pid = %s AND w.node = %s", pid, node.name)
        os.kill(pid, signal.SIGKILL)
        begin = time.time()
        self.in_other_hands(fault, held, begin)
        return begin

    @contextmanager
    def _stopped(self, pids: Sequence[int]) -> Iterator[None]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _cut(self, seconds: float) -> None:
        node = self.some_node()
        node.unplug(on=True)
        try:
            time.sleep(seconds)
        finally:
            node.unplug(on=False)

    def _pause_database(self, seconds: float) -> None:
        self.cluster.database.pause(on=True)
        try:
            time.sleep(seconds)
        finally:
            self.cluster.database.pause(on=False)

    def _hurt_bucket(self, mode: str, seconds: float = 0.0) -> None:
        lasts_s = 1.5 if self._quick else self.rng.uniform(2.0, 8.0)
        self._in_mode(self.cluster.nodes, "bucket", mode, lasts_s, seconds)

    def _in_mode(
        self, nodes: Sequence[Node], way: str, mode: str, lasts_s: float, seconds: float = 0.0
    ) -> None:
        for node in nodes:
            node.ways.set(way, mode, seconds)
        try:
            time.sleep(lasts_s)
        finally:
            for node in nodes:
                node.ways.set(way, "pass")

    def _lose_submission(self, how: str) -> None:
        word = f" lost {self.rng.randrange(10**9)}"
        for node in self.cluster.nodes:
            node.ways.trap("database", word, how, 1.5)
        self.load.submit(self._wire, self.probe, self.rng, "paced", word)
        for node in self.cluster.nodes:
            node.ways.disarm("database")

    def _trap(self, word: str, how: str) -> None:
        node = self.some_node()
        before = node.ways.sprung("database")
        node.ways.trap("database", word, how, 1.5)
        self.until("", lambda: node.ways.sprung("database") > before)
        node.ways.disarm("database")

    def _wait(self, least: float, most: float) -> None:
        time.sleep(least if self._quick else self.rng.uniform(least, most))
