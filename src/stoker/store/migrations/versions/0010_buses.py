"""EventBridge, EventBridge Scheduler and SNS."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "event_buses",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("description", sa.String),
        sa.Column("policy", sa.JSON(none_as_null=True)),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "name", name="pk_event_buses"),
    )
    op.create_table(
        "event_rules",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("bus", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("pattern", sa.String),
        sa.Column("schedule", sa.String),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("description", sa.String),
        sa.Column("role_arn", sa.String),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("origin", sa.Float(53), nullable=False),
        sa.Column("due_at", sa.Float(53)),
        sa.PrimaryKeyConstraint("region", "bus", "name", name="pk_event_rules"),
    )
    op.create_index("ix_event_rules_due", "event_rules", ["due_at"])
    op.create_table(
        "event_targets",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("bus", sa.String, nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("arn", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("region", "bus", "rule", "id", name="pk_event_targets"),
    )
    op.create_index("ix_event_targets_arn", "event_targets", ["region", "arn"])
    op.create_table(
        "event_archives",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("bus", sa.String, nullable=False),
        sa.Column("pattern", sa.String),
        sa.Column("description", sa.String),
        sa.Column("retention_days", sa.Integer, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "name", name="pk_event_archives"),
    )
    op.create_index("ix_event_archives_bus", "event_archives", ["region", "bus"])
    op.create_table(
        "archived_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("archive", sa.String, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_archived_events"),
    )
    op.create_index("ix_archived_events_at", "archived_events", ["region", "archive", "at"])
    op.create_table(
        "event_replays",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("archive", sa.String, nullable=False),
        sa.Column("description", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("from_at", sa.Float(53), nullable=False),
        sa.Column("to_at", sa.Float(53), nullable=False),
        sa.Column("bus", sa.String, nullable=False),
        sa.Column("rule_arns", sa.JSON(none_as_null=True)),
        sa.Column("cursor_at", sa.Float(53)),
        sa.Column("cursor_id", sa.BigInteger),
        sa.Column("started", sa.Float(53), nullable=False),
        sa.Column("ended", sa.Float(53)),
        sa.PrimaryKeyConstraint("region", "name", name="pk_event_replays"),
    )
    op.create_table(
        "schedule_groups",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("client_token", sa.String),
        sa.PrimaryKeyConstraint("region", "name", name="pk_schedule_groups"),
    )
    op.create_table(
        "schedules",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("group_name", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("origin", sa.Float(53), nullable=False),
        sa.Column("due_at", sa.Float(53)),
        sa.Column("scheduled_at", sa.Float(53)),
        sa.Column("client_token", sa.String),
        sa.PrimaryKeyConstraint("region", "group_name", "name", name="pk_schedules"),
    )
    op.create_index("ix_schedules_due", "schedules", ["due_at"])
    op.create_table(
        "topics",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("policy", sa.JSON(none_as_null=True)),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("region", "name", name="pk_topics"),
    )
    op.create_table(
        "topic_subscriptions",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("protocol", sa.String, nullable=False),
        sa.Column("endpoint", sa.String, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("token", sa.String),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_topic_subscriptions"),
    )
    op.create_index("ix_topic_subscriptions_topic", "topic_subscriptions", ["region", "topic"])
    op.create_table(
        "topic_deduplications",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("deduplication_id", sa.String, nullable=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "topic", "deduplication_id", name="pk_topic_deduplications"),
    )
    op.create_index("ix_topic_deduplications_end", "topic_deduplications", ["ends_at"])
