"""Clients that submit, poll and download, and notice every error."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tests.acceptance.nodes import LONG_S, Node, until
from tests.unit.service_fixture import BASE, MASK

CREATE = "/api/v1/services/aigc/image2image/image-synthesis"
ORDER: dict[str, Any] = {
    "model": "erase",
    "input": {
        "prompt": "remove it",
        "base_image_url": "data:image/png;base64," + base64.b64encode(BASE).decode(),
        "mask_image_url": "data:image/png;base64," + base64.b64encode(MASK).decode(),
    },
    "parameters": {"size": "original", "n": 1},
}


class Clients:
    """Each submits a task, follows it to its end, gets the picture, and begins anew."""

    def __init__(self, url: str, secret: str, *, count: int) -> None:
        self.errors: list[str] = []
        self.done = 0
        self._url, self._secret = url, secret
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    @contextmanager
    def working(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """Follow what is submitted to its end, and begin nothing more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more tasks are done."""
        wanted = self.done + count
        until(lambda: self.done >= wanted or self.errors, "tasks are done")

    def _run(self) -> None:
        with client(self._url, self._secret) as asking:
            while not self._stopping.is_set() and not self.errors:
                try:
                    self._once(asking)
                except (httpx.HTTPError, AssertionError) as error:
                    self.errors.append(repr(error))

    def _once(self, asking: httpx.Client) -> None:
        created = asking.post(CREATE, json=ORDER)
        assert created.status_code == 200, created.text
        task_id = created.json()["output"]["task_id"]
        deadline = time.monotonic() + LONG_S
        while True:
            answer = asking.get(f"/api/v1/tasks/{task_id}")
            assert answer.status_code == 200, answer.text
            output = answer.json()["output"]
            if output["task_status"] in ("SUCCEEDED", "FAILED"):
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert output["task_status"] == "SUCCEEDED", output
        picture = asking.get(output["results"][0]["url"])
        assert picture.status_code == 200, picture.text
        assert picture.content.startswith(b"\x89PNG")
        self.done += 1


def client(url: str, secret: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret}", "X-DashScope-Async": "enable"}
    return httpx.Client(base_url=url, headers=headers, timeout=LONG_S, trust_env=False)


def secret_of(node: Node, *arguments: str) -> str:
    done = node.run("keys", "create", "--name", "k", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])
