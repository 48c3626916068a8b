"""A task's life as a client sees it: create, query, cancel, and all states."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.client import CREATE, Client, check_envelope, check_error, check_task
from tests.wire.process import ServeProcess


def test_a_task_succeeds_and_says_all_that_the_contract_names(client: Client) -> None:
    answer = client.done(n=2, seed=5)
    output = answer["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert answer["usage"] == {"image_count": 2}
    urls = [result["url"] for result in output["results"]]
    assert len(set(urls)) == 2
    assert [result["seed"] for result in output["results"]] == ["5", "6"]
    assert len({urlsplit(url).path.rsplit("/", 1)[1] for url in urls}) == 2  # names of files


def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    task_id = client.create()
    ids = {client.task(task_id)["request_id"] for _ in range(5)}
    assert len(ids) == 5


def test_pending_running_and_succeeded_are_told(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    client = newcomer("free")  # which has one task running at a time
    first, second = client.create("gated"), client.create("gated")
    running = client.wait(first, "RUNNING")
    assert "scheduled_time" in running["output"]
    assert "end_time" not in running["output"]
    assert "usage" not in running
    pending = client.task(second)
    assert pending["output"]["task_status"] == "PENDING"
    assert "scheduled_time" not in pending["output"]
    for answer in (running, pending):
        assert "results" not in answer["output"]
        assert answer["output"].get("task_metrics", {"TOTAL": 1})["TOTAL"] == 1
    time.sleep(0.3)
    assert client.task(second)["output"]["task_status"] == "PENDING"
    server.gate.touch()
    assert client.wait(first)["output"]["task_status"] == "SUCCEEDED"
    assert client.wait(second)["output"]["task_status"] == "SUCCEEDED"


def test_a_task_that_fails_says_why(client: Client) -> None:
    answer = client.done("broken", n=2)
    output = answer["output"]
    assert output["task_status"] == "FAILED"
    assert output["code"] == "InternalError.Algo"
    assert output["message"] == "The engine could not paint."  # how is for the log alone
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 2}
    assert answer.get("usage", {"image_count": 0}) == {"image_count": 0}


def test_what_only_the_engine_can_find_wrong_is_the_caller_s_to_mend(client: Client) -> None:
    output = client.done("shy")["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InvalidParameter")
    assert "must be something that I know" in output["message"]


def test_an_engine_s_bug_is_told_without_its_insides(client: Client) -> None:
    output = client.done("faulty")["output"]
    assert output["task_status"] == "FAILED"
    assert output["code"].startswith("InternalError")
    assert "secret of the inside" not in json.dumps(output)


def test_part_of_the_pictures_failing_is_success_with_errors_in_their_places(
    client: Client,
) -> None:
    answer = client.done("picky", n=4, seed=2)
    output = answer["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 4, "SUCCEEDED": 2, "FAILED": 2}
    assert answer["usage"] == {"image_count": 2}
    assert ["url" in result for result in output["results"]] == [True, False, True, False]
    for result in output["results"][1::2]:
        assert "url" not in result
        assert result["code"] == "InternalError.Algo"
        assert result["message"] == "The engine could not paint."
    assert len(client.pictures({"output": {**output, "results": output["results"][::2]}})) == 2


def test_a_pending_task_is_cancelled_and_a_running_one_is_not(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    client = newcomer("free")
    running, pending = client.create("gated"), client.create("gated")
    client.wait(running, "RUNNING")
    response = client.cancel(pending)
    assert response.status_code == 200
    assert set(check_envelope(response)) == {"request_id"}
    answer = client.task(pending)
    assert answer["output"]["task_status"] == "CANCELED"
    assert "results" not in answer["output"]
    message = "Failed to cancel the task, please confirm if the task is in PENDING status."
    for task_id in (running, pending):
        assert check_error(client.cancel(task_id), 400, "UnsupportedOperation") == message
    server.gate.touch()
    assert client.wait(running)["output"]["task_status"] == "SUCCEEDED"
    assert check_error(client.cancel(running), 400, "UnsupportedOperation") == message


@pytest.mark.parametrize(
    "task_id", ["594eb2ea-9617-403c-b40c-d81290cdb1aa", "nonsense", "a" * 300, "%00", "1%2F2"]
)
def test_a_task_that_is_not_there_is_unknown(client: Client, task_id: str) -> None:
    response = client.http.get(f"/tasks/{task_id}")
    if task_id == "1%2F2":  # no path of ours
        check_error(response, 404, "NotFound")
        return
    assert response.status_code == 200
    output = check_envelope(response)["output"]
    assert output["task_status"] == "UNKNOWN"
    check_error(client.cancel(task_id), 404, "NotFound")


def test_a_stranger_s_task_is_unknown_and_stays_as_it_is(client: Client, stranger: Client) -> None:
    task_id = client.create()
    unknown = stranger.task(task_id)
    assert unknown["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}
    check_error(stranger.cancel(task_id), 404, "NotFound")
    assert client.wait(task_id)["output"]["task_status"] == "SUCCEEDED"
    assert stranger.task(task_id)["output"]["task_status"] == "UNKNOWN"


@pytest.mark.parametrize(
    "path", ["/tasks/{id}/", "/tasks/{id}/?size=1024*1024&n=1", "/tasks/{id}?anything=1"]
)
def test_a_query_may_end_in_a_slash_and_carry_parameters(client: Client, path: str) -> None:
    task_id = client.create()
    response = client.http.get(path.format(id=task_id))
    assert response.status_code == 200
    check_task(check_envelope(response), task_id)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("cancel", {}),
        ("cancel", {"headers": {"Content-Type": "application/json"}, "content": b""}),
        ("cancel/", {"json": {"model": "", "parameters": {}, "input": ""}}),
        ("cancel", {"headers": {"Content-Type": "text/plain"}, "content": b"whatever"}),
    ],
)
def test_a_cancel_may_come_with_or_without_a_body(
    client: Client,
    newcomer: Callable[[str], Client],
    closed_gate: None,
    suffix: str,
    options: dict[str, object],
) -> None:
    asker = newcomer("free")
    first, second = asker.create("gated"), asker.create("gated")
    asker.wait(first, "RUNNING")
    response = asker.http.post(f"/tasks/{second}/{suffix}", **options)  # type: ignore[arg-type]
    assert response.status_code == 200, response.text
    assert asker.task(second)["output"]["task_status"] == "CANCELED"


def test_creating_may_end_in_a_slash_and_carry_parameters(client: Client) -> None:
    for path in (f"{CREATE}/", f"{CREATE}?x=1"):
        response = client.http.post(
            path, json=client.body(), headers={"X-DashScope-Async": "enable"}
        )
        assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "Application/JSON;charset=UTF-8", "x-dashscope-async": "enable"},
        {
            "X-DashScope-WorkSpace": "llm-1",
            "X-DashScope-DataInspection": '{"input":"cip","output":"cip"}',
            "x-dashscope-sdk-client": "python-sdk/2.0.2/aigc",
            "x-dashscope-sdk-session-id": "0123456789abcdef",
            "user-agent": "dashscope/2.22.29; java/17; platform/Linux; processor/amd64",
            "X-DashScope-OssResourceResolve": "enable",
            "Accept": "application/json; charset=utf-8",
        },
    ],
)
def test_the_headers_of_the_sdks_are_taken(client: Client, headers: dict[str, str]) -> None:
    content = json.dumps(client.body(), ensure_ascii=False).encode()
    response = client.http.post(
        CREATE,
        content=content,
        headers={"X-DashScope-Async": "enable", "Content-Type": "application/json", **headers},
    )
    assert response.status_code == 200, response.text


def test_unknown_keys_are_tolerated_everywhere(client: Client) -> None:
    body = client.body(
        input={"function": "description_edit_with_mask", "n": 9, "x": {"y": [None]}},
        steps=40,
        scale=7.5,
        prompt_extend=True,
        ref_strength=0.5,
        ref_mode="repaint",
        another={"deep": [1, 2]},
    )
    response = client.post({"x": 1, **body, "resources": [], "stream": False})
    assert response.status_code == 200, response.text


def test_keys_come_in_any_order_and_parameters_may_be_absent(client: Client) -> None:
    body = client.body()
    for sent in (
        {"model": body["model"], "parameters": {}, "input": body["input"]},
        {"input": body["input"], "model": body["model"]},
        {"parameters": body["parameters"], "input": body["input"], "model": body["model"]},
    ):
        assert client.post(sent).status_code == 200


def test_a_task_does_not_depend_on_the_inputs_host_after_submission(
    server: ServeProcess, client: Client, closed_gate: None
) -> None:
    from tests.wire.host import PictureHost
    from tests.wire.pictures import mask, png, scene

    with PictureHost() as gone:
        urls = {"base_image_url": gone.put(png(scene())), "mask_image_url": gone.put(png(mask()))}
        task_id = client.create("gated", urls)
    server.gate.touch()
    assert client.wait(task_id)["output"]["task_status"] == "SUCCEEDED"


def test_a_normal_poller_is_not_throttled(newcomer: Callable[[str], Client]) -> None:
    client = newcomer("free")
    task_id = client.create()
    for _ in range(60):
        client.task(task_id)  # which checks for 200


def test_result_names_are_safe_as_file_names(client: Client) -> None:
    answer = client.done(n=2)
    for result in answer["output"]["results"]:
        name = urlsplit(result["url"]).path.rsplit("/", 1)[1]
        assert re.fullmatch(r"[A-Za-z0-9._-]+\.png", name)


def test_queries_go_on_over_one_connection(client: Client) -> None:
    task_id = client.create()
    with httpx.Client(headers={"Authorization": f"Bearer {client.key}"}) as http:
        for _ in range(10):
            response = http.get(f"{client.address}/tasks/{task_id}")
            assert response.status_code == 200
            assert response.headers.get("connection", "keep-alive").lower() == "keep-alive"
