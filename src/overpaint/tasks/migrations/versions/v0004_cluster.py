"""More than one machine: a worker names its node, a task its trace, and secrets are shared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table; what they mean stands in `overpaint.tasks.schema`."""
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
