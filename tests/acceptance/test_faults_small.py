"""Small fault campaigns on one node and on two: all that can die dies once, and nothing is lost.

The whole ones are `python bench/faults.py` and `python bench/faults.py --nodes 2`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.heavy import lack

CAMPAIGN = Path(__file__).parents[2] / "bench" / "faults.py"


pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the campaign reads /proc, which is Linux's"
)


def campaign(*arguments: str) -> dict[str, str]:
    """Run a quick one, which has to hold; the first numbers of its tables' rows."""
    command = [sys.executable, str(CAMPAIGN), "--quick", "--seed", "7", *arguments]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.stdout.startswith("skipped: "):
        lack(done.stdout.removeprefix("skipped: ").strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("everything held\n")
    print(done.stdout)
    return dict(re.findall(r"^\| (\w+) \| (\d+) \|", done.stdout, re.MULTILINE))


@pytest.mark.campaign
def test_a_service_that_is_hurt_keeps_what_it_promised() -> None:
    times = campaign("--tasks", "50")
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
        assert int(times[fault]) >= 1
    assert int(times["accepted"]) >= 50
    assert int(times["pictures"]) >= 50


@pytest.mark.campaign
def test_several_nodes_that_are_hurt_keep_what_they_promised() -> None:
    times = campaign("--nodes", "2", "--tasks", "60")
    cuts = ["cut_node_long"] if os.geteuid() == 0 else ["cut_database"]
    for fault in (
        *("kill_node", "pause_node", "postgresql_kill", "bucket_reset", "bucket_cut"),
        *("commit_lost_submit", "commit_late_submit", "commit_lost_finish", "commit_late_finish"),
        *("commit_lost", "clock_jump", *cuts),
    ):
        assert int(times[fault]) >= 1
    assert int(times["accepted"]) >= 60
    assert int(times["pictures"]) >= 60


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
