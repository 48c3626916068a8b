"""Several nodes as one service: used through a balancer, restarted under their clients."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.clients import CREATE, ORDER, Clients, client, secret_of
from tests.acceptance.nodes import Balancer, Node, until
from tests.postgresql import Server, serve_postgresql

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are inherited by number")

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


def test_nodes_are_restarted_one_after_the_other_and_no_client_notices(
    server: Server, tmp_path: Path
) -> None:
    with nodes(server, tmp_path) as (balancer, found):
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
        clients = Clients(balancer.url, secret_of(north), count=3)
        with clients.working():
            clients.more(3)
            for node in (north, south):
                assert node.stop() == 0
                clients.more(3)  # by the other node alone
                node.start()
                node.ready()
                until(lambda node=node: balancer.ready(node.port), "it is back")  # type: ignore[misc]
                clients.more(3)
        assert clients.errors == [], north.log() + south.log()
        database = str(north._environ["OVERPAINT_DATABASE_URL"]).rpartition("/")[2]
        states = Counter(row[0] for row in server.sql("SELECT state FROM tasks", database))
        assert states == {"SUCCEEDED": clients.done}


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
