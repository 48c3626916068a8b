"""Totals in shards, so that tasks of different keys end without waiting for each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COUNTED = ("engine", "outcome", "tasks", "pictures", "seconds")


def upgrade() -> None:
    """Make the table anew: it is small, and nothing refers to it. Its rows become the shard 0."""
    old = sa.table("totals", *map(sa.column, _COUNTED))
    rows = op.get_bind().execute(sa.select(old)).mappings().all()
    op.drop_table("totals")
    new = op.create_table(
        "totals",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("pictures", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("engine", "outcome", "shard", name="totals_pkey"),
    )
    op.bulk_insert(new, [{**row, "shard": 0} for row in rows])
