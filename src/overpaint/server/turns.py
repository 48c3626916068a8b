"""How many submissions are under way at a time, in all and of one key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

MAX_SUBMISSIONS = 32  # at a time; each holds its body and its pictures in memory
MAX_SUBMISSIONS_A_KEY = 8  # so that one key's slow hosts do not hold up another's
MAX_THREADS = 8  # that check and store, when the pictures are there
MAX_THREADS_A_KEY = 3  # so that one key's large pictures, seconds each, do not either
#: That wait for stored pictures: a bucket may be slow, and tasks are asked for all the same.
MAX_BLOB_THREADS = 32

Result = TypeVar("Result")


class Turns:
    """Lets so many in at a time; the others wait. Used from one event loop."""

    def __init__(
        self, *, in_all: int = MAX_SUBMISSIONS, a_key: int = MAX_SUBMISSIONS_A_KEY
    ) -> None:
        self._all = asyncio.Semaphore(in_all)
        self._a_key = a_key
        self._keys: dict[str, tuple[asyncio.Semaphore, int]] = {}  # and how many use it

    @asynccontextmanager
    async def of(self, key_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this key's, and have it for the block."""
        own, users = self._keys.get(key_id, (asyncio.Semaphore(self._a_key), 0))
        self._keys[key_id] = own, users + 1
        try:
            async with own, self._all:
                yield
        finally:
            users = self._keys[key_id][1] - 1
            if users:
                self._keys[key_id] = own, users
            else:
                del self._keys[key_id]


class Threads:
    """Runs what waits for the inspection in threads of its own, so that polling does not wait."""

    def __init__(self, *, in_all: int = MAX_THREADS, a_key: int = MAX_THREADS_A_KEY) -> None:
        self._limiter = anyio.CapacityLimiter(in_all)
        self._turns = Turns(in_all=in_all, a_key=a_key)

    async def run(self, key_id: str, submit: Callable[[], Result]) -> Result:
        """Submit for a key, when it has its turn."""
        async with self._turns.of(key_id):
            return await anyio.to_thread.run_sync(submit, limiter=self._limiter)


class BlobThreads:
    """Runs what waits for stored pictures in threads of its own."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(MAX_BLOB_THREADS)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do it when a thread is free."""
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)
