"""Who keeps slots on a Ray cluster: which of several leads, what Ray is asked for, and when."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.heavy import require
from tests.unit.service_fixture import Clock

from overpaint.dispatch import ray
from overpaint.dispatch.presence import LOADING, READY
from overpaint.dispatch.ray.__main__ import listens
from overpaint.dispatch.ray.given import given_to_slots
from overpaint.dispatch.ray.keeper import Keeper, There, Wish
from overpaint.dispatch.ray.wanted import Wanted
from overpaint.dispatch.slots import KEEPERS, wanted_of
from overpaint.errors import OperationFailed, StoreFailed
from overpaint.settings import Settings
from overpaint.tasks.database import open_database
from overpaint.tasks.pools import ORDINARY, Queue
from overpaint.tasks.store import TaskStore

SDXL = "diffusers:/models/sdxl"
PHOTO = "app-photo"


@dataclass
class Cluster:
    """Starts what it is asked for at once."""

    has: dict[str, float] = field(default_factory=lambda: {"CPU": 4.0})
    slots: dict[str, There] = field(default_factory=dict)
    asked: list[dict[str, int]] = field(default_factory=list)

    def resources(self) -> dict[str, float]:
        return dict(self.has)

    def there(self) -> dict[str, There]:
        return dict(self.slots)

    def name(self, pool: str, label: str) -> str:
        return f"app-{label}"

    def have(self, wishes: Mapping[str, Wish]) -> None:
        self.asked.append({name: wish.count for name, wish in wishes.items()})
        self.slots |= {name: There(count=wish.count) for name, wish in wishes.items()}

    def remove(self, name: str) -> None:
        del self.slots[name]
        self.asked.append({name: 0})


class Store(TaskStore):
    """With queues as the test has them."""

    lengths: Mapping[str, Queue] = {}

    def queues(self) -> Mapping[str, Queue]:
        return self.lengths


@dataclass
class Stage:
    settings: Settings
    store: Store
    clock: Clock
    cluster: Cluster

    def keeper(self, name: str) -> Keeper:
        return Keeper(self.settings, self.store, self.cluster, instance=name, clock=self.clock)

    def waiting(self, **pending: int) -> None:
        pools = {"ordinary": ORDINARY, "photo": SDXL}
        self.store.lengths = {pools[name]: Queue(pending=n) for name, n in pending.items()}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    settings = Settings(data_dir=tmp_path, models={"erase": "erase", "photo": SDXL})
    database = open_database(settings.database_url, migrate=True)
    clock = Clock()
    yield Stage(settings, Store(database, clock=clock), clock, Cluster())
    database.dispose()


def test_slots_come_with_the_queue_and_go_a_while_after_it(stage: Stage) -> None:
    keeper = stage.keeper("a")
    keeper.turn(0)
    keeper.turn(1)
    stage.waiting(photo=9, ordinary=1)
    keeper.turn(2)
    stage.waiting()
    keeper.turn(3)
    keeper.turn(700)
    assert stage.cluster.asked == [
        {"app-ordinary": 1},
        {"app-ordinary": 1, PHOTO: 2},
        {PHOTO: 0},
        {"app-ordinary": 1},
    ]


def test_the_first_of_those_alive_leads_and_says_what_is_wanted(stage: Stage) -> None:
    first, second = stage.keeper("a"), stage.keeper("b")
    second.turn(0)
    first.beat(LOADING)  # it has not reached Ray yet
    second.turn(20)
    assert told(stage) == {"a": {}, "b": {"ordinary": 1, "photo": 0}}
    first.turn(21)
    second.turn(40)
    assert told(stage) == {"a": {"ordinary": 1, "photo": 0}, "b": {}}
    assert stage.cluster.asked == [{"app-ordinary": 1}] * 2
    stage.clock.forward(seconds=60)  # without a sign of life from it
    second.turn(100)
    assert told(stage)["b"] == {"ordinary": 1, "photo": 0}


def test_who_begins_to_lead_keeps_what_is_there_for_as_long_as_who_led(stage: Stage) -> None:
    stage.cluster.slots = {PHOTO: There(count=2), "app-former": There(count=1)}
    keeper = stage.keeper("a")
    keeper.turn(0)
    assert stage.cluster.asked == [{"app-former": 0}, {"app-ordinary": 1, PHOTO: 2}]
    keeper.turn(601)
    assert PHOTO not in stage.cluster.slots


def test_what_ray_has_lost_is_asked_for_again(stage: Stage) -> None:
    keeper = stage.keeper("a")
    keeper.turn(0)
    stage.cluster.slots.clear()
    keeper.turn(1)
    assert stage.cluster.asked == [{"app-ordinary": 1}] * 2


def test_what_does_not_start_is_tried_again_after_a_while(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = stage.keeper("a")
    keeper.turn(0)
    for now in (1, 2, 30, 32, 33):
        if "app-ordinary" in stage.cluster.slots:
            stage.cluster.slots["app-ordinary"] = There(count=0, given_up="no module")
        keeper.turn(now)
    again = [{"app-ordinary": 0}, {"app-ordinary": 1}]
    assert stage.cluster.asked == [{"app-ordinary": 1}, *again, *again]  # at 1 and 2, 32 and 33
    stage.cluster.slots["app-ordinary"] = There(count=2, running=1, given_up="no module")
    keeper.turn(64)
    assert len(stage.cluster.asked) == 5  # some are at work
    said = [record for record in caplog.records if record.message == "slots do not start"]
    assert [vars(record)["reason"] for record in said] == ["no module"] * 3


def test_pools_without_a_limit_share_the_room(stage: Stage) -> None:
    stage.waiting(ordinary=100, photo=100)
    stage.keeper("a").turn(0)
    assert stage.cluster.asked == [{"app-ordinary": 2, PHOTO: 2}]


def test_what_idles_makes_room_for_what_is_asked_for(stage: Stage) -> None:
    keeper = stage.keeper("a")
    stage.waiting(photo=100)
    keeper.turn(0)
    assert stage.cluster.asked[-1] == {"app-ordinary": 1, PHOTO: 3}
    stage.waiting(ordinary=6)
    keeper.turn(1)
    assert stage.cluster.asked[-1] == {"app-ordinary": 3}


def test_a_pool_with_a_limit_is_asked_for_beyond_the_room(stage: Stage) -> None:
    """Ray's own autoscaler may have machines come for it."""
    stage.settings = replace(stage.settings, slots="photo:max=9&tasks=1")
    stage.waiting(photo=100)
    stage.keeper("a").turn(0)
    assert stage.cluster.asked == [{"app-ordinary": 1, PHOTO: 9}]


