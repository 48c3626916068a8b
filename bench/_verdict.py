"""What must hold at the end of a fault campaign, looked up past the service."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._ledger import Caller, Promise
from bench._trail import Stored
from bench._wire import FINAL

_GAVE_UP = 3  # tries


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the database and the folder of pictures say."""

    wrong: list[str]
    ends: Counter[str]  # of accepted tasks
    unread: int  # tasks that were stored and whose 200 nobody read
    claims: int
    retries: int  # claims beyond the first of a task
    gave_up: int  # failed after three tries, of those that were to succeed
    pictures: int
    strays: int  # files of results that no task names
    used: dict[str, int]  # caller -> pictures counted


def judge(
    stored: Stored,
    folder: Path,
    promises: Mapping[str, Promise],
    attempts: Mapping[str, Promise],
    callers: Sequence[Caller],
) -> Verdict:
    """Compare what was promised and seen with what is stored. The server has ended.

    Args:
        stored: what the database has.
        folder: where the blobs are.
        promises: id -> what was accepted.
        attempts: prompt -> what was sent, answered or not.
        callers: who sent it.
    """
    wrong = list(stored.wrong)
    rows = stored.tasks
    ends: Counter[str] = Counter()
    gave_up = 0
    for promise in promises.values():
        row = rows.get(promise.id)
        if row is None:
            wrong.append(f"{promise.id}: lost")
            continue
        ends[row["state"]] += 1
        if row["state"] != promise.state:
            wrong.append(f"{promise.id}: {row['state']}, and {promise.state} was seen")
        if row["state"] in promise.may_end:
            continue
        if row["state"] == "FAILED" and row["tries"] >= _GAVE_UP:
            gave_up += 1
        else:
            said = promise.failure or row["failure"]
            wrong.append(f"{promise.id} ({promise.model}, n = {promise.n}): {row['state']} {said}")
    wrong += _sending_faults(rows, promises, attempts)
    wrong += _trail_faults(rows, stored.trail)
    wrong += _quota_faults(rows, stored.keys)
    named = {name: ref for row in rows.values() for name, ref in _blobs(row)}
    wrong += _blob_faults(folder, named)
    files = folder.glob("tasks/*/result-*")
    strays = sum(f"tasks/{path.parent.name}/{path.name}" not in named for path in files)
    trail = stored.trail
    claims = sum(step["new"] == "RUNNING" for steps in trail.values() for step in steps)
    claimed = sum(any(step["new"] == "RUNNING" for step in steps) for steps in trail.values())
    return Verdict(
        wrong=wrong,
        ends=ends,
        unread=len(rows.keys() - promises.keys()),
        claims=claims,
        retries=claims - claimed,
        gave_up=gave_up,
        pictures=len(named),
        strays=strays,
        used={one.name: stored.keys[one.key_id]["used"] for one in callers},
    )


def _sending_faults(
    rows: Mapping[str, Mapping[str, Any]],
    promises: Mapping[str, Promise],
    attempts: Mapping[str, Promise],
) -> Iterator[str]:
    """What was sent once is there once at most; and what nobody heard of was carried out, too."""
    known: Counter[str] = Counter()
    for task_id, row in rows.items():
        prompt = row["options"].get("prompt", "")
        known[prompt] += 1
        sent = attempts.get(prompt)
        if task_id in promises or sent is None or row["state"] in sent.may_end:
            continue
        if not (row["state"] == "FAILED" and row["tries"] >= _GAVE_UP):
            yield f"{task_id}, whose 200 nobody read: {row['state']} {row['failure']}"
    for prompt, times in known.items():
        if times > 1 and prompt in attempts:
            yield f"{prompt!r} was sent once, and is there {times} times"


def _blobs(row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for picture in row["pictures"]:
        if picture["blob"] is not None:
            yield picture["blob"]["name"], picture["blob"]


def _trail_faults(
    rows: Mapping[str, Mapping[str, Any]], trail: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[str]:
    """Each task was made once, ended once, and nothing came after."""
    for task_id, row in rows.items():
        steps = trail.get(task_id, [])
        states = [step["new"] for step in steps]
        if not steps or row["state"] not in FINAL:
            yield f"{task_id}: is {row['state']} after {states}"
            continue
        if sum(state in FINAL for state in states) != 1 or states[-1] != row["state"]:
            yield f"{task_id}: did not end exactly once: {states}"
        if steps[-1]["pictures"] is not None and steps[-1]["pictures"] != row["pictures"]:
            yield f"{task_id}: its pictures changed after its end"
        fences = [step["fence"] for step in steps if step["new"] == "RUNNING"]
        if len(set(fences)) != len(fences):
            yield f"{task_id}: two claims had the same fence: {fences}"


def _quota_faults(
    rows: Mapping[str, Mapping[str, Any]], keys: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """A key has used what its tasks have pictures, has nothing reserved and nothing under way."""
    for key in keys.values():
        own = [row for row in rows.values() if row["key_id"] == key["id"]]
        pictures = sum(len(list(_blobs(row))) for row in own)
        if key["used"] != pictures:
            yield f"key {key['name']}: {key['used']} used, {pictures} pictures"
        for counter in ("reserved", "pending", "running"):
            if key[counter]:
                yield f"key {key['name']}: {key[counter]} {counter}"
        if key["max_images"] is not None and key["used"] > key["max_images"]:
            yield f"key {key['name']}: {key['used']} of {key['max_images']} pictures"


def _blob_faults(folder: Path, named: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, ref in named.items():
        path = folder / name
        if not path.exists():
            yield f"{name}: is not there"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != ref["sha256"]:
            yield f"{name}: is not what was stored"
