"""Event source mappings."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "event_source_mappings",
        sa.Column("uuid", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("source_arn", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("qualifier", sa.String, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("last_result", sa.String),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_event_source_mappings"),
    )
    op.create_index(
        "ix_event_source_mappings_source",
        "event_source_mappings",
        ["region", "source_arn", "function", "qualifier"],
        unique=True,
    )
    op.create_table(
        "event_source_checkpoints",
        sa.Column("uuid", sa.String, nullable=False),
        sa.Column("shard", sa.String, nullable=False),
        sa.Column("position", sa.String, nullable=False),
        sa.Column("state", sa.JSON),
        sa.PrimaryKeyConstraint("uuid", "shard", name="pk_event_source_checkpoints"),
    )
