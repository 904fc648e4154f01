"""Credentials of event sources that have their own, sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "event_source_secrets",
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_event_source_secrets"),
    )
