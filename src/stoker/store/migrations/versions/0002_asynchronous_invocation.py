"""Asynchronous invocation: its queue, event invoke configs, and the functions that may call themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "async_events",
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("qualifier", sa.String),
        sa.Column("client_context", sa.String),
        sa.Column("trace_id", sa.String, nullable=False),
        sa.Column("accepted_at", sa.Float(53), nullable=False),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("backoffs", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_async_events"),
    )
    op.create_index("ix_async_events_due", "async_events", ["due_at"])
    op.create_index("ix_async_events_function", "async_events", ["region", "function"])
    op.create_table(
        "event_invoke_configs",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.Column("qualifier", sa.String, nullable=False),
        sa.Column("retry_attempts", sa.Integer),
        sa.Column("event_age_s", sa.Integer),
        sa.Column("on_success", sa.String),
        sa.Column("on_failure", sa.String),
        sa.Column("last_modified", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("region", "function", "qualifier", name="pk_event_invoke_configs"),
    )
    op.create_table(
        "recursive_functions",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("function", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("region", "function", name="pk_recursive_functions"),
    )
