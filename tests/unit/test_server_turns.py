"""How many submissions are under way at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from overpaint.server.turns import MAX_THREADS, Threads, Turns


def test_one_key_cannot_take_every_turn() -> None:
    async def scene() -> tuple[list[str], int]:
        turns, under_way, most = Turns(in_all=3, a_key=2), list[str](), 0
        go = asyncio.Event()

        async def submit(key: str) -> None:
            nonlocal most
            async with turns.of(key):
                under_way.append(key)
                most = max(most, len(under_way))
                await go.wait()
                under_way.remove(key)

        async with asyncio.TaskGroup() as group:
            for key in ("a", "a", "a", "a", "b"):
                group.create_task(submit(key))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen = sorted(under_way)
            go.set()
        assert not turns._keys, "nothing of a key is kept"
        return seen, most

    assert asyncio.run(scene()) == (["a", "a", "b"], 3)


def test_a_turn_ends_with_an_error_too() -> None:
    async def scene() -> None:
        turns = Turns(in_all=1, a_key=1)
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                async with turns.of("a"):
                    raise ValueError("no")

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_one_key_s_slow_submissions_leave_threads_to_others() -> None:
    async def scene() -> None:
        threads, go = Threads(), threading.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(2 * MAX_THREADS):
                group.create_task(threads.run("a", go.wait))
            await asyncio.sleep(0.05)
            try:
                assert await asyncio.wait_for(threads.run("b", lambda: "done"), 10) == "done"
            finally:
                go.set()

    asyncio.run(asyncio.wait_for(scene(), 30))
