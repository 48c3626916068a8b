"""Workers on a Ray cluster of two machines, which die one after the other under clients."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench import _instant
from tests.acceptance.clients import CREATE, ORDER, Clients, client, secret_of
from tests.acceptance.nodes import Balancer, Node, until
from tests.postgresql import Server, serve_postgresql
from tests.ray_cluster import HEAD, Cluster, serve_ray
from tests.unit.service_fixture import BASE, MASK

from overpaint import repaint

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's nodes are told by /proc"),
]

NAMES = ("north", "south")
IDLE_S = 4
SLOTS = f"ordinary:min=0&max=2&tasks=1&idle_s={IDLE_S},batched:idle_s=1"
ALIVE_S = 10  # as leases of 3 s have it


@dataclass(kw_only=True)
class Stage:
    """A service of two nodes, whose workers are on the cluster."""

    server: Server
    database: str
    cluster: Cluster
    nodes: list[Node]
    balancer: Balancer
    secret: str

    def slots(self) -> dict[str, int]:
        """Worker -> process id of those that are at work."""
        fresh = (time.time() - ALIVE_S) * 1000
        rows = self._sql(f"SELECT id, pid FROM workers WHERE pool = '' AND seen_ms > {fresh:.0f}")
        return {name: pid for name, pid in rows if name.startswith("slot-")}

    def machines(self) -> set[str]:
        """The addresses of those that have a slot at work."""
        raylets = {pid: address for address, pid in self.cluster.raylets().items()}
        return {raylets.get(_parent(_parent(pid)), "") for pid in self.slots().values()} - {""}

    def leader(self) -> str:
        rows = self._sql("SELECT id, figures FROM workers WHERE pool = '(keepers)'")
        return str(next((name for name, figures in rows if figures), ""))

    def ended(self) -> set[str]:
        return {state for (state,) in self._sql("SELECT DISTINCT state FROM tasks")}

    def log(self) -> str:
        return "".join(node.log() for node in self.nodes)

    def _sql(self, statement: str) -> list[Any]:
        return self.server.sql(statement, self.database)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("ray")
    with ExitStack() as stack:
        server = stack.enter_context(serve_postgresql())
        url = server.new()
        _instant.install(folder / "engines")
        paths = stack.enter_context(pytest.MonkeyPatch.context())
        paths.setenv("PYTHONPATH", str(folder / "engines"), prepend=os.pathsep)
        # The password is in the environment of the cluster's machines and in nothing Ray is told.
        cluster = stack.enter_context(serve_ray({"OVERPAINT_DATABASE_URL": url}, cpus=1))
        cluster.add(cpus=1)
        shared = {
            "OVERPAINT_DATABASE_URL": url,
            "OVERPAINT_BLOBS": str(folder / "pictures"),
            "OVERPAINT_MODELS": f"erase=erase,batched={_instant.BATCHED}",
            "OVERPAINT_DISPATCH": "ray",
            "OVERPAINT_SLOTS": SLOTS,
            "OVERPAINT_DRAIN_SECONDS": "1",
            "OVERPAINT_LEASE_SECONDS": "3",
            "OVERPAINT_LOG_FORMAT": "json",
            "RAY_ADDRESS": cluster.address,
        }
        with ThreadPoolExecutor() as at_once:
            nodes = list(at_once.map(lambda name: Node(folder, name, **shared), NAMES))
        for node in nodes:
            stack.callback(node.kill)
        for node in nodes:
            node.ready()
        balancer = Balancer([node.port for node in nodes])
        stack.enter_context(balancer.serving())
        until(lambda: all(balancer.ready(node.port) for node in nodes), "both are ready")
        yield Stage(
            server=server,
            database=url.rpartition("/")[2],
            cluster=cluster,
            nodes=nodes,
            balancer=balancer,
            secret=secret_of(nodes[0]),
        )


@pytest.fixture(scope="module")
def clients(stage: Stage) -> Iterator[Clients]:
    """Who paint all the time from here on."""
    clients = Clients(stage.balancer.url, stage.secret, count=3)
    with clients.working():
        yield clients


def test_the_first_task_has_a_slot_started_which_paints_what_the_library_paints(
    stage: Stage,
) -> None:
    assert stage.slots() == {}
    with client(stage.balancer.url, stage.secret) as asking:
        order = {**ORDER, "parameters": {**ORDER["parameters"], "seed": 7}}
        output = paint(asking, order)
        painted = asking.get(output["results"][0]["url"]).content
    whole = repaint(BASE, MASK, "remove it", engine="erase", seed=7)
    assert _pixels(painted) == _pixels(whole.encode("PNG"))
    assert len(stage.slots()) == 1


def test_an_engine_is_loaded_when_somebody_asks_for_it_and_ends_a_while_later(
    stage: Stage,
) -> None:
    with client(stage.balancer.url, stage.secret) as asking:
        idle = {"status": "ready", "pools": {"batched": "idle"}}
        assert asking.get("/readyz").json() == idle
        paint(asking, {**ORDER, "model": "batched"})
        assert asking.get("/readyz").json()["pools"] == {"batched": "ready"}
        until(lambda: asking.get("/readyz").json() == idle, "its slot has ended")


def test_with_the_queue_slots_come_on_other_machines_and_those_there_stay(
    stage: Stage, clients: Clients
) -> None:
    before = set(stage.slots())
    clients.more(3)
    until(lambda: len(stage.machines()) == 2, "both machines paint")
    assert len(before) <= 1
    assert before <= set(stage.slots())
    assert clients.errors == []


def test_the_node_that_leads_is_restarted_and_the_slots_go_on(
    stage: Stage, clients: Clients
) -> None:
    slots, leader = set(stage.slots()), stage.leader()
    node = next(one for one in stage.nodes if leader in one.log())
    assert node.stop() == 0
    clients.more(1)
    assert stage.leader() not in ("", leader)
    node.start()
    node.ready()
    until(lambda: stage.balancer.ready(node.port), "it is back")
    clients.more(3)
    assert set(stage.slots()) == slots
    assert clients.errors == [], stage.log()


@pytest.mark.parametrize("whom", ["worker", "slot"])
def test_a_killed_worker_is_replaced(stage: Stage, clients: Clients, whom: str) -> None:
    slots = stage.slots()
    name, pid = next(iter(slots.items()))
    os.kill(pid if whom == "worker" else _parent(pid), signal.SIGKILL)
    until(lambda: name not in stage.slots() and len(stage.slots()) == 2, "another is there")
    assert slots.keys() - {name} <= stage.slots().keys()
    clients.more(3)
    assert clients.errors == [], stage.log()


def test_a_machine_dies_and_another_takes_its_place(stage: Stage, clients: Clients) -> None:
    (dead,) = stage.machines() - {HEAD}
    stage.cluster.kill(dead)
    clients.more(3)
    fresh = stage.cluster.add(cpus=1)
    until(lambda: stage.machines() == {HEAD, fresh}, "two machines paint")
    clients.more(3)
    assert clients.errors == [], stage.log()


def test_the_head_dies_and_all_goes_on_with_another(stage: Stage, clients: Clients) -> None:
    stage.cluster.kill(HEAD)
    until(lambda: not stage.slots(), "without a head the machines end what they run")
    stage.cluster.start(cpus=2)
    clients.more(3)
    assert stage.machines() == {HEAD}
    assert clients.errors == [], stage.log()


def test_without_tasks_slots_end(stage: Stage, clients: Clients) -> None:
    clients.rest()
    until(lambda: not stage.slots(), "all have ended")
    assert clients.errors == []
    assert stage.ended() == {"SUCCEEDED"}
    told = stage.nodes[0].run("doctor", "--cluster", "--json").stdout
    assert "p%40ss" not in told + stage.log()


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except FileNotFoundError:
        return 0
    found = re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def paint(asking: httpx.Client, order: dict[str, Any]) -> dict[str, Any]:
    """What is said of a task that has ended well."""
    task = asking.post(CREATE, json=order).json()["output"]["task_id"]
    output: dict[str, Any] = {"task_status": "PENDING"}

    def ended() -> bool:
        output.update(asking.get(f"/api/v1/tasks/{task}").json()["output"])
        return output["task_status"] not in ("PENDING", "RUNNING")

    until(ended, "it is painted")
    assert output["task_status"] == "SUCCEEDED", output
    return output


def _pixels(png: bytes) -> bytes:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(png)).tobytes()
