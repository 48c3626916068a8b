from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from overpaint.errors import StoreFailed
from overpaint.tasks.database import open_database
from overpaint.tasks.timing import time_transactions


def test_each_transaction_is_timed_and_each_failure_told(tmp_path: Path) -> None:
    heard: list[tuple[float, bool]] = []
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrate=True)
    time_transactions(database, lambda seconds, failed: heard.append((seconds, failed)))
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
    with database.write() as connection:
        connection.execute(text("DELETE FROM tasks"))
    assert [failed for _, failed in heard] == [False, False]
    assert all(seconds > 0 for seconds, _ in heard)
    heard.clear()
    with pytest.raises(StoreFailed), database.read() as connection:
        connection.execute(text("SELECT no_such FROM tasks"))
    assert (0.0, True) in heard
    database.dispose()


def test_a_connection_that_is_lost_is_no_fault_of_the_timing(tmp_path: Path) -> None:
    heard: list[float] = []
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrate=True)
    time_transactions(database, lambda seconds, failed: heard.append(seconds))
    with database.engine.connect() as connection:
        connection.invalidate()
    with database.read():
        pass
    assert len(heard) == 2
    database.dispose()
