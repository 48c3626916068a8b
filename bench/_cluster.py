"""Several nodes of one service on this machine, with all that is between them and can be hurt.

PostgreSQL and an S3 server (rclone's) are real; each node reaches both by ways of its own, and
callers reach the nodes through HAProxy. As root, each node is in a network namespace, at a cable
that can be pulled.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import _instant
from bench._server import Server, make_key
from bench._trail import lay_postgresql_trail
from bench._ways import Ways
from tests import postgresql
from tests.bucket import BUCKET, ENVIRONMENT
from tests.haproxy import serve_haproxy
from tests.heavy import lack, require

from overpaint.tasks.database import open_database

DATABASE = "overpaint"
NAMES = ("north", "south", "east", "west", "centre")


class Node:
    """One `overpaint serve`, its ways to the stores, and its cable, where it has one."""

    def __init__(self, server: Server, ways: Ways, name: str, cable: str) -> None:
        self.server, self.ways, self.name, self.cable = server, ways, name, cable

    def unplug(self, *, on: bool) -> None:
        """Pull the cable, or put it back."""
        _ip("link", "set", self.cable, "down" if on else "up")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the node."""
        for pid in self.server.pids("any"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class Bucket:
    """rclone's S3 server, which keeps objects as files."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder / "bucket"
        (self.folder / BUCKET).mkdir(parents=True)
        with socket.create_server((address, 0)) as free:
            self.address: tuple[str, int] = free.getsockname()
        keys = f"{ENVIRONMENT['AWS_ACCESS_KEY_ID']},{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}"
        program = Path(sys.executable).with_name("rclone")
        if not program.exists():
            lack("needs rclone: make heavy")
        self._command = [str(program), "serve", "s3", str(self.folder), "--auth-key", keys]
        self._command += ["--addr", ":".join(map(str, self.address)), "--config", os.devnull]
        self._command += ["--vfs-cache-mode", "off"]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(self.address):
                return
            time.sleep(0.02)
        raise SystemExit("rclone does not start: make heavy")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Cluster:
    """What `serve_cluster` gives.

    Attributes:
        port: of the balancer, on the loopback.
        address: of this machine, as the nodes see it.
        apart: whether each node is in a network namespace.
    """

    def __init__(self, folder: Path, address: str, *, apart: bool) -> None:
        self.folder, self.address, self.apart = folder, address, apart
        self.nodes: list[Node] = []  # without those that are given up
        self._made: list[Node] = []
        self.port = 0
        self.ray: Any = None  # tests.ray_cluster.Cluster, where there is one
        self._looking: Any = None

    def open_stores(self, stack: ExitStack) -> None:
        """Start the database and the bucket."""
        require("obstore", "make heavy")
        settings = (*postgresql.QUICK, f"listen_addresses=127.0.0.1,{self.address}")
        self.database = stack.enter_context(postgresql.serve_postgresql(settings))
        with (self.database.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        self.database.sql("SELECT pg_reload_conf()")
        self.database.sql(f"CREATE DATABASE {DATABASE}")
        self.url = self.database.url(DATABASE)
        open_database(self.url, migrate=True).dispose()
        make_key(self.url, "first", "free")  # nodes that others reach do not start without
        lay_postgresql_trail(self.url)
        self.bucket = Bucket(self.folder, self.address)
        stack.callback(self.bucket.kill)

    def add(self, node: Node) -> None:
        """Have it be ended with the others."""
        self.nodes.append(node)
        self._made.append(node)

    def start_database(self) -> None:
        """Start it after its end: after a kill it may need a moment until it can."""
        for _ in range(20):
            with contextlib.suppress(AssertionError):
                self.database.start()
                return
            time.sleep(0.1)
        raise SystemExit("PostgreSQL does not start again")

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database past all ways; nothing where it does not answer."""
        import psycopg

        try:
            if self._looking is None or self._looking.closed:
                self._looking = psycopg.connect(self.url, autocommit=True)
            found: list[tuple[Any, ...]] = self._looking.execute(statement, values).fetchall()
        except psycopg.OperationalError:
            return []
        return found

    def environ(self, **more: str) -> dict[str, str]:
        """The settings of one who reaches the stores directly."""
        endpoint = f"http://{self.address}:{self.bucket.address[1]}"
        own = {"OVERPAINT_DATABASE_URL": self.url, "AWS_ENDPOINT_URL": endpoint}
        return {**ENVIRONMENT, **own, "OVERPAINT_BLOBS": f"s3://{BUCKET}/op", **more}

    @property
    def blobs(self) -> Path:
        """Where the objects lie."""
        return self.bucket.folder / BUCKET / "op"

    def close(self) -> None:
        """Whatever happened: nothing of the nodes stays."""
        for node in self._made:
            node.server.kill_everything()
            node.ways.close()
        if self._looking is not None:
            self._looking.close()


@contextmanager
def serve_cluster(
    folder: Path, count: int, settings: Mapping[str, str], *, apart: bool, on_ray: bool = False
) -> Iterator[Cluster]:
    """So many nodes that are ready, and their balancer, until the block ends.

    Args:
        folder: for all that is kept.
        settings: of the nodes.
        apart: give each a network namespace, where that is possible.
        on_ray: have their workers run on a Ray cluster.
    """
    with ExitStack() as stack:
        net = f"10.{os.getpid() % 100 + 100}.{os.getpid() // 100 % 200}"
        apart = apart and _bridged(stack, net)
        cluster = Cluster(folder, f"{net}.1" if apart else "127.0.0.1", apart=apart)
        cluster.open_stores(stack)
        stack.callback(cluster.close)
        if on_ray:
            settings = {**settings, **_start_ray(stack, cluster)}
        for number, name in enumerate(NAMES[:count]):
            cable, prefix = _plugged(stack, net, name, number) if apart else ("", [])
            targets = {
                "database": (cluster.address, cluster.database.port),
                "bucket": cluster.bucket.address,
            }
            ways = Ways(targets, prefix=prefix)
            port, its_port = cluster.database.port, ways.ports["database"]
            way = cluster.url.replace(f":{port}/", f":{its_port}/")
            own = {
                "OVERPAINT_DATABASE_URL": way,
                "OVERPAINT_NODE": name,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ways.ports['bucket']}",
            }
            host = f"{net}.{number + 2}" if apart else "127.0.0.1"
            (folder / name).mkdir()
            environ = {**cluster.environ(), **settings, **own}
            server = Server(folder / name, environ=environ, host=host, prefix=prefix)
            cluster.add(Node(server, ways, name, cable))
            server.start()
        for node in cluster.nodes:
            node.server.wait_ready()
        servers = {node.name: (node.server.host, node.server.port) for node in cluster.nodes}
        cluster.port = stack.enter_context(serve_haproxy(folder, servers))
        yield cluster


