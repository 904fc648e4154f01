"""DynamoDB and its streams."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _create_tables()
    _create_streams()
    op.create_table(
        "item_transactions",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("done_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "token", name="pk_item_transactions"),
    )
    op.create_index("ix_item_transactions_done_at", "item_transactions", ["done_at"])
    op.create_table(
        "item_jobs",
        sa.Column("table_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("range", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("table_id", "kind", "number", name="pk_item_jobs"),
    )


def _create_tables() -> None:
    op.create_table(
        "item_tables",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_item_tables"),
        sa.UniqueConstraint("region", "name", name="uq_item_tables_region_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "items",
        sa.Column("table_id", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("range", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("table_id", "hash", "range", name="pk_items"),
    )
    expires = sa.text("expires_at IS NOT NULL")
    op.create_index("ix_items_expires_at", "items", ["expires_at"], sqlite_where=expires, postgresql_where=expires)
    op.create_table(
        "index_entries",
        sa.Column("table_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("range", sa.LargeBinary, nullable=False),
        sa.Column("item_hash", sa.LargeBinary, nullable=False),
        sa.Column("item_range", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(
            "table_id", "number", "hash", "range", "item_hash", "item_range", name="pk_index_entries"
        ),
        sqlite_with_rowid=False,
    )


def _create_streams() -> None:
    op.create_table(
        "item_streams",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("view_type", sa.String, nullable=False),
        sa.Column("hash_key", sa.String, nullable=False),
        sa.Column("range_key", sa.String),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("closed_at", sa.Float(53)),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_item_streams"),
        sa.UniqueConstraint("region", "table_name", "label", name="uq_item_streams_region_table_name_label"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "item_stream_records",
        sa.Column("stream_id", sa.Integer, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "sequence", name="pk_item_stream_records"),
    )
    op.create_index("ix_item_stream_records_created_at", "item_stream_records", ["created_at"])
