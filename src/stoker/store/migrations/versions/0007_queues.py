"""SQS."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ROW_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _queues()
    _messages()
    _groups()
    _tasks()


def _queues() -> None:
    op.create_table(
        "queues",
        sa.Column("id", ROW_KEY, nullable=False, autoincrement=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("purged", sa.Float(53)),
        sa.PrimaryKeyConstraint("id", name="pk_queues"),
    )
    op.create_index("ix_queues_name", "queues", ["region", "name"], unique=True)
    op.create_table(
        "queue_removals",
        sa.Column("generation", ROW_KEY, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("generation", name="pk_queue_removals"),
    )


def _messages() -> None:
    op.create_table(
        "queue_messages",
        sa.Column("id", ROW_KEY, nullable=False, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("visible_at", sa.Float(53), nullable=False),
        sa.Column("sent_at", sa.Float(53), nullable=False),
        sa.Column("receive_count", sa.Integer, nullable=False),
        sa.Column("received_before", sa.Integer, nullable=False),
        sa.Column("first_received_at", sa.Float(53)),
        sa.Column("received_at", sa.Float(53)),
        sa.Column("group_id", sa.String),
        sa.Column("source_arn", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_queue_messages"),
    )
    op.create_index("ix_queue_messages_visible", "queue_messages", ["generation", "visible_at"])
    op.create_index("ix_queue_messages_sent", "queue_messages", ["generation", "sent_at"])
    grouped = sa.text("group_id IS NOT NULL")
    op.create_index(
        "ix_queue_messages_group",
        "queue_messages",
        ["generation", "group_id", "id"],
        sqlite_where=grouped,
        postgresql_where=grouped,
    )
    op.create_table(
        "queue_contents",
        sa.Column("id", ROW_KEY, nullable=False, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_contents"),
    )


def _groups() -> None:
    op.create_table(
        "queue_groups",
        sa.Column("generation", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("group_id", sa.String, nullable=False),
        sa.Column("ready_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("generation", "group_id", name="pk_queue_groups"),
    )
    op.create_index("ix_queue_groups_ready", "queue_groups", ["generation", "ready_at"])
    op.create_table(
        "queue_deduplications",
        sa.Column("generation", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("deduplication_id", sa.String, nullable=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("generation", "scope", "deduplication_id", name="pk_queue_deduplications"),
    )
    op.create_index("ix_queue_deduplications_expires", "queue_deduplications", ["expires_at"])


def _tasks() -> None:
    op.create_table(
        "queue_move_tasks",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("source_arn", sa.String, nullable=False),
        sa.Column("destination_arn", sa.String),
        sa.Column("per_second", sa.Integer),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("moved", sa.BigInteger, nullable=False),
        sa.Column("to_move", sa.BigInteger, nullable=False),
        sa.Column("started", sa.Float(53), nullable=False),
        sa.Column("failure", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_queue_move_tasks"),
    )
    op.create_index("ix_queue_move_tasks_source", "queue_move_tasks", ["source_arn", "started"])
