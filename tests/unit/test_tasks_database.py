"""Opening a database: new, shared, damaged, of another version, full; and its migrations."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from tests.unit.task_fixture import LEASE, Clock, opened

from overpaint.errors import StorageFull, StoreFailed
from overpaint.tasks import sqlite as module
from overpaint.tasks.audit import audit
from overpaint.tasks.database import open_database, read_url
from overpaint.tasks.migrations.upgrade import config
from overpaint.tasks.reading import Total
from overpaint.tasks.schema import REVISION, metadata
from overpaint.tasks.task import PLANS, Preview, State
from overpaint.values import Box

NOW = Clock().now


def _open_once(path: str) -> str:
    database = open_database(f"sqlite:///{path}", migrate=True)
    with database.read() as connection:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    database.dispose()
    return str(found)


def _sql(path: Path) -> dict[str, str]:
    """Every table and index as SQLite has it, without the white space between."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        made = {name: " ".join(sql.replace('"', "").split()) for name, sql in rows}
    connection.close()
    return {name: sql for name, sql in made.items() if not name.startswith("sqlite_")}


def _run_sql(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def test_a_new_database_is_made_with_its_folder_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "100%41?mode=ro#x" / "tasks.db"
    with opened(path) as stores:
        stores.key()
        modes = {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {0o600}


def test_commits_are_on_the_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with opened(path, durable=True) as stores, stores.database.read() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert said == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 30_000,
        }
        count = text("SELECT count(*) FROM keys")
        assert connection.scalar(count) == 0  # here the reader's transaction begins
        key = stores.key()
        assert connection.scalar(count) == 0
        assert stores.keys.get(key.id) == key


def test_several_processes_make_one_database_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "tasks.db")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_open_once, [path] * 6, chunksize=1) == [REVISION] * 6


def test_a_database_that_is_up_to_date_opens_without_the_migration_tool(tmp_path: Path) -> None:
    with opened(tmp_path / "tasks.db"):
        pass
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from overpaint.tasks.database import open_database; "
            "open_database(sys.argv[1], migrate=True).dispose(); print('alembic' in sys.modules)",
            f"sqlite:///{tmp_path / 'tasks.db'}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "False\n"


def test_the_revisions_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    with opened(tmp_path / "migrated.db") as stores:
        with stores.database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        migrated = _sql(tmp_path / "migrated.db")
    (tmp_path / "made.db").touch()
    engine = module.engine_for(make_url(f"sqlite:///{tmp_path / 'made.db'}"))
    metadata.create_all(engine)
    engine.dispose()
    del migrated["alembic_version"]
    assert migrated == _sql(tmp_path / "made.db")


