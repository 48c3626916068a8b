"""A real `overpaint serve` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.wire import plugin

from overpaint import settings, settings_table
from overpaint.tasks.database import Database, open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.task import PLANS

START_SECONDS = 60
MODELS = ",".join(
    [settings_table.MODELS, *(f"{engine.name}={engine.name}" for engine in plugin.ENGINES)]
)


@contextmanager
def closing_database(url: str) -> Iterator[Database]:
    database = open_database(url, migrate=False)
    try:
        yield database
    finally:
        database.dispose()


class ServeProcess:
    """`overpaint serve` on a free port of the loopback, with the engines of `plugin`."""

    def __init__(self, folder: Path, *, running: str = "", **environ: str) -> None:
        """Use this folder; `running` is the root of one that runs there already."""
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log.txt"
        plugins = folder / "plugins"
        self.gate = plugins / "open"
        if not running:
            plugins.mkdir(parents=True)
            plugin.install(plugins)
        self._environ = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
            "PYTHONPATH": os.pathsep.join(
                [str(plugins), str(Path(plugin.__file__).parents[2] / "src")]
            ),
            "PYTHONUNBUFFERED": "1",
            "OVERPAINT_MODELS": MODELS,
            "OVERPAINT_FETCH_ALLOW_PRIVATE": "1",
            "OVERPAINT_FETCH_SECONDS": "2",
            "OVERPAINT_WORKERS": "2",
            "OVERPAINT_LOG_FORMAT": "json",
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.root = running  # http://host:port

    def __enter__(self) -> Self:
        if not self.root:
            self._start("0")
        return self

    def restart(self) -> None:
        """End it at once and start it again on the same port, with what it has stored."""
        port = self.root.rpartition(":")[2]
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # a second signal, of `stop`, ends what does not end by itself
        self.stop()
        self._start(port)

    def _start(self, port: str) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command("serve", "--port", port),
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.root = self._wait()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def base(self) -> str:
        """What DASHSCOPE_HTTP_BASE_URL is to be."""
        return f"{self.root}/api/v1"

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def open_gate(self) -> None:
        """Let what waits for the gate be painted; else it would hold the workers ever after."""
        self.gate.touch()
        waiting = "SELECT count(*) FROM tasks WHERE engine = 'gated' AND ended_ms IS NULL"
        deadline = time.monotonic() + START_SECONDS
        while self.sql(waiting) != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def make_key(self, name: str, plan: str = "unlimited") -> str:
        """The secret of a new key."""
        return str(self.run("keys", "create", "--name", name, "--plan", plan, "--json")["key"])

    def quick_key(self, name: str, plan: str) -> str:
        """Likewise, without a process: the store is opened a second time."""
        with closing_database(settings.load(data_dir=self.data).database_url) as database:
            return KeyStore(database).create(name, PLANS[plan])[1]

    def run(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Change what is stored behind the service's back, to be where a test begins."""
        (path,) = [*self.data.glob("*.db"), *self.data.glob("*.sqlite*")][:1]
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            return database.execute(statement, values).fetchall()

    def _command(self, *arguments: str) -> list[str]:
        command = [sys.executable, "-m", "overpaint", *arguments]
        return [*command, "--data-dir", str(self.data)]

    def _wait(self) -> str:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", self.said())
            if found and self._ready(found[0]):
                return found[0]
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.said()}")

    @staticmethod
    def _ready(root: str) -> bool:
        try:
            return httpx.get(f"{root}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False
