"""Workers whose painting costs nothing, and callers that keep them busy: what the tables allow.

`press` starts processes of this module; each claims and ends tasks, and puts a new one in for each,
so that the queue stays as long as it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from overpaint.tasks import counting
from overpaint.tasks.counting import SHARDS
from overpaint.tasks.database import open_database
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PictureOutcome, Task
from overpaint.values import BlobRef

MODEL = "instant"
ACTS = ("submit", "claim", "finish")
BLOB = BlobRef(name="tasks/of-nobody/picture", bytes=1, sha256="0" * 64)
LIMIT = 10**6  # tasks that a key may have waiting


@dataclass
class Pressed:
    """What became of it."""

    per_s: float = 0.0  # tasks that went from submission to end
    each: dict[str, list[float]] = field(default_factory=lambda: {act: [] for act in ACTS})  # s


def press(
    url: str, key_ids: Sequence[str], *, processes: int, seconds: float, shards: int = SHARDS
) -> Pressed:
    """So many processes at once, each one task after the other.

    Args:
        url: of the database.
        key_ids: whose tasks they are, in turn.
        processes: how many.
        seconds: how long they are at it.
        shards: rows that the totals of an engine and outcome are counted in.
    """
    command = [sys.executable, __file__, url, ",".join(key_ids), str(seconds), str(shards)]
    root = Path(__file__).resolve().parents[1]
    started = [
        subprocess.Popen([*command, str(number)], cwd=root, text=True, stdin=PIPE, stdout=PIPE)
        for number in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready; then all begin at once
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate(timeout=seconds + 120)[0]) for process in started]
    found = Pressed()
    begin, end = max(one["begin"] for one in told), min(one["end"] for one in told)
    for one in told:  # what was done while all of them were at it
        found.per_s += sum(begin < at <= end for at in one["at"]) / (end - begin)
        for act in ACTS:
            found.each[act] += one[act]
    return found


def new_task(key_id: str, number: int) -> Task:
    """An order that waits for any worker; its pictures are not there."""
    name = f"{time.time_ns():x}-{key_id}-{number}"
    return Task(
        id=name,
        key_id=key_id,
        request_id=name,
        model=MODEL,
        engine=MODEL,
        n=1,
        options={"prompt": "a red hat", "seed": number, "feather": 0},
        inputs={"base": BLOB, "mask": BLOB},
        created_ms=time.time_ns() // 10**6,
    )


def main(url: str, keys: str, seconds: str, shards: str, number: str) -> None:
    counting.SHARDS = int(shards)
    database = open_database(url, migrate=False)
    store = TaskStore(database, node="bench")
    key_ids = keys.split(",")
    store.claim(f"bench-{number}", lease_ms=60_000, pool="nobody's")  # connects
    print("ready", flush=True)
    sys.stdin.readline()
    told: dict[str, list[float]] = {name: [] for name in (*ACTS, "at")}
    begin = time.time()
    done = 0
    while time.time() < begin + float(seconds):
        key_id = key_ids[(int(number) + done) % len(key_ids)]
        moments = [time.perf_counter()]
        store.insert(new_task(key_id, done), max_pending=LIMIT)
        moments.append(time.perf_counter())
        task = store.claim(f"bench-{number}", lease_ms=60_000)
        moments.append(time.perf_counter())
        if task is not None:
            picture = PictureOutcome(seed=0, blob=BLOB)
            store.finish(task, [picture], painter=MODEL, seconds={"paint": 1.0})
            moments.append(time.perf_counter())
            told["at"].append(time.time())
        for act, since, until in zip(ACTS, moments, moments[1:], strict=False):
            told[act].append(until - since)
        done += 1
    json.dump({**told, "begin": begin, "end": time.time()}, sys.stdout)
    database.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
