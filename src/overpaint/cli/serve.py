"""`overpaint serve`: a supervisor that keeps the processes of the service alive."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overpaint._version import __version__
from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.cli.service_options import Config, DataDir, make_data_folder
from overpaint.errors import InvalidOption, Refused

if TYPE_CHECKING:
    import socket

    from overpaint.dispatch.supervisor import Child
    from overpaint.service import Service
    from overpaint.settings import Settings

logger = logging.getLogger("overpaint.supervisor")

FIRST_KEY = "first"
SIGN_IN_MS = 3_600_000
_SILENT_LEASES, _SILENT_S = 10, 120  # the longer counts
_LOCK = "serve.lock"
_READY_LOOK_S, _READY_SAID_S = 0.1, 30.0


def serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(help="The address to listen on; default: 127.0.0.1, this machine alone."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=number, help="The port; 0 takes a free one; default: 8000."
        ),
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=number, help="How many processes paint; default: half of the cores."
        ),
    ] = None,
) -> None:
    """Run the service until Ctrl-C or SIGTERM: the API, its docs, and the workers that paint."""
    from overpaint import settings
    from overpaint.cli import listening
    from overpaint.dispatch import logs, ray

    found = settings.load(config, host=host, port=port, data_dir=data_dir, workers=workers)
    settings.adopt(found)
    if found.dispatch == "ray":
        ray.check(found)
    handed = settings.listening_fd()
    taken = listening.take(handed) if handed else listening.bind(found.host, found.port)
    with _ending_on_request(), taken as listener:
        found = replace(found, port=listener.getsockname()[1])
        logs.configure(found)
        with _only_one(found.data_dir), _opened(found) as service, _member(service) as former:
            code = _run(service, listener, former)
    if code:
        raise typer.Exit(code)


def _run(service: Service, listener: socket.socket, former: list[str]) -> int:
    """Say where it listens, and run it; `former` is what the node was called before."""
    from overpaint import settings
    from overpaint.cli.listening import listen, url_of
    from overpaint.tasks.database import place_of

    found = service.settings
    first = _is_first(service, listener)
    listen(listener)  # before a key is made that could not be printed
    url = url_of(listener)
    print(f"Overpaint {__version__} listens on {url}")
    by = f"{found.workers} worker{'s' * (found.workers != 1)}"
    by = f"workers on Ray at {settings.ray_address()}" if found.dispatch == "ray" else by
    print(f"data in {found.data_dir}, {by}")
    if found.database_file is None or found.blobs:
        tasks, pictures = place_of(found.database_url), found.blobs_at.where
        print(f"node {found.node}: tasks in {tasks}, pictures in {pictures}")
    if own := service.pools.states():
        print(f"in processes of their own: {', '.join(own)}")
    print(f"docs: {url}/docs")
    if first:
        secret, token = _first_key(service)
        print(f"API key, shown this once: {secret}")
        print(f"sign in within an hour, once: {found.public_url or url}/sign-in/{token}")
    sys.stdout.flush()

    return _keep_alive(service, listener, former)


def _keep_alive(service: Service, listener: socket.socket, former: list[str]) -> int:
    """Run the processes until told to end."""
    from overpaint import settings
    from overpaint.cli.listening import own_address
    from overpaint.dispatch.deaths import Deaths
    from overpaint.dispatch.supervisor import Child, Supervisor

    found = service.settings
    deaths = Deaths(service.tasks, node=found.node, alive_ms=found.alive_ms)
    deaths.bury_former(former)
    _reroute(service)
    env = {**settings.inherited(), **found.environment()}
    argv = (sys.executable, "-m", "overpaint.server", "--fd", str(listener.fileno()))
    api = Child(name="api", argv=argv, env=env, fds=(listener.fileno(),))
    supervisor = Supervisor(
        [api, *_painters(service, env)],
        on_death=lambda instance: deaths.bury(instance, ended=supervisor.stopping),
        on_tick=lambda: _sweep(service),
        stuck=lambda: _silent_workers(service),
        on_stop=listener.close,  # else connections would come that nobody answers
        drain_s=found.drain_seconds,
    )
    threading.Thread(target=_say_ready, args=own_address(listener), daemon=True).start()
    return supervisor.run()


def _painters(service: Service, env: Mapping[str, str]) -> list[Child]:
    """The workers; or, where they run on a Ray cluster, who keeps them there."""
    from overpaint.dispatch.supervisor import engine_children, keeper_child, worker_children

    found = service.settings
    if found.dispatch == "ray":
        return [keeper_child(env)]
    engines = service.pools.engines if found.workers else ()
    return [*worker_children(found.workers, env), *engine_children(engines, env)]


@contextmanager
def _ending_on_request() -> Iterator[None]:
    """End with 0 at SIGTERM while the service starts; later the supervisor sees to it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_first(service: Service, listener: socket.socket) -> bool:
    """Whether there is no key yet.

    Raises `Refused` where others than this machine's programs could connect then.
    """
    from overpaint.cli.listening import is_loopback

    if any(key.revoked_ms is None for key in service.keys.list()):
        return False
    if not is_loopback(listener):
        raise Refused(
            f"host: others reach {service.settings.host}, and there is no key yet;"
            " create one first: overpaint keys create --name NAME"
        )
    return True


