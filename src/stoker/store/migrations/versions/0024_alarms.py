"""CloudWatch's alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "metric_alarms",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("settings", sa.String, nullable=False),
        sa.Column("configured_at", sa.Float(53), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("reason_data", sa.String),
        sa.Column("updated_at", sa.Float(53), nullable=False),
        sa.Column("tags", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("region", "name", name="pk_metric_alarms"),
    )
    op.create_table(
        "alarm_history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("summary", sa.String, nullable=False),
        sa.Column("data", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_history"),
    )
    op.create_index("ix_alarm_history_name", "alarm_history", ["region", "name", "id"])
