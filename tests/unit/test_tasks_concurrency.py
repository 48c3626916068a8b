"""The store under many threads, and under many processes that are killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.unit import store_traffic
from tests.unit.task_fixture import GOOD, LEASE, Stores, new_task, opened

from overpaint.errors import NotPending, QueueFull, QuotaExhausted
from overpaint.tasks.audit import audit
from overpaint.tasks.task import FINAL, State, Task

ROOT = Path(__file__).parents[2]


def test_threads_reserve_exactly_what_the_key_has(place: str) -> None:
    with opened(place) as stores:
        key = stores.key(images=25)

        def submit(_: int) -> bool:
            try:
                stores.tasks.insert(new_task(key.id, n=2), max_pending=1000)
            except QuotaExhausted:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(submit, range(40))) == 12
        assert stores.quota(key) == (0, 24)


def test_threads_fill_a_queue_exactly(place: str) -> None:
    with opened(place) as stores:
        key = stores.key()

        def submit(_: int) -> bool:
            try:
                stores.tasks.insert(new_task(key.id), max_pending=11)
            except QueueFull:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(submit, range(30))) == 11


def test_a_task_is_claimed_or_cancelled_but_never_twice(place: str) -> None:
    with opened(place) as stores:
        key = stores.key(images=30)
        tasks = [stores.submit(key) for _ in range(30)]

        def cancel(task: Task) -> str | None:
            try:
                return stores.tasks.cancel(task.id, key.id).id
            except NotPending:
                return None

        def claim(i: int) -> str | None:
            task = stores.tasks.claim(f"w{i}", lease_ms=LEASE)
            return None if task is None else task.id

        with ThreadPoolExecutor(8) as threads:
            claims = [threads.submit(claim, i) for i in range(30)]
            cancels = [threads.submit(cancel, task) for task in reversed(tasks)]
            taken = [future.result() for future in (*claims, *cancels)]
        ids = [task_id for task_id in taken if task_id is not None]
        assert sorted(ids) == sorted(task.id for task in tasks)
        assert audit(stores.database) == []


def test_one_of_many_ends_a_task(place: str) -> None:
    with opened(place) as stores:
        key = stores.key()
        stores.submit(key)
        claimed = stores.claim()
        with ThreadPoolExecutor(8) as threads:
            ended = list(threads.map(lambda _: stores.tasks.finish(claimed, [GOOD]), range(8)))
        assert sum(ended) == 1
        assert stores.quota(key) == (1, 0)


def test_processes_that_are_killed_lose_nothing_and_pay_exactly(place: str, tmp_path: Path) -> None:
    with opened(place) as stores:
        keys = [
            stores.key("ann", images=400),
            stores.key("bob", running=1),
            stores.key("cid", images=150, running=2),
        ]
        ids = ",".join(key.id for key in keys)

        def start(worker: str, seed: int) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", store_traffic.__name__, place]
            command += [str(tmp_path), worker, ids, str(seed)]
            return subprocess.Popen(command, cwd=ROOT)

        running = {f"w{i}": start(f"w{i}", i) for i in range(3)}
        for killed in range(3):
            worker = f"w{killed}"
            _wait_for_lines(tmp_path / worker, 12)
            running[worker].kill()
            running[worker].communicate()
            stores.tasks.release_worker(worker)
            running[worker] = start(worker, 10 + killed)
            assert audit(stores.database) == []  # in the midst of the traffic
        for worker in running:
            _wait_for_lines(tmp_path / worker, 25)
        (tmp_path / "stop").touch()
        for process in running.values():
            process.communicate(timeout=60)
            assert process.returncode == 0
        _drain(stores)
        _check(stores, tmp_path, [key.id for key in keys])


def _wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_text().count("\n") < count:
        assert time.monotonic() < deadline, f"{path.name} does nothing"
        time.sleep(0.02)


def _drain(stores: Stores) -> None:
    for worker in ("w0", "w1", "w2"):
        stores.tasks.release_worker(worker)
    while (task := stores.tasks.claim("last", lease_ms=LEASE)) is not None:
        assert stores.tasks.finish(task, [GOOD] * task.n)


def _check(stores: Stores, folder: Path, key_ids: list[str]) -> None:
    lines = [
        json.loads(line)
        for i in range(3)
        for line in (folder / f"w{i}").read_text().split("\n")
        if line.endswith("]")
    ]
    accepted = {line[1] for line in lines if line[0] == "accepted"}
    assert len(accepted) == sum(line[0] == "accepted" for line in lines)
    stored = {task.id: task for task in stores.tasks.expired(2**53, 100_000)}
    assert accepted <= stored.keys()
    assert all(task.state in FINAL for task in stored.values())
    ended = [line for line in lines if line[0] == "ended"]
    assert len({line[1] for line in ended}) == len(ended)  # nobody ended what another had ended
    for _, task_id, successes in ended:
        assert _successes(stored[task_id]) == successes
    for line in lines:
        assert line[0] != "canceled" or stored[line[1]].state is State.CANCELED
    for key_id in key_ids:
        key = stores.keys.get(key_id)
        assert key is not None
        paid = sum(_successes(task) for task in stored.values() if task.key_id == key_id)
        assert (key.used, key.reserved) == (paid, 0)
    assert sum(total.tasks for total in stores.tasks.totals()) == len(stored)
    assert audit(stores.database) == []


def _successes(task: Task) -> int:
    return sum(picture.blob is not None for picture in task.pictures)
