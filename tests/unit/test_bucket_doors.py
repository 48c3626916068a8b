"""The service and its workers with pictures in a bucket, which has its troubles."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi.testclient import TestClient
from tests.bucket import BUCKET, Way, soon
from tests.unit.dashscope_fixture import INPUT, Caller, data_url, said
from tests.unit.dispatch_stage import Stage, until
from tests.unit.http_fixture import serving
from tests.unit.service_fixture import BASE, order, paint, service_in

from overpaint.cli import doctor
from overpaint.cli.app import run
from overpaint.errors import BlobMissing, QuotaExhausted, StoreFailed
from overpaint.policy import Permissive
from overpaint.server.app import THREADS, create_app
from overpaint.server.turns import MAX_BLOB_THREADS
from overpaint.service import Service
from overpaint.service.sweeping import ORPHAN_S
from overpaint.storage.s3 import S3Blobs
from overpaint.tasks.task import PLANS, State, Task
from overpaint.values import Rgb8


@pytest.fixture
def place(way: Way, monkeypatch: pytest.MonkeyPatch) -> str:
    """OVERPAINT_BLOBS of the test's own, reached by the way on which things go wrong."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", way.url)
    return f"s3://{BUCKET}/doors/{uuid.uuid4()}"


@pytest.fixture(params=["service", "bucket"])
def at(request: pytest.FixtureRequest, tmp_path: Path, place: str) -> Iterator[SimpleNamespace]:
    mode = request.param
    with service_in(tmp_path, blobs=place, result_urls=mode) as (service, clock):
        clock.now = time.time_ns() // 1_000_000
        with TestClient(create_app(service)) as client:
            caller = Caller(client, service, PLANS["unlimited"])
            service.submit(caller.key, order())
            yield SimpleNamespace(
                caller=caller, service=service, clock=clock, mode=mode, task=paint(service)
            )


def result_url(at: SimpleNamespace) -> str:
    answer = at.caller.get(f"/tasks/{at.task.id}").json()
    return str(answer["output"]["results"][0]["url"])


def test_results_have_urls_of_whom_the_settings_say(at: SimpleNamespace, way: Way) -> None:
    url = result_url(at)
    assert url.startswith(way.url if at.mode == "bucket" else "http://testserver/api/v1/files/")
    if at.mode == "bucket":
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == BASE
        hours = at.service.settings.retention_hours
        (seconds,) = (part for part in url.split("&") if part.startswith("X-Amz-Expires="))
        assert hours * 3600 - 60 < int(seconds.partition("=")[2]) <= hours * 3600
    else:
        assert at.caller.client.get(url).content == BASE


@pytest.mark.parametrize("at", ["bucket"], indirect=True)
def test_the_page_and_streams_stay_with_the_service(at: SimpleNamespace) -> None:
    client = at.caller.client
    client.cookies.set("overpaint_session", at.service.new_session(at.caller.key))
    answer = client.get(f"/api/v1/tasks/{at.task.id}", headers={"sec-fetch-site": "same-origin"})
    url = answer.json()["output"]["results"][0]["url"]
    assert url.startswith("http://testserver/api/v1/files/")
    assert client.get(url).content == BASE
    converted = client.get(f"{url}?format=webp&quality=50")
    assert converted.headers["content-type"] == "image/webp"
    assert converted.headers["content-disposition"] == f'inline; filename="{at.task.id}-0.webp"'
    told = at.caller.get(f"/tasks/events?task_id={at.task.id}").text
    assert "http://testserver/api/v1/files/" in told
    assert "X-Amz-Signature" not in told


@pytest.mark.parametrize("at", ["bucket"], indirect=True)
def test_a_result_can_be_the_next_orders_picture(at: SimpleNamespace) -> None:
    url = result_url(at)
    task_id = at.caller.created(input={**INPUT, "base_image_url": url})
    made = at.service.get(at.caller.key, task_id)
    assert at.service.blobs.get(made.inputs["base"]) == BASE
    other = Caller(at.caller.client, at.service, PLANS["unlimited"])
    answer = other.create(input={**INPUT, "base_image_url": url})
    assert said(answer) == (400, "InvalidURL")  # fetched, which loopback is not for
    renamed = url.replace("result-1-0", "base").replace(f"/{at.task.id}/", f"/{task_id}/")
    assert said(at.caller.create(input={**INPUT, "base_image_url": renamed}))[0] == 400


