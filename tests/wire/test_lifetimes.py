"""What expires and what is bounded, on a server whose hours are seconds; and its strictness."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from tests.wire.client import Client, check_error
from tests.wire.host import PictureHost
from tests.wire.pictures import data_url, mask, png, scene
from tests.wire.process import ServeProcess
from tests.wire.test_uploads import RESOLVE, policy_of, send

DOWNLOAD = ("InvalidURL", "InvalidParameter.FileDownload", "InvalidParameter.DataInspection")


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    folder = tmp_path_factory.mktemp("brief")
    words = folder / "words.txt"
    words.write_text("# one a line\nforbidden\n禁词\n", encoding="utf-8")
    with ServeProcess(
        folder,
        OVERPAINT_FETCH_ALLOW_PRIVATE="0",
        OVERPAINT_RETENTION_HOURS="0.001",  # 3.6 s
        OVERPAINT_UPLOAD_HOURS="0.001",
        OVERPAINT_MAX_PENDING="2",
        OVERPAINT_WORKERS="1",
        OVERPAINT_TIME_ZONE="Asia/Shanghai",
        OVERPAINT_POLICY=f"words:{words}",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def guest(brief: ServeProcess) -> Iterator[Client]:
    base, area = data_url(png(scene())), data_url(png(mask()))
    made = Client(brief.base, brief.quick_key("guest", "unlimited"), base=base, mask=area)
    yield made
    made.close()


def test_ended_tasks_their_results_and_uploads_expire(guest: Client) -> None:
    answer = guest.done()
    task_id, url = answer["output"]["task_id"], answer["output"]["results"][0]["url"]
    assert httpx.get(url).status_code == 200
    next_one = guest.body(input={"base_image_url": url})  # from a private address, but our own
    assert guest.post(next_one).status_code == 200
    policy = policy_of(guest)
    assert send(policy, png(scene())).status_code == 200
    body = guest.body(input={"base_image_url": f"oss://{policy['upload_dir']}/base.png"})
    assert guest.post(body, headers=RESOLVE).status_code == 200

    deadline = time.monotonic() + 30
    while guest.task(task_id)["output"]["task_status"] != "UNKNOWN":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while (file := httpx.get(url)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    check_error(file, 404, "NotFound")
    assert "has not expired" in check_error(guest.post(next_one), 400, "InvalidURL")
    check_error(guest.cancel(task_id), 404, "NotFound")
    while (response := guest.post(body, headers=RESOLVE)).status_code in (200, 429):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    check_error(response, 400, "InvalidURL")


def test_a_full_queue_is_told(brief: ServeProcess, guest: Client) -> None:
    brief.gate.unlink(missing_ok=True)
    running = guest.create("gated")
    guest.wait(running, "RUNNING")
    waiting = [guest.create("gated") for _ in range(2)]
    codes = ("Throttling.AllocationQuota", "Throttling")
    check_error(guest.post(guest.body()), 429, *codes)
    assert guest.cancel(waiting[0]).status_code == 200
    waiting[0] = guest.create()
    brief.gate.touch()
    for task_id in [running, *waiting]:
        assert guest.wait(task_id)["output"]["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/base.png",
        "http://localhost:{port}/base.png",
        "http://[::1]:{port}/base.png",
        "http://[::ffff:127.0.0.1]:{port}/base.png",
        "http://2130706433:{port}/base.png",
        "http://0x7f.1:{port}/base.png",
        "http://0:{port}/base.png",
        "http://10.0.0.1/base.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
    ],
)
def test_inputs_are_not_fetched_from_private_addresses(
    guest: Client, host: PictureHost, address: str
) -> None:
    before = len(host.seen)
    url = address.format(port=host.address.rpartition(":")[2])
    check_error(guest.post(guest.body(input={"base_image_url": url})), 400, *DOWNLOAD)
    assert len(host.seen) == before


def test_the_policy_refuses_words(guest: Client) -> None:
    for input in (
        {"prompt": "a Forbidden hat"},
        {"prompt": "带禁词的帽子"},
        {"negative_prompt": "forbidden"},
    ):
        check_error(guest.post(guest.body(input=input)), 400, "DataInspectionFailed")
    assert guest.post(guest.body(input={"prompt": "a bidden hat"})).status_code == 200


def test_times_are_told_in_the_chosen_zone(guest: Client) -> None:
    told = guest.task(guest.create())["output"]["submit_time"]
    now = datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    assert abs((now - datetime.fromisoformat(told)).total_seconds()) < 120
