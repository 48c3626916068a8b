"""What a database has at the end of a fault campaign, and what it noted on the way."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Each change of a state is written down by the database itself.
_SQLITE = """
CREATE TABLE IF NOT EXISTS bench_trail
  (step INTEGER PRIMARY KEY, id TEXT, old TEXT, new TEXT, fence INTEGER, pictures TEXT);
CREATE TRIGGER IF NOT EXISTS bench_made AFTER INSERT ON tasks BEGIN
  INSERT INTO bench_trail (id, new, fence) VALUES (new.id, new.state, new.fence);
END;
CREATE TRIGGER IF NOT EXISTS bench_moved AFTER UPDATE OF state ON tasks BEGIN
  INSERT INTO bench_trail (id, old, new, fence, pictures)
    VALUES (new.id, old.state, new.state, new.fence, new.pictures);
END;
"""
_POSTGRESQL = """
CREATE TABLE bench_trail (step bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(),
  id text, old text, new text, fence integer, pictures json);
CREATE INDEX bench_ends ON bench_trail (at) WHERE new = 'SUCCEEDED';
CREATE FUNCTION bench_made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO bench_trail (id, new, fence) VALUES (new.id, new.state, new.fence); RETURN new;
END $$;
CREATE FUNCTION bench_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO bench_trail (id, old, new, fence, pictures)
    VALUES (new.id, old.state, new.state, new.fence, new.pictures); RETURN new;
END $$;
CREATE TRIGGER bench_made AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION bench_made();
CREATE TRIGGER bench_moved AFTER UPDATE ON tasks FOR EACH ROW
  WHEN (old.state IS DISTINCT FROM new.state) EXECUTE FUNCTION bench_moved();
"""
_JSON = ("pictures", "options", "inputs")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Rows by id, and each task's steps in their order."""

    tasks: Mapping[str, Mapping[str, Any]]
    keys: Mapping[str, Mapping[str, Any]]
    trail: Mapping[str, Sequence[Mapping[str, Any]]]
    wrong: Sequence[str] = ()  # with the database itself


def lay_trail(path: Path) -> None:
    """Have SQLite note every change of a state from now on."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.executescript(_SQLITE)


def lay_postgresql_trail(url: str) -> None:
    """Have PostgreSQL do so, and when it was."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as database:
        database.execute(_POSTGRESQL.encode())


def read_sqlite(path: Path) -> Stored:
    """What SQLite has."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        said = database.execute("PRAGMA integrity_check").fetchone()[0]

        def rows(statement: str) -> list[dict[str, Any]]:
            return [dict(row) for row in database.execute(statement)]

        found = _stored(rows("SELECT * FROM tasks"), rows("SELECT * FROM keys"), rows(_STEPS))
    wrong = [] if said == "ok" else [f"the database is damaged: {said}"]
    return Stored(tasks=found.tasks, keys=found.keys, trail=found.trail, wrong=wrong)


def read_postgresql(url: str) -> Stored:
    """What PostgreSQL has."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(url, row_factory=dict_row) as database:
        tasks, keys, steps = (
            database.execute(statement.encode()).fetchall()
            for statement in ("SELECT * FROM tasks", "SELECT * FROM keys", _STEPS)
        )
    return _stored(tasks, keys, steps)


_STEPS = "SELECT * FROM bench_trail ORDER BY step"


def _stored(
    tasks: Iterable[dict[str, Any]],
    keys: Iterable[dict[str, Any]],
    steps: Iterable[dict[str, Any]],
) -> Stored:
    trail: dict[str, list[Mapping[str, Any]]] = {}
    for step in map(_read, steps):
        trail.setdefault(step["id"], []).append(step)
    return Stored(
        tasks={row["id"]: row for row in map(_read, tasks)},
        keys={row["id"]: row for row in keys},
        trail=trail,
    )


def _read(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its JSON read, which PostgreSQL's driver has done already."""
    texts = {name: json.loads(row[name]) for name in _JSON if isinstance(row.get(name), str)}
    return row | texts
