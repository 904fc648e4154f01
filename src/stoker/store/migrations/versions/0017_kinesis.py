"""Kinesis streams."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "kinesis_streams",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kinesis_streams"),
        sa.UniqueConstraint("region", "name", name="uq_kinesis_streams_region_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "kinesis_shards",
        sa.Column("stream_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "number", name="pk_kinesis_shards"),
    )
    op.create_table(
        "kinesis_records",
        sa.Column("stream_id", sa.Integer, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("partition_key", sa.String, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "shard", "sequence", name="pk_kinesis_records"),
    )
    op.create_index(
        "ix_kinesis_records_created_at", "kinesis_records", ["stream_id", "shard", "created_at", "sequence"]
    )