def test_while_the_database_is_away_slots_stay(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = stage.keeper("a")
    turns = 0

    class Stopping:
        def is_set(self) -> bool:
            return turns == 3

        def wait(self, seconds: float) -> bool:
            return True

    def turn(now: float) -> None:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise StoreFailed("away")

    monkeypatch.setattr(keeper, "turn", turn)
    keeper.run(Stopping())  # type: ignore[arg-type]
    assert [record.message for record in caplog.records] == ["slots stay as they are"]


def told(stage: Stage) -> dict[str, dict[str, int]]:
    keepers = [one for one in stage.store.workers() if one.pool == KEEPERS]
    assert {one.state for one in keepers} <= {LOADING, READY}
    return {one.id: wanted_of(one.figures) for one in keepers}


def test_slots_without_a_keeper_and_a_task_are_wanted_no_more_after_a_while(stage: Stage) -> None:
    wanted = Wanted(stage.store, stage.settings, pool=SDXL)
    store = TaskStore(stage.store._database, clock=stage.clock, node="north")
    store.beat("k", pid=1, task_id=None, pool=KEEPERS)
    assert wanted.look(0)
    stage.clock.forward(seconds=60)
    assert wanted.look(1000)  # the keeper has just gone
    stage.waiting(photo=1)
    assert wanted.look(1601)
    stage.waiting(ordinary=1)
    assert not wanted.look(1601)
    store.beat("k", pid=1, task_id=None, pool=KEEPERS)
    assert wanted.look(1602)


def test_slots_are_told_no_secret_and_nothing_of_the_node(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        node="north",
        port=8001,
        models={"erase": "erase"},
        database_url="postgresql://me:s3cret@db/x?sslmode=require&password=s3cret",
        blobs="s3://pictures/x",
    )
    environ = {
        "AWS_ACCESS_KEY_ID": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_REGION": "eu",
        "AWS_ENDPOINT_URL": "https://me:s3cret@store.lan",
        "OTEL_EXPORTER_OTLP_HEADERS": "key=s3cret",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "PGPASSWORD": "s3cret",
        "HF_TOKEN": "s3cret",
        "PATH": "/bin",
    }
    given = given_to_slots(settings, environ)
    assert "s3cret" not in str(given)
    assert given == {
        "OVERPAINT_MODELS": "erase=erase",
        "OVERPAINT_LEASE_SECONDS": "15",
        "OVERPAINT_TASK_SECONDS": "900",
        "OVERPAINT_LOG_LEVEL": "info",
        "OVERPAINT_DATABASE_URL": "postgresql+psycopg://me@db/x?sslmode=require",
        "OVERPAINT_BLOBS": "s3://pictures/x",
        "AWS_REGION": "eu",
        "AWS_ENDPOINT_URL": "https://store.lan",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    elsewhere = replace(settings, data_dir=tmp_path / "b", node="south", port=1, workers=9)
    assert given_to_slots(elsewhere, environ) == given


def test_with_sqlite_slots_are_told_where_all_is_on_this_machine(tmp_path: Path) -> None:
    given = given_to_slots(Settings(data_dir=tmp_path), {})
    assert given["OVERPAINT_DATABASE_URL"] == f"sqlite:///{tmp_path / 'overpaint.db'}"
    assert given["OVERPAINT_BLOBS"] == str(tmp_path / "blobs")


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with pytest.raises(OperationFailed) as caught:
        ray.check(Settings(data_dir=tmp_path))
    assert str(caught.value) == (
        'OVERPAINT_DISPATCH=ray needs Ray: pip install "overpaint[cluster]"'
    )


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        assert not listens(address)
        assert not listens(f"ray://{address}")
        nobody.listen()
        assert listens(address)
    assert listens("auto")
    with pytest.raises(OperationFailed) as caught:
        ray.ask(address, {})
    assert str(caught.value) == (
        f"Ray does not answer at {address}: see `ray status` and RAY_ADDRESS"
    )


def test_a_keeper_without_a_database_says_so_and_ends(tmp_path: Path) -> None:
    require("ray", "make heavy")
    done = subprocess.run(
        [sys.executable, "-m", "overpaint.dispatch.ray", "k"],
        env={**os.environ, "OVERPAINT_DATA_DIR": str(tmp_path), "OVERPAINT_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = json.loads(done.stderr.splitlines()[-1])
    assert said["event"] == "cannot keep slots"
    assert "There is no database at" in said["reason"]
