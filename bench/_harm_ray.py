"""The faults of a campaign whose workers are on a Ray cluster."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from bench._harm import Harm
from tests.ray_cluster import HEAD, Cluster

#: What the nodes of the service are told, beside the settings of any campaign.
SETTINGS = {
    "OVERPAINT_DISPATCH": "ray",
    "OVERPAINT_SLOTS": "ordinary:min=2&max=4&tasks=2&idle_s=20,batched:min=1&max=1",
}
SLOTS = 3  # at least, when all is well
CPUS = 3  # of a machine
MACHINES = 2  # beside the head's, which has as many


class RayHarm(Harm):
    """Does harm to a cluster and to Ray's.

    Attributes:
        ray: Ray's cluster; set before the first fault.
    """

    ray: Cluster

    def ray_kill_worker(self) -> float:
        """kill -9 of the worker of a slot; who keeps it starts it again."""
        return self._kill(self._some_slot(), fault="ray_kill_worker", slot_itself=False)

    def ray_kill_slot(self) -> float:
        """kill -9 of a replica; its worker goes with it, and Ray starts another."""
        return self._kill(self._some_slot(), fault="ray_kill_slot", slot_itself=True)

    def ray_kill_machine(self) -> float:
        """kill -9 of a machine of Ray's with all that runs there; another one comes."""
        machines = [one for one in self.ray.raylets() if one != HEAD]
        self.ray.kill(self.rng.choice(machines))
        begin = time.time()
        self.until("ray_kill_machine: the next task is done", lambda: self.done_since(begin), begin)
        self.ray.add(CPUS)
        return time.time()

    def ray_kill_head(self) -> float:
        """kill -9 of Ray's head: the machines end what they run; a new head and machines come."""
        self.ray.kill(HEAD)
        time.sleep(self.rng.uniform(1.0, 8.0))
        begin = time.time()
        self.ray.start(cpus=CPUS)
        for _ in range(MACHINES):
            self.ray.add(CPUS)
        return begin

    def all_ready(self) -> bool:
        """Whether each node says that it is, and there are the least of slots."""
        alive = [pid for _, pid in self._slots() if Path(f"/proc/{pid}").exists()]
        ready = all(node.server.is_ready() for node in self.cluster.nodes)
        return len(alive) >= SLOTS and ready

    def _slots(self) -> list[tuple[str, int]]:
        found = "SELECT id, pid FROM workers WHERE id LIKE 'slot-%%' AND state = 'ready'"
        return [(str(name), int(pid)) for name, pid in self.cluster.sql(found)]

    def _some_slot(self) -> tuple[str, int]:
        """One that holds a task; any, where none does for two seconds."""
        self.until("", lambda: bool(self._slots()))
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if busy := [one for one in self._slots() if self.held("w.id = %s", one[0])]:
                return self.rng.choice(busy)
        return self.rng.choice(self._slots())

    def _kill(self, slot: tuple[str, int], *, fault: str, slot_itself: bool) -> float:
        name, pid = slot
        held = self.held("w.id = %s", name)
        try:
            os.kill(_parent(pid) if slot_itself else pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just ended
            return time.time()
        begin = time.time()
        self.in_other_hands(fault, held, begin)
        return begin


def _parent(pid: int) -> int:
    found = re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
