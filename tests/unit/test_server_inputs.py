"""Results of this server as the pictures of a new order, by their signed addresses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.dashscope_fixture import INPUT, Caller, data_url, said
from tests.unit.picture_files import chunk
from tests.unit.service_fixture import BASE, MASK, order, service_in

from overpaint.dispatch.work import Worker
from overpaint.imaging.source import MAX_BYTES
from overpaint.server.app import create_app
from overpaint.tasks.task import PLANS, PictureOutcome

#: The same picture in a file over the limit.
HEAVY = BASE[:-12] + chunk(b"noTe", bytes(MAX_BYTES)) + BASE[-12:]

OURS = "http://paint.example:8000"
EXPIRED = "base_image_url: must be the address of a result that has not expired"
CHANGED = "base_image_url: must be the address of a result as this server gave it"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A service that fetches from public addresses alone, and a result that is heavy."""
    with service_in(tmp_path, public_url="https://overpaint.example/tools") as (service, clock):
        clock.now = time.time_ns() // 1_000_000
        with TestClient(create_app(service), base_url=OURS) as client:
            caller = Caller(client, service, PLANS["unlimited"])
            service.submit(caller.key, order())
            task = service.tasks.claim("worker-1", lease_ms=10_000)
            assert task is not None
            blob = service.blobs.put(f"tasks/{task.id}/result-1-0.png", HEAVY)
            assert service.tasks.finish(task, [PictureOutcome(seed=7, blob=blob)])
            done = service.tasks.get(task.id)
            assert done is not None
            path = f"/api/v1/{service.sign_file(done, 0)}"
            yield SimpleNamespace(caller=caller, service=service, clock=clock, path=path)


def answer(at: SimpleNamespace, url: str, **more: str) -> Any:
    return at.caller.create(input={**INPUT, "base_image_url": url, **more})


@pytest.mark.parametrize(
    "before",
    [OURS, "https://overpaint.example/tools", "https://127.0.0.1", "http://any.invalid:81/x"],
)
def test_a_result_is_taken_as_it_is_stored(at: SimpleNamespace, before: str) -> None:
    url = f"{before}{at.path}?format=jpeg&quality=50#x"
    made = answer(at, url, reference_image_url=f"{before}{at.path}")
    assert made.status_code == 200, made.text
    task = at.service.get(at.caller.key, made.json()["output"]["task_id"])
    assert at.service.blobs.get(task.inputs["base"]) == HEAVY
    assert at.service.blobs.get(task.inputs["reference"]) == HEAVY


def test_somebody_else_may_have_been_given_it(at: SimpleNamespace) -> None:
    other = Caller(at.caller.client, at.service, PLANS["unlimited"])
    given = {**INPUT, "base_image_url": OURS + at.path}
    assert other.create(input=given).status_code == 200


def test_a_result_is_worked_on_at_its_length(at: SimpleNamespace) -> None:
    made = answer(at, OURS + at.path)
    worker = Worker(
        at.service.tasks,
        at.service.blobs,
        at.service.policy,
        worker_id="worker-2",
        lease_s=60,
        task_s=60,
    )
    assert worker.work()
    task = at.service.get(at.caller.key, made.json()["output"]["task_id"])
    assert task.state.value == "SUCCEEDED", task.failure


def test_a_heavy_file_is_refused_where_it_is_sent(at: SimpleNamespace) -> None:
    assert said(answer(at, data_url(HEAVY))) == (400, "InvalidFile.Size")


@pytest.mark.parametrize("before", [OURS, "https://overpaint.example", "http://10.0.0.1"])
def test_one_that_has_expired_is_told(at: SimpleNamespace, before: str) -> None:
    at.clock.forward(hours=24, seconds=2)
    refused = answer(at, before + at.path)
    assert said(refused) == (400, "InvalidURL")
    assert refused.json()["message"] == EXPIRED


@pytest.mark.parametrize("before", [OURS, "https://overpaint.example", "http://10.0.0.1"])
def test_one_that_was_changed_is_told(at: SimpleNamespace, before: str) -> None:
    *start, task_id, expires, signature, name = at.path.split("/")
    for parts in (
        (task_id, expires, "0" * 64, name),
        (task_id, str(int(expires) + 1), signature, name),
        (task_id, expires, signature, f"{task_id}-1.png"),
    ):
        refused = answer(at, before + "/".join([*start, *parts]))
        assert said(refused) == (400, "InvalidURL")
        assert refused.json()["message"] == CHANGED


def test_elsewhere_it_may_be_another_server_s(at: SimpleNamespace) -> None:
    at.clock.forward(hours=24, seconds=2)
    assert said(answer(at, "http://any.invalid" + at.path)) == (
        400,
        "InvalidParameter.FileDownload",
    )


@pytest.mark.parametrize("behind", ["/x", "%20", "/"])
def test_what_only_begins_like_one_is_fetched(at: SimpleNamespace, behind: str) -> None:
    refused = answer(at, f"http://10.0.0.1{at.path}{behind}")
    assert said(refused) == (400, "InvalidURL")
    assert refused.json()["message"].startswith("base_image_url: must be on a public address")


def test_an_address_is_read_as_strictly_as_any(at: SimpleNamespace) -> None:
    refused = answer(at, f"http://me:secret@overpaint.example{at.path}")
    assert said(refused) == (400, "InvalidURL")
    assert "user name" in refused.json()["message"]


def test_a_result_that_is_lost_is_the_server_s_fault(at: SimpleNamespace) -> None:
    at.service.blobs.delete(f"tasks/{at.path.split('/')[4]}")
    assert said(answer(at, OURS + at.path)) == (500, "InternalError")


def test_one_that_the_packages_add_is_passed_over(at: SimpleNamespace) -> None:
    at.clock.forward(hours=24, seconds=2)
    made = at.caller.create(input={**INPUT, "ref_img": OURS + at.path})
    assert made.status_code == 200
    task = at.service.get(at.caller.key, made.json()["output"]["task_id"])
    assert "has not expired" in task.notes[0]
    assert at.service.blobs.get(task.inputs["mask"]) == MASK
