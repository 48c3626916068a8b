from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.family_fixture import SECRET, family
from tests.unit.service_fixture import Clock, order, paint, service_in

from overpaint.dispatch.figures import Figures
from overpaint.errors import BlobMissing, StoreFailed
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.tasks.task import PLANS, Failure
from overpaint.values import BlobRef

HERE = ("127.0.0.1", 50_000)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path) as made:
        yield made


@pytest.fixture
def service(made: tuple[Service, Clock]) -> Service:
    return made[0]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, str]]:
    """An app for tests that leave nothing behind, and a key."""
    with service_in(tmp_path_factory.mktemp("data")) as (service, _):
        _, secret = service.keys.create("k", PLANS["unlimited"])
        yield create_app(service), secret


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), base_url="http://127.0.0.1:8000", client=HERE) as client:
        yield client


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, by the names of these."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_that_answers_is_alive(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz"])
def test_a_balancer_may_ask_with_head(client: TestClient, path: str) -> None:
    asked = client.head(path)
    assert asked.status_code == client.get(path).status_code


def test_it_is_ready_when_a_worker_is_there(client: TestClient, service: Service) -> None:
    service.tasks.beat("w", pid=1, task_id=None)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_it_is_not_ready_without_a_worker_and_says_so(
    client: TestClient, made: tuple[Service, Clock]
) -> None:
    service, clock = made
    service.tasks.beat("w", pid=1, task_id=None)
    clock.forward(hours=1)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "problems": {"workers": "no worker has been seen lately"},
    }


