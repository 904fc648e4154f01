"""Reserved and provisioned concurrency."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "reserved_concurrency",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("region", "function", name="pk_reserved_concurrency"),
    )
    op.create_table(
        "provisioned_concurrency",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("qualifier", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "function", "qualifier", name="pk_provisioned_concurrency"),
    )
