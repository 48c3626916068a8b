"""A small fault campaign: processes killed, pictures damaged, the clock set, and nothing is lost.

The whole one is `python bench/faults.py`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parents[2] / "bench" / "faults.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the campaign reads /proc, which is Linux's")
def test_a_service_that_is_hurt_keeps_what_it_promised(tmp_path: Path) -> None:
    command = [sys.executable, str(CAMPAIGN), "--quick", "--tasks", "50", "--seed", "7"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(
        [*command, "--log", str(tmp_path / "log.txt")],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("everything held\n")
    times = dict(re.findall(r"^\| (\w+) \| (\d+) \|", done.stdout, re.MULTILINE))
    for fault in (
        *(
            "kill_worker",
            "kill_engine",
            "kill_api",
            "kill_inspection",
            "kill_supervisor",
            "stop_worker",
        ),
        *("corrupt_input", "corrupt_result", "clock_jump"),
    ):
        assert int(times[fault]) >= 1, done.stdout
    assert int(times["accepted"]) >= 50
    assert int(times["pictures"]) >= 50


@pytest.mark.skipif(sys.platform != "linux", reason="the campaign reads /proc, which is Linux's")
def test_the_campaign_notices_what_is_lost(tmp_path: Path) -> None:
    """A campaign that cannot fail would prove nothing."""
    from bench._trail import lay_trail, read_sqlite
    from bench._verdict import judge

    from overpaint.tasks.database import open_database
    from overpaint.tasks.keys import KeyStore
    from overpaint.tasks.store import TaskStore
    from overpaint.tasks.task import PLANS, PictureOutcome, Task
    from overpaint.values import BlobRef

    database = open_database(f"sqlite:///{tmp_path / 'overpaint.db'}", migrate=True)
    lay_trail(tmp_path / "overpaint.db")
    key, _ = KeyStore(database).create("somebody", PLANS["free"])
    store = TaskStore(database)
    task = Task(
        id="00000000-0000-4000-8000-000000000000",
        key_id=key.id,
        request_id="r",
        model="paced",
        engine="paced",
        n=1,
        options={},
        inputs={},
        created_ms=1,
    )
    store.insert(task, max_pending=10)

    def wrong() -> list[str]:
        return judge(read_sqlite(tmp_path / "overpaint.db"), tmp_path / "blobs", {}, {}, []).wrong

    assert len(wrong()) == 3  # not ended; pictures reserved; a task pending
    claimed = store.claim("worker", lease_ms=1000)
    assert claimed is not None
    blob = BlobRef(name="tasks/1/result-1-0.png", bytes=3, sha256="0" * 64)
    store.finish(claimed, [PictureOutcome(seed=0, blob=blob)])
    (missing,) = wrong()
    assert missing == "tasks/1/result-1-0.png: is not there"
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE keys SET used = 2")
        connection.exec_driver_sql("UPDATE tasks SET state = 'FAILED'")
    found = wrong()
    database.dispose()
    assert any("did not end exactly once" in one for one in found)
    assert "key somebody: 2 used, 1 pictures" in found
