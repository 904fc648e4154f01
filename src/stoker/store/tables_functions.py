"""Tables of functions, their versions, aliases and policies, and of layers.

What AWS counts per account lives per region, so `region` leads every key and lists page along primary keys. A
version's configuration is one JSON document: nothing is looked up by what is inside it.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table

from stoker.store.tables import metadata

# A counter outlives what it counts: AWS reuses no version number, even for a function deleted and created again.
version_counters = Table(
    "version_counters",
    metadata,
    Column("kind", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("last", Integer, nullable=False),
)

functions = Table(
    "functions",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("tags", JSON, nullable=False),
)

# `number` is 0 for $LATEST. `revision_id` is the RevisionId that callers see; the document has its own, which changes
# only when running environments become stale. `serving` is the document that invocations still get while a newer one
# is being prepared or could not be. `fingerprint` says what a published version was made of.
function_versions = Table(
    "function_versions",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("revision_id", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("serving", JSON(none_as_null=True)),
    Column("fingerprint", String),
    Column("settled", Boolean, nullable=False),
    Column("code_size", BigInteger, nullable=False),
)
Index("ix_function_versions_settled", function_versions.c.settled)
Index("ix_function_versions_code_size", function_versions.c.region, function_versions.c.code_size)

function_aliases = Table(
    "function_aliases",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("description", String, nullable=False),
    Column("weights", JSON, nullable=False),
    Column("revision_id", String, nullable=False),
)

# `qualifier` is empty for the policy of the function itself.
function_policies = Table(
    "function_policies",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("qualifier", String, primary_key=True),
    Column("statements", JSON, nullable=False),
)

layer_versions = Table(
    "layer_versions",
    metadata,
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("code_size", BigInteger, nullable=False),
)
Index("ix_layer_versions_code_size", layer_versions.c.region, layer_versions.c.code_size)

# One row per zip that was accepted; its digest names the blob and the unpacked directory.
packages = Table(
    "packages",
    metadata,
    Column("digest", String, primary_key=True),
    Column("unzipped_size", BigInteger, nullable=False),
)

# Which version (of a function or a layer) needs which unpacked directory: what nobody refers to may be removed.
package_references = Table(
    "package_references",
    metadata,
    Column("owner", String, primary_key=True),
    Column("digest", String, primary_key=True),
)
Index("ix_package_references_digest", package_references.c.digest)