def _start_ray(stack: ExitStack, cluster: Cluster) -> dict[str, str]:
    """Start a Ray cluster whose machines find the engines and the stores; the nodes' settings."""
    from bench._harm_ray import CPUS, MACHINES, SETTINGS
    from tests.ray_cluster import serve_ray

    plugins = cluster.folder / "machines"
    _instant.install(plugins)
    stack.enter_context(patch.dict(os.environ, PYTHONPATH=str(plugins)))
    environ = cluster.environ(OVERPAINT_DATA_DIR=str(cluster.folder / "machines/data"))
    cluster.ray = stack.enter_context(serve_ray(environ, cpus=CPUS))
    for _ in range(MACHINES):
        cluster.ray.add(CPUS)
    return {**SETTINGS, "RAY_ADDRESS": cluster.ray.address}


def _ip(*arguments: str) -> bool:
    command = [shutil.which("ip") or "/usr/sbin/ip", *arguments]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _bridged(stack: ExitStack, net: str) -> bool:
    """Make a bridge that the cables go to; False where that is not possible."""
    if os.geteuid() != 0 or not Path(shutil.which("ip") or "/usr/sbin/ip").exists():
        return False
    name = f"ovb{os.getpid()}"
    if not _ip("link", "add", name, "type", "bridge"):
        return False
    stack.callback(_ip, "link", "del", name)
    return _ip("addr", "add", f"{net}.1/24", "dev", name) and _ip("link", "set", name, "up")


def _plugged(stack: ExitStack, net: str, name: str, number: int) -> tuple[str, Sequence[str]]:
    """Make a namespace with a cable to the bridge; the cable, and what a command begins with."""
    space, cable = f"ov-{os.getpid()}-{name}", f"ov{os.getpid()}n{number}"
    inside = ["ip", "netns", "exec", space]
    made = [_ip("netns", "add", space)]
    stack.callback(_ip, "netns", "del", space)
    made.append(_ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space))
    made.append(_ip("link", "set", cable, "master", f"ovb{os.getpid()}", "up"))
    made.append(_ip("-n", space, "addr", "add", f"{net}.{number + 2}/24", "dev", "eth0"))
    made += [_ip("-n", space, "link", "set", device, "up") for device in ("eth0", "lo")]
    if not all(made):
        raise SystemExit(f"no network namespace can be made: {made}")
    return cable, inside
