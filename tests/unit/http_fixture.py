"""The app behind a real socket, and something that paints what it takes in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.unit.service_fixture import BASE

from overpaint.server.process import server
from overpaint.service import Service
from overpaint.tasks.task import Failure, PictureOutcome, Task

#: Makes the outcomes of a task.
Paint = Callable[[Service, Task], list[PictureOutcome]]


def outcomes(service: Service, task: Task) -> list[PictureOutcome]:
    """n pictures, all of them the same."""
    name = f"tasks/{task.id}/result-{task.fence}"
    return [
        PictureOutcome(seed=7 + i, blob=service.blobs.put(f"{name}-{i}.png", BASE))
        for i in range(task.n)
    ]


def failing(kind: str, message: str) -> Paint:
    """Fails every picture."""

    def fail(_: Service, task: Task) -> list[PictureOutcome]:
        failure = Failure(kind=kind, message=message)
        return [PictureOutcome(seed=i, failure=failure) for i in range(task.n)]

    return fail


@dataclass
class Painter:
    """Stands in for the worker processes: ends tasks with ready-made outcomes, in a thread."""

    service: Service
    paint: Paint | None = outcomes  # None: nothing is taken
    painted: list[Task] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ending.wait(0.01):
            task = None if self.paint is None else self.service.tasks.claim("w", lease_ms=60_000)
            if task is not None and self.paint is not None:
                self.painted.append(task)
                assert self.service.tasks.finish(task, self.paint(self.service, task))


@contextmanager
def painting(service: Service) -> Iterator[Painter]:
    painter = Painter(service)
    thread = threading.Thread(target=painter.run)
    thread.start()
    try:
        yield painter
    finally:
        painter._ending.set()
        thread.join()


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """The base URL of the server as it is deployed."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = server(service)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()
        listener.close()
