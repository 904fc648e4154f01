"""What is on its way to other services."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("outside", sa.Boolean, nullable=False),
        sa.Column("lane", sa.String),
        sa.Column("due_at", sa.Float(53)),
        sa.Column("owner", sa.String),
        sa.Column("accepted_at", sa.Float(53), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("retry", sa.String, nullable=False),
        sa.Column("dead_letter", sa.String),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["outside", "due_at", "id"])
    op.create_index("ix_deliveries_lane", "deliveries", ["lane", "id"])
