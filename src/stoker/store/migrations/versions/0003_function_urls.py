"""Function URLs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "function_urls",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("qualifier", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("auth_type", sa.String, nullable=False),
        sa.Column("cors", sa.JSON(none_as_null=True)),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "function", "qualifier", name="pk_function_urls"),
    )
    op.create_index("ix_function_urls_id", "function_urls", ["id"], unique=True)
