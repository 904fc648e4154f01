"""HTTP and WebSocket APIs."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "http_apis",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_http_apis"),
    )
    op.create_index("ix_http_apis_region", "http_apis", ["region", "created"])
    op.create_table(
        "http_api_parts",
        sa.Column("api_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("api_id", "kind", "id", name="pk_http_api_parts"),
    )
    op.create_table(
        "http_api_snapshots",
        sa.Column("api_id", sa.String, nullable=False),
        sa.Column("deployment_id", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("api_id", "deployment_id", name="pk_http_api_snapshots"),
    )
    op.create_table(
        "api_domains",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_api_domains"),
    )
    op.create_table(
        "api_mappings",
        sa.Column("domain", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("api_id", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("domain", "id", name="pk_api_mappings"),
    )
    op.create_index("ix_api_mappings_path", "api_mappings", ["domain", "path"], unique=True)
    op.create_index("ix_api_mappings_api", "api_mappings", ["api_id"])
