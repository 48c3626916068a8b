"""What callers, Prometheus and the doctor see of workers that are on a Ray cluster."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.heavy import require
from tests.unit.family_fixture import SECRET, family
from tests.unit.service_fixture import Clock, order, service_in

from overpaint.cli import doctor as organs
from overpaint.cli.app import run
from overpaint.dispatch.deaths import Deaths
from overpaint.dispatch.slots import KEEPERS, wanted_figures
from overpaint.errors import InvalidOption, OperationFailed
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.database import now_ms
from overpaint.tasks.nodes import Node, NodeRoll
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS

SDXL = f"many:{SECRET}/sdxl"
MODELS = {"erase": "erase", "photo": SDXL}


@pytest.fixture(autouse=True)
def _family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with family(monkeypatch):
        yield


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path, models=MODELS) as made:
        yield made


def keep(service: Service, name: str = "k", state: str = "ready", **wanted: int) -> None:
    figures = wanted_figures(wanted)
    service.tasks.beat(name, pid=1, task_id=None, pool=KEEPERS, state=state, figures=figures)


def test_with_a_keeper_tasks_are_taken_before_there_is_a_worker(
    made: tuple[Service, Clock],
) -> None:
    service, clock = made
    assert service.ready() == {"workers": "no worker has been seen lately"}
    keep(service, state="loading")  # it has not reached Ray
    assert service.ready() != {}
    assert service.pools.states() == {"photo": "missing"}
    keep(service, "follows")
    keep(service, ordinary=1, photo=0)
    app = create_app(service)
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5)) as client:
        answer = client.get("/readyz")
        assert answer.json() == {"status": "ready", "pools": {"photo": "idle"}}
        text = client.get("/metrics").text
    assert 'overpaint_pool_workers_wanted{pool="ordinary"} 1.0' in text
    assert 'overpaint_pool_workers_wanted{pool="photo"} 0.0' in text
    assert KEEPERS not in text

    keep(service, ordinary=1, photo=2)
    assert service.pools.states() == {"photo": "loading"}
    service.tasks.beat("slot", pid=1, task_id=None, pool=SDXL, state="failed")
    assert service.pools.states() == {"photo": "failed"}
    clock.forward(seconds=50)
    assert service.pools.states() == {"photo": "missing"}
    assert service.ready() == {"workers": "no worker has been seen lately"}


def test_tasks_of_an_idle_pool_stay_where_they_wait(made: tuple[Service, Clock]) -> None:
    service, _ = made
    keep(service, photo=0)
    key, _ = service.keys.create("k", PLANS["unlimited"])
    service.submit(key, order(model="photo"))
    assert service.pools.reroute() == (0, 0)
    assert service.tasks.queues()[SDXL].pending == 1


def test_slots_that_were_killed_leave_nothing_to_wait_for(made: tuple[Service, Clock]) -> None:
    service, _ = made
    ended = subprocess.Popen(["true"])
    ended.wait()
    here = TaskStore(service._database, node="ray-1")
    here.beat("dead", pid=ended.pid, task_id=None)
    here.beat("alive", pid=os.getpid(), task_id=None)
    TaskStore(service._database, node="ray-2").beat("elsewhere", pid=ended.pid, task_id=None)
    key, _ = service.keys.create("k", PLANS["unlimited"])
    service.submit(key, order())
    assert service.tasks.claim("dead", lease_ms=60_000) is not None
    Deaths(service.tasks, node="ray-1").bury_dead()
    assert [worker.id for worker in service.tasks.workers()] == ["alive", "elsewhere"]
    assert service.tasks.queues()[""].pending == 1


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service that the doctor is asked about, with a node that has its workers on Ray."""
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OVERPAINT_MODELS", "erase=erase")
    with service_in(tmp_path, models={"erase": "erase"}, dispatch="ray", node="api") as (made, _):
        service = made
        told = {**service.cluster.tell(service.pools.engines), "settings": {}}
        roll = NodeRoll(service._database, now_ms)
        roll.write(Node(name="api", folder="f", run="r", told=told))
        yield service


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    run(("doctor", "--json", *arguments))
    return json.loads(capsys.readouterr().out)


def test_the_doctor_compares_what_is_wanted_with_what_there_is(
    asked: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    store = TaskStore(asked._database, clock=now_ms, node="api")
    assert "Ray: no node reaches it; their logs say why" in doctor(capsys, "--cluster")["faults"]
    figures = wanted_figures({"ordinary": 0})
    store.beat("k", pid=1, task_id=None, pool=KEEPERS, figures=figures)
    found = doctor(capsys, "--cluster")
    assert found["faults"] == []
    assert found["slots"] == {"ordinary": {"wanted": 0, "alive": 0}}
    assert [one["pool"] for one in found["workers"]] == ["(Ray)"]

    figures = wanted_figures({"ordinary": 3})
    store.beat("k", pid=1, task_id=None, pool=KEEPERS, figures=figures)
    store.beat("slot-1", pid=1, task_id=None)
    found = doctor(capsys, "--cluster")
    assert found["slots"] == {"ordinary": {"wanted": 3, "alive": 1}}
    assert (
        "pool ordinary: 1 of 3 slots are at work; the others are starting, or Ray has no room"
        " for them, see `ray status`"
    ) in found["hints"]
    run(("doctor", "--cluster"))
    text = capsys.readouterr().out
    assert "slots:        ordinary: 1 of 3 wanted\n" in text
    assert "on Ray" in text


def test_the_doctor_says_that_ray_does_not_answer(
    asked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("ray", "make heavy")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert organs._ray() is None
    monkeypatch.setenv("OVERPAINT_DISPATCH", "ray")
    with pytest.raises(OperationFailed, match=f"Ray does not answer at {address}: see `ray"):
        organs._ray()
    monkeypatch.setenv("OVERPAINT_SLOTS", "ordinary:cpus=x")
    with pytest.raises(InvalidOption, match="cpus must be a number between 0 and 1024"):
        organs._ray()


def test_dispatch_is_local_or_ray(
    asked: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPAINT_DISPATCH", "celery")
    assert run(("serve",)) == 2
    assert "dispatch: must be local or ray" in capsys.readouterr().err
