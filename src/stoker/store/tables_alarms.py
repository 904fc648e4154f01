"""Tables of CloudWatch's alarms: what each is and how it stands, and what became of it."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table

from stoker.store.tables import metadata

# `settings` are an `alarms.alarm.Alarm`'s; times are in seconds since the epoch.
metric_alarms = Table(
    "metric_alarms",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("settings", String, nullable=False),
    Column("configured_at", Float(53), nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("reason_data", String),
    Column("updated_at", Float(53), nullable=False),
    Column("tags", String, nullable=False),
)

alarm_history = Table(
    "alarm_history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("region", String, nullable=False),
    Column("name", String, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("kind", String, nullable=False),
    Column("summary", String, nullable=False),
    Column("data", String, nullable=False),
)
Index("ix_alarm_history_name", alarm_history.c.region, alarm_history.c.name, alarm_history.c.id)
