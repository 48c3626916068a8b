"""The first tables: keys, tasks, tallies, totals, workers, uploads, signins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; what the columns mean stands in `overpaint.tasks.schema`."""
    _keys()
    _tasks()
    _around()


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger()),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("max_images", sa.Integer()),
        sa.Column("max_days", sa.Integer()),
        sa.Column("max_submissions_per_s", sa.Integer()),
        sa.Column("max_running", sa.Integer()),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.BigInteger()),
        sa.Column("bucket_ms", sa.BigInteger()),
        sa.Column("uploaded_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="keys_pkey"),
        sa.CheckConstraint(
            "used >= 0 AND reserved >= 0 AND pending >= 0 AND running >= 0 AND uploaded_bytes >= 0",
            name=op.f("keys_counters"),
        ),
        sa.UniqueConstraint("secret_sha256", name="keys_secret_sha256_key"),
    )
    ready = "pending > 0 AND (max_running IS NULL OR running < max_running)"
    _index("keys_turn", "keys", "running", "served", where=ready)
    _index("keys_served", "keys", "served")
    _index("keys_name", "keys", "name")


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            primary_key=True,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger()),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("leased_ms", sa.BigInteger()),
        sa.Column("lease_until_ms", sa.BigInteger()),
        sa.Column("progress", sa.JSON()),
        sa.Column("pictures", sa.JSON(), nullable=False),
        sa.Column("failure", sa.JSON()),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("painter", sa.Text(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.UniqueConstraint("id", name="tasks_id_key"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="tasks_key_id_fkey"),
        sqlite_autoincrement=True,
    )
    pending, running = "state = 'PENDING'", "state = 'RUNNING'"
    _index("tasks_waiting", "tasks", "key_id", "number", where=pending)
    _index("tasks_age", "tasks", "created_ms", where=pending)
    _index("tasks_leased", "tasks", "lease_until_ms", "leased_ms", "worker", where=running)
    _index("tasks_ended", "tasks", "ended_ms", where="ended_ms IS NOT NULL")
    _index("tasks_listed", "tasks", "key_id", "created_ms")
    _index("tasks_by_model", "tasks", "key_id", "model", "created_ms")
    _index("tasks_by_state", "tasks", "key_id", "state", "created_ms")
    _index("tasks_by_both", "tasks", "key_id", "model", "state", "created_ms")


def _around() -> None:
    op.create_table(
        "tallies",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "model", "state", name="tallies_pkey"),
        sa.CheckConstraint("count >= 0", name=op.f("tallies_count")),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="tallies_key_id_fkey"),
    )
    op.create_table(
        "totals",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("pictures", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("engine", "outcome", name="totals_pkey"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="workers_pkey"),
    )
    op.create_table(
        "uploads",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("blob", sa.JSON(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="uploads_pkey"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="uploads_key_id_fkey"),
    )
    _index("uploads_expires", "uploads", "expires_ms")
    op.create_table(
        "signins",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name="signins_pkey"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="signins_key_id_fkey"),
    )


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)
