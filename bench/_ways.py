"""Ways to servers on which things go wrong: TCP proxies in a process of their own.

The process is told what to do by lines of JSON, so that it takes no time from who measures. A way
is in one of these modes:

- pass: as if it were not there.
- hang: nothing goes on, either way, and nothing is lost: a cable that is pulled, and put back.
- reset: connections are broken off, new ones too.
- slow: each piece of an answer comes `seconds` later.
- 503: a request of HTTP is answered so, without the server.
- cut: an answer ends in its middle.

Besides, traps wait for the COMMIT of a transaction of PostgreSQL in which a word was said: "drop"
has the server carry it out and the answer lost, "late" has the connection lost before, and the
server carry it out `seconds` later.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

MODES = ("pass", "hang", "reset", "slow", "503", "cut")
_COMMIT = b"COMMIT\x00"
_BUSY = b"<Error><Code>SlowDown</Code></Error>"
_REFUSAL = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BUSY), _BUSY)
)


class Ways:
    """The process of ways, as the campaign has it; also a context manager.

    Args:
        targets: name of a way -> host and port that it leads to.
        prefix: of the command, for a network namespace.
    """

    def __init__(
        self, targets: Mapping[str, tuple[str, int]], *, prefix: Sequence[str] = ()
    ) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, __file__, json.dumps(targets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ports: dict[str, int] = self._answer()

    def set(self, way: str, mode: str, seconds: float = 0.0) -> None:
        """Put a way into a mode."""
        self._ask(way=way, mode=mode, seconds=seconds)

    def trap(self, way: str, word: str, how: str, seconds: float = 0.0) -> None:
        """Lose the answer to the next COMMIT of a transaction with this word."""
        self._ask(way=way, word=word, how=how, seconds=seconds)

    def disarm(self, way: str) -> None:
        """Take back traps that nothing went into."""
        self._ask(way=way, how="")

    def sprung(self, way: str) -> int:
        """How many traps something went into, so far."""
        return int(self._ask(way=way)["sprung"])

    def close(self) -> None:
        with self._process:
            self._process.kill()

    def _ask(self, **said: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


class Way:
    """One of them, in its process."""

    def __init__(self, host: str, port: int) -> None:
        self.mode, self.seconds, self.sprung = "pass", 0.0, 0
        self.traps: list[tuple[bytes, str, float]] = []
        self._target = (host, port)
        self._free = asyncio.Event()
        self._free.set()
        self._links: set[Link] = set()

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=500)
        return int(self._server.sockets[0].getsockname()[1])

    def set(self, mode: str, seconds: float) -> None:
        self.mode, self.seconds = mode, seconds
        if mode == "hang":
            self._free.clear()
        else:
            self._free.set()
        if mode == "reset":
            for link in list(self._links):
                link.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._free.wait()
        link = Link(self, writer)
        self._links.add(link)
        try:
            if self.mode != "reset":
                await link.join(reader, *await asyncio.open_connection(*self._target))
        except* OSError:  # broken off by one side, or refused
            pass
        finally:
            self._links.discard(link)
            link.abort()

    async def turn(self) -> None:
        """Wait until something may go on."""
        await self._free.wait()


class Link:
    """A connection through a way, and the one behind it."""

    def __init__(self, way: Way, client: asyncio.StreamWriter) -> None:
        self._way, self._client = way, client
        self._server: asyncio.StreamWriter | None = None
        self._said: set[bytes] = set()  # words of traps, in this transaction
        self._losing = False

    async def join(
        self,
        asked: asyncio.StreamReader,
        answers: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        self._server = server
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask(asked, server))
            group.create_task(self._answer(answers))

    def abort(self) -> None:
        """Break it off, so that both sides know."""
        for writer in (self._client, self._server):
            if writer is not None:
                self._break(writer)

    @staticmethod
    def _break(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            known = writer.get_extra_info("socket")
            known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async def _ask(self, asked: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while piece := await asked.read(65536):
            await self._way.turn()
            if self._way.mode == "503":
                self._client.write(_REFUSAL)
                await self._client.drain()
                self._client.close()
                break
            late = await self._spring(piece)
            server.write(piece)
            await server.drain()
            if late:  # until there is an answer: what is broken off before may not be carried out
                await asyncio.sleep(60)
        else:
            with contextlib.suppress(OSError):
                server.write_eof()
            return
        self._break(server)

    async def _spring(self, piece: bytes) -> bool:
        """Look whether a piece goes into a trap; whether into one that holds it up."""
        way = self._way
        self._said |= {trap[0] for trap in way.traps if trap[0] in piece}
        if _COMMIT not in piece:
            return False
        trap = next((trap for trap in way.traps if trap[0] in self._said), None)
        self._said.clear()
        if trap is None:
            return False
        way.traps.remove(trap)
        way.sprung += 1
        self._losing = True
        if trap[1] == "late":
            self._break(self._client)
            await asyncio.sleep(trap[2])
            return True
        return False

    async def _answer(self, answers: asyncio.StreamReader) -> None:
        while piece := await answers.read(65536):
            await self._way.turn()
            if self._losing:  # the server has done it, and nobody hears of it
                break
            if self._way.mode == "slow":
                await asyncio.sleep(self._way.seconds)
            if self._way.mode == "cut":
                self._client.write(piece[: len(piece) // 2])
                with contextlib.suppress(OSError):
                    await self._client.drain()
                break
            self._client.write(piece)
            await self._client.drain()
        else:
            self._client.close()
            return
        raise ConnectionAbortedError


async def _run(targets: Mapping[str, tuple[str, int]]) -> None:
    ways = {name: Way(*target) for name, target in targets.items()}
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    _tell({name: await way.listen() for name, way in ways.items()})
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        said = json.loads(line)
        way = ways[said["way"]]
        if "mode" in said:
            way.set(said["mode"], said["seconds"])
        elif said.get("how"):
            way.traps.append((said["word"].encode(), said["how"], said["seconds"]))
        elif "how" in said:
            way.traps.clear()
        _tell({"sprung": way.sprung})


def _tell(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
