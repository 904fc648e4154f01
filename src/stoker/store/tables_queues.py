"""Tables of SQS: queues, their messages, message groups, deduplication, and tasks that move messages.

A message belongs to a queue's `generation`: a purge gives the queue a new one, and what is in the old one is gone at
once, however long its rows take to delete. Times are in seconds since the epoch.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from stoker.store.tables import metadata

# In SQLite only a column of exactly this type is the row's own key, which new rows are appended by.
RowKey = BigInteger().with_variant(Integer, "sqlite")

queues = Table(
    "queues",
    metadata,
    Column("id", RowKey, primary_key=True, autoincrement=False),
    Column("region", String, nullable=False),
    Column("name", String, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("purged", Float(53)),
)
Index("ix_queues_name", queues.c.region, queues.c.name, unique=True)

# What changes while a message waits and is received, apart from its content, so that a receive does not write a
# megabyte again. `visible_at` is when it may be received next. `received_before` are receives in queues it was in
# before, which ApproximateReceiveCount counts and maxReceiveCount does not.
queue_messages = Table(
    "queue_messages",
    metadata,
    Column("id", RowKey, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("visible_at", Float(53), nullable=False),
    Column("sent_at", Float(53), nullable=False),
    Column("receive_count", Integer, nullable=False),
    Column("received_before", Integer, nullable=False),
    Column("first_received_at", Float(53)),
    Column("received_at", Float(53)),
    Column("group_id", String),
    Column("source_arn", String),
)
Index("ix_queue_messages_visible", queue_messages.c.generation, queue_messages.c.visible_at)
Index("ix_queue_messages_sent", queue_messages.c.generation, queue_messages.c.sent_at)
Index(
    "ix_queue_messages_group",
    queue_messages.c.generation,
    queue_messages.c.group_id,
    queue_messages.c.id,
    sqlite_where=queue_messages.c.group_id.is_not(None),
    postgresql_where=queue_messages.c.group_id.is_not(None),
)

queue_contents = Table(
    "queue_contents",
    metadata,
    Column("id", RowKey, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

# FIFO queues: one row per message group that has messages. Nothing of it is received before `ready_at`.
queue_groups = Table(
    "queue_groups",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", String, primary_key=True),
    Column("ready_at", Float(53), nullable=False),
)
Index("ix_queue_groups_ready", queue_groups.c.generation, queue_groups.c.ready_at)

# FIFO queues: what was sent within the deduplication interval. `scope` is a group's id, or empty for the whole queue.
queue_deduplications = Table(
    "queue_deduplications",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", String, primary_key=True),
    Column("deduplication_id", String, primary_key=True),
    Column("message_id", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("expires_at", Float(53), nullable=False),
)
Index("ix_queue_deduplications_expires", queue_deduplications.c.expires_at)

# Generations whose queue was purged or deleted: their rows are deleted a few at a time.
queue_removals = Table(
    "queue_removals",
    metadata,
    Column("generation", RowKey, primary_key=True, autoincrement=False),
)

queue_move_tasks = Table(
    "queue_move_tasks",
    metadata,
    Column("id", String, primary_key=True),
    Column("source_arn", String, nullable=False),
    Column("destination_arn", String),
    Column("per_second", Integer),
    Column("status", String, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("to_move", BigInteger, nullable=False),
    Column("started", Float(53), nullable=False),
    Column("failure", String),
)
Index("ix_queue_move_tasks_source", queue_move_tasks.c.source_arn, queue_move_tasks.c.started)
