"""REST APIs."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "rest_apis",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rest_apis"),
    )
    op.create_index("ix_rest_apis_region", "rest_apis", ["region"])
    op.create_table(
        "rest_deployments",
        sa.Column("api_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("description", sa.String),
        sa.Column("snapshot", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("api_id", "id", name="pk_rest_deployments"),
    )
    op.create_table(
        "rest_stages",
        sa.Column("api_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("deployment_id", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("api_id", "name", name="pk_rest_stages"),
    )
    op.create_table(
        "rest_belongings",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("parent", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("sought", sa.String),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("region", "kind", "parent", "id", name="pk_rest_belongings"),
    )
    op.create_index("ix_rest_belongings_sought", "rest_belongings", ["region", "kind", "sought"])
    op.create_table(
        "rest_usage",
        sa.Column("region", sa.String, nullable=False),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("region", "plan", "key", "day", name="pk_rest_usage"),
    )
