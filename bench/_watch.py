"""How a campaign over several nodes sees what has become of its tasks and nodes."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeAlias

from bench._cluster import Cluster, Node
from bench._ledger import Ledger

LONGEST_S = 180.0  # a recovery that takes longer is a violation
_RUNNING = """SELECT t.id, t.fence FROM tasks t JOIN workers w
  ON t.worker = w.id OR starts_with(t.worker, w.id || '.') WHERE t.state = 'RUNNING' AND """
Rows: TypeAlias = list[tuple[Any, ...]]


class Watch:
    """Looks into a cluster, past its ways, and times what it waits for.

    Args:
        workers: how many each node should have.
        rng: chooses what is looked at.
    """

    def __init__(
        self, cluster: Cluster, ledger: Ledger, *, workers: int, rng: random.Random
    ) -> None:
        self.cluster, self.ledger, self.rng = cluster, ledger, rng
        self._workers = workers
        self.seconds: dict[str, list[float]] = defaultdict(list)  # what -> recovery times

    def in_other_hands(self, fault: str, held: Rows, begin: float) -> None:
        if held:
            self.until(f"{fault}: its tasks are in other hands", lambda: self._freed(held), begin)

    def _freed(self, held: Rows) -> bool:
        """Whether these tasks have ended, or wait, or are in hands newer than those."""
        return all(
            self.cluster.sql(
                "SELECT 1 FROM tasks WHERE id = %s"
                " AND (ended_ms IS NOT NULL OR (state = 'RUNNING' AND fence > %s))",
                *one,
            )
            for one in held
        )

    def held(self, where: str, *values: object) -> Rows:
        return self.cluster.sql(_RUNNING + where, *values)

    def done_since(self, moment: float) -> bool:
        ended = "SELECT 1 FROM bench_trail WHERE new = 'SUCCEEDED' AND at > to_timestamp(%s)"
        return bool(self.cluster.sql(f"{ended} LIMIT 1", moment))

    def all_ready(self) -> bool:
        """Whether each node says that it is, and has all its workers."""
        roll = {
            (node, pid)
            for node, pid in self.cluster.sql("SELECT node, pid FROM workers WHERE state = 'ready'")
        }
        return all(
            sum((node.name, pid) in roll for pid in node.server.pids("worker")) >= self._workers
            and (
                "batched" not in node.server.environ["OVERPAINT_MODELS"]
                or any((node.name, pid) in roll for pid in node.server.pids("engine"))
            )
            and node.server.is_ready()
            for node in self.cluster.nodes
        )

    def until(self, what: str, done: Callable[[], bool], begin: float | None = None) -> None:
        begin = time.time() if begin is None else begin
        while not done():
            if time.time() - begin > LONGEST_S:
                self.ledger.violate(f"not within {LONGEST_S:.0f} s: {what}")
                return
            time.sleep(0.02)
        if what:
            self.seconds[what].append(time.time() - begin)

    def unanswered(self) -> int:
        return sum(
            times for what, times in self.ledger.answers.copy().items() if what.endswith("nothing")
        )

    def some_node(self) -> Node:
        return self.rng.choice(self.cluster.nodes)

    def pid(self, node: Node, role: str) -> int:
        self.until("", lambda: bool(node.server.pids(role)))
        return self.rng.choice(node.server.pids(role))

    def busy(self, node: Node, role: str) -> int:
        """A process of a role that holds a task; any, where none does for two seconds."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            pids = node.server.pids(role)
            busy = [one for one in pids if self.held("w.pid = %s AND w.node = %s", one, node.name)]
            if busy:
                return self.rng.choice(busy)
        return self.pid(node, role)
