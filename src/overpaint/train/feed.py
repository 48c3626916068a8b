"""Batches in the order of their steps, made on the spot or ahead of time in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

#: How often a waiting thread looks whether it should end, in seconds.
GLANCE_S = 0.2


class Feed(Generic[T]):
    """`make(step)` for step = first, first + 1, ...; up to `ahead` of them made beforehand.

    What `make` raises is raised where the batch is taken. Use as a context, which ends the thread.
    """

    def __init__(self, make: Callable[[int], T], first: int, ahead: int) -> None:
        self._make = make
        self._step = first
        self._end = threading.Event()
        self._queue: Queue[T | BaseException] | None = Queue(ahead) if ahead else None
        if self._queue is not None:
            self._thread = threading.Thread(target=self._work, name="feed", daemon=True)
            self._thread.start()

    def __enter__(self) -> Feed[T]:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._end.set()
        if self._queue is not None:
            self._thread.join()

    def __iter__(self) -> Iterator[T]:
        """Return itself."""
        return self

    def __next__(self) -> T:
        """The next step's batch."""
        if self._queue is None:
            self._step += 1
            return self._make(self._step - 1)
        while not self._end.is_set():
            try:
                batch = self._queue.get(timeout=GLANCE_S)
            except Empty:
                continue
            if isinstance(batch, BaseException):
                raise batch
            return batch
        raise StopIteration

    def _work(self) -> None:
        while not self._end.is_set():
            try:
                batch: T | BaseException = self._make(self._step)
            except BaseException as error:
                batch = error
            self._step += 1
            self._put(batch)
            if isinstance(batch, BaseException):
                return

    def _put(self, batch: T | BaseException) -> None:
        assert self._queue is not None
        while not self._end.is_set():
            try:
                self._queue.put(batch, timeout=GLANCE_S)
                return
            except Full:
                continue
