"""Users, roles, policies and their keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _create_holders("iam_users", *_bounded(), sa.Column("groups", sa.JSON, nullable=False))
    _create_holders("iam_groups")
    _create_holders(
        "iam_roles",
        *_bounded(),
        sa.Column("trust", sa.Text, nullable=False),
        sa.Column("description", sa.String),
        sa.Column("max_session_s", sa.Integer, nullable=False),
    )
    _create_named(
        "iam_policies",
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("description", sa.String),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("default_version", sa.Integer, nullable=False),
        sa.Column("next_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "iam_access_keys",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("used", sa.Float(53)),
        sa.Column("used_service", sa.String),
        sa.Column("used_region", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_iam_access_keys"),
    )
    op.create_index("ix_iam_access_keys_user_id", "iam_access_keys", ["user_id"])
    revisions = op.create_table(
        "iam_revision",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("number", name="pk_iam_revision"),
    )
    op.bulk_insert(revisions, [{"number": 0}])


def _create_named(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("folded", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("folded", name=f"uq_{table}_folded"),
    )


def _create_holders(table: str, *columns: sa.Column[Any]) -> None:
    policies = [sa.Column("inline", sa.JSON, nullable=False), sa.Column("attached", sa.JSON, nullable=False)]
    _create_named(table, *policies, *columns)


def _bounded() -> list[sa.Column[Any]]:
    return [sa.Column("boundary", sa.String), sa.Column("tags", sa.JSON, nullable=False)]
