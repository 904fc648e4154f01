"""S3's tables: buckets, the versions of their objects, uploads in parts, and bytes that nobody needs any more.

Keys are bytes (UTF-8), since their order is that of the bytes on every engine. Times are in seconds since the epoch.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from stoker.store.tables import metadata

# SQLite makes up the numbers of a column only if it is INTEGER, which there has 64 bits.
_ID = BigInteger().with_variant(Integer, "sqlite")

# `versioning` is empty, `Enabled` or `Suspended`. `settings` are the bucket's configurations by their names.
s3_buckets = Table(
    "s3_buckets",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String, nullable=False),
    Column("region", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("versioning", String, nullable=False),
    Column("settings", JSON, nullable=False),
)
Index("ix_s3_buckets_name", s3_buckets.c.name, unique=True)

# One row for each version. `seq` grows with each version of a key; `listed` is true for the newest unless it is a
# delete marker, so that a list of a bucket looks at nothing else. The bytes are one blob, or the parts of `upload`.
s3_objects = Table(
    "s3_objects",
    metadata,
    Column("bucket", BigInteger, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("version_id", String, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("is_marker", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", String, nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("blob", String),
    Column("upload", String),
    Column("document", JSON, nullable=False),
)
Index("ix_s3_objects_listed", s3_objects.c.bucket, s3_objects.c.listed, s3_objects.c.key)

s3_uploads = Table(
    "s3_uploads",
    metadata,
    Column("id", String, primary_key=True),
    Column("bucket", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("initiated", Float(53), nullable=False),
    Column("document", JSON, nullable=False),
)
Index("ix_s3_uploads_key", s3_uploads.c.bucket, s3_uploads.c.key, s3_uploads.c.id, unique=True)

# The parts of an upload, and after its completion those of the object: `start` is where the part begins in it.
s3_parts = Table(
    "s3_parts",
    metadata,
    Column("upload", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", String, nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("blob", String, nullable=False),
    Column("start", BigInteger),
    Column("checksums", JSON, nullable=False),
)
Index("ix_s3_parts_start", s3_parts.c.upload, s3_parts.c.start)

# Blobs that no row refers to any more and that are still to be removed.
s3_garbage = Table("s3_garbage", metadata, Column("blob", String, primary_key=True))