def _make_old(place: str, revision: str) -> None:
    """A database as an older version left it: two keys, and tasks in several states."""
    url = read_url(place)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).touch()
        engine = module.engine_for(url)
    else:
        engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)

        def insert(table: str, **row: object) -> None:
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)

        for name, running, served in (("ann", 1, 7), ("bob", 0, 4)):
            turn = {"served": served} if revision < "0003" else {}
            counts = {"used": 0, "reserved": 1 + running, "pending": 1, "running": running}
            same = {"name": name, "hint": "", "plan": "test", "created_ms": 1, "uploaded_bytes": 0}
            insert("keys", id=name, secret_sha256=name, **turn, **counts, **same)
            if revision >= "0003":
                queue = {"pending": 1, "running": running, "served": served}
                insert("queues", pool="", key_id=name, **queue)
        held: dict[str, object] = {
            "started_ms": 1,
            "worker": "w1",
            "leased_ms": NOW,
            "lease_until_ms": NOW + LEASE,
        }
        rows: list[tuple[str, str, dict[str, object]]] = [
            ("ann", "CANCELED", {"ended_ms": 2}),
            ("ann", "RUNNING", held),
            ("ann", "PENDING", {}),
            ("bob", "PENDING", {}),
        ]
        for number, (key, state, more) in enumerate(rows, start=1):
            empty = dict.fromkeys(("options", "inputs", "seconds"), "{}")
            empty |= {"pictures": "[]", "notes": "[]", "painter": "", "worker": ""}
            same = {"request_id": "r", "model": "m", "engine": "auto", "n": 1, "created_ms": 1}
            row = {"number": number, "id": f"task-{number}", "key_id": key, "state": state}
            insert("tasks", **{**row, **same, "tries": 1, "fence": 1, **empty, **more})
            insert("tallies", key_id=key, model="m", state=state, count=1)
        insert("totals", engine="auto", outcome="CANCELED", tasks=1, pictures=0, seconds=0.5)
        insert("workers", id="w1", pid=1, seen_ms=1, task_id="task-2")
        if revision >= "0002":
            insert("previews", task_id="task-2", fence=1, serial=1, box="{}", jpeg=b"old")
        if engine.dialect.name == "postgresql":  # SQLite knows by the numbers that there are
            connection.execute(text("SELECT setval('tasks_number_seq', 4)"))
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004"])
def test_an_older_database_is_brought_up_to_date_with_what_is_in_it(
    empty_place: str, tmp_path: Path, revision: str
) -> None:
    _make_old(empty_place, revision)
    with pytest.raises(StoreFailed, match=f"of revision {revision}, not {REVISION}"):
        open_database(empty_place, migrate=False)
    with opened(empty_place) as stores:
        assert audit(stores.database) == []
        task = stores.tasks.get("task-2")
        assert task is not None
        assert (task.state, task.pool, task.worker) == (State.RUNNING, "", "w1")
        box = Box(top=0, left=0, height=9, width=9)
        preview = Preview(jpeg=b"jpeg", box=box, serial=1)
        assert stores.tasks.heartbeat(task, lease_ms=LEASE, preview=preview)
        assert stores.tasks.look([task.id])[task.id].preview is not None
        (worker,) = stores.tasks.workers()
        assert (worker.id, worker.pool, worker.state) == ("w1", "", "ready")
        seen = stores.tasks.look(["task-3", "task-4"])
        assert {one: seen[one].position for one in seen} == {"task-3": 1, "task-4": 0}
        assert [stores.claim().id for _ in range(2)] == ["task-4", "task-3"]  # bob's turn first
        stores.tasks.cancel("task-2", "ann", running=True)
        canceled = Total(engine="auto", outcome=State.CANCELED, tasks=2, pictures=0, seconds=0.5)
        assert stores.tasks.totals() == [canceled]  # what was counted before, and since
        newest = stores.submit(key=stores.key())
        assert newest.number == 5
        assert audit(stores.database) == []
        with stores.database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
    if empty_place.startswith("sqlite"):
        made = _sql(tmp_path / "tasks.db")
        with opened(tmp_path / "new.db"):
            assert made == _sql(tmp_path / "new.db")


def test_the_schema_names_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [REVISION]


def test_a_missing_database_is_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="There is no database at"):
        open_database(f"sqlite:///{tmp_path / 'tasks.db'}", migrate=False)
    assert list(tmp_path.iterdir()) == []


def test_tables_of_no_revision_are_made_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    path.touch()
    with pytest.raises(StoreFailed, match=f"of revision none, not {REVISION}"):
        open_database(f"sqlite:///{path}", migrate=False)
    with opened(path):
        pass
    open_database(f"sqlite:///{path}", migrate=False).dispose()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with opened(path):
        pass
    _run_sql(path, "UPDATE alembic_version SET version_num = '0999'")
    for migrate in (True, False):
        with pytest.raises(StoreFailed, match=r"newer version of Overpaint: .* revision 0999"):
            open_database(f"sqlite:///{path}", migrate=migrate)


def test_a_migration_that_breaks_off_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tasks.db"
    _run_sql(path, "CREATE TABLE uploads (x)")  # one of the last that the revision makes
    with pytest.raises(StoreFailed, match="table uploads already exists"):
        open_database(f"sqlite:///{path}", migrate=True)
    assert set(_sql(path)) == {"uploads"}


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreFailed, match=r"tasks\.db is damaged \(file is not a database\)"):
        open_database(f"sqlite:///{path}", migrate=True)


def test_a_page_that_is_damaged_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with opened(path) as stores:
        key = stores.key()
        task = stores.submit(key)
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = b"\xff" * (len(data) - 4096 * 2)
    path.write_bytes(data)
    with (
        pytest.raises(StoreFailed, match=r"is damaged .*restore it from a backup"),
        opened(path) as stores,
    ):
        stores.tasks.get(task.id)