def test_it_is_not_ready_without_a_database(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreFailed

    monkeypatch.setattr(service.tasks, "workers", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"database": "The database does not answer."}


def test_it_is_not_ready_on_a_full_disk(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overpaint.service.core.LEAST_FREE_BYTES", 2**62)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "are free for pictures and tasks" in answer.json()["problems"]["storage"]


def test_requests_are_counted_by_route_and_not_by_path(client: TestClient) -> None:
    for path in ("/healthz", "/healthz", "/api/v1/tasks/abc", "/no/such", "/nor/this"):
        client.get(path)
    client.request("BREW", "/healthz")
    told = samples(client)
    count = "overpaint_http_requests_total"
    assert told[count, "GET", "/healthz", "200"] == 2
    assert told[count, "GET", "/api/v1/tasks/{task_id}", "401"] == 1
    assert told[count, "GET", "none", "404"] == 2
    assert told[count, "other", "/healthz", "405"] == 1
    assert told["overpaint_http_request_seconds_count", "GET", "/healthz"] == 2
    assert not [key for key in told if "abc" in key]


def test_the_queue_the_workers_and_what_was_painted_are_told(
    client: TestClient, made: tuple[Service, Clock]
) -> None:
    service, clock = made
    key, _ = service.keys.create("k", PLANS["unlimited"])
    for _ in range(3):
        service.submit(key, order(options={"n": 2}))
    paint(service)
    failed = service.tasks.claim("w", lease_ms=1000)
    assert failed is not None
    service.tasks.finish(failed, [], failure=Failure(kind="EngineFailed", message="no"))
    service.tasks.beat("w", pid=1, task_id=None)
    clock.forward(seconds=12)
    told = samples(client)
    assert told["overpaint_up",] == 1
    assert told["overpaint_tasks", "pending"] == 1
    assert told["overpaint_tasks", "succeeded"] == 1
    assert told["overpaint_tasks", "failed"] == 1
    assert told["overpaint_tasks", "running"] == 0
    assert told["overpaint_queue_age_seconds",] == 12
    assert told["overpaint_workers_alive",] == 1
    assert told["overpaint_pictures_total", "erase", "succeeded"] == 2
    assert told["overpaint_tasks_ended_total", "erase", "failed"] == 1
    assert ("overpaint_painting_seconds_total", "erase", "succeeded") in told


def test_a_checkpoint_is_counted_by_the_name_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"erase": f"many:{SECRET}/sdxl?steps=8"}
    with (
        family(monkeypatch),
        service_in(tmp_path, models=models) as (service, _),
        TestClient(create_app(service), base_url="http://127.0.0.1:8000", client=HERE) as client,
    ):
        key, _ = service.keys.create("k", PLANS["unlimited"])
        for painter in ("many:sdxl", ""):  # "": it failed before anybody painted
            sent = service.submit(key, order())
            task = service.tasks.claim("w", lease_ms=1000, pool=sent.pool)
            assert task is not None
            failure = Failure(kind="EngineFailed", message="no")
            service.tasks.finish(task, [], failure=failure, painter=painter)
        assert samples(client)["overpaint_tasks_ended_total", "many:sdxl", "failed"] == 2
        assert SECRET not in client.get("/metrics").text


def test_what_workers_tell_is_told_by_every_process_alike(
    client: TestClient, made: tuple[Service, Clock]
) -> None:
    service, clock = made
    key, _ = service.keys.create("k", PLANS["unlimited"])
    service.submit(key, order())
    task = service.tasks.claim("w", lease_ms=1000)
    assert task is not None
    figures = Figures()
    figures.claimed(task).ended(Failure(kind="EngineFailed", message="no"))
    gpu = {"batches": 2, "batch_pictures": 7, "gpu_use": 0.5}
    service.tasks.beat("w", pid=1, task_id=None, figures=figures.read() | gpu)
    node = service.settings.node
    with TestClient(create_app(service), base_url="http://localhost", client=HERE) as other:
        for told in (samples(client), samples(other)):
            of = (node, "ordinary", "w")
            assert told["overpaint_node_workers", node, "ordinary", "ready"] == 1
            assert told["overpaint_worker_claims_total", *of] == 1
            assert told["overpaint_worker_failures_total", "EngineFailed", *of] == 1
            assert told["overpaint_task_wait_seconds_count", *of] == 1
            assert told["overpaint_task_total_seconds_bucket", "+Inf", *of] == 1
            assert told["overpaint_worker_batch_pictures_total", *of] == 7
            assert told["overpaint_worker_gpu_use", *of] == 0.5
            assert ("overpaint_worker_gpu_memory_bytes", *of) not in told  # it said nothing of it
    clock.forward(hours=1)
    assert not [name for name in samples(client) if name[0].startswith("overpaint_worker_")]


def test_the_stores_are_timed_as_this_process_sees_them(
    client: TestClient, service: Service
) -> None:
    key, _ = service.keys.create("k", PLANS["unlimited"])
    service.submit(key, order())
    told = samples(client)
    assert told["overpaint_store_seconds_count", "put", "blobs"] == 2
    assert told["overpaint_store_seconds_count", "transaction", "database"] > 0
    assert told["overpaint_store_errors_total", "blobs"] == 0
    with pytest.raises(BlobMissing):
        service.blobs.get(BlobRef(name="tasks/none", bytes=1, sha256=""))
    assert samples(client)["overpaint_store_errors_total", "blobs"] == 1


def test_metrics_answer_even_when_the_database_does_not(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreFailed

    monkeypatch.setattr(service.tasks, "totals", fail)
    told = samples(client)
    assert told["overpaint_up",] == 0
    assert not [key for key in told if key[0] == "overpaint_tasks"]


def test_two_apps_do_not_share_their_figures(client: TestClient, service: Service) -> None:
    client.get("/healthz")
    with TestClient(create_app(service), base_url="http://localhost", client=HERE) as other:
        told = samples(other)
    assert ("overpaint_http_requests_total", "GET", "/healthz", "200") not in told


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        (("192.0.2.7", 1), {}),
        (HERE, {"X-Forwarded-For": "192.0.2.7"}),
        (HERE, {"Forwarded": "for=192.0.2.7"}),
        (HERE, {"X-Real-IP": "192.0.2.7"}),
        (HERE, {"Host": "rebound.example"}),  # a web page whose name leads here
        (HERE, {"Host": "[::1"}),
    ],
)
def test_metrics_need_a_key_from_elsewhere(
    shared: tuple[FastAPI, str], peer: tuple[str, int], headers: dict[str, str]
) -> None:
    app, secret = shared
    client = TestClient(app, base_url="http://127.0.0.1", client=peer)
    assert client.get("/metrics", headers=headers).status_code == 401
    headers = {**headers, "Authorization": f"Bearer {secret}"}
    assert client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "127.8.8.8:1"])
def test_metrics_are_open_to_this_machine(shared: tuple[FastAPI, str], host: str) -> None:
    client = TestClient(shared[0], base_url="http://127.0.0.1", client=HERE)
    assert client.get("/metrics", headers={"Host": host}).status_code == 200
