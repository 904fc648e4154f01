"""Tables of EventBridge, EventBridge Scheduler and SNS. Times are in seconds since the epoch; lists and maps are JSON.

`due_at` is when a rule or schedule is next due, null while it is not; `origin` is what a rate counts from.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from stoker.store.tables import metadata

# The default bus has a row only once something about it was set.
event_buses = Table(
    "event_buses",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("description", String),
    Column("policy", JSON(none_as_null=True)),
    Column("tags", JSON, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
)

event_rules = Table(
    "event_rules",
    metadata,
    Column("region", String, primary_key=True),
    Column("bus", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("pattern", String),
    Column("schedule", String),
    Column("enabled", Boolean, nullable=False),
    Column("description", String),
    Column("role_arn", String),
    Column("tags", JSON, nullable=False),
    Column("origin", Float(53), nullable=False),
    Column("due_at", Float(53)),
)
Index("ix_event_rules_due", event_rules.c.due_at)

# `document` is the target as PutTargets was given it.
event_targets = Table(
    "event_targets",
    metadata,
    Column("region", String, primary_key=True),
    Column("bus", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("arn", String, nullable=False),
    Column("document", JSON, nullable=False),
)
Index("ix_event_targets_arn", event_targets.c.region, event_targets.c.arn)

event_archives = Table(
    "event_archives",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("bus", String, nullable=False),
    Column("pattern", String),
    Column("description", String),
    Column("retention_days", Integer, nullable=False),
    Column("created", Float(53), nullable=False),
)
Index("ix_event_archives_bus", event_archives.c.region, event_archives.c.bus)

archived_events = Table(
    "archived_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("region", String, nullable=False),
    Column("archive", String, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("event", LargeBinary, nullable=False),
)
Index("ix_archived_events_at", archived_events.c.region, archived_events.c.archive, archived_events.c.at)

# `cursor_at` and `cursor_id` are the last archived event that was replayed.
event_replays = Table(
    "event_replays",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("archive", String, nullable=False),
    Column("description", String),
    Column("state", String, nullable=False),
    Column("from_at", Float(53), nullable=False),
    Column("to_at", Float(53), nullable=False),
    Column("bus", String, nullable=False),
    Column("rule_arns", JSON(none_as_null=True)),
    Column("cursor_at", Float(53)),
    Column("cursor_id", BigInteger),
    Column("started", Float(53), nullable=False),
    Column("ended", Float(53)),
)

schedule_groups = Table(
    "schedule_groups",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("tags", JSON, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("client_token", String),
)

# `document` is what CreateSchedule or UpdateSchedule was given. `client_token` tells a repeated call from another one.
schedules = Table(
    "schedules",
    metadata,
    Column("region", String, primary_key=True),
    Column("group_name", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("origin", Float(53), nullable=False),
    Column("due_at", Float(53)),
    Column("scheduled_at", Float(53)),
    Column("client_token", String),
)
Index("ix_schedules_due", schedules.c.due_at)

# `sequence` counts the messages of a FIFO topic.
topics = Table(
    "topics",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("attributes", JSON, nullable=False),
    Column("policy", JSON(none_as_null=True)),
    Column("tags", JSON, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

topic_subscriptions = Table(
    "topic_subscriptions",
    metadata,
    Column("id", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("protocol", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("token", String),
    Column("created", Float(53), nullable=False),
)
Index("ix_topic_subscriptions_topic", topic_subscriptions.c.region, topic_subscriptions.c.topic)

topic_deduplications = Table(
    "topic_deduplications",
    metadata,
    Column("region", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("deduplication_id", String, primary_key=True),
    Column("message_id", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("ends_at", Float(53), nullable=False),
)
Index("ix_topic_deduplications_end", topic_deduplications.c.ends_at)