def test_what_is_no_database_url_is_refused(tmp_path: Path) -> None:
    wrong = ["nonsense", "mysql://a:hush@host/name", "postgresql://a:hush@host", "sqlite://"]
    wrong += [
        "sqlite:///:memory:",
        "postgresql://a:hush@host:port/name",
        "postgresql+x://a:hush@h/n",
    ]
    for url in wrong:
        with pytest.raises(
            StoreFailed, match=r"must be postgresql://USER:.* or sqlite:///"
        ) as found:
            open_database(url, migrate=True)
        assert "hush" not in "".join(traceback.format_exception(found.value))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match=r"file/tasks\.db: (Not a directory|File exists)"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'tasks.db'}", migrate=True)


def test_a_full_disk_is_said_writes_nothing_and_passes(tmp_path: Path) -> None:
    with opened(tmp_path / "tasks.db") as stores:
        key = stores.key(images=10_000)
        stores.database.engine.pool.dispose()  # the limit below holds for one connection
        with stores.database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFull, match="no space left for the database"):
            all(stores.submit(key, max_pending=10_000) for _ in range(10_000))
        stored = stores.quota(key)[1]
        assert 0 < stored < 10_000
        assert stores.tasks.counts()[State.PENDING] == stored  # what is there can be read
        with stores.database.read() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        stores.submit(key, max_pending=10_000)
        assert stores.quota(key) == (0, stored + 1)
        assert audit(stores.database) == []


def test_a_database_that_stays_busy_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.05)
    with opened(tmp_path / "tasks.db") as one, opened(tmp_path / "tasks.db") as other:
        key = one.key()
        with one.database.write():
            with pytest.raises(StoreFailed, match="is busy"):
                other.keys.revoke(key.id)
            with pytest.raises(StoreFailed, match="is busy: no turn to write"):
                one.keys.revoke(key.id)  # as another thread of the same process would
            assert other.keys.get(key.id) == key
        other.keys.revoke(key.id)


def test_an_error_in_a_transaction_undoes_it(tmp_path: Path) -> None:
    with opened(tmp_path / "tasks.db") as stores:
        key = stores.key()

        def break_off() -> None:
            with stores.database.write() as connection:
                connection.execute(text("UPDATE keys SET used = 7"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            break_off()
        assert stores.quota(key) == (0, 0)


def test_a_broken_rule_of_the_tables_is_a_failure_of_the_store(tmp_path: Path) -> None:
    with opened(tmp_path / "tasks.db") as stores:
        stores.key()
        for statement in ("UPDATE keys SET used = -1", "SELECT absent"):
            with (
                pytest.raises(StoreFailed, match=r"does not answer: (CHECK|no such column)"),
                stores.database.write() as connection,
            ):
                connection.execute(text(statement))


def test_the_audit_finds_every_counter_that_is_wrong(tmp_path: Path) -> None:
    with opened(tmp_path / "tasks.db") as stores:
        key = stores.keys.create("ann", PLANS["free"])[0]
        stores.submit(key, n=2)
        stores.tasks.cancel(stores.submit(key).id, key.id)
        with stores.database.write() as connection:
            connection.execute(text("UPDATE totals SET tasks = 0"))
            connection.execute(
                text(
                    "UPDATE keys SET reserved = 1, pending = 0, running = 2, used = 500, "
                    "uploaded_bytes = 3"
                )
            )
            connection.execute(text("UPDATE tallies SET count = 2 WHERE state = 'PENDING'"))
            connection.execute(text("UPDATE queues SET running = 3"))
        assert audit(stores.database) == [
            f"tally {key.id}/m/PENDING: 2, counted 1",
            "totals: 0 CANCELED, less than are stored: 1",
            f"queue /{key.id}/RUNNING: 3, counted 0",
            f"key {key.id}: reserved is 1, counted 2",
            f"key {key.id}: pending is 0, counted 1",
            f"key {key.id}: running is 2, counted 0",
            f"key {key.id}: uploaded_bytes is 3, counted 0",
            f"key {key.id}: 500 + 1 of 500 pictures",
            f"key {key.id}: 2 of 1 tasks run",
        ]
