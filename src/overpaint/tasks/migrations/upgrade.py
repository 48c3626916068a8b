"""Runs the revisions that a database has not had yet."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """What Alembic is told: where the revisions are, and the transaction that they run in."""
    settings = Config()
    settings.set_main_option("script_location", "overpaint.tasks:migrations")
    settings.attributes["connection"] = connection
    return settings


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, in the transaction of `connection`."""
    command.upgrade(config(connection), "head")
