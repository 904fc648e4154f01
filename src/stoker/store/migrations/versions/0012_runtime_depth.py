"""Snapshots, streaming and extensions."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    mode = sa.Column("invoke_mode", sa.String, nullable=False, server_default="BUFFERED")
    op.add_column("function_urls", mode)
