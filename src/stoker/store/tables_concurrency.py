"""Tables of reserved and provisioned concurrency."""

from sqlalchemy import Column, Float, Integer, String, Table

from stoker.store.tables import metadata

reserved_concurrency = Table(
    "reserved_concurrency",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("count", Integer, nullable=False),
)

# `qualifier` is a version's number or an alias's name; `modified` is in seconds since the epoch.
provisioned_concurrency = Table(
    "provisioned_concurrency",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("qualifier", String, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("modified", Float(53), nullable=False),
)
