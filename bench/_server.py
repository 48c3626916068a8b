"""A real `overpaint serve` in processes of its own, which can be looked into and hurt. Linux."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from bench import _instant
from bench._wire import Wire, WireError

from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.task import PLANS

ROOT = Path(__file__).resolve().parents[1]
START_S = 60.0
STOP_S = 60.0
#: What the command lines of the processes contain, by what they are.
ROLES: Mapping[str, str] = {
    "api": "overpaint.server",
    "engine": _instant.BATCHED,
    "worker": "overpaint.dispatch.worker",
    "inspection": "multiprocessing.spawn",
    "its tracker": "multiprocessing.resource_tracker",
}


class Server:
    """`overpaint serve` with the engines of `_instant`.

    Args:
        folder: for plugins, the log and, unless `data` says another, the data folder.
        environ: settings and other variables of the processes.
        port: 0 takes a free one at the first start and keeps it.
        host: the address that it listens on.
        prefix: of its command, for a network namespace.
    """

    def __init__(
        self,
        folder: Path,
        *,
        data: Path | None = None,
        port: int = 0,
        environ: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder, self.port, self.host, self._prefix = folder, port, host, prefix
        self.data = data or folder / "data"
        self.log = folder / "log.txt"
        plugins = folder / "plugins"
        _instant.install(plugins)
        self.clock = plugins / "clock"  # by how many seconds the processes are ahead
        models = ",".join(f"{engine.name}={engine.name}" for engine in _instant.ENGINES)
        kept = {name: value for name, value in os.environ.items() if name[:10] != "OVERPAINT_"}
        self.environ = {
            **{name: value for name, value in kept.items() if name != "PYTHONWARNINGS"},
            "PYTHONPATH": os.pathsep.join([str(plugins), str(ROOT / "src")]),
            "PYTHONUNBUFFERED": "1",
            "OVERPAINT_DATA_DIR": str(self.data),
            "OVERPAINT_MODELS": f"{models},erase=erase",
            "OVERPAINT_FETCH_ALLOW_PRIVATE": "1",
            "OVERPAINT_LOG_FORMAT": "json",
            **(environ or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when the port is known; `wait_ready` waits for the rest."""
        command = [*self._prefix, sys.executable, "-m", "overpaint", "serve"]
        command += ["--host", self.host, "--port", str(self.port)]
        begin = self.log.stat().st_size if self.log.exists() else 0
        address = re.compile(rf"http://{re.escape(self.host)}:([1-9]\d*)".encode())
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_S
        while not self.port:
            with self.log.open("rb") as log:
                log.seek(begin)
                found = address.search(log.read())
            if found:
                self.port = int(found[1])
            elif self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise SystemExit(f"the server did not start:\n{self.said()[-4000:]}")
            else:
                time.sleep(0.02)

    def restart(self) -> None:
        """Start again what was killed, as an init system does: until it stays."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.start()
            while self.process is not None and self.process.poll() is None:
                own = [pid for pid in self.pids("api") if _parent(pid) == self.process.pid]
                if own:  # else an orphan may still be there to answer
                    return
                time.sleep(0.02)
            time.sleep(0.1)
        raise SystemExit(f"the server does not start again:\n{self.said()[-4000:]}")

    def wait_ready(self) -> float:
        """Seconds until /readyz says yes."""
        begin = time.monotonic()
        while time.monotonic() - begin < START_S:
            if self.is_ready():
                return time.monotonic() - begin
            time.sleep(0.02)
        raise SystemExit(f"the server is not ready:\n{self.said()[-4000:]}")

    def is_ready(self) -> bool:
        """Whether /readyz says yes."""
        with contextlib.suppress(WireError), Wire(self.port, timeout_s=5, host=self.host) as wire:
            return wire.get("/readyz").status == 200
        return False

    def stop(self) -> float:
        """Ask it to end; seconds until it has. A process that is left is killed and told."""
        begin = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return time.monotonic() - begin

    def kill(self) -> None:
        """Kill the supervisor, as no memory or an operator would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def kill_everything(self) -> None:
        """kill -9 of every process at once, as a machine dies."""
        for pid in self.pids("any"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kill()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def make_key(self, name: str, plan: str = "unlimited") -> tuple[str, str]:
        """Id and secret of a new key, as `overpaint keys create` makes it but in less time."""
        return make_key(f"sqlite:///{self.data / 'overpaint.db'}", name, plan)

    def pids(self, role: str) -> list[int]:
        """The processes of one of `ROLES` that belong to this server, or "any" of it."""
        return [pid for pid, found in self.roles().items() if role in (found, "any")]

    def spent(self, *roles: str) -> float:
        """Processor time of the processes of these roles, or of all, so far, s."""
        return sum(
            spent_by(pid) for pid, role in self.roles().items() if role in roles or not roles
        )

    def roles(self) -> dict[int, str]:
        """Every process that has this data folder in its environment, and what it is."""
        marker = f"OVERPAINT_DATA_DIR={self.data}\0".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if marker not in (entry / "environ").read_bytes() + b"\0":
                    continue
                if _state(entry) == "Z":
                    continue
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                role = next((role for role, part in ROLES.items() if part in command), "other")
                is_ours = self.process is not None and int(entry.name) == self.process.pid
                found[int(entry.name)] = "supervisor" if is_ours else role
        return found


def make_key(url: str, name: str, plan: str) -> tuple[str, str]:
    """Id and secret of a new key in a database."""
    database = open_database(url, migrate=False)
    try:
        key, secret = KeyStore(database).create(name, PLANS[plan])
    finally:
        database.dispose()
    return key.id, secret


def _state(entry: Path) -> str:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has just ended
        return 0


def spent_by(pid: int) -> float:
    """Processor time of a process so far, s."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> dict[str, float]:
    """MB of a process: resident, its peak, and its proportional share of what is shared."""
    status = Path(f"/proc/{pid}/status").read_text()
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {}
    for name, text in (("VmRSS", status), ("VmHWM", status), ("Pss", rollup)):
        match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        found[name] = int(match[1]) * 1024 / 1e6 if match else 0.0
    return found
