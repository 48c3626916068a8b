"""The list of a key's tasks: newest first, paged and filtered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.wire.client import Client, check_envelope, check_error, check_list
from tests.wire.process import ServeProcess


@pytest.fixture(scope="module")
def lister(server: ServeProcess, client: Client) -> Iterator[Client]:
    made = Client(
        server.base, server.quick_key("lister", "unlimited"), base=client.base, mask=client.mask
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def ids(lister: Client) -> list[str]:
    """Twelve tasks, oldest first: nine succeed, three fail."""
    models = ["instant"] * 9 + ["broken"] * 3
    made = [lister.create(model) for model in models]
    for task_id in made:
        lister.wait(task_id)
    return made


def listed(answer: dict[str, Any]) -> list[str]:
    return [row["task_id"] for row in answer["data"]]


def test_the_list_is_newest_first_and_paged(lister: Client, ids: list[str]) -> None:
    answer = lister.list()
    assert listed(answer) == ids[:1:-1]
    assert (answer["page_no"], answer["page_size"]) == (1, 10)
    assert (answer["total"], answer["total_page"]) == (12, 2)
    assert listed(lister.list(page_no=2)) == ids[1::-1]
    assert listed(lister.list(page_no=3)) == []
    small = lister.list(page_no=2, page_size=5)
    assert listed(small) == ids[-6:-11:-1]
    assert (small["total"], small["total_page"], small["page_size"]) == (12, 3, 5)


@pytest.mark.parametrize("path", ["/tasks", "/tasks/", "/tasks?page_no=1&page_size=10", "/tasks/?"])
def test_the_list_s_path_may_end_in_a_slash(lister: Client, ids: list[str], path: str) -> None:
    answer = check_list(check_envelope(lister.http.get(path)))
    assert answer["total"] == len(ids)
    assert "output" not in answer


def test_a_row_says_all_that_the_contract_names(lister: Client, ids: list[str]) -> None:
    (row,) = lister.list(task_id=ids[0])["data"]
    assert row["status"] == "SUCCEEDED"
    assert row["model_name"] == "instant"
    assert row["gmt_create"] <= row["start_time"] <= row["end_time"]
    assert abs(row["gmt_create"] / 1000 - time.time()) < 600
    assert row["user_api_unique_key"] == ("apikey:v1:aigc:image2image:image-synthesis:instant")


def test_times_that_are_not_known_yet_are_absent(
    newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    made = newcomer("free")
    first, second = made.create("gated"), made.create("gated")
    made.wait(first, "RUNNING")
    newest, older = made.list()["data"]
    assert (newest["task_id"], newest["status"]) == (second, "PENDING")
    assert not {"start_time", "end_time"} & set(newest)
    assert (older["task_id"], older["status"]) == (first, "RUNNING")
    assert "end_time" not in older


def test_every_filter_filters(lister: Client, ids: list[str]) -> None:
    assert listed(lister.list(status="FAILED")) == ids[:8:-1]
    assert listed(lister.list(status="SUCCEEDED", page_size=20)) == ids[8::-1]
    assert lister.list(status="CANCELED")["total"] == 0
    assert lister.list(model_name="broken")["total"] == 3
    assert lister.list(model_name="wanx-x-painting")["total"] == 0
    assert lister.list(model_name="broken", status="SUCCEEDED")["total"] == 0
    assert listed(lister.list(task_id=ids[3])) == [ids[3]]
    assert listed(lister.list(task_id="nobody")) == []
    region = lister.list()["data"][0]["region"]
    assert lister.list(region=region)["total"] == 12
    key_id = lister.list()["data"][0]["api_key_id"]
    assert lister.list(api_key_id=key_id)["total"] == 12


def test_times_filter_to_the_second(lister: Client, ids: list[str]) -> None:
    def at(**offset: float) -> str:
        return (datetime.now() + timedelta(**offset)).strftime("%Y%m%d%H%M%S")

    everything = {"start_time": at(hours=-1), "end_time": at(minutes=1)}
    assert lister.list(**everything)["total"] == 12
    assert lister.list(start_time=at(hours=-1))["total"] == 12
    assert lister.list(end_time=at(minutes=1))["total"] == 12
    assert lister.list(start_time=at(hours=-3), end_time=at(hours=-2))["total"] == 0
    assert lister.list(start_time=at(minutes=5), end_time=at(minutes=6))["total"] == 0
    assert lister.list(**everything, status="FAILED")["total"] == 3
    assert lister.list(**everything, model_name="broken", page_size=2)["total_page"] == 2


@pytest.mark.parametrize(
    "query",
    [
        {"page_no": "0"},
        {"page_no": "x"},
        {"page_no": "1.5"},
        {"page_size": "0"},
        {"page_size": "-1"},
        {"page_size": "x"},
        {"status": "NONSENSE"},
        {"start_time": "yesterday"},
        {"start_time": "20261301000000"},
        {"end_time": "2026"},
        {"start_time": "20261122120000", "end_time": "20261122110000"},
    ],
)
def test_a_query_that_is_not_valid_is_refused(lister: Client, query: dict[str, str]) -> None:
    message = check_error(lister.http.get("/tasks", params=query), 400, "InvalidParameter")
    assert any(name in message for name in query)


@pytest.mark.parametrize(
    "query", [{"page_no": "9" * 30}, {"page_size": "9" * 30}, {"unknown": "x"}, {"task_id": "\x00"}]
)
def test_odd_queries_break_nothing(lister: Client, query: dict[str, str]) -> None:
    response = lister.http.get("/tasks", params=query)
    assert response.status_code in (200, 400)
    check_envelope(response)


def test_strangers_see_their_own_alone(lister: Client, stranger: Client, ids: list[str]) -> None:
    stranger.wait(stranger.create())
    assert not set(listed(stranger.list(page_size=100))) & set(ids)
    assert stranger.list(task_id=ids[0])["total"] == 0
