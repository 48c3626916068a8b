"""A backup as docs/guide/cluster.md has it: a dump of PostgreSQL, then the pictures."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import Server
from tests.unit.service_fixture import order

from overpaint.dispatch.work import Worker
from overpaint.service import Service
from overpaint.settings import Settings
from overpaint.tasks.audit import audit
from overpaint.tasks.database import open_database
from overpaint.tasks.task import PLANS, Key, State, Task

LEASE_S = 0.3


@contextmanager
def service_at(database_url: str, pictures: Path, folder: Path) -> Iterator[Service]:
    settings = Settings(data_dir=folder, database_url=database_url, blobs=str(pictures))
    folder.mkdir()
    service = Service.open(settings)
    try:
        yield service
    finally:
        service.close()


def painted(service: Service, tasks: list[Task]) -> list[bytes]:
    """The results of these tasks, after workers have painted all that waits."""
    worker = Worker(
        service.tasks, service.blobs, service.policy, worker_id="w", lease_s=15, task_s=900
    )
    time.sleep(LEASE_S)  # leases of who is gone run out
    while worker.work():
        pass
    found = []
    for task in tasks:
        now = service.tasks.get(task.id)
        assert now is not None
        assert now.state is State.SUCCEEDED
        assert now.pictures[0].blob is not None
        found.append(service.blobs.get(now.pictures[0].blob))
    return found


def ledger(service: Service, key: Key) -> tuple[int, int]:
    found = service.keys.get(key.id)
    assert found is not None
    return found.used, found.reserved


def test_a_dump_and_the_pictures_of_later_go_on_where_the_dump_was_made(
    postgresql: Server, tmp_path: Path
) -> None:
    url, restored = postgresql.new(), postgresql.new(empty=True)
    programs, dump = postgresql.programs, tmp_path / "overpaint.dump"
    with service_at(url, tmp_path / "pictures", tmp_path / "a") as service:
        key, secret = service.keys.create("k", PLANS["free"])
        tasks = [service.submit(key, order(options={"seed": 0}))]
        painted(service, tasks)
        tasks += [service.submit(key, order(options={"seed": seed})) for seed in (1, 2)]
        assert service.tasks.claim("gone", lease_ms=int(LEASE_S * 1000)) is not None
        subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, "--dbname", url], check=True)
        assert ledger(service, key) == (1, 2)
        before = painted(service, tasks)
        service.submit(key, order())  # of which the dump knows nothing
        shutil.copytree(tmp_path / "pictures", tmp_path / "copy")

    subprocess.run([programs / "pg_restore", "--dbname", restored, dump], check=True)
    with service_at(restored, tmp_path / "copy", tmp_path / "b") as service:
        database = open_database(restored, migrate=False)
        assert audit(database) == []
        assert service.authenticate(secret).id == key.id
        assert ledger(service, key) == (1, 2)
        assert painted(service, tasks) == before
        assert ledger(service, key) == (3, 0)
        assert audit(database) == []
        database.dispose()
    postgresql.drop(url)
    postgresql.drop(restored)
