"""What nodes know of each other, and what they leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.unit.family_fixture import SECRET, family
from tests.unit.service_fixture import Clock, order, service_in

from overpaint.service import Service
from overpaint.service.cluster import NODES_GONE_MS, WORKERS_GONE_MS, shared_settings
from overpaint.settings import Settings
from overpaint.tasks.audit import audit
from overpaint.tasks.nodes import Node
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS, State
from overpaint.values import BlobRef

ENGINE = f"many:{SECRET}/sdxl?steps=8"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path, node="here", models={"erase": "erase"}) as made:
        yield made


@contextmanager
def nodes(folder: Path, **models: dict[str, str]) -> Iterator[dict[str, Service]]:
    """Nodes of one database, each with its own models."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        stack.enter_context(family(patch))
        yield {
            name: stack.enter_context(service_in(folder, node=name, models=own))[0]
            for name, own in models.items()
        }


def announce(service: Service) -> None:
    name = service.settings.node
    told = service.cluster.tell(service.pools.engines)
    service.cluster.nodes.write(Node(name=name, folder=name, run=name, told=told))


def test_tasks_of_another_node_s_engines_stay_until_it_is_gone_for_long(tmp_path: Path) -> None:
    models = {"gpu": {"photo": ENGINE}, "cpu": {"erase": "erase"}}
    with nodes(tmp_path, **models) as found:
        gpu, cpu = found["gpu"], found["cpu"]
        announce(gpu)
        key, _ = gpu.keys.create("k", PLANS["unlimited"])
        task = gpu.submit(key, order(model="photo"))
        assert cpu.pools.reroute(cpu.cluster.pools_of_others()) == (0, 0)
        gpu.cluster.nodes.beat(Node(name="gpu", folder="gpu", run="gpu", ended=True))
        gpu.cluster.nodes.write(Node(name="gpu", folder="gpu", run="gpu", told={}))
        cpu.tasks.beat("w", pid=1, task_id=None)
        TaskStore(gpu._database, clock=gpu._clock, node="gpu").beat(
            "engine-1", pid=1, task_id=None, pool=ENGINE, state="loading"
        )
        assert cpu.pools.reroute(cpu.cluster.pools_of_others()) == (0, 0)  # a worker has it
        announce(gpu)
        gpu.tasks.forget_worker("engine-1")
        clock = cpu._clock
        assert isinstance(clock, Clock)
        clock.forward(seconds=NODES_GONE_MS / 1000 + 1)
        assert cpu.pools.reroute(cpu.cluster.pools_of_others()) == (0, 1)
        now = gpu.tasks.get(task.id)
        assert now is not None
        assert now.state is State.FAILED
        assert audit(cpu._database) == []


def test_what_is_gone_for_long_is_struck_off_by_another_node(made: tuple[Service, Clock]) -> None:
    service, clock = made
    lost = TaskStore(service._database, clock=clock, node="lost")
    lost.beat("w-lost", pid=1, task_id=None)
    key, _ = service.keys.create("k", PLANS["unlimited"])
    task = service.submit(key, order())
    assert lost.claim("w-lost", lease_ms=10**9) is not None
    service.tasks.beat("w-here", pid=1, task_id=None)
    for name in ("lost", "here"):
        service.cluster.nodes.write(Node(name=name, folder=name, run=name))
    assert service.cluster.strike_off() == 0
    clock.forward(seconds=WORKERS_GONE_MS / 1000 + 1)
    assert service.cluster.strike_off() == 1
    assert [worker.id for worker in service.tasks.workers()] == ["w-here"]
    now = service.tasks.get(task.id)
    assert now is not None
    assert now.state is State.PENDING
    clock.forward(seconds=NODES_GONE_MS / 1000)
    assert service.cluster.strike_off() == 1
    assert [node.name for node in service.cluster.nodes.all()] == ["here"]


def test_what_a_node_leaves_for_others_is_left_again_each_day(made: tuple[Service, Clock]) -> None:
    service, clock = made
    service.cluster.leave(service.blobs)  # nothing: it was given no word
    assert "probe" not in service.cluster.tell(())
    service.cluster.leave(service.blobs, "word")
    ref = BlobRef(**service.cluster.tell(())["probe"])
    for hours, there in ((23, False), (2, True)):
        service.blobs.delete(ref.name)
        clock.forward(hours=hours)
        service.cluster.leave(service.blobs)
        assert (service.settings.blobs_dir / ref.name).exists() is there


def test_one_node_at_a_time_tidies_up_and_not_again_at_once(tmp_path: Path) -> None:
    with nodes(tmp_path, a={"erase": "erase"}, b={"erase": "erase"}) as found:
        a, b = found["a"], found["b"]
        with a.cluster.turn() as ours:
            assert ours
        announce(a)  # as its next sign of life does
        with b.cluster.turn() as ours:
            assert not ours
        assert isinstance(b._clock, Clock)
        b._clock.forward(seconds=30)
        with b.cluster.turn() as ours:
            assert ours


def test_a_node_tells_its_settings_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPAINT_HOME", str(tmp_path))
    words = tmp_path / "words.txt"
    words.write_text("war")
    told = shared_settings(
        Settings(
            data_dir=tmp_path,
            public_url="https://me:pass@host/x",
            models={"b": "erase", "a": "auto"},
            policy=f"words:{words}",
        )
    )
    assert told["public_url"] == "https://host/x"
    assert told["models"] == "a=auto,b=erase"
    assert told["retention_hours"] == "24"
    assert told["time_zone"].startswith("the system's, ")
    assert told["own concepts"] == "none"
    words.write_text("peace")
    (tmp_path / "concepts").mkdir()
    (tmp_path / "concepts" / "mug.zip").write_bytes(b"1234")
    later = shared_settings(Settings(data_dir=tmp_path, policy=f"words:{words}", time_zone="UTC"))
    assert later["policy words"] != told["policy words"]
    assert later["own concepts"].startswith("1, ")
    assert later["time_zone"] == "UTC"
    words.unlink()
    gone = shared_settings(Settings(data_dir=tmp_path, policy=f"words:{words}"))
    assert gone["policy words"] == "cannot be read"


def test_the_nodes_of_a_database_sign_alike(tmp_path: Path) -> None:
    with nodes(tmp_path, a={"erase": "erase"}, b={"erase": "erase"}) as found:
        a, b = (found[name].cluster.tell(()) for name in "ab")
        assert a["signs"] == b["signs"]
        key, _ = found["a"].keys.create("k", PLANS["unlimited"])
        assert found["b"].session(found["a"].new_session(key)) == key
        policy = found["a"].uploads.policy(key)
        fields = {
            "policy": policy.policy,
            "Signature": policy.signature,
            "OSSAccessKeyId": policy.access_key_id,
            "key": f"{policy.upload_dir}/a.png",
        }
        found["b"].uploads.receive(fields, b"file")
        address = f"oss://{policy.upload_dir}/a.png"
        assert found["a"].uploads.read(key, address, field="base") == b"file"
