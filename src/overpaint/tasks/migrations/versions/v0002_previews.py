"""Previews of running tasks, in a table of their own: `tasks` is read too often to carry them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; what its columns mean stands in `overpaint.tasks.schema`."""
    op.create_table(
        "previews",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name="previews_pkey"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="previews_task_id_fkey"),
    )
