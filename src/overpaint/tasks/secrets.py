"""Secrets that every process of a service shares, whatever machine it is on."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from overpaint.tasks.database import Database, insert_where_missing
from overpaint.tasks.schema import secrets


def shared_secret(database: Database, name: str, make: Callable[[], str]) -> str:
    """The secret of this name; what `make` gives where there is none yet.

    Of several processes that find none at once, one has its own stored, and all get that.
    """
    wanted = select(secrets.c.value).where(secrets.c.name == name)
    with database.glance() as connection:
        found = connection.scalar(wanted)
    if found is not None:
        return str(found)
    with database.write() as connection:
        insert_where_missing(connection, secrets, {"name": name}, {"value": make()})
        return str(connection.scalar(wanted))
