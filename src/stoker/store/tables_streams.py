"""Tables of Kinesis: its streams, how far their shards have come, and their records."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from stoker.store.tables import metadata

# `id` is never used again, so that what is left of a deleted stream is nobody's. `document` is a
# `streams.stream.Stream`.
kinesis_streams = Table(
    "kinesis_streams",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("region", String, nullable=False),
    Column("name", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", String, nullable=False),
    UniqueConstraint("region", "name"),
    sqlite_autoincrement=True,
)

# `last_sequence` counts a shard's records. The row stays as long as any of them is there.
kinesis_shards = Table(
    "kinesis_shards",
    metadata,
    Column("stream_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)

kinesis_records = Table(
    "kinesis_records",
    metadata,
    Column("stream_id", Integer, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("created_at", Float(53), nullable=False),
    Column("partition_key", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Index(
    "ix_kinesis_records_created_at",
    kinesis_records.c.stream_id,
    kinesis_records.c.shard,
    kinesis_records.c.created_at,
    kinesis_records.c.sequence,
)
