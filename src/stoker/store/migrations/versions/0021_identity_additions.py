"""When roles were last used; providers of web identities."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("iam_roles", sa.Column("used", sa.Float(53)))
    op.add_column("iam_roles", sa.Column("used_region", sa.String))
    op.create_table(
        "iam_oidc_providers",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("folded", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("audiences", sa.JSON, nullable=False),
        sa.Column("thumbprints", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_iam_oidc_providers"),
        sa.UniqueConstraint("folded", name="uq_iam_oidc_providers_folded"),
    )