def stored(at: SimpleNamespace) -> list[str]:
    return sorted(at.service.blobs.folders("tasks", older_than_s=-60))


@pytest.mark.parametrize("at", ["service"], indirect=True)
def test_the_sweep_removes_objects(at: SimpleNamespace) -> None:
    at.service.submit(at.caller.key, order())
    orphan = f"tasks/{uuid.uuid4()}"
    at.service.blobs.put(f"{orphan}/base", BASE)
    assert len(stored(at)) == 3
    at.clock.forward(hours=25)
    assert at.service.sweep().tasks == 1
    assert at.service.get(at.caller.key, at.task.id) is None
    with pytest.raises(BlobMissing):
        at.service.blobs.get(at.task.pictures[0].blob)
    assert len(stored(at)) == 2  # the orphan may be a submission's under way


@pytest.mark.parametrize("at", ["service"], indirect=True)
def test_the_sweep_removes_objects_that_no_row_names(
    at: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphans = [f"tasks/{uuid.uuid4()}" for _ in range(3)]
    for orphan in orphans:
        for name in ("base", "mask"):
            at.service.blobs.put(f"{orphan}/{name}", BASE)
    assert at.service.sweep().orphans == 0
    later = time.time() + ORPHAN_S + 60
    monkeypatch.setattr("overpaint.storage.s3.time.time", lambda: later)
    assert at.service.sweep().orphans == 3
    assert stored(at) == [f"tasks/{at.task.id}"]


@pytest.mark.parametrize("at", ["service"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("AccessDenied", (503, "ServiceUnavailable")),
        ("QuotaExceeded", (500, "InternalError")),  # as for a full disk
    ],
)
def test_a_bucket_in_trouble_takes_nothing(
    at: SimpleNamespace, way: Way, fault: str, told: tuple[int, str]
) -> None:
    way.faults.extend(["", *[fault] * 20])  # the first picture is put
    answer = at.caller.create()
    assert said(answer) == told
    assert way.url not in answer.text
    way.faults.clear()
    assert len(at.service.tasks.unfinished(at.caller.key.id, limit=9)) == 0
    key = at.service.keys.get(at.caller.key.id)
    assert key.reserved == 0
    assert at.caller.created()


@pytest.mark.parametrize("at", ["service"], indirect=True)
def test_tasks_are_told_of_while_the_bucket_does_not_answer(at: SimpleNamespace, way: Way) -> None:
    with serving(at.service) as url, httpx.Client(trust_env=False, timeout=60) as client:
        path = f"{url}/api/v1/{at.service.sign_file(at.task, 0)}"
        way.requests.clear()
        way.always = "stall"
        many = THREADS + 8  # as many as there are for what waits on the database, and more
        with ThreadPoolExecutor(many) as pool:
            waiting = [pool.submit(lambda: client.get(path)) for _ in range(many)]
            until(lambda: len(way.requests) >= MAX_BLOB_THREADS)
            asked = client.get(f"{url}/api/v1/tasks/{at.task.id}", headers=at.caller.headers)
            assert asked.json()["output"]["task_status"] == "SUCCEEDED"
            assert not any(one.done() for one in waiting)
            way.always = ""
            way.let_go()
            assert {one.result().content for one in waiting} == {BASE}


@pytest.mark.parametrize("at", ["service"], indirect=True)
def test_uploads_go_through_the_service(at: SimpleNamespace) -> None:
    policy = at.caller.get("/uploads?action=getPolicy&model=erase").json()["data"]
    name = f"{policy['upload_dir']}/base.png"
    form = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": name,
        "success_action_status": "200",
    }
    sent = at.caller.client.post(policy["upload_host"], data=form, files={"file": BASE})
    assert sent.status_code == 200, sent.text
    headers = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}
    given = {**INPUT, "base_image_url": f"oss://{name}"}
    assert at.caller.create(headers=headers, input=given).status_code == 200


def test_an_upload_over_the_capacity_is_refused_though_its_file_cannot_be_deleted(
    tmp_path: Path, place: str, way: Way
) -> None:
    with service_in(tmp_path, blobs=place, upload_capacity_mb=1) as (service, _):
        key, _secret = service.keys.create("k", PLANS["unlimited"])
        policy = service.uploads.policy(key)
        fields = {
            "OSSAccessKeyId": policy.access_key_id,
            "policy": policy.policy,
            "Signature": policy.signature,
            "key": f"{policy.upload_dir}/large.png",
        }
        way.faults.extend(["", *["AccessDenied"] * 5])  # it is put, and then nothing works
        with pytest.raises(QuotaExhausted):
            service.uploads.receive(fields, bytes(2 * 1024**2))


