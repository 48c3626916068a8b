"""More than one machine: nodes and their workers, a task's trace, and secrets that are shared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the tables; what they mean stands in `overpaint.tasks.schema`."""
    nothing, no_figures = sa.text("''"), sa.text("'{}'")
    op.add_column("tasks", sa.Column("trace", sa.Text(), server_default=nothing, nullable=False))
    op.add_column("workers", sa.Column("node", sa.Text(), server_default=nothing, nullable=False))
    figures = sa.Column("figures", sa.JSON(), server_default=no_figures, nullable=False)
    op.add_column("workers", figures)
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="secrets_pkey"),
    )
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="nodes_pkey"),
    )
