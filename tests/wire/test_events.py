"""Server-sent events of tasks, as a browser's EventSource or curl reads them."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.wire.client import Client, check_error
from tests.wire.host import PictureHost
from tests.wire.process import ServeProcess

Event = tuple[str, Any]


@contextmanager
def following(client: Client, *ids: str) -> Iterator[Iterator[Event]]:
    """The events of a stream, as they come."""
    asked: list[tuple[str, str | int | float | bool | None]] = [("task_id", one) for one in ids]
    with client.http.stream("GET", "/tasks/events", params=asked) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-request-id"]
        lines = response.iter_lines()
        assert next(lines) == "retry: 1000"
        assert next(lines) == ""
        yield events_of(lines)


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    for line in lines:
        if line.startswith(":") or not line:
            continue
        assert line.startswith("event: ")
        data = next(lines)
        assert data.startswith("data: ")
        assert next(lines) == ""
        yield line.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def until(events: Iterator[Event], true: Callable[[str, Any], bool]) -> Any:
    """The first event that is so; what comes before is passed over."""
    return next(data for name, data in events if true(name, data))


def test_a_task_is_followed_from_the_queue_to_its_pictures(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    client = newcomer("free")  # which has one task running at a time
    first, second = client.create("gated"), client.create("gated", n=2)
    client.wait(first, "RUNNING")
    time.sleep(1)  # the plan has two submissions a second
    third = client.create("gated")
    with following(client, second, first, third) as events:
        told: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        while len(told) < 3 or not shown:
            name, data = next(events)
            assert name in ("task", "preview")
            shown = data if name == "preview" else shown
            if name == "task":
                told.setdefault(data["task_id"], data)
        assert list(told) == [second, first, third]
        states = [one["task_status"] for one in told.values()]
        assert states == ["PENDING", "RUNNING", "PENDING"]
        assert told[second]["position"] + 1 == told[third]["position"]
        assert "position" not in told[first]
        assert shown["task_id"] == first
        assert set(shown) == {"task_id", "url", "box"}
        kind, _, data = shown["url"].partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= 256
            ratio = image.width / image.height
        box = shown["box"]
        assert set(box) == {"x", "y", "width", "height"}
        assert ratio == pytest.approx(box["width"] / box["height"], rel=0.05)
        server.gate.touch()
        rest = list(events)
    assert rest[-1] == ("end", {})
    last = {one["task_id"]: one for name, one in rest if name == "task"}
    for task_id in (first, second, third):
        assert last[task_id] == client.task(task_id)["output"]
        assert last[task_id]["task_status"] == "SUCCEEDED"
    assert len(last[second]["results"]) == 2


def test_progress_is_told_while_a_task_is_painted(client: Client, closed_gate: None) -> None:
    task_id = client.create("gated")
    with following(client, task_id) as events:
        output = until(events, lambda name, data: name == "task" and "progress" in data)
    assert output["task_status"] == "RUNNING"
    progress = output["progress"]
    assert set(progress) == {"stage", "done", "total"}
    assert 0 <= progress["done"] <= progress["total"]


def test_without_ids_all_open_tasks_of_the_key_are_followed(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    client, other = newcomer("unlimited"), newcomer("unlimited")
    with following(client) as events:
        assert list(events) == [("end", {})]
    client.done()
    mine = {client.create("gated"), client.create("gated")}
    other.create("gated")
    with following(client) as events:
        seen = {next(events)[1]["task_id"]}
        while seen < mine:  # one that is painted by now shows a preview before the other
            seen.add(next(events)[1]["task_id"])
        server.gate.touch()
        told = {data["task_id"] for name, data in events if name != "end"}
    assert seen == told == mine


def test_what_has_ended_or_is_not_the_keys_is_told_at_once(
    client: Client, stranger: Client
) -> None:
    task_id = client.create()
    ended = client.wait(task_id)["output"]
    missing = "594eb2ea-9617-403c-b40c-d81290cdb1aa"
    with following(client, task_id, missing, "nonsense", task_id) as events:
        assert list(events) == [
            ("task", ended),
            ("task", {"task_id": missing, "task_status": "UNKNOWN"}),
            ("task", {"task_id": "nonsense", "task_status": "UNKNOWN"}),
            ("end", {}),
        ]
    with following(stranger, task_id) as events:
        assert list(events) == [
            ("task", {"task_id": task_id, "task_status": "UNKNOWN"}),
            ("end", {}),
        ]


def test_a_strangers_running_task_shows_nothing(
    server: ServeProcess, client: Client, stranger: Client, closed_gate: None
) -> None:
    task_id = client.create("gated")
    client.wait(task_id, "RUNNING")
    with following(client, task_id) as own, following(stranger, task_id) as foreign:
        assert [name for name, _ in foreign] == ["task", "end"]
        assert until(own, lambda name, _: name == "preview")["task_id"] == task_id


def test_a_key_has_so_many_streams_and_one_that_leaves_makes_room(
    newcomer: Callable[[str], Client], client: Client, closed_gate: None
) -> None:
    asker = newcomer("unlimited")
    task_id = asker.create("gated")
    with ExitStack() as stack:
        for _ in range(8):
            next(stack.enter_context(following(asker, task_id)))
        response = asker.http.get("/tasks/events", params={"task_id": task_id})
        message = check_error(response, 429, "Throttling.AllocationQuota")
        assert "8 event streams" in message
        assert int(response.headers["retry-after"]) > 0
        with following(client) as events:  # another key's do not count
            next(events)
    deadline = time.monotonic() + 30
    while asker.http.get("/tasks/events", params={"task_id": "nonsense"}).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_too_many_ids_are_refused(client: Client) -> None:
    response = client.http.get("/tasks/events", params=[("task_id", str(i)) for i in range(101)])
    assert "task_id" in check_error(response, 400, "InvalidParameter")


def test_a_running_task_is_canceled_where_that_is_asked_for(
    server: ServeProcess, newcomer: Callable[[str], Client], closed_gate: None
) -> None:
    client = newcomer("free")
    task_id, following_one = client.create("gated", n=3), client.create("instant")
    client.wait(task_id, "RUNNING")
    with following(client, task_id) as events:
        check_error(client.cancel(task_id), 400, "UnsupportedOperation")
        response = client.http.post(f"/tasks/{task_id}/cancel?running=true")
        assert response.status_code == 200
        assert set(response.json()) == {"request_id"}
        told = [data for name, data in events if name == "task"][-1]
    assert told["task_status"] == "CANCELED"
    assert "results" not in told
    assert client.wait(following_one)["output"]["task_status"] == "SUCCEEDED"  # a worker is free
    server.gate.touch()
    time.sleep(0.5)  # in which the engine could end
    assert client.task(task_id)["output"]["task_status"] == "CANCELED"
    account = client.http.get("/account").json()["data"]
    assert account["used"] == 1  # of the other task
    again = client.http.post(f"/tasks/{task_id}/cancel?running=true")
    assert "ended" in check_error(again, 400, "UnsupportedOperation")


def test_only_a_keys_own_running_task_is_canceled(
    client: Client, stranger: Client, closed_gate: None
) -> None:
    task_id = client.create("gated")
    client.wait(task_id, "RUNNING")
    response = stranger.http.post(f"/tasks/{task_id}/cancel?running=true")
    check_error(response, 404, "NotFound")
    assert client.task(task_id)["output"]["task_status"] == "RUNNING"
    odd = client.http.post(f"/tasks/{task_id}/cancel?running=perhaps")
    assert "running" in check_error(odd, 400, "InvalidParameter")


def test_streams_end_when_the_server_does_and_begin_again_with_the_next(
    tmp_path: Path, host: PictureHost
) -> None:
    base, area = host.url("base.png"), host.url("mask.png")
    server = ServeProcess(tmp_path)
    with server:
        client = Client(server.base, server.quick_key("k", "unlimited"), base=base, mask=area)
        task_id = client.create("gated")
        with following(client, task_id) as events:
            until(events, lambda name, data: data.get("task_status") == "RUNNING")
            stopping = Thread(target=server.stop)
            stopping.start()
            assert "end" not in [name for name, _ in events]  # which ends without breaking off
        server.gate.touch()  # else the worker would wait for its task
        stopping.join()
        client.close()
    assert "shutdown exceeded" not in server.said()
    server.root = ""
    with server:
        client = Client(server.base, client.key, base=base, mask=area)
        with following(client, task_id) as events:
            assert list(events)[-1] == ("end", {})
        assert client.task(task_id)["output"]["task_status"] == "SUCCEEDED"
        client.close()


def test_the_page_s_cookie_opens_a_stream_and_another_site_s_request_does_not(
    server: ServeProcess, client: Client
) -> None:
    with httpx.Client(base_url=server.root) as browser:
        signed = browser.post(
            "/sign-in", data={"key": client.key}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert signed.status_code == 303
        path = "/api/v1/tasks/events?task_id=nonsense"
        answer = browser.get(path, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 200
        assert answer.text.endswith("event: end\ndata: {}\n\n")
        check_error(browser.get(path, headers={"Sec-Fetch-Site": "cross-site"}), 403)
