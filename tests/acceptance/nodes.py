"""Two real nodes of one service, and a balancer before them that asks who is ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONG_S = 120.0  # longer than anything takes
_CHECK_S = 0.1  # between two looks of the balancer; nodes drain for many of them


class Node:
    """A process of `overpaint serve`, again and again on one port."""

    def __init__(self, folder: Path, name: str, **environ: str) -> None:
        self.name = name
        self.data, self.out = folder / name, folder / f"{name}.txt"
        self._err = folder / f"{name}-log.txt"
        self._environ = {**os.environ, **environ, "OVERPAINT_NODE": name}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        arguments = ["--data-dir", str(self.data), "--port", str(self.port)]
        with self.out.open("wb") as out, self._err.open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "overpaint", "serve", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environ,
            )
        until(lambda: "docs: " in self.said() or self._ended(), f"{self.name} listens")
        assert not self._ended(), self.log()
        found = re.search(r"listens on http://127\.0\.0\.1:(\d+)\n", self.said())
        assert found is not None, self.said()
        self.port = int(found[1])

    def ready(self) -> None:
        """Wait until it says so."""
        until(lambda: self.said().endswith("ready\n") or self._ended(), f"{self.name} is ready")
        assert not self._ended(), self.log()

    def stop(self) -> int:
        """Tell it to end, and wait; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(LONG_S)

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def said(self) -> str:
        return self.out.read_text("utf-8")

    def log(self) -> str:
        return self._err.read_text("utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of ours, with the settings of this node."""
        command = [sys.executable, "-m", "overpaint", *arguments]
        environ = {**self._environ, "OVERPAINT_DATA_DIR": str(self.data)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


class Balancer:
    """Hands each connection to the next node that is ready, as it comes and goes."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.url = ""
        self._ports = ports
        self._ready: dict[int, bool] = dict.fromkeys(ports, False)
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def ready(self, port: int) -> bool:
        """Whether the node of this port is handed connections."""
        return self._ready[port]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Balance until the block ends."""
        self._thread.start()
        try:
            self.url = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _begin(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self._looking = [asyncio.create_task(self._look(port)) for port in self._ports]
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _look(self, port: int) -> None:
        while True:
            try:
                async with asyncio.timeout(5):
                    self._ready[port] = b" 200 " in await _ask(port)
            except (OSError, TimeoutError):
                self._ready[port] = False
            await asyncio.sleep(_CHECK_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [port for port in self._ports if self._ready[port]]
        self._turn += 1
        for number in range(len(ready)):
            port = ready[(self._turn + number) % len(ready)]
            with contextlib.suppress(OSError):  # refused: another may take it
                back, forth = await asyncio.open_connection("127.0.0.1", port)
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, forth))
                    group.create_task(_copy(back, writer))
                return
        writer.close()


async def _ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    try:
        return await reader.readline()
    finally:
        writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    except OSError:
        target.transport.abort()  # what was cut here is cut there
    finally:
        target.close()


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < deadline, f"not in {LONG_S:.0f} s: {what}"
        time.sleep(0.05)
