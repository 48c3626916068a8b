"""What others wait for when a process stands still in the midst of a transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from tests.postgresql import Server
from tests.unit.task_fixture import Stores, opened

from overpaint.errors import StoreFailed
from overpaint.settings import Settings
from overpaint.tasks import postgresql as module


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    made = postgresql.new()
    yield made
    postgresql.drop(made)


def test_its_rows_are_free_within_a_lease() -> None:
    """Else its tasks' leases would run out, and nobody could take them."""
    said = re.search(r"idle_in_transaction_session_timeout=(\d+)s", module._OPTIONS)
    assert said is not None
    assert int(said[1]) < Settings.lease_seconds


def test_others_go_on_with_its_rows_and_it_is_told(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = re.sub(r"(idle_in_transaction_session_timeout)=\d+s", r"\1=1s", module._OPTIONS)
    monkeypatch.setattr(module, "_OPTIONS", shorter)
    with opened(url) as stores, opened(url) as others:
        key = stores.key()
        with pytest.raises(StoreFailed, match="idle-in-transaction timeout"):
            _stop_in_the_midst(stores, lambda: others.submit(key))  # which waits for the row
        now = stores.keys.get(key.id)
        assert now is not None
        assert (now.used, now.reserved) == (0, 1)


def _stop_in_the_midst(stores: Stores, meanwhile: Callable[[], object]) -> None:
    with stores.database.write() as connection:
        connection.exec_driver_sql("UPDATE keys SET used = used + 1")
        meanwhile()
        connection.exec_driver_sql("SELECT 1")
