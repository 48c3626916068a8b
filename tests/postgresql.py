"""A PostgreSQL server for tests: on loopback, in a folder of its own, ended with the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.heavy import lack, require

from overpaint.tasks.database import open_database

_TEMPLATE = "made"
_ROLE = "overpaint"
PASSWORD = "p@ss/w:rd?"
#: For tests: nothing of it outlives the machine.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200")


class Server:
    """A server with one role, which has a password and may make databases."""

    def __init__(self, programs: Path, folder: Path, settings: Sequence[str] = QUICK) -> None:
        self.programs, self.folder, self._settings = programs, folder, settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._names = count()
        self._process: subprocess.Popen[Any] | None = None
        self._own = _unprivileged(folder)
        (folder / "password").write_text(PASSWORD)
        initdb = [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            _ROLE,
            "-E",
            "UTF8",
            "--no-sync",
        ]
        options = ["--auth=scram-sha-256", "--no-locale", f"--pwfile={folder / 'password'}"]
        subprocess.run(
            [str(part) for part in (*initdb, *options)],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **self._own,
        )

    def url(self, database: str) -> str:
        """The URL of a database, which need not be there."""
        password = "p%40ss%2Fw%3Ard%3F"
        return f"postgresql://{_ROLE}:{password}@127.0.0.1:{self.port}/{database}"

    def new(self, *, empty: bool = False) -> str:
        """The URL of a new database, with our tables unless it is to be empty."""
        if not empty and not self._has_template:
            self.sql(f"CREATE DATABASE {_TEMPLATE}")
            open_database(self.url(_TEMPLATE), migrate=True).dispose()
            self._has_template = True
        name = f"test{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else _TEMPLATE}")
        return self.url(name)

    _has_template = False

    def drop(self, url: str) -> None:
        """Remove a database."""
        self.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement; its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", *self._settings]
        settings.append(f"unix_socket_directories={self.folder}")
        with (self.folder / "log").open("ab") as log:
            command = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
            self._process = subprocess.Popen(
                command + [part for one in settings for part in ("-c", one)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._own,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.sql("SELECT 1")
        except Exception:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends sessions, SIGKILL and SIGQUIT are a crash."""
        if self._process is not None:
            children = self._children() if how == signal.SIGKILL else []
            for pid in (self._process.pid, *children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            self._process.wait(60)
            self._process = None

    def pause(self, *, on: bool) -> None:
        """Have the server and its sessions stand still, or go on."""
        assert self._process is not None
        for pid in (self._process.pid, *self._children()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)

    def _children(self) -> list[int]:
        assert self._process is not None
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in found.read_text().split()]


@contextmanager
def serve_postgresql(settings: Sequence[str] = QUICK) -> Iterator[Server]:
    """A server with these settings, until the block ends."""
    require("psycopg", "make heavy")
    folder = Path(tempfile.mkdtemp(prefix="overpaint-postgresql-"))
    server = None
    try:
        server = Server(_programs(), folder, settings)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)  # nothing of it is kept
        shutil.rmtree(folder)


def _programs() -> Path:
    """Where the programs of PostgreSQL are: Debian has them out of the path."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    found = max(versions, default=None) or shutil.which("postgres")
    if found is None:
        found = lack("needs PostgreSQL: apt-get install postgresql")
    return Path(str(found)).resolve().parent


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How a process is started that must not be root's, which it then is not."""
    if os.geteuid() != 0:
        return {}
    user = next(
        one for one in ("postgres", "nobody") if one in {each.pw_name for each in pwd.getpwall()}
    )
    known = pwd.getpwnam(user)
    os.chown(folder, known.pw_uid, known.pw_gid)
    return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
