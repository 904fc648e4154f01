"""Tables of DynamoDB: its tables, their items, what secondary indexes and streams hold, and work that goes on behind.

Keys are bytes that sort as DynamoDB sorts: `hash` is a digest of the partition key, `range` what `items/keys.py` makes
of the sort key (empty without one). Both engines compare them byte by byte.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from stoker.store.tables import metadata

# `id` is never used again, so that what is left of a deleted table is nobody's. `document` is a `items.table.Table`.
item_tables = Table(
    "item_tables",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("region", String, nullable=False),
    Column("name", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", String, nullable=False),
    UniqueConstraint("region", "name"),
    sqlite_autoincrement=True,
)

# `size` is in DynamoDB's bytes. `expires_at` (seconds since the epoch) is set where time to live is on.
items = Table(
    "items",
    metadata,
    Column("table_id", Integer, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("range", LargeBinary, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("expires_at", BigInteger),
    Column("document", LargeBinary, nullable=False),
)
_EXPIRES = text("expires_at IS NOT NULL")
Index("ix_items_expires_at", items.c.expires_at, sqlite_where=_EXPIRES, postgresql_where=_EXPIRES)

# Where an item stands in one of its table's secondary indexes. What the index shows of it is read from the item.
index_entries = Table(
    "index_entries",
    metadata,
    Column("table_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("range", LargeBinary, primary_key=True),
    Column("item_hash", LargeBinary, primary_key=True),
    Column("item_range", LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)

# A stream outlives its table, and is readable until its last record is too old. `last_sequence` counts its records.
item_streams = Table(
    "item_streams",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("region", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("label", String, nullable=False),
    Column("view_type", String, nullable=False),
    Column("hash_key", String, nullable=False),
    Column("range_key", String),
    Column("created_at", Float(53), nullable=False),
    Column("closed_at", Float(53)),
    Column("last_sequence", BigInteger, nullable=False),
    UniqueConstraint("region", "table_name", "label"),
    sqlite_autoincrement=True,
)

stream_records = Table(
    "item_stream_records",
    metadata,
    Column("stream_id", Integer, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("created_at", Float(53), nullable=False),
    Column("document", LargeBinary, nullable=False),
)
Index("ix_item_stream_records_created_at", stream_records.c.created_at)

# Transactions that are done, by their client's token: the same one again does nothing.
item_transactions = Table(
    "item_transactions",
    metadata,
    Column("region", String, primary_key=True),
    Column("token", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("done_at", Float(53), nullable=False),
)
Index("ix_item_transactions_done_at", item_transactions.c.done_at)

# Work over all items of a table, done a piece at a time: `kind` is fill (an index), expire (set `expires_at`) or purge
# (a table that is deleted, or an index). It has come as far as the item of this key.
item_jobs = Table(
    "item_jobs",
    metadata,
    Column("table_id", Integer, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("range", LargeBinary, nullable=False),
)
