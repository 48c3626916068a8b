"""What becomes of a task or an upload when the answer to its COMMIT is lost.

Either it is lost on its way ("drop"), or the connection is lost before the server is told ("late").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from bench._ways import Ways
from tests.postgresql import Server
from tests.unit.service_fixture import BASE, order

from overpaint.dispatch.work import Worker
from overpaint.errors import StoreFailed
from overpaint.policy import open_policy
from overpaint.service import Service
from overpaint.service.uploading import ACCESS_KEY_ID
from overpaint.settings import Settings
from overpaint.tasks.audit import audit
from overpaint.tasks.database import open_database
from overpaint.tasks.task import PLANS, Key, State, Task

HELD_UP_S = 0.7


@dataclass(frozen=True)
class Stage:
    """A service that reaches its database by a way."""

    service: Service
    key: Key
    ways: Ways

    def reserved(self) -> int:
        key = self.service.keys.get(self.key.id)
        assert key is not None
        return key.reserved

    def paint(self) -> Task:
        """Have a worker do the only task there is."""
        worker = Worker(
            self.service.tasks,
            self.service.blobs,
            open_policy(""),
            worker_id="w",
            lease_s=60,
            task_s=60,
        )
        assert worker.work()
        (task,) = self.service.tasks.expired(2**62, 10)
        self.service.tasks.delete([task.id])
        return task

    def pictures(self, task: Task) -> int:
        """How many of its pictures can be read."""
        blobs = [picture.blob for picture in task.pictures if picture.blob is not None]
        return sum(len(self.service.blobs.get(blob)) > 0 for blob in blobs)


@pytest.fixture(scope="module")
def stage(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    ways = Ways({"database": ("127.0.0.1", postgresql.port)})
    url = postgresql.new()
    by_way = url.replace(f":{postgresql.port}/", f":{ways.ports['database']}/")
    folder = tmp_path_factory.mktemp("data")
    service = Service(Settings(data_dir=folder, database_url=by_way))
    yield Stage(service, service.keys.create("k", PLANS["unlimited"])[0], ways)
    service.close()
    ways.close()
    database = open_database(url, migrate=False)
    assert audit(database) == []
    database.dispose()
    postgresql.drop(url)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_task_whose_commit_was_answered_to_nobody_is_there_and_is_told(stage: Stage) -> None:
    stage.ways.trap("database", "remove it", "drop")
    before = stage.ways.sprung("database")
    task = stage.service.submit(stage.key, order())
    assert stage.ways.sprung("database") == before + 1
    painted = stage.paint()
    assert (painted.id, stage.pictures(painted)) == (task.id, 1)


def test_a_task_that_is_committed_after_the_connection_was_lost_has_its_inputs(
    stage: Stage,
) -> None:
    stage.ways.trap("database", "remove it", "late", HELD_UP_S)
    with pytest.raises(StoreFailed):
        stage.service.submit(stage.key, order())
    until(lambda: stage.reserved() == 1)
    assert stage.paint().state is State.SUCCEEDED


@pytest.mark.parametrize("how", ["drop", "late"])
def test_a_task_whose_end_nobody_heard_of_keeps_its_pictures(stage: Stage, how: str) -> None:
    task = stage.service.submit(stage.key, order())
    before = stage.ways.sprung("database")
    stage.ways.trap("database", "SUCCEEDED", how, HELD_UP_S)
    painted = stage.paint()
    assert stage.ways.sprung("database") == before + 1
    assert (painted.id, painted.state, stage.pictures(painted)) == (task.id, State.SUCCEEDED, 1)


@pytest.mark.parametrize("how", ["drop", "late"])
def test_an_upload_whose_commit_was_answered_to_nobody_can_be_sent_again(
    stage: Stage, how: str
) -> None:
    uploads = stage.service.uploads
    policy = uploads.policy(stage.key)
    name = f"{policy.upload_dir}/base.png"
    fields = {"key": name, "policy": policy.policy, "Signature": policy.signature}
    fields["OSSAccessKeyId"] = ACCESS_KEY_ID
    stage.ways.trap("database", name, how, HELD_UP_S)
    with pytest.raises(StoreFailed):
        uploads.receive(fields, BASE)
    time.sleep(2 * HELD_UP_S if how == "late" else 0)
    uploads.receive(fields, BASE)
    assert uploads.read(stage.key, f"oss://{name}", field="base") == BASE
