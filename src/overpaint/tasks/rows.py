"""Rows of the database to values and back: the one place that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, select, tuple_

from overpaint.tasks.schema import PENDING, tasks
from overpaint.tasks.task import (
    Failure,
    Key,
    PictureOutcome,
    Plan,
    Progress,
    State,
    Task,
    Upload,
)
from overpaint.values import BlobRef


def task_row(task: Task) -> dict[str, Any]:
    """The columns of a task, without its number and its lease's begin."""
    row = {
        name: getattr(task, name)
        for name in (
            *("id", "key_id", "request_id", "model", "engine", "pool", "n", "created_ms"),
            *(
                "started_ms",
                "ended_ms",
                "tries",
                "fence",
                "worker",
                "lease_until_ms",
                "painter",
                "trace",
            ),
        )
    }
    return row | {
        "state": task.state.value,
        "options": dict(task.options),
        "inputs": {name: asdict(blob) for name, blob in task.inputs.items()},
        "progress": asdict(task.progress) if task.progress else None,
        "pictures": [asdict(picture) for picture in task.pictures],
        "failure": asdict(task.failure) if task.failure else None,
        "notes": list(task.notes),
        "seconds": dict(task.seconds),
    }


def task_of(row: Row[Any]) -> Task:
    """The task of a whole row of `tasks`."""
    columns = dict(row._mapping)
    del columns["leased_ms"]
    return Task(
        **columns
        | {
            "state": State(columns["state"]),
            "inputs": {name: BlobRef(**blob) for name, blob in columns["inputs"].items()},
            "progress": _of(Progress, columns["progress"]),
            "pictures": tuple(_picture(picture) for picture in columns["pictures"]),
            "failure": _of(Failure, columns["failure"]),
            "notes": tuple(columns["notes"]),
        }
    )


def waiting_of(pool: Any, key_id: Any) -> Select[tuple[int]]:
    """The numbers of a key's waiting tasks in a pool, lowest first.

    Pool and key are compared as one, so that only the index of the waiting tasks is in this order.
    With two equations PostgreSQL went through all tasks by number where its statistics, from the
    height of a long queue, said that nearly all of them wait.
    """
    place, wanted = tuple_(tasks.c.pool, tasks.c.key_id), tuple_(pool, key_id)
    found = select(tasks.c.number).where(PENDING, place >= wanted, place <= wanted)
    return found.order_by(tasks.c.pool, tasks.c.key_id, tasks.c.number)


def key_row(key: Key) -> dict[str, Any]:
    """The columns of a key that has just been made, without its secret."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "created_ms": key.created_ms,
        "revoked_ms": key.revoked_ms,
        "plan": key.plan.name,
        "max_images": key.plan.images,
        "max_days": key.plan.days,
        "max_submissions_per_s": key.plan.submissions_per_s,
        "max_running": key.plan.running,
        "used": key.used,
        "reserved": key.reserved,
        "pending": 0,
        "running": 0,
        "uploaded_bytes": 0,
    }


def key_of(row: Row[Any]) -> Key:
    """The key of a whole row of `keys`."""
    plan = Plan(
        name=row.plan,
        images=row.max_images,
        days=row.max_days,
        submissions_per_s=row.max_submissions_per_s,
        running=row.max_running,
    )
    return Key(
        id=row.id,
        name=row.name,
        plan=plan,
        hint=row.hint,
        created_ms=row.created_ms,
        revoked_ms=row.revoked_ms,
        used=row.used,
        reserved=row.reserved,
    )


def upload_of(row: Row[Any]) -> Upload:
    """The upload of a whole row of `uploads`."""
    return Upload(
        name=row.name,
        key_id=row.key_id,
        blob=BlobRef(**row.blob),
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
    )


def plain(value: str) -> str:
    """What a stranger sent, as text that a database takes: half a character matches nothing."""
    return value.encode("utf-8", "replace").decode().replace("\0", "�")


def _picture(stored: Mapping[str, Any]) -> PictureOutcome:
    return PictureOutcome(
        seed=stored["seed"],
        blob=_of(BlobRef, stored["blob"]),
        failure=_of(Failure, stored["failure"]),
    )


def _of(kind: type[Any], stored: Mapping[str, Any] | None) -> Any:
    return None if stored is None else kind(**stored)