def _first_key(service: Service) -> tuple[str, str]:
    """Make a key: its secret, and a token to sign in with."""
    from overpaint.tasks.task import PLANS

    key, secret = service.keys.create(FIRST_KEY, PLANS["unlimited"])
    return secret, service.keys.make_signin(key.id, SIGN_IN_MS)


@contextmanager
def _member(service: Service) -> Iterator[list[str]]:
    """Have a place among the nodes; what this one was called before, if otherwise.

    Raises `InvalidOption` where another node of its name is alive.
    """
    from overpaint.dispatch.membership import Membership

    found, cluster = service.settings, service.cluster
    member = Membership(
        cluster.nodes,
        name=found.node,
        folder=found.data_dir,
        tell=lambda: cluster.tell(service.pools.engines),
    )
    former = member.join()
    if found.database_file is None:
        cluster.leave(service.blobs, member.node.folder)
    member.start()
    try:
        yield former
    finally:
        member.stop()


@contextmanager
def _opened(found: Settings) -> Iterator[Service]:
    from overpaint.service import Service
    from overpaint.storage.blobs import probe

    service = Service.open(found, migrate=True)
    try:
        if found.blobs_at.in_bucket:
            probe(service.blobs)  # what is wrong with it is said here, not to callers
        yield service
    finally:
        service.close()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder, made when missing; the system lets go when the process ends.

    Raises `InvalidOption` where another `overpaint serve` holds it.
    """
    make_data_folder(folder)
    try:
        file = (folder / _LOCK).open("ab")
    except OSError as error:
        limit = f"must be a folder that can be written to ({error.strerror or error})"
        raise InvalidOption("data_dir", limit, folder) from error
    with file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            limit = "is served already by another overpaint serve; choose another with --data-dir"
            raise InvalidOption("data_dir", limit, folder) from error
        yield


def _silent_workers(service: Service) -> list[str]:
    """Workers that give no sign of life for long: their engine has stopped everything else."""
    longest_ms = max(_SILENT_LEASES * service.settings.lease_seconds, _SILENT_S) * 1000
    before, own = service.clock() - longest_ms, service.settings.node
    found = service.tasks.workers()
    return [one.id for one in found if one.node == own and one.seen_ms < before]


def _reroute(service: Service) -> None:
    """See to tasks that wait for an engine of former settings."""
    sent, failed = service.pools.reroute(service.cluster.pools_of_others())
    if sent or failed:
        logger.warning("the models have changed", extra={"sent": sent, "failed": failed})


def _sweep(service: Service) -> None:
    """Tidy up, unless another node does so, or has just done."""
    service.cluster.leave(service.blobs)
    with service.cluster.turn() as ours:
        if ours:
            _tidy_up(service)


def _tidy_up(service: Service) -> None:
    _reroute(service)
    service.cluster.strike_off()
    swept = service.sweep()
    if swept.tasks or swept.uploads or swept.orphans:
        what = {"tasks": swept.tasks, "uploads": swept.uploads, "orphans": swept.orphans}
        logger.info("swept", extra=what)


def _say_ready(host: str, port: int) -> None:
    """Print "ready" when the service says that it is; after a while, why it is not."""
    begun = time.monotonic()
    told = False
    while True:
        status, why = _ask_ready(host, port)
        if status == 200:
            print("ready", flush=True)
            return
        if not told and time.monotonic() - begun > _READY_SAID_S:
            told = True
            console.say(f"not ready yet: {why}")
        time.sleep(_READY_LOOK_S if not told else 1)


def _ask_ready(host: str, port: int) -> tuple[int, str]:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read(2000).decode("utf-8", "replace").strip()
    except (OSError, HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()
