"""Plans: the free one's 500 pictures, 180 days, 2 submissions a second and 1 running task."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.wire.client import Client, check_error
from tests.wire.process import ServeProcess

QUOTA = "AllocationQuota.FreeTierOnly"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def free(newcomer: Callable[[str], Client]) -> Client:
    return newcomer("free")


def key_id(client: Client) -> str:
    return str(client.list()["data"][0]["api_key_id"])


def patiently(client: Client, model: str = "instant", n: int = 1) -> int:
    """Submit until the rate allows it; returns the status."""
    while True:
        response = client.post(client.body(model, n=n))
        if response.status_code != 429:
            return response.status_code
        time.sleep(0.1)


def test_more_than_two_submissions_a_second_are_refused(free: Client) -> None:
    body = free.body()
    start = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: free.post(body), range(16)))
    earned = 2 * (time.monotonic() - start)  # while they were sent
    refused = [response for response in responses if response.status_code != 200]
    assert len(refused) >= 16 - 2 - earned
    for response in refused:
        check_error(response, 429, "Throttling", "Throttling.RateQuota")
    accepted = len(responses) - len(refused)
    assert accepted >= 2
    assert free.list()["total"] == accepted
    assert patiently(free) == 200  # and later it is one's turn again


def test_unlimited_is_unlimited(client: Client) -> None:
    body = client.body()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: client.post(body), range(16)))
    assert {response.status_code for response in responses} == {200}


def test_500_pictures_and_no_more(server: ServeProcess, free: Client) -> None:
    free.wait(free.create(n=2))
    owner = key_id(free)

    def count() -> tuple[int, int]:
        (row,) = server.sql("SELECT used, reserved FROM keys WHERE id = ?", owner)
        return row

    assert count() == (2, 0)
    server.sql("UPDATE keys SET used = 497 WHERE id = ?", owner)
    time.sleep(0.6)
    check_error(free.post(free.body(n=4)), 403, QUOTA)
    time.sleep(0.6)
    failing = free.create("broken", n=3)  # reserves all that is left
    assert free.wait(failing)["output"]["task_status"] == "FAILED"
    assert count() == (497, 0)  # and gives it back
    assert patiently(free, "picky", n=3) == 200
    for row in free.list()["data"]:
        free.wait(row["task_id"])
    used = count()[0]
    assert used in (498, 499)  # of the three those with an even seed
    assert patiently(free, n=500 - used) == 200
    for row in free.list()["data"]:
        free.wait(row["task_id"])
    assert count() == (500, 0)
    time.sleep(0.6)
    check_error(free.post(free.body()), 403, QUOTA)


def test_pictures_of_tasks_that_wait_are_reserved_and_given_back_on_cancelling(
    server: ServeProcess, free: Client, closed_gate: None
) -> None:
    running = free.create("gated")
    free.wait(running, "RUNNING")
    owner = key_id(free)
    server.sql("UPDATE keys SET used = 496 WHERE id = ?", owner)
    pending = free.create(n=3)
    time.sleep(1.1)
    check_error(free.post(free.body()), 403, QUOTA)
    assert free.cancel(pending).status_code == 200
    assert patiently(free, n=3) == 200
    (row,) = server.sql("SELECT used, reserved FROM keys WHERE id = ?", owner)
    assert row == (496, 4)


def test_after_180_days_the_quota_is_over(server: ServeProcess, free: Client) -> None:
    free.wait(free.create())
    owner = key_id(free)
    shift = "UPDATE keys SET created_ms = created_ms - ? WHERE id = ?"
    server.sql(shift, 179 * DAY_MS, owner)
    assert patiently(free) == 200
    server.sql(shift, 2 * DAY_MS, owner)
    time.sleep(0.6)
    check_error(free.post(free.body()), 403, QUOTA)
    assert free.list()["total"] == 2  # reading goes on


def test_one_key_s_crowd_does_not_starve_another_s_task(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    crowd, single = newcomer("unlimited"), newcomer("unlimited")
    held = [crowd.create("gated") for _ in range(2)]  # both workers
    for task_id in held:
        crowd.wait(task_id, "RUNNING")
    many = [crowd.create() for _ in range(10)]
    late = single.create()
    server.gate.touch()
    ended = single.wait(late)["output"]["end_time"]
    for task_id in many:
        crowd.wait(task_id)
    later = [task_id for task_id in many if crowd.task(task_id)["output"]["end_time"] > ended]
    assert len(later) > 5
