"""Models whose engines have workers of their own: queues, states, and settings that change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.family_fixture import SECRET, family
from tests.unit.service_fixture import Clock, order, service_in

from overpaint.cli import doctor
from overpaint.cli.app import run
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.audit import audit
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS, Key, State, Task

SDXL, ART = f"many:{SECRET}/sdxl?steps=8", f"many:{SECRET}/art"
MODELS = {"erase": "erase", "photo": SDXL, "photo-too": SDXL, "ordinary": ART}
HERE = ("127.0.0.1", 50_000)


@pytest.fixture(autouse=True)
def _family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with family(monkeypatch):
        yield


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path, models=MODELS) as made:
        yield made


def submit(service: Service, key: Key, model: str) -> Task:
    return service.submit(key, order(model=model))


def key_of(service: Service) -> Key:
    return service.keys.create("k", PLANS["unlimited"])[0]


@contextmanager
def client_of(service: Service) -> Iterator[TestClient]:
    app = create_app(service)
    with TestClient(app, base_url="http://127.0.0.1:8000", client=HERE) as client:
        yield client


def test_an_order_waits_for_the_workers_of_its_models_engine(made: tuple[Service, Clock]) -> None:
    service, _ = made
    key = key_of(service)
    tasks = {model: submit(service, key, model) for model in MODELS}
    assert {model: task.pool for model, task in tasks.items()} == {
        "erase": "",
        "photo": SDXL,
        "photo-too": SDXL,
        "ordinary": ART,
    }
    assert service.pools.engines == (SDXL, ART)
    seen = service.look(key, [task.id for task in tasks.values()])
    assert [seen[task.id].position for task in tasks.values()] == [0, 0, 1, 0]


def test_those_who_run_the_service_see_each_pool_and_no_path(made: tuple[Service, Clock]) -> None:
    service, clock = made
    key = key_of(service)
    for model in ("erase", "photo", "photo-too"):
        clock.forward(seconds=10)
        submit(service, key, model)
    service.tasks.beat("w", pid=1, task_id=None)
    service.tasks.beat("engine-1", pid=2, task_id=None, pool=SDXL, state="loading")
    service.tasks.beat("engine-x", pid=3, task_id=None, pool="many:gone", state="ready")
    with client_of(service) as client:
        ready = client.get("/readyz")
        told = client.get("/metrics").text
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "pools": {"photo": "loading", "model ordinary": "missing"},
    }
    assert SECRET not in told
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if "_pool_" in sample.name or sample.name == "overpaint_workers_alive"
    }
    assert samples["overpaint_workers_alive",] == 1
    assert samples["overpaint_pool_tasks", "photo", "pending"] == 2
    assert samples["overpaint_pool_tasks", "photo", "running"] == 0
    assert samples["overpaint_pool_tasks", "ordinary", "pending"] == 1
    assert samples["overpaint_pool_tasks", "model ordinary", "pending"] == 0
    assert samples["overpaint_pool_workers", "photo", "loading"] == 1
    assert samples["overpaint_pool_workers", "photo", "ready"] == 0
    assert samples["overpaint_pool_workers", "ordinary", "ready"] == 1
    assert samples["overpaint_pool_queue_age_seconds", "photo"] == 10
    assert samples["overpaint_pool_queue_age_seconds", "ordinary"] == 20
    assert service.pools.queue_age_s() == 20


def test_a_pool_is_as_far_as_the_best_of_its_workers(made: tuple[Service, Clock]) -> None:
    service, clock = made
    for worker, state in (("a", "failed"), ("b", "loading"), ("c", "ready")):
        service.tasks.beat(worker, pid=1, task_id=None, pool=SDXL, state=state)
        assert service.pools.states()["photo"] == state
    clock.forward(hours=1)
    assert service.pools.states()["photo"] == "missing"


def test_a_service_of_such_engines_alone_is_ready_when_one_of_them_is(tmp_path: Path) -> None:
    with service_in(tmp_path, models={"photo": SDXL, "art": ART}) as (service, _):
        service.tasks.beat("a", pid=1, task_id=None, pool=ART, state="failed")
        assert service.ready() == {"workers": "no engine is ready: photo is missing, art is failed"}
        with client_of(service) as client:
            answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["pools"] == {"photo": "missing", "art": "failed"}
        service.tasks.beat("b", pid=1, task_id=None, pool=SDXL)
        assert service.ready() == {}


def test_tasks_follow_their_model_when_the_settings_change(tmp_path: Path) -> None:
    before = {"photo": SDXL, "art": ART, "gone": SDXL, "plain": SDXL}
    with service_in(tmp_path, models=before) as (service, _):
        key = key_of(service)
        tasks = {model: submit(service, key, model) for model in before}
        assert service.pools.reroute() == (0, 0)
    faster = SDXL.replace("8", "4")
    after = {"photo": faster, "art": ART, "plain": "erase"}
    with service_in(tmp_path, models=after) as (service, _):
        assert service.pools.reroute() == (2, 1)
        now = {model: service.tasks.get(task.id) for model, task in tasks.items()}
        found = {model: (task.engine, task.pool) for model, task in now.items() if task}
        assert found["photo"] == (faster, faster)
        assert found["art"] == (ART, ART)
        assert found["plain"] == ("erase", "")
        gone = now["gone"]
        assert gone is not None
        assert gone.state is State.FAILED
        assert gone.failure is not None
        assert gone.failure.message == "The model gone is no longer painted by this server."
        assert audit(service._database) == []


def test_the_doctor_tells_how_far_each_engine_is(
    made: tuple[Service, Clock],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service, _ = made
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OVERPAINT_MODELS", f"erase=erase,photo={SDXL}")
    by_real_time = TaskStore(service._database)
    by_real_time.beat("e", pid=1, task_id=None, pool=SDXL, state="failed")
    assert doctor._service()["pools"] == {"photo": "failed"}
    checks = {**dict.fromkeys(doctor._CHECKS, dict), "service": doctor._service}
    monkeypatch.setattr(doctor, "_CHECKS", checks)
    run(("doctor",))
    told = capsys.readouterr().out
    assert "own workers:  photo failed\n" in told
    why = "model photo: its engine cannot be loaded, the service's log says why"
    assert f"fault:        {why}\n" in told
