"""Pools: a task is taken by the workers of one, and keys queue in each by themselves.

Tables are altered in place. To build them anew would drop `tasks` and `keys`, to which others
refer, and copy every row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and the table; every task and key is of the ordinary pool so far."""
    pending = sa.text("state = 'PENDING'")
    nothing = sa.text("''")
    op.add_column("tasks", sa.Column("pool", sa.Text(), server_default=nothing, nullable=False))
    for name, columns in {
        "tasks_waiting": ["pool", "key_id", "number"],
        "tasks_age": ["pool", "created_ms"],
    }.items():
        op.drop_index(name, "tasks")
        op.create_index(name, "tasks", columns, sqlite_where=pending, postgresql_where=pending)
    _queues()
    op.add_column("workers", sa.Column("pool", sa.Text(), server_default=nothing, nullable=False))
    ready = sa.text("'ready'")
    op.add_column("workers", sa.Column("state", sa.Text(), server_default=ready, nullable=False))


def _queues() -> None:
    op.create_table(
        "queues",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool", "key_id", name="queues_pkey"),
        sa.CheckConstraint("pending >= 0 AND running >= 0", name=op.f("queues_counters")),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="queues_key_id_fkey"),
    )
    waiting = sa.text("pending > 0")
    turn = ["pool", "running", "served"]
    op.create_index("queues_turn", "queues", turn, sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("queues_served", "queues", ["pool", "served"])
    op.execute(
        "INSERT INTO queues (pool, key_id, pending, running, served)"
        " SELECT '', id, pending, running, served FROM keys WHERE served > 0 OR pending > 0"
    )
    op.drop_index("keys_turn", "keys")
    op.drop_index("keys_served", "keys")
    op.drop_column("keys", "served")
