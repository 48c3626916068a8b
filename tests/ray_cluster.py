"""A Ray cluster of several nodes on this machine, on loopback addresses of their own.

It is a program, run by `Cluster`: Ray ends processes that call it where its head is away, and that
must not be the one that tests. It reads commands from stdin, a line each, and answers with a line.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.heavy import require

HEAD = "127.0.0.2"  # Ray takes 127.0.0.1 for the machine's outer address
#: Ray notices what has died within a second or two, and not within fifteen.
_QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "4",
}


class Cluster:
    """A head, and nodes that come and go."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind((HEAD, 0))
            self.address = f"{HEAD}:{free.getsockname()[1]}"
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
        self._addresses = itertools.count(3)
        self._log = (folder / "ray.txt").open("ab")
        root = Path(__file__).resolve().parents[1]
        paths = [str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray_cluster", self.address, str(folder / "ray")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={
                **os.environ,
                **_QUICK,
                **quiet,
                **environ,
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            },
        )

    def start(self, *, cpus: int) -> None:
        """Start the head, again where it was killed; what there was else is ended."""
        self._tell("start", cpus)

    def add(self, cpus: int) -> str:
        """Add a node; its address."""
        address = f"127.0.0.{next(self._addresses)}"
        self._tell("add", address, cpus)
        return address

    def kill(self, address: str) -> None:
        """Kill a node with all that runs there."""
        self._tell("kill", address)

    def raylets(self) -> dict[str, int]:
        """Address -> process id of the nodes that were not killed."""
        return dict(self._tell("raylets"))

    def close(self) -> None:
        """End everything."""
        if self._process.poll() is None:
            self._process.communicate(timeout=60)
        self._log.close()

    def _tell(self, *command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"Ray has ended: see {self._log.name}"
        return json.loads(answer)


@contextmanager
def serve_ray(environ: Mapping[str, str], *, cpus: int) -> Iterator[Cluster]:
    """A cluster that has a head alone, until the block ends.

    Args:
        environ: what its machines have in their environment.
        cpus: of the head.
    """
    require("ray", "make heavy")
    folder = Path(tempfile.mkdtemp(prefix="op-ray-"))  # Ray's sockets are in it: short
    cluster = Cluster(folder, environ)
    try:
        cluster.start(cpus=cpus)
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


class _Ray:
    """What the program does."""

    def __init__(self, address: str, folder: str) -> None:
        self._port = int(address.rpartition(":")[2])
        self._folder = folder
        self._cluster: Any = None
        self._nodes: dict[str, Any] = {}

    def start(self, cpus: int) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        if self._cluster is not None:
            self.end()
        for last in (False, False, True):
            self._cluster = RayCluster()
            try:
                self._nodes[HEAD] = self._cluster.add_node(
                    node_ip_address=HEAD,
                    gcs_server_port=self._port,
                    temp_dir=self._folder,
                    **self._small(cpus),
                )
                return
            except Exception:  # its patience is 30 s, on a machine that has much to do
                if last:
                    raise
                traceback.print_exc()
                _kill_children()

    def add(self, address: str, cpus: int) -> None:
        self._nodes[address] = self._cluster.add_node(node_ip_address=address, **self._small(cpus))

    def kill(self, address: str) -> None:
        self._nodes.pop(address).kill_all_processes(allow_graceful=False, wait=True)

    def raylets(self) -> dict[str, int]:
        return {
            address: node.all_processes["raylet"][0].process.pid
            for address, node in self._nodes.items()
        }

    def end(self) -> None:
        for node in self._nodes.values():
            node.kill_all_processes(check_alive=False, allow_graceful=True, wait=True)
        self._nodes = {}

    def _small(self, cpus: int) -> dict[str, Any]:
        return {
            "num_cpus": cpus,
            "num_gpus": 0,
            "object_store_memory": 80 * 2**20,
            "include_dashboard": False,
        }


def _kill_children() -> None:
    """End what a head began that did not come to be."""
    for thread in Path("/proc/self/task").iterdir():
        for pid in (thread / "children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray prints is no answer
    ray = _Ray(sys.argv[1], sys.argv[2])
    try:
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            answers.write(json.dumps(getattr(ray, name)(*arguments)) + "\n")
            answers.flush()
    finally:
        ray.end()


if __name__ == "__main__":
    main()
