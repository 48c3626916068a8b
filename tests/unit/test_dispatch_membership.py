"""Nodes on their roll: who has a name, who had it, and two that have the same."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.task_fixture import Stores, opened

from overpaint.dispatch import membership
from overpaint.dispatch.membership import Membership
from overpaint.errors import InvalidOption, StoreFailed
from overpaint.tasks.nodes import Node, NodeRoll


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with opened(tmp_path / "tasks.db") as stores:
        yield stores


@pytest.fixture
def roll(stores: Stores) -> NodeRoll:
    return NodeRoll(stores.database, stores.clock)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "_LOOK_S", 0.01)


def member(roll: NodeRoll, folder: Path, name: str = "north", **told: Any) -> Membership:
    folder.mkdir(exist_ok=True)

    def tell() -> Mapping[str, Any]:
        return told

    return Membership(roll, name=name, folder=folder, tell=tell)


def test_a_node_is_on_the_roll_with_what_it_tells(roll: NodeRoll, tmp_path: Path) -> None:
    one = member(roll, tmp_path / "a", workers=2)
    assert one.join() == []
    (seen,) = roll.all()
    assert (seen.name, seen.told, seen.ended) == ("north", {"workers": 2}, False)
    one.start()
    one.stop()
    assert [node.ended for node in roll.all()] == [True]


def test_one_that_was_killed_takes_its_place_at_once(roll: NodeRoll, tmp_path: Path) -> None:
    for _ in range(2):
        assert member(roll, tmp_path / "a").join(silent_s=1e6) == []
    assert len(roll.all()) == 1


def test_one_of_a_renamed_host_is_known_by_its_data_folder(roll: NodeRoll, tmp_path: Path) -> None:
    member(roll, tmp_path / "a", "old").join()
    member(roll, tmp_path / "b", "other").join()
    assert member(roll, tmp_path / "a", "new").join() == ["old"]
    assert [node.name for node in roll.all()] == ["new", "other"]


def test_the_second_of_a_name_is_refused_while_the_first_is_alive(
    roll: NodeRoll, stores: Stores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = member(roll, tmp_path / "a")
    first.join()
    done = threading.Event()

    def live() -> None:
        while not done.wait(0.005):
            stores.clock.now += 1
            first.beat()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with caplog.at_level(logging.WARNING), pytest.raises(InvalidOption) as raised:
            member(roll, tmp_path / "b").join(silent_s=60)
    finally:
        done.set()
        thread.join()
    assert str(raised.value) == (
        "node: must be a name that no other node of this database has; that one is alive, got north"
    )
    assert "another node has this name; is it alive?" in caplog.messages


def test_the_name_of_one_that_is_gone_or_has_ended_is_free(roll: NodeRoll, tmp_path: Path) -> None:
    first = member(roll, tmp_path / "a")
    first.join()
    assert member(roll, tmp_path / "b").join(silent_s=0.05) == []  # it says nothing any more
    roll.write(Node(name="north", folder="c", run="r", ended=True))
    assert member(roll, tmp_path / "b").join(silent_s=1e6) == []


def test_two_of_a_name_say_so_when_they_meet_later(
    roll: NodeRoll, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when a data folder was copied with its machine."""
    first, second = member(roll, tmp_path / "a"), member(roll, tmp_path / "a")
    for one in (first, second):
        one.join()
    first.beat()
    assert caplog.messages == [
        "another node has the same name; give one of them another OVERPAINT_NODE"
    ]
    assert roll.all()[0].told == {"clash": True}


def test_a_place_that_was_lost_is_taken_again(
    roll: NodeRoll, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = member(roll, tmp_path / "a")
    one.join()
    roll.strike("north")
    one.beat()
    assert [node.run for node in roll.all()] == [one.node.run]
    assert caplog.messages == []


def test_a_database_that_does_not_answer_is_waited_for(
    roll: NodeRoll,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = member(roll, tmp_path / "a")
    one.join()
    with monkeypatch.context() as patch:

        def fail(_node: Node) -> bool:
            raise StoreFailed("The database is away.")

        patch.setattr(roll, "beat", fail)
        for _ in range(2):
            one.beat()
        assert caplog.messages == ["no sign of life given"]
        one.start()
        one.stop()
        assert caplog.messages[1:] == ["the end of the node is not told"]


def test_a_folder_that_keeps_no_word_is_told(roll: NodeRoll, tmp_path: Path) -> None:
    (tmp_path / "a" / "node").mkdir(parents=True)
    with pytest.raises(StoreFailed, match="a/node: Is a directory"):
        member(roll, tmp_path / "a")
