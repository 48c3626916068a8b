"""What is peculiar to PostgreSQL: a server that goes away, several at once, and being told."""

from __future__ import annotations

import multiprocessing
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from tests.postgresql import PASSWORD, Server, serve_postgresql
from tests.unit.task_fixture import BROKEN, GOOD, LEASE, new_task, opened

from overpaint.errors import NotPending, OverpaintError, StorageFull, StoreFailed
from overpaint.tasks import listening, postgresql
from overpaint.tasks.audit import audit
from overpaint.tasks.database import open_database
from overpaint.tasks.rows import task_row, waiting_of
from overpaint.tasks.schema import REVISION, tasks
from overpaint.tasks.signals import change_of, work_in
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import Task

POOLS = ("", "a", "b")


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    made = postgresql.new()
    yield made
    postgresql.drop(made)


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that a test may hurt."""
    with serve_postgresql() as server:
        yield server


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def _open_once(url: str) -> str:
    database = open_database(url, migrate=True)
    with database.read() as connection:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    database.dispose()
    return str(found)


def test_several_nodes_make_one_database_at_once(postgresql: Server) -> None:
    url = postgresql.new(empty=True)
    with pytest.raises(StoreFailed, match=f"of revision none, not {REVISION}; overpaint serve"):
        open_database(url, migrate=False)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_open_once, [url] * 6, chunksize=1) == [REVISION] * 6
    postgresql.drop(url)


def test_one_process_at_a_time_does_what_is_to_be_done_alone(url: str) -> None:
    ours, theirs = (open_database(url, migrate=False) for _ in range(2))
    with ours.alone("sweep") as first, theirs.alone("sweep") as second, theirs.alone("x") as other:
        assert (first, second, other) == (True, False, True)
    with theirs.alone("sweep") as now:
        assert now
    with pytest.raises(ZeroDivisionError), ours.alone("sweep"):
        raise ZeroDivisionError
    with theirs.alone("sweep") as now:
        assert now
    ours.dispose()
    theirs.dispose()


def test_who_dies_while_it_does_something_alone_leaves_it_to_others(url: str) -> None:
    script = (
        "import sys; from overpaint.tasks.database import open_database\n"
        "with open_database(sys.argv[1], migrate=False).alone('sweep') as ours:\n"
        "    print(ours, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, url]
    database = open_database(url, migrate=False)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"True"
        with database.alone("sweep") as now:
            assert not now
        process.kill()

    def free() -> bool:
        with database.alone("sweep") as now:
            return now

    _until(free)
    database.dispose()


def test_who_counts_all_tasks_may_take_his_time(url: str) -> None:
    database = open_database(url, migrate=False)
    wanted = ("statement_timeout", "idle_in_transaction_session_timeout")
    limits = "SELECT {}".format(", ".join(f"current_setting('{name}')" for name in wanted))
    for patient, allowed in ((False, ("30s", "10s")), (True, ("0", "10min"))):
        with database.read(patient=patient) as connection:
            assert tuple(connection.execute(text(limits)).one()) == allowed
    database.dispose()


def test_who_cannot_be_reached_or_refuses_is_said_without_the_password(postgresql: Server) -> None:
    for url, says in {
        "postgresql://me:hush@127.0.0.1:1/x": "x at 127.0.0.1:1 does not answer: .*refused",
        postgresql.url("absent"): 'absent at .* does not answer: .*database "absent" does not ex',
        postgresql.url("x").replace("p%40", "hush"): "does not answer: .*authentication failed",
    }.items():
        with pytest.raises(StoreFailed, match=says) as found:
            open_database(url, migrate=True)
        said = "".join(traceback.format_exception(found.value))
        assert "hush" not in said
        assert PASSWORD not in said


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    with pytest.raises(StoreFailed, match=r"is PostgreSQL \d\d; it must be 99 or newer"):
        open_database(url, migrate=False)


def test_an_installation_without_psycopg_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OverpaintError, match=r'pip install "overpaint\[cluster\]"'):
        open_database("postgresql://me:hush@127.0.0.1:1/x", migrate=True)


@pytest.mark.parametrize(
    ("state", "says", "kind"),
    [
        ("53100", "There is no space left for the database", StorageFull),
        ("53300", "has no connection left; let it have more", StoreFailed),
        ("25006", "is read only, as a standby is", StoreFailed),
        ("57014", "is busy: no answer within 30 s", StoreFailed),
        ("55P03", "is busy: no turn to write", StoreFailed),
        ("40P01", "is busy: transactions waited for each other", StoreFailed),
        ("57P01", "was shut down", StoreFailed),
        ("XX001", "is damaged .*restore it from a backup", StoreFailed),
        ("42601", "does not answer: as told", StoreFailed),
    ],
)
def test_what_the_server_says_is_told_in_our_words(
    url: str, state: str, says: str, kind: type[OverpaintError]
) -> None:
    with opened(url) as stores:
        raising = f"DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(kind, match=says), stores.database.write() as connection:
            connection.exec_driver_sql(raising)
        stores.key()  # and the next one works


def test_a_row_that_breaks_a_rule_is_not_shown(url: str) -> None:
    with opened(url) as stores:
        stores.key("a prompt perhaps")
        with (
            pytest.raises(StoreFailed, match="violates check constraint") as found,
            stores.database.write() as connection,
        ):
            connection.execute(text("UPDATE keys SET used = -1"))
        assert "a prompt perhaps" not in "".join(traceback.format_exception(found.value))


def test_readers_see_one_state_and_do_not_wait(url: str) -> None:
    with opened(url) as stores, stores.database.read() as connection:
        count = text("SELECT count(*) FROM keys")
        assert connection.scalar(count) == 0
        key = stores.key()
        assert connection.scalar(count) == 0
        assert stores.keys.get(key.id) == key


def test_a_glance_leaves_no_transaction_open(url: str) -> None:
    with opened(url) as stores, stores.database.glance() as connection:
        key = stores.key()
        count = text("SELECT count(*) FROM keys")
        assert connection.scalar(count) == 1
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.info.transaction_status.name == "IDLE"
        stores.keys.revoke(key.id)
        stores.key()
        assert connection.scalar(count) == 2


def test_time_is_the_servers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: true + 10**15)  # eleven days ahead
    with opened(url) as stores:
        assert abs(stores.database.now_ms() - true // 10**6) < 20_000


def test_a_claim_waits_for_a_key_that_another_holds(url: str) -> None:
    with opened(url) as stores:
        key = stores.key()
        task = stores.submit(key)
        with stores.database.write() as connection, ThreadPoolExecutor(1) as threads:
            connection.execute(text("SELECT 1 FROM keys FOR UPDATE"))
            claim = threads.submit(stores.tasks.claim, "w", lease_ms=LEASE)
            time.sleep(0.2)
            assert not claim.done()
            connection.commit()
            claimed = claim.result()
        assert claimed is not None
        assert claimed.id == task.id


def test_the_next_task_is_found_by_the_index_of_those_that_wait(url: str) -> None:
    with opened(url) as stores:
        key = stores.key()
        rows = [task_row(new_task(key.id)) for _ in range(2000)]
        for row in rows:
            row["state"] = "PENDING"
        with stores.database.write() as connection:
            connection.execute(insert(tasks), rows)
            connection.exec_driver_sql("ANALYZE tasks")  # which then says that all tasks wait
            query = str(
                waiting_of("", key.id)
                .limit(1)
                .compile(connection, compile_kwargs={"literal_binds": True})
            )
            plan = connection.scalars(text(f"EXPLAIN {query}")).all()
        assert any("tasks_waiting" in line for line in plan), plan


def test_a_lapsed_task_that_another_holds_keeps_nobody_waiting(url: str) -> None:
    with opened(url) as stores:
        key = stores.key()
        lapsed, other = stores.submit(key), stores.submit(key)
        assert stores.claim().id == lapsed.id
        stores.clock.now += LEASE + 1
        with stores.database.write() as connection:
            lock = text("SELECT 1 FROM tasks WHERE id = :id FOR UPDATE")
            connection.execute(lock, {"id": lapsed.id})
            assert stores.claim("w2").id == other.id
        assert stores.claim("w3").id == lapsed.id


def test_a_claim_passes_over_a_task_that_is_being_cancelled(url: str) -> None:
    with opened(url) as stores:
        first, second = (stores.submit(stores.key(name)) for name in ("ann", "bob"))
        with stores.database.write() as connection:
            lock = text("SELECT 1 FROM tasks WHERE id = :id FOR UPDATE")
            connection.execute(lock, {"id": first.id})
            assert stores.claim().id == second.id
            assert stores.tasks.claim("w", lease_ms=LEASE) is None
        assert stores.claim().id == first.id


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_after_the_server_is_back_the_next_call_works(own: Server, how: signal.Signals) -> None:
    with opened(own.new()) as stores:
        key = stores.key()
        stores.database.signals.listen(lambda _: True, lambda: None)
        _until(lambda: stores.database.signals.heard)

        def cut_off() -> None:
            with stores.database.write() as connection:
                connection.execute(text("UPDATE keys SET used = 1"))
                own.stop(how)
                connection.execute(text("UPDATE keys SET used = 2"))

        with pytest.raises(StoreFailed, match=r"was shut down|does not answer"):
            cut_off()
        with pytest.raises(StoreFailed, match="does not answer"):
            stores.keys.get(key.id)
        _until(lambda: not stores.database.signals.heard)
        own.start()
        assert stores.keys.get(key.id) == key
        stores.submit(key)
        _until(lambda: stores.database.signals.heard)
        assert audit(stores.database) == []


def test_a_server_that_stands_still_is_waited_for(own: Server) -> None:
    with opened(own.new()) as stores, ThreadPoolExecutor(1) as threads:
        key = stores.key()
        own.pause(on=True)
        late = threads.submit(stores.submit, key)
        time.sleep(0.3)
        assert not late.done()
        own.pause(on=False)
        assert stores.tasks.get(late.result().id) is not None


def test_a_session_that_the_server_ends_is_not_used_again(url: str) -> None:
    with opened(url) as stores:
        key = stores.key()
        with stores.database.write() as connection:
            ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            others = f"{ended} WHERE pid != pg_backend_pid() AND datname = current_database()"
            connection.execute(text(others))
        assert stores.keys.get(key.id) == key


def test_a_connection_that_was_closed_behind_our_back_is_not_used_again(url: str) -> None:
    with opened(url) as stores:
        key = stores.key()
        with stores.database.glance() as connection:
            driver = connection.connection.driver_connection
        assert driver is not None
        driver.close()
        assert stores.keys.get(key.id) == key


def test_a_task_is_told_of_when_it_is_there_and_when_it_has_changed(url: str) -> None:
    with opened(url) as one, opened(url) as other:
        heard: list[str] = []
        rung = threading.Semaphore(0)
        key = one.key(running=1)

        def hears(word: str) -> bool:
            heard.append(word)
            return word.startswith("w")

        other.database.signals.listen(hears, rung.release, tasks=True)
        _until(lambda: other.database.signals.heard)
        first = one.submit(key, pool="a")
        _until(lambda: work_in("a") in heard)
        assert rung.acquire(timeout=30)
        assert work_in("") not in heard
        one.submit(key, pool="a")
        claimed = one.claim(pool="a")
        _until(lambda: change_of(first.id) in heard)
        assert heard.count(work_in("a")) == 1  # who looked then has seen the second, too
        one.tasks.finish(claimed, [GOOD])
        _until(lambda: heard.count(change_of(first.id)) == 2)
        _until(lambda: "w" in heard)  # the key may run its next one, wherever that is


def test_who_waits_for_work_is_not_woken_by_others_tasks(url: str) -> None:
    with opened(url) as one, opened(url) as other:
        heard: list[str] = []
        key = one.key()

        def hears(word: str) -> bool:
            heard.append(word)
            return False

        other.database.signals.listen(hears, lambda: None)
        _until(lambda: other.database.signals.heard)
        one.tasks.cancel(one.submit(key).id, key.id)
        one.submit(key)  # after which nothing more can come of the task before
        _until(lambda: heard.count(work_in("")) == 2)
        assert not [word for word in heard if word.startswith("t")]


def test_signals_that_do_not_come_back_are_not_relied_on(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_ECHO_S", 0.1)
    monkeypatch.setattr(
        listening.ListeningSignals, "_send", lambda *_: None
    )  # as some poolers have it
    with opened(url) as stores:
        rung = threading.Event()
        stores.database.signals.listen(lambda _: False, rung.set)
        assert rung.wait(30)
        assert not stores.database.signals.heard


def test_no_two_transactions_ever_wait_for_each_other(postgresql: Server, url: str) -> None:
    with opened(url) as stores:
        plans: list[dict[str, int]] = [{}, {"running": 2}, {"images": 10**6, "running": 1}]
        ids = ",".join(stores.key(f"key {i}", **plan).id for i, plan in enumerate(plans))
        command = [sys.executable, "-m", __name__, url, ids]
        root = Path(__file__).parents[2]
        running = [subprocess.Popen([*command, str(seed)], cwd=root) for seed in (0, 10)]
        assert [process.wait(120) for process in running] == [0, 0]
        assert audit(stores.database) == []
        found = postgresql.sql(
            f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{url.rpartition('/')[2]}'"
        )
        assert found == [(0,)]


def _traffic(stores: TaskStore, ids: list[str], seed: int, until: float) -> None:
    chance = random.Random(seed)
    mine: list[Task] = []

    def submit() -> None:
        for _ in range(chance.randint(1, 4)):
            task = new_task(chance.choice(ids), n=2, pool=chance.choice(POOLS))
            mine.append(stores.insert(task, max_pending=30))

    def paint() -> None:
        task = stores.claim(
            f"w{seed}", lease_ms=chance.choice([1, 9999]), pool=chance.choice(POOLS)
        )
        if task is None:
            return
        stores.heartbeat(task, lease_ms=9999)
        end = chance.choices(["finish", "retry", "give back", "leave"], [6, 1, 1, 1])[0]
        if end == "finish":
            stores.finish(task, [GOOD] * task.n)
        elif end == "retry":
            stores.retry(task, BROKEN)
        elif end == "give back":
            stores.give_back(task)

    def cancel() -> None:
        if mine:
            task = chance.choice(mine[-20:])
            stores.cancel(task.id, task.key_id, running=chance.random() < 0.5)

    acts: dict[Callable[[], object], int] = {
        submit: 30,
        paint: 40,
        cancel: 10,
        stores.lapse: 3,
        lambda: stores.dismiss(chance.choice(POOLS), "gone"): 2,
        lambda: stores.reroute(["", "a"], lambda _: ("auto", ""), "lost"): 2,
        lambda: stores.delete([task.id for task in stores.expired(2**60, 50)]): 4,
        lambda: stores.release_worker(f"w{chance.randint(0, 15)}"): 1,
    }
    while time.monotonic() < until:
        try:
            chance.choices(list(acts), list(acts.values()))[0]()
        except (NotPending, OverpaintError) as error:
            if isinstance(error, StoreFailed):
                raise


def main(url: str, ids: str, seed: str) -> None:
    database = open_database(url, migrate=False)
    until = time.monotonic() + 4
    with ThreadPoolExecutor(4) as threads:
        work = [
            threads.submit(_traffic, TaskStore(database), ids.split(","), int(seed) + i, until)
            for i in range(4)
        ]
        for one in work:
            one.result()
    database.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