class LookingOn(Permissive):
    """Does something when a result has been painted, once."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do: Callable[[], object] | None = do

    def check_picture(self, pixels: Rgb8, prompt: str) -> None:
        do, self._do = self._do, None
        if do is not None:
            do()


@pytest.fixture
def submitted(stage: Stage, way: Way, bucket_at: Callable[..., S3Blobs]) -> tuple[S3Blobs, Task]:
    blobs = bucket_at(way.url, request_s=5, retry_s=0.2)
    stage.blobs = blobs  # type: ignore[assignment]
    return blobs, stage.submit(n=2)


@pytest.mark.usefixtures("stage_engines")
def test_a_worker_waits_for_a_bucket_that_is_away(
    stage: Stage, way: Way, submitted: tuple[S3Blobs, Task]
) -> None:
    blobs, task = submitted
    comings: list[object] = []

    def go() -> None:
        way.go()
        comings.append(soon(1, way.come))

    assert stage.worker(blobs=blobs, policy=LookingOn(go)).work()
    assert len(comings) == 1
    done = stage.now(task)
    assert (done.state, done.tries) == (State.SUCCEEDED, 1)
    for picture in done.pictures:
        assert picture.blob is not None
        assert blobs.get(picture.blob)
    assert stage.ledger() == (2, 0)


@pytest.mark.usefixtures("stage_engines")
def test_a_worker_gives_a_task_back_when_the_bucket_stays_away(
    stage: Stage, way: Way, submitted: tuple[S3Blobs, Task]
) -> None:
    blobs, task = submitted
    worker = stage.worker(blobs=blobs, policy=LookingOn(way.go), patience_s=0.5)
    with pytest.raises(StoreFailed, match="it cannot be connected to"):
        worker.work()
    assert (stage.now(task).state, stage.ledger()) == (State.PENDING, (0, 2))
    way.come()
    assert stage.worker("w2", blobs=blobs).work()
    assert stage.now(task).state is State.SUCCEEDED
    assert stage.ledger() == (2, 0)


def test_the_doctor_tries_the_bucket(
    place: str,
    way: Way,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = {**dict.fromkeys(doctor._CHECKS, dict), "pictures": doctor._pictures}
    monkeypatch.setattr(doctor, "_CHECKS", checks)
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OVERPAINT_BLOBS", place)
    assert run(("doctor",)) == 0
    where = f"{place} at {way.url}"
    assert f"pictures:     {where}: put, got and deleted one\n" in capsys.readouterr().out
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    assert run(("doctor", "--json")) == 1
    said = capsys.readouterr().out
    (fault,) = json.loads(said)["faults"]
    assert fault.startswith(f"pictures: the bucket {place.removeprefix('s3://')} at {way.url}: ")
    assert "AWS_SECRET_ACCESS_KEY" in fault
    assert "hush-hush" not in said
    monkeypatch.setenv("OVERPAINT_BLOBS", str(tmp_path / "shared"))
    assert run(("doctor",)) == 0
    assert f"{tmp_path / 'shared'}: not used yet\n" in capsys.readouterr().out
    (tmp_path / "shared").mkdir()
    assert run(("doctor",)) == 0
    assert f"{tmp_path / 'shared'}: put, got and deleted one\n" in capsys.readouterr().out
    assert list((tmp_path / "shared").iterdir()) == []


def test_no_service_starts_with_a_bucket_that_it_cannot_use(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OVERPAINT_BLOBS", "s3://elsewhere")
    monkeypatch.setattr("overpaint.dispatch.logs.configure", lambda _: None)  # of this process
    assert run(("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))) == 1
    err = capsys.readouterr().err
    assert "error: the bucket elsewhere at http://127.0.0.1:" in err
    assert "there is no such bucket; OVERPAINT_BLOBS names it" in err


def test_a_folder_has_no_direct_urls(tmp_path: Path) -> None:
    with service_in(tmp_path) as (service, _):
        assert isinstance(service, Service)
        key, _secret = service.keys.create("k", PLANS["unlimited"])
        service.submit(key, order(base=BASE))
        done = paint(service)
        assert service.direct_url(done, 0) is None
        assert service.results.find_direct(key, data_url(BASE)) is None
