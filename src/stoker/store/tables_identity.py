"""Users, groups, roles and managed policies, a row each with all that is attached to it; access keys."""

from sqlalchemy import JSON, Column, Float, Integer, LargeBinary, String, Table, Text

from stoker.store.tables import metadata

# `folded` is the name without case: IAM takes no two names that differ in nothing else. `id` is the unique id, which is
# never used again: memberships and keys refer to it, so that a rename touches nothing else. `inline` is policies' JSON
# by name, `attached` the ARNs of managed policies, `boundary` one's. Times are in seconds since the epoch.
iam_users = Table(
    "iam_users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("inline", JSON, nullable=False),
    Column("attached", JSON, nullable=False),
    Column("boundary", String),
    Column("tags", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
)
iam_groups = Table(
    "iam_groups",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("inline", JSON, nullable=False),
    Column("attached", JSON, nullable=False),
)
iam_roles = Table(
    "iam_roles",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("inline", JSON, nullable=False),
    Column("attached", JSON, nullable=False),
    Column("boundary", String),
    Column("tags", JSON, nullable=False),
    Column("trust", Text, nullable=False),
    Column("description", String),
    Column("max_session_s", Integer, nullable=False),
    # Since 0021; written behind, once a minute.
    Column("used", Float(53)),
    Column("used_region", String),
)
# `versions` is by number: the document's JSON and when it was made. `next_version` never goes back.
iam_policies = Table(
    "iam_policies",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("description", String),
    Column("tags", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("default_version", Integer, nullable=False),
    Column("next_version", Integer, nullable=False),
)
# Since 0021. `name` is the issuer's URL without its scheme.
iam_oidc_providers = Table(
    "iam_oidc_providers",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("audiences", JSON, nullable=False),
    Column("thumbprints", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
)
# `sealed` is the secret under the platform's key. `used` is written behind, once a minute.
iam_access_keys = Table(
    "iam_access_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("active", Integer, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("used", Float(53)),
    Column("used_service", String),
    Column("used_region", String),
)
# One row, whose number grows with every change: what another Stoker on the same database looks at.
iam_revision = Table("iam_revision", metadata, Column("number", Integer, primary_key=True, autoincrement=False))
