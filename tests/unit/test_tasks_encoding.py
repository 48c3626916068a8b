"""What callers write comes back as it was, whatever encoding PostgreSQL's database is made with."""

from __future__ import annotations

from tests.postgresql import Server
from tests.unit.task_fixture import new_task

from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.store import TaskStore
from overpaint.tasks.task import PLANS


def test_a_database_without_an_encoding_keeps_chinese(postgresql: Server) -> None:
    """That of a server which was made without a locale."""
    postgresql.sql("CREATE DATABASE plain TEMPLATE template0 ENCODING 'SQL_ASCII'")
    url = postgresql.url("plain")
    database = open_database(url, migrate=True)
    try:
        key, _ = KeyStore(database).create("店铺", PLANS["unlimited"])
        task = TaskStore(database).insert(new_task(key.id, model="模型"), max_pending=1)
        assert [one.name for one in KeyStore(database).list()] == ["店铺"]
        found = TaskStore(database).get(task.id)
        assert found is not None
        assert found.model == "模型"
    finally:
        database.dispose()
        postgresql.drop(url)
