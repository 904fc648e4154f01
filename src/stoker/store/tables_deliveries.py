"""The outbox: what is on its way from one service to another."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from stoker.store.tables import metadata

# `due_at` (seconds since the epoch, as all times here) is when it may next be picked up; for one that `owner` has
# picked up it is when the lease ends; null while it waits behind another one of its `lane` (a group and its target).
# `outside` tells those that leave Stoker, which may take long, from those between its services. `delivery`, `retry` and
# `dead_letter` are JSON; the bodies are apart, since they are most of it.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("outside", Boolean, nullable=False),
    Column("lane", String),
    Column("due_at", Float(53)),
    Column("owner", String),
    Column("accepted_at", Float(53), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("delivery", String, nullable=False),
    Column("retry", String, nullable=False),
    Column("dead_letter", String),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_deliveries_due", deliveries.c.outside, deliveries.c.due_at, deliveries.c.id)
Index("ix_deliveries_lane", deliveries.c.lane, deliveries.c.id)
