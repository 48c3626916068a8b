"""The service as a person runs it: started, used, hurt, ended."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import pytest
from PIL import Image

from overpaint.cli.app import run

OVERPAINT = (sys.executable, "-W", "error", "-m", "overpaint")
#: Longer than anything takes: a test that waits for so long has failed.
LONG_S = 90.0


class Serve:
    """A process of `overpaint serve`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.stdout, self.stderr = folder / "stdout.txt", folder / "stderr.txt"
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [*OVERPAINT, "serve", "--data-dir", str(self.data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "OVERPAINT_LOG_FORMAT": "json"},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        until(lambda: not any(map(alive, self.pids())), "its children end")

    def said(self) -> str:
        return self.stdout.read_text()

    def log(self) -> list[dict[str, Any]]:
        lines = self.stderr.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def ready(self) -> Self:
        until(lambda: self.said().endswith("ready\n") or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.said() + self.stderr.read_text()
        return self

    @property
    def url(self) -> str:
        (url,) = re.findall(r"listens on (http://\S+)\n", self.said())
        return str(url)

    def pids(self, kind: str = "") -> list[int]:
        """Of the children that were started, the latest last."""
        started = [line for line in self.log() if line["event"] == "started"]
        return [line["pid"] for line in started if line["child"].startswith(kind)]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONG_S)


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < deadline, f"not in {LONG_S:.0f} s: {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def serve_fails(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of `overpaint serve` that is expected to end by itself."""
    return subprocess.run(
        [*OVERPAINT, "serve", "--data-dir", "data", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=LONG_S,
    )


def overpaint(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Another command, in this process: quicker than a new one."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.chdir(folder)
        for name, value in environ.items():
            patch.setenv(name, value)
        with redirect_stderr(StringIO()) as err:
            code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def secret_of(said: str) -> str:
    (secret,) = re.findall(r"^API key, shown this once: (sk-\w+)$", said, re.MULTILINE)
    return str(secret)


@pytest.fixture
def pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
    smooth.resize((320, 280), Image.Resampling.BICUBIC).save(tmp_path / "base.png")
    mask = np.zeros((280, 320), np.uint8)
    mask[100:160, 120:200] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")


def client(serve: Serve, secret: str) -> dict[str, str]:
    """The environment of the commands that talk to the service."""
    return {"OVERPAINT_BASE_URL": f"{serve.url}/api/v1", "OVERPAINT_API_KEY": secret}


def test_from_the_first_start_to_a_picture_and_to_the_end(tmp_path: Path, pictures: None) -> None:
    with Serve(tmp_path, "--port", "0", "--workers", "1") as serve:
        lines = serve.ready().said().splitlines()
        url = serve.url
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", url)
        assert lines[1:3] == [f"data in {serve.data}, 1 worker", f"docs: {url}/docs"]
        secret = secret_of(serve.said())
        (link,) = re.findall(r"^sign in within an hour, once: (\S+)$", serve.said(), re.MULTILINE)
        assert link.startswith(f"{url}/sign-in/")

        with httpx.Client(trust_env=False) as browser:
            assert browser.get(f"{url}/readyz").status_code == 200
            assert browser.get(f"{url}/docs").status_code == 200
            signed_in = browser.get(link, follow_redirects=True)
            assert signed_in.status_code == 200
            assert browser.cookies
            tasks = browser.get(f"{url}/api/v1/tasks")  # by the session alone
            assert (tasks.status_code, tasks.json()["total"]) == (200, 0)
            assert httpx.get(link, trust_env=False).status_code == 403  # once only

        done = overpaint(
            tmp_path,
            *("submit", "base.png", "mask.png", "去掉它", "--size", "original", "-o", "out.png"),
            **client(serve, secret),
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "out.png\n", "")
        with Image.open(tmp_path / "out.png") as out, Image.open(tmp_path / "base.png") as base:
            changed = (np.asarray(out) != np.asarray(base)).any(axis=2)
        assert changed[100:160, 120:200].any()
        assert changed.sum() == changed[100:160, 120:200].sum()

        made = overpaint(tmp_path, "keys", "create", "--name", "more", "--data-dir", "data")
        more = client(serve, made.stdout.strip())
        assert overpaint(tmp_path, "tasks", **more).stdout == ""  # another key's tasks are its own
        overpaint(tmp_path, "keys", "revoke", "more", "--data-dir", "data")
        refused = overpaint(tmp_path, "tasks", **more)
        assert (refused.returncode, "InvalidApiKey" in refused.stderr) == (2, True)

        pids = serve.pids()
        assert serve.stop() == 0
        assert not any(map(alive, pids))
        assert all(secret not in text for text in (serve.stderr.read_text(),))

    with Serve(tmp_path, "--port", "0", "--workers", "1") as serve:
        said = serve.ready().said()
        assert "API key" not in said
        assert "sign in" not in said
        listed = overpaint(tmp_path, "tasks", **client(serve, secret)).stdout
        assert listed.count("SUCCEEDED") == 1
        serve.process.send_signal(signal.SIGINT)  # Ctrl-C
        assert serve.process.wait(LONG_S) == 0


def test_killed_processes_come_back_and_no_task_is_lost(tmp_path: Path, pictures: None) -> None:
    with Serve(tmp_path, "--port", "0", "--workers", "1") as serve:
        serve.ready()
        told = client(serve, secret_of(serve.said()))
        submit = ("submit", "base.png", "mask.png", "去掉它")
        first = overpaint(tmp_path, *submit[:3], "一副红色眼镜", **told).stdout.strip()

        os.kill(serve.pids("worker")[-1], signal.SIGKILL)
        os.kill(serve.pids("api")[-1], signal.SIGKILL)
        second = overpaint(tmp_path, *submit, **told).stdout.strip()  # waits, is not refused
        done = overpaint(tmp_path, "wait", first, "-o", "first.png", **told)
        assert (done.returncode, done.stdout) == (0, "first.png\n"), done.stderr
        assert [len(serve.pids(kind)) for kind in ("api", "worker")] == [2, 2]

        third = overpaint(tmp_path, *submit, **told).stdout.strip()
        pids = serve.pids()
        serve.process.kill()
        until(lambda: not any(map(alive, pids)), "the children of a killed supervisor end")
        port = serve.url.rpartition(":")[2]

    with Serve(tmp_path, "--port", port, "--workers", "1") as serve:
        serve.ready()
        for task in (second, third):
            done = overpaint(tmp_path, "wait", task, "-o", f"{task}.png", **told)
            assert done.returncode == 0, done.stderr
        assert overpaint(tmp_path, "tasks", **told).stdout.count("SUCCEEDED") == 3
        (key,) = json.loads(
            overpaint(tmp_path, "keys", "list", "--json", "--data-dir", "data").stdout
        )
        assert (key["used"], key["reserved"]) == (3, 0)
        assert serve.stop() == 0


def test_the_settings_come_from_the_file(tmp_path: Path, pictures: None) -> None:
    config = tmp_path / "overpaint.toml"
    config.write_text(
        'port = 0\nworkers = 0\npublic_url = "https://overpaint.example.com/"\n'
        '[models]\nmine = "erase"\n'
    )
    with Serve(tmp_path, "--config", str(config)) as serve:
        until(lambda: "/sign-in/" in serve.said(), "it listens")
        said = serve.said()
        assert "once: https://overpaint.example.com/sign-in/" in said
        told = client(serve, secret_of(said))
        order = ("submit", "http://host/a.png", "http://host/b.png", "猫")
        refused = overpaint(tmp_path, *order, **told)  # wanx-x-painting is not in the table
        assert refused.returncode == 2
        assert "model" in refused.stderr.lower()
        assert serve.stop() == 0


def test_a_port_that_is_taken_ends_it_with_a_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        done = serve_fails(tmp_path, "--port", port)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: port: is taken on 127.0.0.1 by another program; choose")
    assert not (tmp_path / "data").exists()


def test_a_second_service_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    with Serve(tmp_path, "--port", "0", "--workers", "0") as serve:
        until(lambda: "sign in" in serve.said(), "it listens")
        done = serve_fails(tmp_path, "--port", "0")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr == (
            "error: data_dir: is served already by another overpaint serve;"
            f" choose another with --data-dir, got {serve.data}\n"
        )
        assert serve.stop() == 0


def test_others_are_let_in_only_when_there_is_a_key(tmp_path: Path) -> None:
    public = ("--host", "0.0.0.0", "--port", "0", "--workers", "0")
    done = serve_fails(tmp_path, *public)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: host: others reach 0.0.0.0, and there is no key yet;"
        " create one first: overpaint keys create --name NAME\n"
    )
    overpaint(tmp_path, "keys", "create", "--name", "first", "--data-dir", "data")
    overpaint(tmp_path, "keys", "revoke", "first", "--data-dir", "data")
    done = serve_fails(tmp_path, *public)
    assert (done.returncode, "there is no key" in done.stderr) == (2, True)  # a revoked one is none

    overpaint(tmp_path, "keys", "create", "--name", "first", "--data-dir", "data")
    with Serve(tmp_path, *public) as serve:
        until(lambda: "docs:" in serve.said(), "it listens")
        port = serve.url.rpartition(":")[2]
        until(
            lambda: httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success,
            "it answers",
        )
        assert "API key" not in serve.said()
        assert serve.stop() == 0


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/overpaint.db").write_bytes(b"not a database" * 1000)
    done = serve_fails(tmp_path, "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is damaged" in done.stderr
    assert "restore it from a backup" in done.stderr


def test_a_backup_as_the_guide_says_goes_on_where_it_was_made(
    tmp_path: Path, pictures: None
) -> None:
    with Serve(tmp_path, "--port", "0", "--workers", "1") as serve:
        told = client(serve.ready(), secret_of(serve.said()))
        order = ("submit", "base.png", "mask.png", "去掉它")
        overpaint(tmp_path, *order, "-o", "out.png", **told)
        copy = tmp_path / "copy/data"
        copy.mkdir(parents=True)
        with (
            closing(sqlite3.connect(serve.data / "overpaint.db")) as live,
            closing(sqlite3.connect(copy / "overpaint.db")) as kept,
        ):
            live.backup(kept)
        subprocess.run(["cp", "-a", serve.data / "blobs", copy])
        assert serve.stop() == 0

    with Serve(tmp_path / "copy", "--port", "0", "--workers", "1") as serve:
        told |= {"OVERPAINT_BASE_URL": f"{serve.ready().url}/api/v1"}
        (task, *_), *_ = (
            line.split("\t") for line in overpaint(tmp_path, "tasks", **told).stdout.splitlines()
        )
        done = overpaint(tmp_path, "wait", task, "-o", "again.png", **told)
        assert (done.returncode, done.stdout) == (0, "again.png\n"), done.stderr
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()
        assert serve.stop() == 0
