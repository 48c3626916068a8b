"""The tables.

Counters stand beside what they count and change in the same transaction, so that no request ever
counts tasks: `keys` has a key's quota and its waiting and running tasks, `queues` the same by pool,
`tallies` what a listing has in all, `totals` what the metrics show and what outlives the tasks.

A change here needs a revision in `migrations/versions`; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

#: The newest of `migrations/versions`.
REVISION = "0005"

#: Predicates of partial indexes; a query must say the very same to be served by one.
PENDING = text("state = 'PENDING'")
RUNNING = text("state = 'RUNNING'")
ENDED = text("ended_ms IS NOT NULL")
WAITING = text("pending > 0")
QUEUED = text("queues.pending > 0")  # the same in a join

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    # the plan, as it was when the key was made; NULL is without limit
    Column("plan", Text, nullable=False),
    Column("max_images", Integer),
    Column("max_days", Integer),
    Column("max_submissions_per_s", Integer),
    Column("max_running", Integer),
    # the quota: pictures that succeeded, pictures of tasks not yet ended
    Column("used", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    # tasks in these states, in all pools
    Column("pending", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    # the token bucket of submissions: thousandths of a token, as they were at bucket_ms
    Column("bucket", BigInteger),
    Column("bucket_ms", BigInteger),
    Column("uploaded_bytes", BigInteger, nullable=False),
    CheckConstraint(
        "used >= 0 AND reserved >= 0 AND pending >= 0 AND running >= 0 AND uploaded_bytes >= 0",
        name="counters",
    ),
)
Index("keys_name", keys.c.name)

tasks = Table(
    "tasks",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("key_id", ForeignKey(keys.c.id), nullable=False),
    Column("request_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("options", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("leased_ms", BigInteger),  # when the lease was last taken or lengthened
    Column("lease_until_ms", BigInteger),
    Column("progress", JSON(none_as_null=True)),
    Column("pictures", JSON, nullable=False),
    Column("failure", JSON(none_as_null=True)),
    Column("notes", JSON, nullable=False),
    Column("painter", Text, nullable=False),
    Column("seconds", JSON, nullable=False),
    Column("pool", Text, nullable=False, server_default=text("''")),  # whose workers take it
    Column("trace", Text, nullable=False, server_default=text("''")),  # of the submission
    sqlite_autoincrement=True,  # a number is not given again after the newest task is deleted
)
# What a claim, a lapse and the cleaner look for: they hold only such tasks, so they stay small.
Index(
    "tasks_waiting",
    tasks.c.pool,
    tasks.c.key_id,
    tasks.c.number,
    sqlite_where=PENDING,
    postgresql_where=PENDING,
)
Index("tasks_age", tasks.c.pool, tasks.c.created_ms, sqlite_where=PENDING, postgresql_where=PENDING)
Index(
    "tasks_leased",
    tasks.c.lease_until_ms,
    tasks.c.leased_ms,
    tasks.c.worker,
    sqlite_where=RUNNING,
    postgresql_where=RUNNING,
)
Index("tasks_ended", tasks.c.ended_ms, sqlite_where=ENDED, postgresql_where=ENDED)
# What listings go through, for each filter.
Index("tasks_listed", tasks.c.key_id, tasks.c.created_ms)
Index("tasks_by_model", tasks.c.key_id, tasks.c.model, tasks.c.created_ms)
Index("tasks_by_state", tasks.c.key_id, tasks.c.state, tasks.c.created_ms)
Index("tasks_by_both", tasks.c.key_id, tasks.c.model, tasks.c.state, tasks.c.created_ms)

# A key's place in a pool: its tasks there, and when it last had its turn (a serial number).
queues = Table(
    "queues",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("key_id", ForeignKey(keys.c.id), primary_key=True),
    Column("pending", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("served", BigInteger, nullable=False),
    CheckConstraint("pending >= 0 AND running >= 0", name="counters"),
)
Index(
    "queues_turn",
    queues.c.pool,
    queues.c.running,
    queues.c.served,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)
Index("queues_served", queues.c.pool, queues.c.served)

# How running tasks look: their workers write it with a sign of life, the end of a try deletes it.
previews = Table(
    "previews",
    metadata,
    Column("task_id", ForeignKey(tasks.c.id), primary_key=True),
    Column("fence", Integer, nullable=False),  # of the claim that it is of
    Column("serial", Integer, nullable=False),  # grows with each that a claim writes
    Column("box", JSON, nullable=False),
    Column("jpeg", LargeBinary, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("key_id", ForeignKey(keys.c.id), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    CheckConstraint("count >= 0", name="count"),
)

# In shards, which are added up when they are read: with one row for all, whoever ends a task would
# wait for the commit of who ended one before.
totals = Table(
    "totals",
    metadata,
    Column("engine", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("tasks", BigInteger, nullable=False),
    Column("pictures", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("task_id", Text),
    Column("pool", Text, nullable=False, server_default=text("''")),
    Column("state", Text, nullable=False, server_default=text("'ready'")),
    Column("node", Text, nullable=False, server_default=text("''")),  # the machine that it is on
    Column("figures", JSON, nullable=False, server_default=text("'{}'")),  # what it measures
)

# Each `overpaint serve` on this database, as it last said of itself.
nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("folder", Text, nullable=False),  # a word that tells its data folder from all others
    Column("run", Text, nullable=False),  # a word that tells its start from all others
    Column("seen_ms", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),  # it was told to end, and did
    Column("told", JSON, nullable=False),
)

# What every process of a service must know and nobody else may: what URLs are signed with.
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key_id", ForeignKey(keys.c.id), nullable=False),
    Column("blob", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
Index("uploads_expires", uploads.c.expires_ms)

signins = Table(
    "signins",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("key_id", ForeignKey(keys.c.id), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
