"""`overpaint doctor --cluster`: what is said of nodes that are well, and of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overpaint.cli import doctor_cluster
from overpaint.cli.app import run
from overpaint.service import Service
from overpaint.settings import Settings
from overpaint.tasks.database import now_ms
from overpaint.tasks.health import Health
from overpaint.tasks.nodes import Node, NodeRoll
from overpaint.tasks.store import TaskStore


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OVERPAINT_MODELS", "erase=erase")
    monkeypatch.setenv("OVERPAINT_NODE", "north")


@contextmanager
def node(folder: Path, name: str, **settings: Any) -> Iterator[Service]:
    """A node that has a worker and is on the roll."""
    given = {"models": {"erase": "erase"}, "drain_seconds": 5, "public_url": "https://here"}
    found = Settings(data_dir=folder, node=name, **{**given, **settings})
    service = Service.open(found, migrate=True)
    try:
        service.cluster.leave(service.blobs, f"word-{name}")
        announce(service)
        service.tasks.beat(f"worker-{name}", pid=1, task_id=None)
        yield service
    finally:
        service.close()


def announce(service: Service, **more: Any) -> None:
    told = {**service.cluster.tell(service.pools.engines), **more}
    name = service.settings.node
    service.cluster.nodes.write(Node(name=name, folder=f"word-{name}", run=name, told=told))


def told(capsys: pytest.CaptureFixture[str], status: int) -> dict[str, Any]:
    assert run(("doctor", "--cluster", "--json")) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_nodes_that_agree_are_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with node(tmp_path, "north"), node(tmp_path, "south", workers=0):
        found = told(capsys, 0)
        assert run(("doctor", "--cluster")) == 0
        text = capsys.readouterr().out
    assert [(one["name"], one["is"], one["version"]) for one in found["nodes"]] == [
        ("north", "alive", found["nodes"][1]["version"]),
        ("south", "alive", found["nodes"][0]["version"]),
    ]
    assert [(one["node"], one["pool"], one["state"]) for one in found["workers"]] == [
        ("north", "ordinary", "ready"),
        ("south", "ordinary", "ready"),
    ]
    assert found["database"]["kind"] == "sqlite"
    assert found["blobs"]["where"] == str(tmp_path / "blobs")
    assert (found["differences"], found["faults"]) == ({}, [])
    assert found["hints"] == ["SQLite is for one machine; for several set OVERPAINT_DATABASE_URL"]
    assert "node:         north, from which this is seen\n" in text
    assert "none: an API alone" in text
    assert text.endswith("verdict:      the nodes agree\n")


def test_what_is_not_alike_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"retention_hours": 48.0, "public_url": "", "drain_seconds": 0}
    with node(tmp_path, "north"), node(tmp_path, "south", **other, models={"e": "erase"}) as south:
        announce(south, version="0.0.9", signs="else", clash=True)
        found = told(capsys, 1)
        assert run(("doctor", "--cluster")) == 1
        text = capsys.readouterr().out
    assert found["differences"]["retention_hours"] == {"24": ["north"], "48.0": ["south"]}
    assert found["faults"] == [
        "node south: two have this name; set OVERPAINT_NODE on one",
        "the nodes sign with different secrets; start them anew",
        "public_url: not the same on all nodes",
        "retention_hours: not the same on all nodes",
    ]
    said = " | ".join(found["hints"])
    assert "models: not the same on all nodes, which only nodes without callers may" in said
    assert "node south: OVERPAINT_PUBLIC_URL is not set" in said
    assert "node south: OVERPAINT_DRAIN_SECONDS is 0" in said
    assert "the nodes run different versions; finish the upgrade" in said
    assert "differs:      retention_hours = 48.0 on south\n" in text
    assert "differs:      public_url = not set on south\n" in text
    assert text.endswith("verdict:      4 fault(s), see above\n")


def test_nodes_that_are_gone_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with node(tmp_path, "north") as north:
        service = north.cluster.nodes
        hour_ago = NodeRoll(north._database, lambda: now_ms() - 3_600_000)
        hour_ago.write(Node(name="lost", folder="l", run="l"))
        hour_ago.write(Node(name="old", folder="o", run="o", ended=True))
        found = told(capsys, 1)
        assert [one["is"] for one in found["nodes"]] == ["gone", "alive", "ended"]
        assert found["faults"] == ["node lost: not seen for 3600 s"]
        for name in ("lost", "old", "north"):
            service.strike(name)
        north.tasks.forget_worker("worker-north")
        assert told(capsys, 1)["faults"] == [
            "nodes: none has been seen lately",
            "workers: no ordinary one has been seen lately",
        ]


def test_pictures_that_a_node_stores_elsewhere_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with node(tmp_path, "north", blobs=str(tmp_path / "own")):
        (fault,) = told(capsys, 1)["faults"]
        assert fault == (
            "pictures: what node north stores is not seen from here;"
            " see the guide on OVERPAINT_BLOBS"
        )
        monkeypatch.setenv("OVERPAINT_BLOBS", str(tmp_path / "overpaint.db"))
        (fault,) = told(capsys, 1)["faults"]
        assert fault.startswith("pictures: ")


def test_a_database_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, 1)
    assert found["faults"] == [f"database: There is no database at {tmp_path / 'overpaint.db'}."]
    assert run(("doctor", "--cluster")) == 1
    assert "verdict:      1 fault(s), see above\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("health", "fault", "hint"),
    [
        ({"clock_ms": -2500}, "", "the database's clock is -2.5 s from this machine's; use NTP"),
        ({"clock_ms": 90_000}, "database: its clock is +90 s from ours", ""),
        (
            {"connections": 95, "most_connections": 100},
            "database: nearly all of its connections are taken; raise max_connections",
            "",
        ),
    ],
)
def test_a_database_that_is_not_well_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    health: dict[str, int],
    fault: str,
    hint: str,
) -> None:
    well = Health(kind="postgresql", version="17.1", revision="4", answer_ms=1.0)
    most = {"most_connections": 100, "connections": 5}
    seen = replace(well, **{**most, **health})  # type: ignore[arg-type]
    monkeypatch.setattr("overpaint.tasks.health.health", lambda _database: seen)
    with node(tmp_path, "north"):
        found = told(capsys, 1 if fault else 0)
        run(("doctor", "--cluster"))
        assert "postgresql 17.1, tables 4, answers in 1 ms, " in capsys.readouterr().out
    assert found["faults"] == [fault] * bool(fault)
    assert found["hints"] == [hint] * bool(hint)


def test_a_store_that_fails_while_it_is_looked_at_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from overpaint.errors import StoreFailed

    def fail(_store: TaskStore) -> None:
        raise StoreFailed("The database is away.")

    with node(tmp_path, "north"):
        monkeypatch.setattr(TaskStore, "workers", fail)
        assert told(capsys, 1)["faults"] == ["database: The database is away."]


def test_workers_of_other_settings_have_no_name_that_is_told(tmp_path: Path) -> None:
    with node(tmp_path, "north") as north:
        north.tasks.beat("engine-1", pid=1, task_id=None, pool="many:/srv/secret")
        report = doctor_cluster.describe()
    assert [one["pool"] for one in report["workers"]] == ["?", "ordinary"]
    assert "/srv/secret" not in json.dumps(report)
