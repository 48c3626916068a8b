"""Several nodes as one service: used through a balancer, restarted under their clients."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.clients import CREATE, ORDER, Clients, client, secret_of
from tests.acceptance.nodes import LONG_S, Balancer, Node, until
from tests.haproxy import serve_haproxy
from tests.postgresql import Server, serve_postgresql
from tests.unit.service_fixture import BASE, MASK

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets are inherited by number"),
]

EXHAUSTED = "AllocationQuota.FreeTierOnly"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve_postgresql() as server:
        yield server


@contextmanager
def nodes(server: Server, folder: Path, **environ: str) -> Iterator[tuple[Balancer, list[Node]]]:
    """Two of them, ready, behind a balancer."""
    shared = {
        "OVERPAINT_DATABASE_URL": server.new(),
        "OVERPAINT_BLOBS": str(folder / "pictures"),
        "OVERPAINT_MODELS": "erase=erase",
        "OVERPAINT_WORKERS": "1",
        "OVERPAINT_DRAIN_SECONDS": "2",
        "OVERPAINT_LOG_FORMAT": "json",
        **environ,
    }
    with ExitStack() as stack:
        found = []
        for name in ("north", "south"):
            found.append(Node(folder, name, **shared))
            stack.callback(found[-1].kill)
        for node in found:
            node.ready()
        balancer = Balancer([node.port for node in found])
        stack.enter_context(balancer.serving())
        until(lambda: all(balancer.ready(node.port) for node in found), "both are ready")
        yield balancer, found


class SdkClient:
    """The official SDK, which uploads a picture, has it painted and gets it, again and again."""

    def __init__(self, url: str, secret: str, folder: Path) -> None:
        import dashscope
        from dashscope.aigc.image_synthesis import ImageSynthesis

        dashscope.base_http_api_url, dashscope.api_key = f"{url}/api/v1", secret
        self._synthesis: Any = ImageSynthesis  # its annotations are not what it takes
        self._files = {"base_image_url": folder / "base.png", "mask_image_url": folder / "mask.png"}
        for file, data in zip(self._files.values(), (BASE, MASK), strict=True):
            file.write_bytes(data)
        self.errors: list[str] = []
        self.done = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def working(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set() and not self.errors:
            try:
                self._once()
            except Exception as error:
                self.errors.append(repr(error))

    def _once(self) -> None:
        files = {name: f"file://{path}" for name, path in self._files.items()}
        answer = self._synthesis.call(
            model="erase", prompt="remove it", task="image2image", size="original", n=1, **files
        )
        assert (answer.status_code, answer.output.task_status) == (200, "SUCCEEDED"), answer
        picture = httpx.get(answer.output.results[0].url, timeout=LONG_S, trust_env=False)
        assert picture.status_code == 200, picture.text
        self.done += 1


# the SDK's sessions are closed when they are collected, by a call that Python deprecates
@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")
def test_nodes_are_restarted_one_after_the_other_and_no_client_notices(
    server: Server, tmp_path: Path
) -> None:
    drain_s = "4"  # longer than HAProxy takes to notice, on a machine that has much to do
    with (
        nodes(server, tmp_path, OVERPAINT_DRAIN_SECONDS=drain_s) as (balancer, found),
        ExitStack() as stack,
    ):
        north, south = found
        told = json.loads(north.run("doctor", "--cluster", "--json").stdout)
        assert told["faults"] == []
        assert [one["name"] for one in told["nodes"]] == ["north", "south"]
        assert {one["node"] for one in told["workers"]} == {"north", "south"}
        assert told["database"]["kind"] == "postgresql"
        said = (
            rf"node south: tasks in test\d+ at 127\.0\.0\.1:{server.port}, pictures in {tmp_path}"
        )
        assert re.search(said, south.said()), south.said()
        secret = secret_of(north)
        clients = Clients(balancer.url, secret, count=3)
        servers = {node.name: ("127.0.0.1", node.port) for node in found}
        port = stack.enter_context(serve_haproxy(tmp_path, servers, every_ms=500))
        sdk = SdkClient(f"http://127.0.0.1:{port}", secret, tmp_path)
        with clients.working(), sdk.working():
            clients.more(3)
            for node in (north, south):
                assert node.stop() == 0
                clients.more(3)  # by the other node alone
                node.start()
                node.ready()
                until(lambda node=node: balancer.ready(node.port), "it is back")  # type: ignore[misc]
                clients.more(3)
        assert clients.errors + sdk.errors == [], north.log() + south.log()
        assert sdk.done >= 2
        database = str(north._environ["OVERPAINT_DATABASE_URL"]).rpartition("/")[2]
        states = Counter(row[0] for row in server.sql("SELECT state FROM tasks", database))
        assert states == {"SUCCEEDED": clients.done + sdk.done}


def test_a_plan_holds_to_the_picture_through_all_nodes(server: Server, tmp_path: Path) -> None:
    """Two submissions a second and ten pictures in all, asked for through two nodes at once."""
    with nodes(server, tmp_path) as (_, found):
        secret = secret_of(found[0], "--plan", "free")
        database = str(found[0]._environ["OVERPAINT_DATABASE_URL"]).rpartition("/")[2]
        server.sql("UPDATE keys SET max_images = 10 WHERE plan = 'free'", database)
        answers: list[tuple[float, str]] = []

        def hammer(node: Node) -> None:
            with client(f"http://127.0.0.1:{node.port}", secret) as asking:
                while not any(code == EXHAUSTED for _, code in list(answers)):
                    answer: Any = asking.post(CREATE, json=ORDER).json()
                    answers.append((time.monotonic(), answer.get("code", "")))
                    time.sleep(0.03)  # six of them are as many as the nodes can answer

        began = time.monotonic()
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(hammer, found * 3))
        counts = Counter(code for _, code in answers)
        taken = [at - began for at, code in answers if not code]
        assert counts[""] == 10, counts
        assert counts["Throttling.RateQuota"] > 0
        # the bucket holds two and fills at two a second
        assert all(at >= (number - 2) / 2 - 0.05 for number, at in enumerate(taken, start=1)), taken

        def used() -> tuple[int, int]:
            (row,) = server.sql("SELECT used, reserved FROM keys WHERE plan = 'free'", database)
            return row[0], row[1]

        until(lambda: used() == (10, 0), "all are painted and counted")
