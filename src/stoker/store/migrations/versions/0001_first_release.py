"""Every table of the first release, as the tables modules say. Later migrations spell out their changes."""

from alembic import op

from stoker.store.tables import complete_metadata

revision = "0001"
down_revision = None

TABLES = (
    "version_counters",
    "functions",
    "function_versions",
    "function_aliases",
    "function_policies",
    "layer_versions",
    "packages",
    "package_references",
)


def upgrade() -> None:
    tables = complete_metadata().tables
    for name in TABLES:
        tables[name].create(op.get_bind())
