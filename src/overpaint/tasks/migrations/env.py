"""Loaded by Alembic: runs the revisions on the connection that `upgrade` gives."""

from __future__ import annotations

from alembic import context

from overpaint.tasks.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
with context.begin_transaction():
    context.run_migrations()
