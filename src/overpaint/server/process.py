"""The API process: `python -m overpaint.server --fd N`, as `overpaint serve` starts it.

The settings come from the environment. With `--fd` it serves a listening socket that it inherits,
which so outlives it; with `--host` and `--port` it listens by itself, for development.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
import threading
import time
from contextlib import closing
from types import FrameType
from typing import NoReturn

import uvicorn

from overpaint import settings, tracing
from overpaint.dispatch import logs
from overpaint.dispatch.lifeline import watch_parent
from overpaint.errors import OverpaintError
from overpaint.server.app import create_app
from overpaint.server.draining import Draining
from overpaint.server.protocol import PatientH11
from overpaint.service import Service

BACKLOG = 2048  # connections that wait while the process is busy or being restarted
KEEP_ALIVE_S = 75  # longer than pollers pause, and than proxies keep theirs
HEAR_OUT_S = 1.0  # for the first request of a connection that was just made, likewise
GRACE_S = 10  # for requests under way when told to stop


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; 0 then, 1 where it could not begin."""
    parser = argparse.ArgumentParser(prog="python -m overpaint.server")
    parser.add_argument("--fd", type=int, help="a listening socket that this process inherits")
    parser.add_argument("--host", help="else: listen at this address")
    parser.add_argument("--port", type=int, help="and this port")
    given = parser.parse_args(arguments)
    watch_parent()
    # uvicorn takes these over, and sends itself the one it got again when it has finished.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        chosen = settings.load(host=given.host, port=given.port)
        logs.configure(chosen)
        tracing.configure(settings.inherited(), node=chosen.node)
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a warning a bad form
        listener = _listener(given.fd, chosen.host, chosen.port)
        with closing(Service.open(chosen, migrate=given.fd is None)) as service:
            threading.Thread(target=service.warm, daemon=True).start()
            server(service).run(sockets=[listener])
    except (OverpaintError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        tracing.close()
    return 0


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


class _Server(uvicorn.Server):
    """Told to end, it drains, ends streams, answers what is under way, and leaves.

    Without their end it would wait for streams until `GRACE_S` is over; their clients come again.
    """

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: whether it is time to shut down."""
        draining: Draining = self.config.app.state.draining  # type: ignore[union-attr]
        told = await super().on_tick(counter)
        return told and (draining.over() or self.force_exit)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, and end."""
        self.config.app.state.watcher.close()  # type: ignore[union-attr]
        for one in self.servers:
            one.close()
        await self._hear_out()
        await super().shutdown(sockets)

    async def _hear_out(self) -> None:
        """Let connections that were just made send their request; to close them would reset it."""
        deadline = time.monotonic() + HEAR_OUT_S
        while time.monotonic() < deadline and not self.force_exit:
            await asyncio.sleep(0.01)  # first: what was accepted last is not among them yet
            new = (one for one in self.server_state.connections if isinstance(one, PatientH11))
            if all(one.cycle is not None for one in new):
                return


def server(service: Service) -> uvicorn.Server:
    """The server of a service, which is yet to be run."""
    return _Server(
        uvicorn.Config(
            create_app(service),
            http=PatientH11,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # `logs.RequestLog` does that, without URLs
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def _listener(fd: int | None, host: str, port: int) -> socket.socket:
    if fd is not None:
        return socket.socket(fileno=fd)  # not uvicorn's own way, which takes it for a Unix socket
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
