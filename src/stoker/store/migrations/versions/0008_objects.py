"""S3."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "s3_buckets",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("versioning", sa.String, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_s3_buckets"),
    )
    op.create_index("ix_s3_buckets_name", "s3_buckets", ["name"], unique=True)
    op.create_table(
        "s3_objects",
        sa.Column("bucket", sa.BigInteger, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("version_id", sa.String, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("is_marker", sa.Boolean, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.String, nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("blob", sa.String),
        sa.Column("upload", sa.String),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "key", "seq", name="pk_s3_objects"),
    )
    op.create_index("ix_s3_objects_listed", "s3_objects", ["bucket", "listed", "key"])
    _uploads()
    op.create_table(
        "s3_garbage",
        sa.Column("blob", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("blob", name="pk_s3_garbage"),
    )


def _uploads() -> None:
    op.create_table(
        "s3_uploads",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("bucket", sa.BigInteger, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("initiated", sa.Float(53), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_s3_uploads"),
    )
    op.create_index("ix_s3_uploads_key", "s3_uploads", ["bucket", "key", "id"], unique=True)
    op.create_table(
        "s3_parts",
        sa.Column("upload", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.String, nullable=False),
        sa.Column("modified", sa.Float(53), nullable=False),
        sa.Column("blob", sa.String, nullable=False),
        sa.Column("start", sa.BigInteger),
        sa.Column("checksums", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("upload", "number", name="pk_s3_parts"),
    )
    op.create_index("ix_s3_parts_start", "s3_parts", ["upload", "start"])
