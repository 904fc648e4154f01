"""Tables of event source mappings, and of how far those that read streams have come."""

from sqlalchemy import JSON, Column, Float, Index, LargeBinary, String, Table

from stoker.store.tables import metadata

# `qualifier` is empty where the function was named without one. `options` is one JSON document: nothing is looked up
# by what is inside it. `modified` is in seconds since the epoch.
event_source_mappings = Table(
    "event_source_mappings",
    metadata,
    Column("uuid", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("source_arn", String, nullable=False),
    Column("function", String, nullable=False),
    Column("qualifier", String, nullable=False),
    Column("options", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("last_result", String),
    Column("modified", Float(53), nullable=False),
)
Index(
    "ix_event_source_mappings_source",
    event_source_mappings.c.region,
    event_source_mappings.c.source_arn,
    event_source_mappings.c.function,
    event_source_mappings.c.qualifier,
    unique=True,
)

# One row per shard that a mapping reads. `position` is what the source's own words for it are; `state` what a
# tumbling window has come to so far.
event_source_checkpoints = Table(
    "event_source_checkpoints",
    metadata,
    Column("uuid", String, primary_key=True),
    Column("shard", String, primary_key=True),
    Column("position", String, nullable=False),
    Column("state", JSON(none_as_null=True)),
)

# What a mapping's source lets Stoker in by, sealed: apart, so that nobody who reads mappings reads it.
event_source_secrets = Table(
    "event_source_secrets",
    metadata,
    Column("uuid", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
