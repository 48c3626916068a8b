"""The log tells requests and tasks by their ids, and keeps what is the caller's to itself."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from tests.wire.client import Client, check_envelope
from tests.wire.process import ServeProcess


def lines(server: ServeProcess, having: str) -> list[dict[str, Any]]:
    """The log's lines that have this text, which may come a moment late."""
    deadline = time.monotonic() + 20
    while True:
        found = [line for line in server.said().splitlines() if having in line]
        if found:
            return [json.loads(line) for line in found]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_request_and_its_task_are_found_by_their_ids(
    server: ServeProcess, client: Client
) -> None:
    created = check_envelope(client.post(client.body()))
    task_id = created["output"]["task_id"]
    client.wait(task_id)
    assert any(line.get("task_id") == task_id for line in lines(server, created["request_id"]))
    assert any("worker" in str(line) for line in lines(server, task_id))


def test_no_secret_gets_into_the_log(server: ServeProcess, client: Client) -> None:
    prompt = "a hat that nobody shall read about"
    url = "http://127.0.0.1:9/secret-of-a-caller.png?token=abcdef"
    refused = client.post(client.body(input={"base_image_url": url}))
    answer = client.done("faulty", {"prompt": prompt})
    assert answer["output"]["task_status"] == "FAILED"
    signed = client.done(input={"prompt": prompt})["output"]["results"][0]["url"]
    assert httpx.get(signed).status_code == 200
    wrong = httpx.get(f"{server.base}/tasks", headers={"Authorization": "Bearer sk-wrong-secret"})
    for response in (refused, wrong):
        lines(server, check_envelope(response)["request_id"])  # so that they are there
    signature = urlsplit(signed).path.split("/")[-2]
    log = server.said()
    for secret in (client.key, "sk-wrong-secret", prompt, "token=abcdef", signature):
        assert secret not in log
