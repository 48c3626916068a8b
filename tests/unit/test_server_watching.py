"""One look for all who wait, whatever becomes of the store and of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from tests.unit.task_fixture import new_task

from overpaint.errors import StoreFailed
from overpaint.server import watching
from overpaint.server.errors import Declined
from overpaint.server.watching import MAX_STREAMS_A_KEY, Watcher
from overpaint.tasks.task import Progress, State, Task
from overpaint.tasks.watching import Seen

Story: TypeAlias = Callable[["Store", Watcher], Awaitable[None]]


class Store:
    """Tasks that a test changes, and how it was asked for them."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.looks: list[list[str]] = []
        self.error: Exception | None = None
        self.looked = threading.Event()

    def add(self, key_id: str = "ann") -> Task:
        task = new_task(key_id)
        self.tasks[task.id] = task
        return task

    def change(self, task: Task, **change: Any) -> None:
        self.tasks[task.id] = replace(self.tasks[task.id], **change)

    def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        self.looks.append(sorted(ids))
        self.looked.set()
        if self.error is not None:
            raise self.error
        return {one: Seen(task=self.tasks[one]) for one in ids if one in self.tasks}

    def seen(self, *tasks: Task) -> dict[str, Seen]:
        return {task.id: Seen(task=self.tasks[task.id]) for task in tasks}


def play(story: Story) -> None:
    """Run a story with a watcher that looks often."""

    async def run() -> None:
        store = Store()
        watcher = Watcher(store.look)
        async with asyncio.timeout(30):
            await story(store, watcher)
        watcher.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.01)
    monkeypatch.setattr(watching, "LONGEST_PAUSE_S", 0.02)


def test_changes_reach_those_who_follow_and_no_one_else() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        mine, other = store.add(), store.add("bob")
        ann = watcher.follow("ann", store.seen(mine))
        bob = watcher.follow("bob", store.seen(other))
        store.change(mine, state=State.RUNNING)
        await ann.wait(30)
        seen = ann.seen(mine.id)
        assert seen is not None
        assert seen.task.state is State.RUNNING
        assert not bob.news.is_set()
        assert bob.seen(mine.id) is None  # though the watcher has it
        await bob.wait(0.05)
        assert not bob.news.is_set()

    play(story)


def test_one_look_serves_all_streams_and_ended_tasks_are_not_looked_at() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        task, ended = store.add(), store.add()
        store.change(ended, state=State.SUCCEEDED)
        followers = [watcher.follow("ann", store.seen(task, ended)) for _ in range(5)]
        store.change(task, progress=Progress(stage="paint", done=1, total=2))
        for follower in followers:
            await follower.wait(30)
        assert {tuple(look) for look in store.looks} == {(task.id,)}
        assert len(store.looks) < len(followers) * 2

    play(story)


def test_nothing_is_looked_at_when_nobody_follows_any_more() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        task = store.add()
        first, second = (watcher.follow("ann", store.seen(task)) for _ in range(2))
        first.leave()
        first.leave()
        assert list(watcher.latest) == [task.id]
        second.leave()
        assert watcher.latest == {}
        await asyncio.sleep(0.1)
        looks = len(store.looks)
        await asyncio.sleep(0.1)
        assert len(store.looks) == looks
        again = watcher.follow("ann", store.seen(task))  # and it begins anew
        store.change(task, state=State.CANCELED)
        await again.wait(30)
        assert again.news.is_set() is False
        assert watcher.latest[task.id] == Seen(task=store.tasks[task.id])

    play(story)


def test_a_task_that_is_gone_is_news() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        task = store.add()
        follower = watcher.follow("ann", store.seen(task))
        del store.tasks[task.id]
        await follower.wait(30)
        assert follower.seen(task.id) is None

    play(story)


@pytest.mark.parametrize("error", [StoreFailed(), ZeroDivisionError()])
def test_a_store_that_does_not_answer_is_waited_for(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        task = store.add()
        store.error = error
        follower = watcher.follow("ann", store.seen(task))
        while len(store.looks) < 3:
            await asyncio.sleep(0.01)
        assert not follower.news.is_set()
        store.change(task, state=State.FAILED)
        store.error = None
        await follower.wait(30)
        seen = follower.seen(task.id)
        assert seen is not None
        assert seen.task.state is State.FAILED

    with caplog.at_level(logging.WARNING):
        play(story)
    if isinstance(error, StoreFailed):  # which may last, and is said once
        assert [record.message for record in caplog.records] == ["waiting for the store"]


def test_the_end_of_the_server_wakes_everybody() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        follower = watcher.follow("ann", store.seen(store.add()))
        waiting = asyncio.create_task(follower.wait(30))
        await asyncio.sleep(0)
        watcher.close()
        await waiting
        assert follower.closing

    play(story)


def test_streams_are_counted_by_key_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        followers = [watcher.follow("ann", {}) for _ in range(MAX_STREAMS_A_KEY)]
        with pytest.raises(Declined, match="8 event streams") as refused:
            watcher.follow("ann", {})
        assert refused.value.problem.status == 429
        assert refused.value.problem.code == "Throttling.AllocationQuota"
        watcher.follow("bob", {})
        monkeypatch.setattr(watching, "MAX_STREAMS", MAX_STREAMS_A_KEY + 1)
        with pytest.raises(Declined, match="The server has too many event streams"):
            watcher.follow("eve", {})
        followers[0].leave()
        watcher.follow("ann", {})

    play(story)


def test_what_is_known_is_not_overwritten_by_an_older_look() -> None:
    async def story(store: Store, watcher: Watcher) -> None:
        task = store.add()
        old = store.seen(task)
        watcher.follow("ann", old)
        store.change(task, state=State.RUNNING)
        while watcher.latest[task.id] == old[task.id]:
            await asyncio.sleep(0.01)
        second = watcher.follow("ann", old)
        seen = second.seen(task.id)
        assert seen is not None
        assert seen.task.state is State.RUNNING

    play(story)
